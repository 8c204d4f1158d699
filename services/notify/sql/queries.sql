-- name: lock_beginnings
-- Two writers that both find no head of a ticket would both state version 1. This makes them take turns: whoever gets
-- the lock second reads the head again and finds it. Held until the transaction ends, taken in id order.
SELECT pg_advisory_xact_lock(hashtextextended(ticket_id::text, 0))
FROM (SELECT ticket_id FROM unnest($1::uuid[]) AS g (ticket_id) ORDER BY ticket_id) AS in_order

-- name: note_exercises
INSERT INTO exercise (ticket_id) SELECT DISTINCT unnest($1::uuid[]) ON CONFLICT DO NOTHING

-- name: exercises_among
SELECT ticket_id FROM exercise WHERE ticket_id = ANY($1::uuid[])

-- name: add_messages
-- Plan messages; one that is planned already stays as it is. $12 is the instant of planning.
INSERT INTO message (
    id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at, state, last_error,
    created_at, settled_at
)
SELECT id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at,
    CASE WHEN suppressed = '' THEN 'QUEUED' ELSE 'SUPPRESSED' END, suppressed,
    $12, CASE WHEN suppressed = '' THEN NULL ELSE $12::timestamptz END
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[], $9::text[],
    $10::timestamptz[], $11::text[]
) AS g (id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at, suppressed)
ON CONFLICT (id) DO NOTHING

-- name: suppress_asks
-- Nobody needs to ask about these tickets any more: what still waits to be sent stays here.
UPDATE message SET state = 'SUPPRESSED', last_error = $2, settled_at = $3
WHERE ticket_id = ANY($1::uuid[]) AND template = 'follow_up' AND state = 'QUEUED'

-- name: claim_messages
-- Lease due messages of one endpoint ($2 by the business clock, the lease by the database's) and note the attempts.
WITH due AS (
    SELECT id FROM message
    WHERE state = 'QUEUED' AND endpoint = $1 AND due_at <= $2
    ORDER BY due_at LIMIT $3
    FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE message AS m
    SET state = 'LEASED', attempts = attempts + 1, lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM due WHERE m.id = due.id
    RETURNING m.id, m.ticket_id, m.template, m.recipient, m.channel, m.policy, m.facts, m.caused_by, m.created_at,
        m.attempts
), noted AS (
    INSERT INTO attempt (message_id, n, started_at) SELECT id, attempts, $2 FROM leased
)
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts FROM leased

-- name: read_lost
-- Messages whose sender let its lease run out: it crashed between sending and recording, or before sending.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts FROM message
WHERE state = 'LEASED' AND lease_until < clock_timestamp()
ORDER BY lease_until LIMIT $1

-- name: read_strays
-- Waiting messages whose endpoint is not in the address book any more.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts FROM message
WHERE state = 'QUEUED' AND endpoint <> ALL($1::text[]) LIMIT $2

-- name: settle_messages
-- Record how attempts ended; only messages that still stand where the attempt left them. Answers with those.
WITH given AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[]
    ) AS g (id, n, state, due_at, error, outcome, detail)
), noted AS (
    UPDATE attempt AS a SET ended_at = $8, outcome = g.outcome, detail = g.detail
    FROM given AS g WHERE a.message_id = g.id AND a.n = g.n AND a.ended_at IS NULL
)
UPDATE message AS m
SET state = g.state, due_at = coalesce(g.due_at, m.due_at), last_error = g.error, lease_until = NULL,
    settled_at = CASE WHEN g.state = 'QUEUED' THEN NULL ELSE $8::timestamptz END
FROM given AS g
WHERE m.id = g.id AND m.attempts = g.n AND m.state = $9
RETURNING m.id

-- name: list_messages
SELECT id, template, recipient, channel, endpoint, state, attempts, due_at, created_at, settled_at, last_error
FROM message WHERE ticket_id = $1 ORDER BY created_at, id

-- name: list_attempts
SELECT a.message_id, a.n, a.started_at, a.ended_at, a.outcome, a.detail
FROM attempt AS a JOIN message AS m ON m.id = a.message_id WHERE m.ticket_id = $1 ORDER BY a.message_id, a.n

-- name: save_follow_ups
-- New ones begin, known ones move on. What a follow-up began with never changes.
INSERT INTO follow_up (
    ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by
)
SELECT ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts,
    CASE WHEN bands = '' THEN '{}'::text[] ELSE string_to_array(bands, ',') END, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by
FROM unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::smallint[], $9::text[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::boolean[], $15::text[], $16::text[]
) AS g (
    ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by
)
ON CONFLICT (ticket_id, cycle) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, bands = excluded.bands, next_at = excluded.next_at,
    ended_at = excluded.ended_at, contacted = excluded.contacted, solved = excluded.solved,
    satisfaction = excluded.satisfaction, recorded_by = excluded.recorded_by

-- name: due_follow_ups
-- Whose turn has come, read without a lock: the tickets' stories are locked first, then the rows are read again.
SELECT ticket_id, cycle FROM follow_up WHERE state = 'OPEN' AND next_at <= $1 ORDER BY next_at LIMIT $2

-- name: read_follow_ups
-- Some follow-ups, by (ticket, cycle). Stable while the tickets' stories are locked.
SELECT f.ticket_id, f.cycle, f.ticket_no, f.source, f.exercise, f.caused_by, f.state, f.attempts, f.bands, f.opened_at,
    f.next_at, f.ended_at, f.contacted, f.solved, f.satisfaction, f.recorded_by
FROM unnest($1::uuid[], $2::int[]) AS g (ticket_id, cycle) JOIN follow_up AS f USING (ticket_id, cycle)

-- name: follow_ups_of
-- Every cycle of one ticket.
SELECT ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by
FROM follow_up WHERE ticket_id = $1 ORDER BY cycle
