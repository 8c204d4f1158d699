-- name: place_of_ticket
-- Where a ticket lies, and which units led it.
SELECT area, ARRAY(SELECT DISTINCT c ->> 'unit' FROM json_array_elements(doc -> 'cycles') AS c) AS units
FROM ticket_record WHERE ticket_id = $1

-- name: lock_records
-- In id order, so that two writers never wait for each other.
SELECT ticket_id, doc FROM ticket_record WHERE ticket_id = ANY($1::uuid[]) ORDER BY ticket_id FOR UPDATE

-- name: begin_records
INSERT INTO ticket_record (ticket_id, doc) SELECT ticket_id, '{}' FROM unnest($1::uuid[]) AS g (ticket_id) ORDER BY ticket_id
ON CONFLICT DO NOTHING

-- name: save_records
UPDATE ticket_record AS r SET doc = g.doc FROM unnest($1::uuid[], $2::json[]) AS g (ticket_id, doc)
WHERE r.ticket_id = g.ticket_id

-- name: read_records
SELECT ticket_id, doc FROM ticket_record WHERE ticket_id = ANY($1::uuid[])

-- name: page_records
-- Every record, page by page in id order.
SELECT ticket_id, doc FROM ticket_record WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2

-- name: own_events_of
-- What this service stated of these tickets that measuring takes down, in each story's order.
SELECT ticket_id, version, type, payload, time, epoch FROM event
WHERE ticket_id = ANY($1::uuid[]) AND type = ANY($2::text[]) ORDER BY ticket_id, version

-- name: begin_counts
-- The buckets must be there before anything is taken from them. In key order, as below.
INSERT INTO rate_count (period, unit, township, category)
SELECT period, unit, township, category
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g (period, unit, township, category)
ORDER BY period, unit, township, category
ON CONFLICT DO NOTHING

-- name: add_counts
-- The rows are locked in key order first: two writers never wait for each other.
WITH given AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[],
        $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], $15::int[], $16::int[], $17::int[], $18::int[],
        $19::int[], $20::int[], $21::int[]
    ) AS g (
        period, unit, township, category, dispatched, first_dispatch_right, hops, on_time, late, proactive, valid,
        contacted, solved, satisfied, basic, unreachable, hung, excluded, reopened, recurrence_90d, guard_refused
    )
), locked AS (
    SELECT 1 FROM rate_count AS c JOIN given AS g USING (period, unit, township, category)
    ORDER BY c.period, c.unit, c.township, c.category FOR UPDATE OF c
)
UPDATE rate_count AS c SET
    dispatched = c.dispatched + g.dispatched, first_dispatch_right = c.first_dispatch_right + g.first_dispatch_right,
    hops = c.hops + g.hops, on_time = c.on_time + g.on_time, late = c.late + g.late,
    proactive = c.proactive + g.proactive, valid = c.valid + g.valid, contacted = c.contacted + g.contacted,
    solved = c.solved + g.solved, satisfied = c.satisfied + g.satisfied, basic = c.basic + g.basic,
    unreachable = c.unreachable + g.unreachable, hung = c.hung + g.hung, excluded = c.excluded + g.excluded,
    reopened = c.reopened + g.reopened, recurrence_90d = c.recurrence_90d + g.recurrence_90d,
    guard_refused = c.guard_refused + g.guard_refused
FROM given AS g
WHERE (SELECT count(*) FROM locked) > 0 AND c.period = g.period AND c.unit = g.unit AND c.township = g.township
    AND c.category = g.category

-- name: read_counts
-- One period, by `unit`, `township` or `category`.
SELECT CASE $2 WHEN 'unit' THEN unit WHEN 'township' THEN township ELSE category END AS key,
    sum(dispatched)::int AS dispatched, sum(first_dispatch_right)::int AS first_dispatch_right, sum(hops)::int AS hops,
    sum(on_time)::int AS on_time, sum(late)::int AS late, sum(proactive)::int AS proactive, sum(valid)::int AS valid,
    sum(contacted)::int AS contacted, sum(solved)::int AS solved, sum(satisfied)::int AS satisfied,
    sum(basic)::int AS basic, sum(unreachable)::int AS unreachable, sum(hung)::int AS hung,
    sum(excluded)::int AS excluded, sum(reopened)::int AS reopened, sum(recurrence_90d)::int AS recurrence_90d,
    sum(guard_refused)::int AS guard_refused
FROM rate_count WHERE period = $1 AND lies_in(township, $3)
GROUP BY key ORDER BY key

-- name: all_counts
SELECT period, unit, township, category, dispatched, first_dispatch_right, hops, on_time, late, proactive, valid,
    contacted, solved, satisfied, basic, unreachable, hung, excluded, reopened, recurrence_90d, guard_refused
FROM rate_count WHERE $1 = '' OR period = $1

-- name: clear_counts
DELETE FROM rate_count WHERE period = $1

-- name: hold_counts
-- Nobody counts meanwhile.
LOCK TABLE rate_count IN SHARE ROW EXCLUSIVE MODE

-- name: lock_matters
-- Who takes matters of one kind in one grid down takes turns with others who do. Held until the transaction ends.
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(matter, 7) AS key FROM unnest($1::text[]) AS g (matter) ORDER BY key
) AS in_order

-- name: add_occurrences
-- One that is there already stays; answers with the new ones.
INSERT INTO occurrence (ticket_id, category, grp, township, grid, unit, accepted_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
ON CONFLICT (ticket_id) DO NOTHING
RETURNING ticket_id

-- name: mark_recurring
-- Those among these kinds in these grids that now have another one within $3 days before them. Once marked, for good.
UPDATE occurrence AS o SET recurs = true
FROM (SELECT DISTINCT category, grid FROM unnest($1::text[], $2::text[]) AS g (category, grid)) AS g
WHERE o.category = g.category AND o.grid = g.grid AND o.grid <> '' AND NOT o.recurs AND EXISTS (
    SELECT FROM occurrence AS p
    WHERE p.category = o.category AND p.grid = o.grid AND p.grid <> ''
        AND (p.accepted_at, p.ticket_id) < (o.accepted_at, o.ticket_id)
        AND p.accepted_at >= o.accepted_at - make_interval(days => $3)
)
RETURNING o.unit, o.township, o.category, o.accepted_at

-- name: recount_recurring
-- The same counted anew, by looking at the one before each: by the days of the zone $2, which no month divides.
SELECT unit, township, left(category, 2) AS category, timezone($2, accepted_at)::date AS day, count(*) AS n FROM (
    SELECT unit, township, category, accepted_at,
        lag(accepted_at) OVER (PARTITION BY category, grid ORDER BY accepted_at, ticket_id) AS before
    FROM occurrence WHERE grid <> ''
) AS in_order WHERE before >= accepted_at - make_interval(days => $1)
GROUP BY 1, 2, 3, 4

-- name: count_hours
-- Answers with how many there are now.
INSERT INTO hour_count AS h (grp, township, hour, n)
SELECT grp, township, hour, n FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[]) AS g (grp, township, hour, n)
ORDER BY grp, township, hour
ON CONFLICT (grp, township, hour) DO UPDATE SET n = h.n + excluded.n
RETURNING grp, township, hour, n

-- name: same_hours
-- How many there were in the same hour of each of the $4 days before; days without any have no row.
SELECT g.grp, g.township, g.hour, h.n
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS g (grp, township, hour)
CROSS JOIN generate_series(1, $4::int) AS day
JOIN hour_count AS h ON h.grp = g.grp AND h.township = g.township AND h.hour = g.hour - make_interval(days => day)

-- name: grids_with_matters
-- Which of these grids had matters of a group within $4 hours before an instant.
SELECT g.grp, g.grid FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS g (grp, grid, until)
WHERE EXISTS (
    SELECT FROM occurrence AS o
    WHERE o.grp = g.grp AND o.grid = g.grid AND o.accepted_at <= g.until
        AND o.accepted_at > g.until - make_interval(hours => $4)
)

-- name: count_matters
-- How many matters of one group these grids had within $4 hours before an instant.
SELECT count(*)::int AS n FROM occurrence
WHERE grp = $1 AND grid = ANY($2::text[]) AND accepted_at <= $3::timestamptz
    AND accepted_at > $3::timestamptz - make_interval(hours => $4)

-- name: given_alerts
SELECT id FROM alert WHERE id = ANY($1::uuid[])

-- name: week_counts
-- Matters per group, township and week; week 1 ends at $1, week 2 a week before, back to week $2.
SELECT grp, township, ceil(extract(epoch FROM $1::timestamptz - hour) / 604800)::int AS week, sum(n)::int AS n
FROM hour_count
WHERE hour >= $1::timestamptz - make_interval(weeks => $2) AND hour < $1
GROUP BY grp, township, week

-- name: recurring_matters
-- Kinds of matters that came up at least $3 times in one grid from $1 until before $2, the most frequent first.
SELECT category, grid, township, count(*)::int AS n, min(accepted_at) AS first_at, max(accepted_at) AS last_at
FROM occurrence WHERE accepted_at >= $1 AND accepted_at < $2 AND grid <> '' AND lies_in(grid, $5)
GROUP BY category, grid, township HAVING count(*) >= $3
ORDER BY n DESC, category, grid LIMIT $4

-- name: give_alerts
-- Each once: answers with those that are new.
INSERT INTO alert (
    id, kind, grp, place, window_start, window_end, n, threshold, grids, playbook, told, given_at
)
SELECT id, kind, grp, place, window_start, window_end, n, threshold,
    CASE WHEN grids = '' THEN '{}'::text[] ELSE string_to_array(grids, ',') END, playbook, told, $12
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::int[],
    $9::text[], $10::text[], $11::text[]
) AS g (id, kind, grp, place, window_start, window_end, n, threshold, grids, playbook, told)
ORDER BY kind, grp, place, window_start
ON CONFLICT DO NOTHING
RETURNING id

-- name: read_alert
SELECT id, kind, grp AS category, place, window_start, window_end, n AS count, threshold, grids, playbook, told AS to,
    given_at
FROM alert WHERE id = $1

-- name: grids_of_alert
-- A spread looks back by its window's length from its last matter, so as far back as a window before this one.
SELECT grid, count(*)::int AS count, min(accepted_at) AS first_at, max(accepted_at) AS last_at,
    (array_agg(ticket_id ORDER BY accepted_at))[1:50] AS ticket_ids
FROM occurrence
WHERE grp = $1 AND grid <> '' AND accepted_at >= $4::timestamptz - ($5::timestamptz - $4::timestamptz)
    AND accepted_at < $5 AND (grid = ANY($2::text[]) OR (cardinality($2::text[]) = 0 AND $3 IN (township, ticket_id::text)))
GROUP BY grid ORDER BY grid

-- name: list_alerts
SELECT id, kind, grp AS category, place, window_start, window_end, n AS count, threshold, grids, playbook, told AS to,
    given_at
FROM alert
WHERE given_at >= $1 AND ($3 = '*' OR lies_in(place, $3) OR (kind = 'CRITICAL' AND EXISTS (
    SELECT FROM occurrence AS o
    WHERE o.ticket_id = CASE kind WHEN 'CRITICAL' THEN place::uuid END AND lies_in(coalesce(nullif(o.grid, ''), o.township), $3))))
ORDER BY given_at DESC, id LIMIT $2

-- name: place_of_alert
-- Where an alert is: its township, or where its one critical matter lies.
SELECT coalesce(
    (SELECT coalesce(nullif(o.grid, ''), o.township) FROM occurrence AS o
     WHERE o.ticket_id = CASE kind WHEN 'CRITICAL' THEN place::uuid END), place) AS area
FROM alert WHERE id = $1
