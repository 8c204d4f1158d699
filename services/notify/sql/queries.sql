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
    created_at, settled_at, urgency, audience, bundle, window_s, give_up_at, traceparent
)
SELECT id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at,
    CASE WHEN suppressed = '' THEN 'QUEUED' ELSE 'SUPPRESSED' END, suppressed,
    $12, CASE WHEN suppressed = '' THEN NULL ELSE $12::timestamptz END, urgency, audience, bundle, window_s, give_up_at,
    traceparent
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[], $9::text[],
    $10::timestamptz[], $11::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::timestamptz[],
    $18::text[]
) AS g (
    id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at, suppressed, urgency,
    audience, bundle, window_s, give_up_at, traceparent
)
ON CONFLICT (id) DO NOTHING

-- name: urgencies_of
-- How urgent these tickets are, by their latest assignments.
SELECT DISTINCT ON (ticket_id) ticket_id, urgency FROM message
WHERE ticket_id = ANY($1::uuid[]) AND template = 'assigned'
ORDER BY ticket_id, created_at DESC

-- name: notices_of
-- Notices of these kinds about these tickets that were sent or will be.
SELECT id, ticket_id, recipient, due_at, template FROM message
WHERE ticket_id = ANY($1::uuid[]) AND template = ANY($2::text[]) AND state NOT IN ('SUPPRESSED', 'FAILED')
ORDER BY due_at

-- name: suppress_asks
-- Nobody needs to ask about these tickets any more: what still waits to be sent stays here.
UPDATE message SET state = 'SUPPRESSED', last_error = $2, settled_at = $3
WHERE ticket_id = ANY($1::uuid[]) AND template = 'follow_up' AND state = 'QUEUED'

-- name: put_off
-- Quiet hours: what is due for this audience waits until $4, and is given up so much later.
WITH early AS (
    SELECT id FROM message
    WHERE state = 'QUEUED' AND endpoint = $1 AND urgency = 'U3' AND due_at <= $2 AND audience = $3
    LIMIT $5
    FOR UPDATE SKIP LOCKED
)
UPDATE message AS m SET due_at = $4, give_up_at = m.give_up_at + ($4 - m.due_at)
FROM early WHERE m.id = early.id
RETURNING m.id

-- name: due_bundles
-- Which bundles of an endpoint have messages that are due and stand in no bundle yet, among the first $5 of them.
SELECT bundle, max(window_s) AS window_s FROM (
    SELECT bundle, window_s FROM message
    WHERE state = 'QUEUED' AND endpoint = $1 AND bundle <> '' AND carrier IS NULL AND due_at <= $2
        AND NOT audience = ANY($3::text[])
    ORDER BY due_at LIMIT $5
) AS due
GROUP BY bundle ORDER BY bundle LIMIT $4

-- name: lock_bundles
-- Couriers side by side take turns at a bundle. Answers with when each last left.
INSERT INTO bundle AS b (endpoint, name, left_at)
SELECT $1, name, to_timestamp(0) FROM unnest($2::text[]) AS g (name) ORDER BY name
ON CONFLICT (endpoint, name) DO UPDATE SET left_at = b.left_at
RETURNING name, left_at

-- name: hold_bundles
-- A bundle left a short while ago: what came since waits for the next one, $5 at the most at a time.
WITH early AS (
    SELECT m.id, g.next_at FROM message AS m
    JOIN unnest($2::text[], $3::timestamptz[]) AS g (bundle, next_at) ON m.bundle = g.bundle
    WHERE m.state = 'QUEUED' AND m.endpoint = $1 AND m.bundle <> '' AND m.carrier IS NULL AND m.due_at <= $4
    LIMIT $5
)
UPDATE message AS m SET due_at = early.next_at, give_up_at = m.give_up_at + (early.next_at - m.due_at)
FROM early WHERE m.id = early.id

-- name: tie_bundles
-- What is due goes together, $5 at the most in one message; the first of them carries the others. $6 are tied at a time:
-- what is beyond that waits for the next bundle.
WITH first AS (
    SELECT id, bundle, due_at FROM message
    WHERE state = 'QUEUED' AND endpoint = $1 AND bundle = ANY($2::text[]) AND bundle <> '' AND carrier IS NULL
        AND due_at <= $3 AND NOT audience = ANY($4::text[])
    ORDER BY due_at LIMIT $6
), due AS (
    SELECT id, bundle, (row_number() OVER (PARTITION BY bundle ORDER BY due_at, id) - 1) / $5 AS part FROM first
), led AS (
    SELECT id, first_value(id) OVER (PARTITION BY bundle, part ORDER BY id) AS carrier FROM due
), left_now AS (
    UPDATE bundle SET left_at = $3 WHERE endpoint = $1 AND name = ANY($2::text[])
)
UPDATE message AS m
SET carrier = led.carrier, state = CASE WHEN led.carrier = m.id THEN 'QUEUED' ELSE 'CARRIED' END
FROM led WHERE m.id = led.id AND m.state = 'QUEUED'

-- name: claim_messages
-- Lease due messages of one endpoint ($2 by the business clock, the lease by the database's) and note the attempts.
-- The urgent ones first. Nobody of the audiences $5 is disturbed but by what is urgent.
WITH due AS (
    SELECT id FROM message
    WHERE state = 'QUEUED' AND endpoint = $1 AND due_at <= $2 AND (bundle = '' OR carrier IS NOT NULL)
        AND NOT (urgency = 'U3' AND audience = ANY($5::text[]))
    ORDER BY urgency, due_at LIMIT $3
    FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE message AS m
    SET state = 'LEASED', attempts = attempts + 1, lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM due WHERE m.id = due.id
    RETURNING m.id, m.ticket_id, m.template, m.recipient, m.channel, m.policy, m.facts, m.caused_by, m.created_at,
        m.attempts, m.urgency, m.endpoint, m.give_up_at, m.carrier, m.due_at, m.traceparent
), noted AS (
    INSERT INTO attempt (message_id, n, started_at) SELECT id, attempts, $2 FROM leased
)
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, due_at, traceparent FROM leased

-- name: read_carried
-- What travels with these messages, in an order that stays.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, traceparent FROM message
WHERE carrier = ANY($1::uuid[]) AND state = 'CARRIED'
ORDER BY carrier, created_at, id

-- name: read_lost
-- Messages whose sender let its lease run out: it crashed between sending and recording, or before sending.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, traceparent FROM message
WHERE state = 'LEASED' AND lease_until < clock_timestamp()
ORDER BY lease_until LIMIT $1

-- name: read_strays
-- Waiting messages whose endpoint is not in the address book any more. One probe of the index for each endpoint that
-- anything waits for: the queue itself is not read.
WITH RECURSIVE named AS (
    SELECT min(endpoint) AS name FROM message WHERE state = 'QUEUED'
    UNION ALL
    SELECT (SELECT min(m.endpoint) FROM message AS m WHERE m.state = 'QUEUED' AND m.endpoint > named.name)
    FROM named WHERE named.name IS NOT NULL
)
SELECT stray.* FROM named CROSS JOIN LATERAL (
    SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
        give_up_at, carrier, traceparent FROM message
    WHERE state = 'QUEUED' AND endpoint = named.name ORDER BY give_up_at LIMIT $2
) AS stray
WHERE named.name <> ALL($1::text[]) LIMIT $2

-- name: read_expired
-- Waiting messages of an endpoint that is not to be waited for any longer.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, traceparent FROM message
WHERE state = 'QUEUED' AND endpoint = $1 AND give_up_at <= $2 ORDER BY give_up_at LIMIT $3

-- name: read_sent
-- Messages whose receipts are awaited.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, traceparent FROM message
WHERE state = 'SENT' AND id = ANY($1::uuid[])

-- name: read_unreceipted
-- Messages whose receipts did not come in time.
SELECT id, ticket_id, template, recipient, channel, policy, facts, caused_by, created_at, attempts, urgency, endpoint,
    give_up_at, carrier, traceparent FROM message
WHERE state = 'SENT' AND due_at <= $1 ORDER BY due_at LIMIT $2

-- name: release_messages
-- Messages whose turn did not come: back to the queue, and the attempt that was none is not kept.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::smallint[]) AS g (id, n)
), forgotten AS (
    DELETE FROM attempt AS a USING given AS g WHERE a.message_id = g.id AND a.n = g.n AND a.ended_at IS NULL
)
UPDATE message AS m SET state = 'QUEUED', attempts = m.attempts - 1, lease_until = NULL
FROM given AS g WHERE m.id = g.id AND m.attempts = g.n AND m.state = 'LEASED'

-- name: settle_messages
-- Record how attempts ended; only messages that still stand where the attempt left them. Answers with those.
WITH given AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $9::text[]
    ) AS g (id, n, state, due_at, error, outcome, detail, standing)
), noted AS (
    UPDATE attempt AS a SET ended_at = $8, outcome = g.outcome, detail = g.detail
    FROM given AS g WHERE a.message_id = g.id AND a.n = g.n AND a.ended_at IS NULL AND g.outcome IS NOT NULL
)
UPDATE message AS m
SET state = g.state, due_at = coalesce(g.due_at, m.due_at), last_error = g.error, lease_until = NULL,
    settled_at = CASE WHEN g.state IN ('QUEUED', 'SENT') THEN NULL ELSE $8::timestamptz END
FROM given AS g
WHERE m.id = g.id AND m.attempts = g.n AND m.state = g.standing
RETURNING m.id

-- name: list_messages
SELECT id, template, recipient, channel, endpoint, state, attempts, due_at, created_at, settled_at, last_error
FROM message WHERE ticket_id = $1 ORDER BY created_at, id

-- name: list_attempts
SELECT a.message_id, a.n, a.started_at, a.ended_at, a.outcome, a.detail
FROM attempt AS a JOIN message AS m ON m.id = a.message_id WHERE m.ticket_id = $1 ORDER BY a.message_id, a.n

-- name: prune_messages
-- What came to its end so long ago, $2 at a time, with its attempts.
DELETE FROM message WHERE id = ANY(ARRAY(
    SELECT id FROM message WHERE settled_at < $1 ORDER BY settled_at LIMIT $2
)) RETURNING 1

-- name: save_follow_ups
-- New ones begin, known ones move on. What a follow-up began with never changes.
INSERT INTO follow_up (
    ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by, service, truthful
)
SELECT ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts,
    CASE WHEN bands = '' THEN '{}'::text[] ELSE string_to_array(bands, ',') END, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by, service, truthful
FROM unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::smallint[], $9::text[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::boolean[], $14::boolean[], $15::text[], $16::text[],
    $17::text[], $18::boolean[]
) AS g (
    ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by, service, truthful
)
ON CONFLICT (ticket_id, cycle) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, bands = excluded.bands, next_at = excluded.next_at,
    ended_at = excluded.ended_at, contacted = excluded.contacted, solved = excluded.solved,
    satisfaction = excluded.satisfaction, recorded_by = excluded.recorded_by,
    service = excluded.service, truthful = excluded.truthful

-- name: due_follow_ups
-- Whose turn has come, read without a lock: the tickets' stories are locked first, then the rows are read again.
SELECT ticket_id, cycle FROM follow_up
WHERE state = 'OPEN' AND next_at <= $1
    AND (ticket_id, cycle) NOT IN (SELECT * FROM unnest($3::uuid[], $4::int[]))
ORDER BY next_at LIMIT $2

-- name: read_follow_ups
-- Some follow-ups, by (ticket, cycle). Stable while the tickets' stories are locked.
SELECT f.ticket_id, f.cycle, f.ticket_no, f.source, f.exercise, f.caused_by, f.state, f.attempts, f.bands, f.opened_at,
    f.next_at, f.ended_at, f.contacted, f.solved, f.satisfaction, f.recorded_by, f.service, f.truthful
FROM unnest($1::uuid[], $2::int[]) AS g (ticket_id, cycle) JOIN follow_up AS f USING (ticket_id, cycle)

-- name: follow_ups_of
-- Every cycle of one ticket.
SELECT ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at, next_at, ended_at,
    contacted, solved, satisfaction, recorded_by, service, truthful
FROM follow_up WHERE ticket_id = $1 ORDER BY cycle
