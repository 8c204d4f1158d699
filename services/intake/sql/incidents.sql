-- name: place_of_suggestion
-- Where the two tickets lie.
SELECT t.area, i.area AS other FROM merge_suggestion AS s JOIN ticket AS t ON t.id = s.ticket_id
JOIN ticket AS i ON i.id = s.into_ticket WHERE s.id = $1

-- name: place_of_incident
SELECT m.area FROM incident AS i JOIN ticket AS m ON m.id = i.main_ticket WHERE i.id = $1

-- name: lock_groups
-- One copy at a time looks for neighbours within a group of categories, until it commits: otherwise two tickets about
-- one thing, triaged at the same moment, would each find nobody. In the order given, which is that of the numbers.
SELECT pg_advisory_xact_lock($1, g) FROM unnest($2::int[]) AS g

-- name: groups_of
SELECT DISTINCT left(category, 4) AS category_group FROM ticket WHERE id = ANY ($1::uuid[]) AND category IS NOT NULL

-- name: find_standing
-- What new tickets may belong to: unmerged, open or closed since $4, under any of these cells, components, addresses.
SELECT t.id, t.received_at, t.category, t.ticket_type, t.urgency, t.signature, t.lon, t.lat, t.cell, t.component,
       t.address, t.caller, t.party, t.exercise
FROM (
    SELECT f.id FROM unnest($1::bigint[]) AS key CROSS JOIN LATERAL (
        SELECT id FROM ticket WHERE cell = key AND merged_into IS NULL AND closed_at > $4
        ORDER BY closed_at DESC LIMIT $5
    ) AS f
    UNION
    SELECT f.id FROM unnest($2::bigint[]) AS key CROSS JOIN LATERAL (
        SELECT id FROM ticket WHERE component = key AND merged_into IS NULL AND closed_at > $4
        ORDER BY closed_at DESC LIMIT $5
    ) AS f
    UNION
    SELECT f.id FROM unnest($3::bigint[]) AS key CROSS JOIN LATERAL (
        SELECT id FROM ticket WHERE address = key AND merged_into IS NULL AND closed_at > $4
        ORDER BY closed_at DESC LIMIT $5
    ) AS f
) AS found JOIN ticket AS t USING (id)

-- name: find_priors
-- What these callers handed in before, of each the latest. A merged ticket is closed when the one it waits for is.
SELECT key AS caller, p.id, COALESCE(p.merged_into, p.id) AS main, p.category,
       COALESCE(p.grid, p.village, p.township, '') AS place, p.urgency, p.received_at,
       NULLIF(LEAST(p.closed_at, m.closed_at), 'infinity') AS closed_at, p.confidential, p.exercise
FROM unnest($1::bytea[]) AS key CROSS JOIN LATERAL (
    SELECT id, merged_into, category, grid, village, township, urgency, received_at, closed_at, confidential, exercise
    FROM ticket WHERE caller = key AND received_at > $2 AND state = 'TRIAGED' AND NOT hidden
    ORDER BY received_at DESC LIMIT $3
) AS p LEFT JOIN ticket AS m ON m.id = p.merged_into

-- name: find_open_of_callers
-- What these callers have open: a report that says the same again is no new ticket.
SELECT p.id, p.ticket_no, p.query_code, p.received_at, p.source, p.category, p.signature, p.lon, p.lat, p.address,
       p.caller,
       COALESCE(p.given_village, p.given_township, '') AS area, p.confidential, p.exercise
FROM unnest($1::bytea[]) AS key CROSS JOIN LATERAL (
    SELECT id, ticket_no, query_code, received_at, source, category, signature, lon, lat, address, caller, given_village,
           given_township, confidential, exercise
    FROM ticket
    WHERE caller = key AND received_at > $2 AND state = 'TRIAGED' AND closed_at = 'infinity' AND merged_into IS NULL
      AND NOT hidden AND withdrawal_at IS NULL
    ORDER BY received_at DESC LIMIT $3
) AS p

-- name: open_incidents
-- Harmless to repeat.
INSERT INTO incident (id, main_ticket, opened_at)
SELECT id, main_ticket, $3 FROM unnest($1::uuid[], $2::uuid[]) AS g (id, main_ticket) ORDER BY id
ON CONFLICT DO NOTHING

-- name: lock_incidents
-- In id order: whoever counts an incident has it alone.
SELECT id FROM incident WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE

-- name: insert_members
INSERT INTO incident_ticket (incident_id, ticket_id, rule, own_follow_up, merged_at, merged_by, merge_note)
SELECT incident_id, ticket_id, rule, own_follow_up, $5, $6, $7
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[]) AS g (incident_id, ticket_id, rule, own_follow_up)

-- name: read_members
-- Every ticket of these incidents, the main ones marked.
SELECT i.id AS incident_id, t.id, t.received_at, t.urgency, t.caller, true AS is_main
FROM incident AS i JOIN ticket AS t ON t.id = i.main_ticket WHERE i.id = ANY ($1::uuid[])
UNION ALL
SELECT i.id, t.id, t.received_at, t.urgency, t.caller, false
FROM incident AS i JOIN ticket AS t ON t.merged_into = i.main_ticket WHERE i.id = ANY ($1::uuid[])

-- name: insert_suggestions
INSERT INTO merge_suggestion (ticket_id, into_ticket, rule, likeness, distance_m, suggested_at)
SELECT ticket_id, into_ticket, rule, likeness, distance_m, $6
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::float8[], $5::float8[])
    AS g (ticket_id, into_ticket, rule, likeness, distance_m)
ON CONFLICT DO NOTHING

-- name: list_suggestions
SELECT s.id AS suggestion_id, s.ticket_id, t.ticket_no, s.into_ticket, i.ticket_no AS into_ticket_no, s.rule,
       s.likeness, s.distance_m, s.suggested_at, t.category, t.grid, t.received_at
FROM merge_suggestion AS s JOIN ticket AS t ON t.id = s.ticket_id JOIN ticket AS i ON i.id = s.into_ticket
WHERE s.state = 'OPEN' AND s.id > $1 AND NOT t.hidden AND NOT i.hidden
  AND lies_in(t.area, $3) AND lies_in(i.area, $3)
ORDER BY s.id LIMIT $2

-- name: read_suggestion
SELECT ticket_id, into_ticket, rule, state FROM merge_suggestion WHERE id = $1 FOR UPDATE

-- name: decide_suggestion
UPDATE merge_suggestion SET state = $2, decided_at = $3, decided_by = $4, note = $5 WHERE id = $1

-- name: settle_suggestions
-- Somebody merged these by hand: what was suggested between them waits for nobody any more.
UPDATE merge_suggestion SET state = 'ACCEPTED', decided_at = $2, decided_by = $3, note = $4
WHERE ticket_id = ANY ($1::uuid[]) AND into_ticket = ANY ($1::uuid[]) AND state = 'OPEN'

-- name: find_by_number
-- For somebody who knows the number and may see the area: the ticket, or the one that it waits for.
SELECT COALESCE(t.merged_into, t.id) AS id FROM ticket AS t WHERE t.ticket_no = $1 AND NOT t.hidden AND lies_in(t.area, $2)

-- name: lock_tickets
-- Two tickets to be merged or split, in id order, with what the decision depends on.
SELECT t.id, t.state, t.ticket_no, t.received_at, t.category, t.ticket_type, t.urgency, t.signature, t.lon, t.lat,
       t.cell, t.component, t.address, t.caller, t.party, t.exercise, t.confidential, t.hidden, t.merged_into,
       NULLIF(t.closed_at, 'infinity') AS closed_at, t.public_state,
       EXISTS (SELECT FROM ticket AS c WHERE c.merged_into = t.id) AS is_main
FROM ticket AS t WHERE t.id = ANY ($1::uuid[]) ORDER BY t.id FOR NO KEY UPDATE OF t

-- name: merge_ticket
UPDATE ticket SET merged_into = $2, updated_at = $3 WHERE id = $1

-- name: split_ticket
-- As if it had never been merged.
UPDATE ticket SET merged_into = NULL, updated_at = $2 WHERE id = $1

-- name: end_membership
UPDATE incident_ticket SET split_at = $2, split_by = $3, reason = $4, note = $5
WHERE ticket_id = $1 AND split_at IS NULL

-- name: read_incident
SELECT i.id AS incident_id, i.main_ticket, m.ticket_no AS main_ticket_no, i.opened_at, m.category, m.township, m.grid
FROM incident AS i JOIN ticket AS m ON m.id = i.main_ticket WHERE i.id = $1

-- name: read_incident_tickets
SELECT g.ticket_id, t.ticket_no, g.rule, g.own_follow_up, g.merged_at, g.merged_by
FROM incident_ticket AS g JOIN ticket AS t ON t.id = g.ticket_id
WHERE g.incident_id = $1 AND g.split_at IS NULL AND NOT t.hidden ORDER BY g.id

-- name: count_hastens
-- Once a day counts: answers with the tickets for which this one does, and their count with it.
WITH counted AS (
    INSERT INTO hasten (ticket_id, day, at)
    SELECT ticket_id, $2, $3 FROM unnest($1::uuid[]) AS g (ticket_id) ORDER BY ticket_id
    ON CONFLICT DO NOTHING RETURNING ticket_id
)
SELECT ticket_id, 1 + (SELECT count(*) FROM hasten AS h WHERE h.ticket_id = c.ticket_id) AS count FROM counted AS c

-- name: hastened_before
-- How often the citizens of these tickets have asked for speed. Whoever asks locks the ticket first: read under the lock.
SELECT ticket_id, count(*) AS count FROM hasten WHERE ticket_id = ANY ($1::uuid[]) GROUP BY ticket_id

-- name: end_tickets
-- The matter ends here; nothing is merged into it any more.
UPDATE ticket AS t
SET state = 'ENDED', ended = g.ended, ended_why = g.why, ended_basis = g.basis, ended_route = g.route,
    public_state = '已结案', closed_at = $6, updated_at = $6, cell = NULL, component = NULL, address = NULL
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS g (id, ended, why, basis, route)
WHERE t.id = g.id

-- name: try_code
-- Count a try before it is judged, whether there is such a ticket or not; a count from before $3 is over.
INSERT INTO code_try AS c (ticket_no, tries, since) VALUES ($1, 1, $2)
ON CONFLICT (ticket_no) DO UPDATE
SET tries = CASE WHEN c.since > $3 THEN c.tries + 1 ELSE 1 END, since = CASE WHEN c.since > $3 THEN c.since ELSE $2 END
RETURNING tries, since

-- name: forget_tries
DELETE FROM code_try WHERE ticket_no = $1

-- name: forget_old_tries
-- A few at a time, by the way.
DELETE FROM code_try WHERE ticket_no IN (SELECT ticket_no FROM code_try WHERE since < $1 ORDER BY since LIMIT 100)

-- name: read_by_number
-- For whoever knows the number and, as the caller checks, the code. A merged ticket stands as the one it waits for.
SELECT t.id, t.ticket_no, t.query_code, t.state, t.received_at, t.updated_at, t.ticket_type, t.urgency, t.ended,
       t.ended_why, t.ended_basis, t.ended_route, t.withdrawal_at, t.merged_into, LEAST(t.closed_at, m.closed_at) AS closed_at,
       CASE WHEN t.public_state = '已受理' THEN COALESCE(m.public_state, '已受理') ELSE t.public_state END AS public_state,
       EXISTS (SELECT FROM ticket AS c WHERE c.merged_into = t.id) AS is_main
FROM ticket AS t LEFT JOIN ticket AS m ON m.id = t.merged_into
WHERE t.ticket_no = $1

-- name: lock_ticket
SELECT id FROM ticket WHERE id = $1 FOR NO KEY UPDATE

-- name: insert_supplement
INSERT INTO supplement (id, ticket_id, added_at, key_id, wrapped_key, sealed) VALUES ($1, $2, $3, $4, $5, $6)

-- name: count_supplements
SELECT count(*) AS count FROM supplement WHERE ticket_id = $1

-- name: read_supplements
SELECT id, added_at, key_id, wrapped_key, sealed FROM supplement WHERE ticket_id = $1 ORDER BY added_at, id

-- name: ask_withdrawal
UPDATE ticket SET withdrawal_at = $2, updated_at = $2 WHERE id = $1

-- name: lock_for_ending
-- A ticket that somebody wants to refuse or hand on.
SELECT t.id, t.state, t.ticket_no, t.source, t.urgency, t.merged_into, t.exercise,
       EXISTS (SELECT FROM ticket AS c WHERE c.merged_into = t.id) AS is_main
FROM ticket AS t WHERE t.id = $1 AND NOT t.hidden FOR NO KEY UPDATE OF t
