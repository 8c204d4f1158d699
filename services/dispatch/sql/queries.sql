-- name: read_cases
-- Cases by ticket; whoever means to change them holds the tickets' heads.
SELECT ticket_id, doc FROM ticket_case WHERE ticket_id = ANY($1::uuid[])

-- name: read_children
-- Cases of the tickets that wait for one of these; those that are to change are locked and read again.
SELECT doc FROM ticket_case WHERE merged_into = ANY($1::uuid[])

-- name: ticket_of_assignments
SELECT id, ticket_id FROM assignment WHERE id = ANY($1::uuid[])

-- name: place_of_ticket
-- Where a ticket lies, and who has it: the units at work on it, or all that ever were when none is.
-- By the case itself: shares that have ended stand in no index by ticket.
SELECT c.place, coalesce(array_agg(a ->> 'unit') FILTER (WHERE a ->> 'ended_at' IS NULL), array_agg(a ->> 'unit')) AS units
FROM ticket_case AS c LEFT JOIN LATERAL json_array_elements(c.doc -> 'assignments') AS a ON true
WHERE c.ticket_id = $1 GROUP BY c.place

-- name: place_of_assignment
SELECT c.place, ARRAY[a.unit] AS units FROM assignment AS a JOIN ticket_case AS c USING (ticket_id) WHERE a.id = $1

-- name: insert_cases
INSERT INTO ticket_case (ticket_id, version, state, previous_state, light, due_at, closed_at, doc, merged_into, place,
    category, urgency, queue_at, accepted_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::json[], $9::uuid[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[])

-- name: update_cases
UPDATE ticket_case AS c SET version = g.version, state = g.state, previous_state = g.previous_state, light = g.light,
    due_at = g.due_at, closed_at = g.closed_at, doc = g.doc, merged_into = g.merged_into, place = g.place,
    category = g.category, urgency = g.urgency, queue_at = g.queue_at
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::json[],
    $9::uuid[], $10::text[], $11::text[], $12::text[], $13::timestamptz[])
    AS g (ticket_id, version, state, previous_state, light, due_at, closed_at, doc, merged_into, place, category,
        urgency, queue_at)
WHERE c.ticket_id = g.ticket_id

-- name: insert_assignments
INSERT INTO assignment (ticket_id, id, kind, unit, state, previous_state, due_at, handler, ended_at, queue_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::text[], $9::timestamptz[], $10::timestamptz[])

-- name: update_assignments
UPDATE assignment AS a SET state = g.state, previous_state = g.previous_state, due_at = g.due_at, handler = g.handler,
    ended_at = g.ended_at, queue_at = g.queue_at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[], $7::timestamptz[])
    AS g (id, state, previous_state, due_at, handler, ended_at, queue_at)
WHERE a.id = g.id

-- name: insert_results
-- Evidence comes joined by E'\x1f', for an array of arrays cannot be handed over.
INSERT INTO result (assignment_id, version, ticket_id, action, reply, note, evidence, legal_basis, submitted_at)
SELECT assignment_id, version, ticket_id, action, reply, note,
    coalesce(string_to_array(nullif(evidence, ''), E'\x1f'), '{}'), legal_basis,
    submitted_at
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::timestamptz[])
    AS g (assignment_id, version, ticket_id, action, reply, note, evidence, legal_basis, submitted_at)

-- name: insert_notes
INSERT INTO note (ticket_id, version, place, kind, subject, person, words, noted_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[])

-- name: read_notes
SELECT version, kind, subject, person, words, noted_at FROM note WHERE ticket_id = $1 ORDER BY version, place

-- name: precedents
-- What was decided on matters of a category or of one below it ($1) in an area ($2), the latest first; of confidential ones
-- nothing.
SELECT n.ticket_id, c.doc ->> 'ticket_no' AS ticket_no, c.category, n.kind, n.words, n.noted_at
FROM note AS n JOIN ticket_case AS c USING (ticket_id)
WHERE n.kind IN ('MINUTES', 'RETURN_GRANTED', 'RETURN_REFUSED') AND starts_with(c.category, $1) AND lies_in(c.place, $2)
  AND NOT (c.doc ->> 'confidential')::boolean
ORDER BY n.noted_at DESC, n.ticket_id, n.version, n.place LIMIT $3

-- name: insert_refusals
INSERT INTO guard_refusal (ticket_id, code, unit, target, category, rule, refused_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])

-- name: burden
-- Refusals between two instants, by month of the county's clock, unit, code and rule; for a part of the county $5 only
-- those about its tickets.
SELECT to_char(refused_at AT TIME ZONE $3, 'YYYY-MM') AS month, unit, code, rule, count(*) AS refusals
FROM guard_refusal AS r WHERE refused_at >= $1 AND refused_at < $2 AND (lies_in($5, $4) OR EXISTS (
    SELECT FROM ticket_case AS c WHERE c.ticket_id = r.ticket_id AND lies_in(c.place, $4)))
GROUP BY 1, 2, 3, 4 ORDER BY 1, 5 DESC, 2, 3, 4

-- name: whistle_counts
-- Of each township in an area ($3), its tickets accepted from $1 to before $2, and on how many somebody blew the whistle.
SELECT doc ->> 'township' AS township, count(*) AS tickets,
    count(*) FILTER (WHERE json_array_length(coalesce(doc -> 'whistles', '[]'::json)) > 0) AS whistled
FROM ticket_case AS c
WHERE c.accepted_at >= $1 AND c.accepted_at < $2 AND doc ->> 'township' IS NOT NULL AND lies_in(c.place, $3)
GROUP BY 1 ORDER BY 1

-- name: set_timers
INSERT INTO timer (ticket_id, clock, subject, cycle, step, fire_at, clock_limit, started_at, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[],
    $8::timestamptz[], $9::timestamptz[])
ON CONFLICT (ticket_id, clock, subject) DO UPDATE SET cycle = excluded.cycle, step = excluded.step,
    fire_at = excluded.fire_at, clock_limit = excluded.clock_limit, started_at = excluded.started_at,
    due_at = excluded.due_at

-- name: stop_timers
DELETE FROM timer AS t USING unnest($1::uuid[], $2::text[], $3::text[]) AS g (ticket_id, clock, subject)
WHERE t.ticket_id = g.ticket_id AND t.clock = g.clock AND t.subject = g.subject

-- name: tickets_with_due_timers
-- Which tickets have a clock that reached its step, but for those left aside ($3); read without locks, decided again
-- under the ticket's lock.
SELECT DISTINCT ticket_id FROM (
    SELECT ticket_id FROM timer WHERE fire_at < $1 AND ticket_id <> ALL($3::uuid[]) ORDER BY fire_at LIMIT $2) AS due

-- name: late_timers
-- Clocks that should have rung before $1, as far ($2) as counting makes sense, and when the first of them should have.
SELECT count(*) AS clocks, min(fire_at) AS since
FROM (SELECT fire_at FROM timer WHERE fire_at < $1 ORDER BY fire_at LIMIT $2) AS late

-- name: read_due_timers
-- The due clocks of tickets whose heads the caller holds.
SELECT ticket_id, clock, subject, cycle, step, fire_at, clock_limit, started_at, due_at
FROM timer WHERE ticket_id = ANY($1::uuid[]) AND fire_at < $2 ORDER BY fire_at, clock, subject

-- name: read_running_timers
-- Every clock of tickets whose heads the caller holds.
SELECT ticket_id, clock, subject, cycle, step, fire_at, clock_limit, started_at, due_at
FROM timer WHERE ticket_id = ANY($1::uuid[]) ORDER BY clock, subject

-- name: list_in_hand
-- What is in hand or stands still and is due after an instant; keyset by (due_at, ticket_id).
SELECT due_at, ticket_id FROM ticket_case
WHERE closed_at IS NULL AND state IN ('DISPATCHED', 'NEED_INFO', 'HUNG') AND due_at >= $1 AND (due_at, ticket_id) > ($1, $2::uuid)
ORDER BY due_at, ticket_id LIMIT $3

-- name: list_clocked
-- Tickets after $2 of which some clock runs to an instant from $1 on.
SELECT DISTINCT ticket_id FROM timer WHERE due_at >= $1 AND ticket_id > $2 ORDER BY ticket_id LIMIT $3

-- name: read_clock
SELECT clock_timestamp() AS now

-- name: next_timer
SELECT min(fire_at) AS fire_at FROM timer

-- name: insert_decisions
INSERT INTO decision (ticket_id, version, trigger, explanation, decided_at)
SELECT ticket_id, version, trigger, string_to_array(explanation, E'\x1f'), decided_at
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[])
    AS g (ticket_id, version, trigger, explanation, decided_at)

-- name: read_decisions
SELECT version, trigger, explanation, decided_at FROM decision WHERE ticket_id = $1 ORDER BY version

-- name: list_open
-- Open assignments in the order of queues, each with its case; keyset by (queue_at, id).
SELECT a.id, c.doc
FROM assignment AS a JOIN ticket_case AS c USING (ticket_id)
WHERE a.ended_at IS NULL AND ($1::text IS NULL OR a.state = $1) AND (a.queue_at, a.id) > ($2::timestamptz, $3::uuid)
  AND lies_in(c.place, $5)
ORDER BY a.queue_at, a.id LIMIT $4

-- name: list_open_of
-- The same of one unit. Apart from the other, for one plan for both would walk through the work of all units.
SELECT a.id, c.doc
FROM assignment AS a JOIN ticket_case AS c USING (ticket_id)
WHERE a.ended_at IS NULL AND a.unit = $6::text AND ($1::text IS NULL OR a.state = $1)
  AND (a.queue_at, a.id) > ($2::timestamptz, $3::uuid) AND lies_in(c.place, $5)
ORDER BY a.queue_at, a.id LIMIT $4

-- name: without_clock
-- Of the next $4 open tickets after ($5, $6) in the order of queues those in hand that nothing watches: no clock at all, or
-- past their deadline ($1) without a handling clock; without those left aside ($3). The last row says how far the look
-- went, unless that was to the end.
WITH looked AS MATERIALIZED (
    SELECT ticket_id, state, due_at, queue_at FROM ticket_case
    WHERE closed_at IS NULL AND (queue_at, ticket_id) > ($5::timestamptz, $6::uuid)
    ORDER BY queue_at, ticket_id LIMIT $4
), lost AS (
    SELECT c.ticket_id, c.queue_at FROM looked AS c
    WHERE c.state = 'DISPATCHED' AND c.ticket_id <> ALL($3::uuid[]) AND (
        NOT EXISTS (SELECT FROM timer AS t WHERE t.ticket_id = c.ticket_id)
        OR c.due_at < $1 AND NOT EXISTS (
            SELECT FROM timer AS t WHERE t.ticket_id = c.ticket_id AND t.clock IN ('RESOLVE', 'RESOLVE_BIG')))
    ORDER BY c.due_at LIMIT $2
)
SELECT ticket_id, queue_at, false AS is_end FROM lost
UNION ALL (
    SELECT ticket_id, queue_at, true FROM looked WHERE (SELECT count(*) FROM looked) = $4
    ORDER BY queue_at DESC, ticket_id DESC LIMIT 1)

-- name: ended_before
-- Tickets that ended before an instant and were not put away, without those left aside ($3), the oldest first.
SELECT ticket_id FROM ticket_case
WHERE closed_at <= $1 AND archived_at IS NULL AND ticket_id <> ALL($3::uuid[]) ORDER BY closed_at LIMIT $2

-- name: mark_archived
-- These were put away; one that came back meanwhile was not.
UPDATE ticket_case SET archived_at = $2 WHERE ticket_id = ANY($1::uuid[]) AND state = 'ARCHIVED'

