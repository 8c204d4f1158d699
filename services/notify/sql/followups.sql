-- name: lock_draw_counts
-- How far each unit's month has come; taken in order and held until the transaction ends.
INSERT INTO draw_count AS d (period, unit, drawn, by_lot)
SELECT period, unit, 0, 0 FROM unnest($1::text[], $2::text[]) AS g (period, unit) ORDER BY period, unit
ON CONFLICT (period, unit) DO UPDATE SET drawn = d.drawn
RETURNING period, unit, drawn, by_lot

-- name: save_draw_counts
UPDATE draw_count AS d SET drawn = g.drawn, by_lot = g.by_lot
FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS g (period, unit, drawn, by_lot)
WHERE d.period = g.period AND d.unit = g.unit

-- name: known_draws
SELECT ticket_id, cycle FROM draw JOIN unnest($1::uuid[], $2::int[]) AS g (ticket_id, cycle) USING (ticket_id, cycle)

-- name: add_draws
INSERT INTO draw (ticket_id, cycle, period, unit, nth, lot, way, why, dedicated, drawn_at)
SELECT * FROM unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::boolean[],
    $10::timestamptz[]
)

-- name: list_draws
-- One period's draws after ($2, $3), by unit and in their order.
SELECT ticket_id, cycle, unit, nth, lot, way, why, dedicated, drawn_at
FROM draw WHERE period = $1 AND (unit, nth) > ($2, $3) ORDER BY unit, nth LIMIT $4

-- name: sum_draws
SELECT unit, drawn, by_lot FROM draw_count WHERE period = $1 ORDER BY unit

-- name: add_tasks
INSERT INTO task (ticket_id, cycle, way, ticket_no, unit, dedicated, made_at)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])
ON CONFLICT DO NOTHING

-- name: list_tasks
-- What is to be done now, the oldest first. A call may be made once for every time the citizen was asked.
SELECT t.ticket_id, t.cycle, t.way, t.ticket_no, t.unit, t.dedicated, t.made_at, t.missed, t.agent, t.lease_until
FROM task AS t LEFT JOIN follow_up AS f USING (ticket_id, cycle)
WHERE t.done_at IS NULL AND (t.way = 'FIELD_CHECK' OR (f.state = 'OPEN' AND f.attempts > t.missed))
  AND ($2 = '*' OR EXISTS (SELECT FROM ticket_record AS r WHERE r.ticket_id = t.ticket_id AND lies_in(r.area, $2)))
ORDER BY t.made_at, t.ticket_id LIMIT $1

-- name: claim_tasks
-- Lease what is free to one agent until $6; never what the agent's own house handled.
WITH free AS (
    SELECT t.ticket_id, t.cycle FROM task AS t LEFT JOIN follow_up AS f USING (ticket_id, cycle)
    WHERE t.done_at IS NULL AND t.dedicated = $4 AND (t.lease_until IS NULL OR t.lease_until <= $5 OR t.agent = $1)
        AND (t.way = 'FIELD_CHECK' OR (f.state = 'OPEN' AND f.attempts > t.missed))
        AND ($7 = '*' OR EXISTS (SELECT FROM ticket_record AS r WHERE r.ticket_id = t.ticket_id AND lies_in(r.area, $7)))
        AND t.unit <> $2
        AND NOT (t.unit ~ '^[0-9]+$' AND $2 ~ '^[0-9]+$' AND (starts_with(t.unit, $2) OR starts_with($2, t.unit)))
    ORDER BY t.made_at, t.ticket_id LIMIT $3
    FOR UPDATE OF t SKIP LOCKED
)
UPDATE task AS t SET agent = $1, agent_unit = $2, lease_until = $6
FROM free WHERE t.ticket_id = free.ticket_id AND t.cycle = free.cycle
RETURNING t.ticket_id, t.cycle, t.way, t.ticket_no, t.unit, t.dedicated, t.made_at, t.missed, t.agent, t.lease_until

-- name: read_task
SELECT ticket_id, cycle, way, ticket_no, unit, dedicated, made_at, missed, agent, lease_until
FROM task WHERE ticket_id = $1 AND cycle = $2 AND done_at IS NULL FOR UPDATE

-- name: miss_task
-- Nobody answered: the task is free again, when the citizen is asked the next time.
UPDATE task SET missed = missed + 1, agent = NULL, agent_unit = NULL, lease_until = NULL
WHERE ticket_id = $1 AND cycle = $2

-- name: finish_check
UPDATE task SET done_at = $3, confirmed = $4 WHERE ticket_id = $1 AND cycle = $2

-- name: add_link
INSERT INTO link (hash, ticket_id, cycle, purpose, expires_at) VALUES ($1, $2, $3, $4, $5)

-- name: add_links
-- Those that stand in messages; the same link sent again is good for as long as the latest message says.
INSERT INTO link (hash, ticket_id, cycle, purpose, expires_at)
SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[])
ON CONFLICT (hash) DO UPDATE SET expires_at = greatest(link.expires_at, excluded.expires_at)

-- name: forget_links
-- Links that are no good any more, a few at a time.
DELETE FROM link WHERE hash IN (SELECT hash FROM link WHERE expires_at < $1 LIMIT $2) RETURNING 1

-- name: find_link
SELECT ticket_id, cycle, purpose, expires_at, used_at FROM link WHERE hash = $1

-- name: use_link
-- Only one of many users at the same moment gets a row.
UPDATE link SET used_at = $2 WHERE hash = $1 AND used_at IS NULL RETURNING ticket_id

-- name: erase_words
-- All that the citizen of a ticket wrote, for good.
DELETE FROM reply_words WHERE ticket_id = ANY($1::uuid[]) RETURNING ticket_id

-- name: add_words
-- What stands already stays: the first answer counts.
INSERT INTO reply_words (ticket_id, cycle, sealed, said_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING

-- name: forget_words
-- What was written so long ago, a few at a time.
DELETE FROM reply_words WHERE (ticket_id, cycle) IN (
    SELECT ticket_id, cycle FROM reply_words WHERE said_at < $1 ORDER BY said_at LIMIT $2
) RETURNING ticket_id

-- name: follow_up_of_message
-- What a message to a citizen asked about.
SELECT ticket_id, (facts ->> 'cycle')::int AS cycle FROM message WHERE id = $1 AND template = 'follow_up'

-- name: forget_callbacks
DELETE FROM callback WHERE (sender, id) IN (SELECT sender, id FROM callback WHERE heard_at < $1 LIMIT $2) RETURNING 1

-- name: hear_callback
-- Who hands the same in at the same moment waits for the first, and gets no row.
INSERT INTO callback (sender, id, heard_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id

-- name: words_of
SELECT cycle, sealed, said_at FROM reply_words WHERE ticket_id = $1 ORDER BY cycle

-- name: read_exclusion
-- Stable while the ticket's story is locked.
SELECT ticket_id, cycle, unit, reason, evidence, asked_by, asked_at, decide_by, state, sampled, checked_by
FROM exclusion WHERE ticket_id = $1 AND cycle = $2

-- name: read_votes
SELECT person, unit, granted, at FROM exclusion_vote WHERE ticket_id = $1 AND cycle = $2 ORDER BY at, person

-- name: save_exclusion
INSERT INTO exclusion (
    ticket_id, cycle, unit, reason, evidence, asked_by, asked_at, decide_by, state, sampled, checked_by
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (ticket_id, cycle) DO UPDATE SET
    state = excluded.state, sampled = excluded.sampled, checked_by = excluded.checked_by

-- name: save_vote
INSERT INTO exclusion_vote (ticket_id, cycle, person, unit, granted, at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING

-- name: late_exclusions
-- Requests whose panel has had its time, read without a lock.
SELECT ticket_id, cycle FROM exclusion
WHERE state = 'ASKED' AND decide_by < $1 AND (ticket_id, cycle) NOT IN (SELECT * FROM unnest($3::uuid[], $4::int[]))
ORDER BY decide_by LIMIT $2

-- name: list_exclusions
SELECT ticket_id, cycle, unit, reason, evidence, asked_by, asked_at, decide_by, state, sampled, checked_by
FROM exclusion AS e WHERE ($1 = '' OR state = $1) AND ($2 = '' OR unit = $2)
  AND ($4 = '*' OR EXISTS (SELECT FROM ticket_record AS r WHERE r.ticket_id = e.ticket_id AND lies_in(r.area, $4)))
ORDER BY asked_at DESC, ticket_id LIMIT $3
