-- name: read_cases
-- Cases by ticket; the caller holds the tickets' heads.
SELECT ticket_id, version, ticket_no, source, channel, state, previous_state, ticket_type, category, urgency, size,
       resolve_limit, county, township, village, grid, accepted_at, started_at, due_at, cycle, light, level,
       redispatches, reopens, exercise, confidential, closed_at, close_reason, rule_pack
FROM ticket_case WHERE ticket_id = ANY($1::uuid[])

-- name: read_assignments
-- Every assignment of these tickets, oldest first.
SELECT ticket_id, id, kind, unit, state, previous_state, cycle, assigned_at, sign_by, due_at, designated, handler,
       signed_at, contacted_at, checked_in_at, submitted_at, ended_at
FROM assignment WHERE ticket_id = ANY($1::uuid[]) ORDER BY ticket_id, cycle, assigned_at, ended_at NULLS LAST

-- name: ticket_of_assignments
SELECT id, ticket_id FROM assignment WHERE id = ANY($1::uuid[])

-- name: insert_cases
INSERT INTO ticket_case (ticket_id, version, ticket_no, source, channel, state, previous_state, ticket_type, category,
    urgency, size, resolve_limit, county, township, village, grid, accepted_at, started_at, due_at, cycle, light, level,
    redispatches, reopens, exercise, confidential, closed_at, close_reason, rule_pack)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::int[], $21::text[], $22::int[], $23::int[],
    $24::int[], $25::bool[], $26::bool[], $27::timestamptz[], $28::text[], $29::text[])

-- name: update_cases
-- What may change in a case after it was opened.
UPDATE ticket_case AS c SET version = g.version, state = g.state, previous_state = g.previous_state, size = g.size,
    resolve_limit = g.resolve_limit, started_at = g.started_at, due_at = g.due_at, cycle = g.cycle, light = g.light,
    level = g.level, redispatches = g.redispatches, reopens = g.reopens, closed_at = g.closed_at,
    close_reason = g.close_reason
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::int[], $10::text[], $11::int[], $12::int[], $13::int[], $14::timestamptz[], $15::text[])
    AS g (ticket_id, version, state, previous_state, size, resolve_limit, started_at, due_at, cycle, light, level,
          redispatches, reopens, closed_at, close_reason)
WHERE c.ticket_id = g.ticket_id

-- name: insert_assignments
INSERT INTO assignment (ticket_id, id, kind, unit, state, previous_state, cycle, assigned_at, sign_by, due_at,
    designated, handler, signed_at, contacted_at, checked_in_at, submitted_at, ended_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],
    $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bool[], $12::text[], $13::timestamptz[],
    $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[])

-- name: update_assignments
UPDATE assignment AS a SET state = g.state, previous_state = g.previous_state, due_at = g.due_at, handler = g.handler,
    signed_at = g.signed_at, contacted_at = g.contacted_at, checked_in_at = g.checked_in_at,
    submitted_at = g.submitted_at, ended_at = g.ended_at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::timestamptz[])
    AS g (id, state, previous_state, due_at, handler, signed_at, contacted_at, checked_in_at, submitted_at, ended_at)
WHERE a.id = g.id

-- name: insert_results
INSERT INTO result (ticket_id, assignment_id, action, reply, note, submitted_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])

-- name: set_timers
INSERT INTO timer (ticket_id, clock, cycle, step, fire_at, clock_limit, started_at, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
    $8::timestamptz[])
ON CONFLICT (ticket_id, clock) DO UPDATE SET cycle = excluded.cycle, step = excluded.step, fire_at = excluded.fire_at,
    clock_limit = excluded.clock_limit, started_at = excluded.started_at, due_at = excluded.due_at

-- name: stop_timers
DELETE FROM timer AS t USING unnest($1::uuid[], $2::text[]) AS g (ticket_id, clock)
WHERE t.ticket_id = g.ticket_id AND t.clock = g.clock

-- name: tickets_with_due_timers
-- Which tickets have a clock that reached its step; read without locks, decided again under the ticket's lock.
SELECT DISTINCT ticket_id FROM (SELECT ticket_id FROM timer WHERE fire_at < $1 ORDER BY fire_at LIMIT $2) AS due

-- name: read_due_timers
-- The due clocks of tickets whose heads the caller holds.
SELECT ticket_id, clock, cycle, step, fire_at, clock_limit, started_at, due_at
FROM timer WHERE ticket_id = ANY($1::uuid[]) AND fire_at < $2 ORDER BY fire_at, clock

-- name: next_timer
SELECT min(fire_at) AS fire_at FROM timer

-- name: insert_decisions
INSERT INTO decision (ticket_id, version, trigger, explanation, decided_at)
SELECT ticket_id, version, trigger, string_to_array(explanation, E'\x1f'), decided_at
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::timestamptz[])
    AS g (ticket_id, version, trigger, explanation, decided_at)

-- name: read_decisions
SELECT version, trigger, explanation, decided_at FROM decision WHERE ticket_id = $1 ORDER BY version

-- name: read_snapshots
-- The public state of tickets, for tickets-state: JSON as shared.events.TicketSnapshot has it, made where the data is.
SELECT c.ticket_id::text AS key, json_build_object(
    'ticket_id', c.ticket_id, 'ticket_no', c.ticket_no, 'version', c.version, 'state', c.state,
    'public_state', $2::jsonb ->> c.state, 'ticket_type', c.ticket_type, 'category', c.category, 'urgency', c.urgency,
    'size', c.size, 'county', c.county, 'township', c.township, 'grid', c.grid, 'unit', a.unit, 'cycle', c.cycle,
    'light', c.light, 'level', c.level, 'accepted_at', c.accepted_at, 'due_at', c.due_at, 'closed_at', c.closed_at,
    'exercise', c.exercise)::text AS state
FROM ticket_case AS c
LEFT JOIN LATERAL (
    SELECT unit FROM assignment WHERE ticket_id = c.ticket_id AND kind = 'LEAD'
    ORDER BY cycle DESC, assigned_at DESC, ended_at DESC NULLS FIRST LIMIT 1
) AS a ON true
WHERE c.ticket_id = ANY($1::uuid[])

-- name: list_open
-- Open assignments, the most urgent deadline first; keyset by (due_at, id).
SELECT a.id, a.ticket_id, c.ticket_no, c.version, a.kind, a.unit, a.state, a.cycle, a.assigned_at, a.sign_by, a.due_at,
       c.state AS ticket_state, c.ticket_type, c.category, c.urgency, c.size, c.light, c.level, c.grid
FROM assignment AS a JOIN ticket_case AS c USING (ticket_id)
WHERE a.ended_at IS NULL AND ($1::text IS NULL OR a.unit = $1) AND ($2::text IS NULL OR a.state = $2)
  AND (a.due_at, a.id) > ($3::timestamptz, $4::uuid)
ORDER BY a.due_at, a.id LIMIT $5

-- name: overview
-- Counts over open work only.
SELECT state, light, count(*) AS tickets FROM ticket_case WHERE state <> 'CLOSED' GROUP BY state, light

-- name: unwatched
-- Open tickets without a running clock: must be none.
SELECT c.ticket_id FROM ticket_case AS c
WHERE c.state <> 'CLOSED' AND NOT EXISTS (SELECT FROM timer AS t WHERE t.ticket_id = c.ticket_id) LIMIT $1
