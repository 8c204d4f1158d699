-- name: floor_tables
-- Three tables that hold the least a stage can store, made anew for every round.
DROP SCHEMA IF EXISTS floor CASCADE;
CREATE SCHEMA floor;
CREATE TABLE floor.taken (
    id uuid PRIMARY KEY, source text NOT NULL, external_id text NOT NULL, channel text, title text, text text, lon float8,
    lat float8, address text, name text, phone text, reported_at timestamptz, UNIQUE (source, external_id)
);
CREATE TABLE floor.given (id uuid PRIMARY KEY, place text, unit text NOT NULL, due_at timestamptz NOT NULL);
CREATE TABLE floor.told (id uuid NOT NULL, unit text NOT NULL, kind text NOT NULL);

-- name: tickets_of
-- Which tickets intake has made of matters it found on its topic.
SELECT id FROM intake.ticket WHERE external_id = ANY($1::text[])

-- name: grow_intake
-- Old tickets from number $1 up to $2, closed long ago: every id follows from its number.
WITH old AS (
    SELECT md5('old ' || n)::uuid AS id, n, timestamptz '2025-07-10 00:00Z' + n * interval '20 seconds' AS at
    FROM generate_series($1::bigint, $2::bigint) AS n
), tickets AS (
    INSERT INTO intake.ticket (id, ticket_no, query_code, source, external_id, channel, exercise,
        confidential, received_at, state, public_state, triaged_at, ticket_type, category, urgency, confidence,
        place_level, township, village, grid, rule_pack, explanation, updated_at, closed_at)
    SELECT id, 'old' || n, 'OLDOLD', 'old', 'old-' || n, 'PHONE', false, false, at, 'TRIAGED', '已结案', at, 'COMPLAINT',
        '150101', 'U3', 0.9, 'GRID', '990101001', '990101001001', '990101001001001', 'county-default/1', '[]', at,
        at + interval '2 days' FROM old
), requests AS (
    INSERT INTO intake.request (source, key, fingerprint, ticket_id)
    SELECT 'old', 'x:old-' || n, sha256(id::text::bytea), id FROM old
), words AS (
    INSERT INTO intake.vault (ticket_id, key_id, wrapped_key, sealed)
    SELECT id, 'k1', sha256(id::text::bytea), repeat('.', 200)::bytea FROM old
), events AS (
    INSERT INTO intake.event (ticket_id, version, type, time, payload)
    SELECT id, v, 'old', at, '{}' FROM old, generate_series(1, 2) AS v
), places AS (
    INSERT INTO intake.position (ticket_id, source, version) SELECT id, 'old', 6 FROM old
)
INSERT INTO intake.head (ticket_id, version) SELECT id, 2 FROM old

-- name: grow_dispatch
-- The same tickets as dispatch keeps them: a closed case, an ended lead, its story and its reasons.
WITH old AS (
    SELECT md5('old ' || n)::uuid AS id, n, timestamptz '2025-07-10 00:00Z' + n * interval '20 seconds' AS at
    FROM generate_series($1::bigint, $2::bigint) AS n
), cases AS (
    INSERT INTO dispatch.ticket_case (ticket_id, version, state, previous_state, light, due_at, closed_at, doc, place,
        category, urgency, queue_at, accepted_at)
    SELECT id, 6, 'CLOSED', 'FOLLOWING_UP', 'GREEN', at, at + interval '2 days',
        json_build_object('ticket_id', id, 'filler', repeat('.', 1200)), '990101001001001', '150101', 'U3', at, at FROM old
), parts AS (
    INSERT INTO dispatch.assignment (id, ticket_id, kind, unit, state, previous_state, due_at, handler, ended_at,
        queue_at)
    SELECT md5('part ' || n)::uuid, id, 'LEAD', 'grid:990101001001001', 'ACCEPTED_RESULT', 'SUBMITTED', at, 'w', at, at
    FROM old
), events AS (
    INSERT INTO dispatch.event (ticket_id, version, type, time, payload)
    SELECT id, v, 'old', at, '{"filler": "............................................................"}'
    FROM old, generate_series(1, 6) AS v
), reasons AS (
    INSERT INTO dispatch.decision (ticket_id, version, trigger, explanation, decided_at)
    SELECT id, v, 'old', ARRAY['SIZE_SMALL_ELIGIBLE category=150101'], at FROM old, generate_series(1, 4) AS v
), places AS (
    INSERT INTO dispatch.position (ticket_id, source, version)
    SELECT id, source, 2 FROM old, unnest(ARRAY['intake', 'notify']) AS source
)
INSERT INTO dispatch.head (ticket_id, version) SELECT id, 6 FROM old

-- name: grow_notify
-- And as notify does: two messages that were delivered, one follow-up that was answered.
WITH old AS (
    SELECT md5('old ' || n)::uuid AS id, n, timestamptz '2025-07-10 00:00Z' + n * interval '20 seconds' AS at
    FROM generate_series($1::bigint, $2::bigint) AS n
), messages AS (
    INSERT INTO notify.message (id, ticket_id, template, recipient, channel, endpoint, policy, facts,
        caused_by, state, attempts, due_at, created_at, settled_at, give_up_at)
    SELECT md5('message ' || n || m)::uuid, id, 'assigned', 'unit:old', 'console', 'console', 'RESEND', '{}', 'old',
        'DELIVERED', 1, at, at, at, at FROM old, generate_series(1, 2) AS m
), asked AS (
    INSERT INTO notify.follow_up (ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts,
        bands, opened_at, ended_at, contacted, solved, satisfaction, recorded_by)
    SELECT id, 1, 'old' || n, 'old', false, 'old', 'ANSWERED', 1, '{}', at, at, true, true, 'SATISFIED', 'CITIZEN'
    FROM old
), records AS (
    INSERT INTO notify.ticket_record (ticket_id, doc) SELECT id, '{}' FROM old
), occurrences AS (
    INSERT INTO notify.occurrence (ticket_id, category, grp, township, grid, unit, accepted_at)
    SELECT id, '150101', '15', '990101001', '990101001001' || lpad((n % 500)::text, 3, '0'), 'grid:old', at FROM old
), events AS (
    INSERT INTO notify.event (ticket_id, version, type, time, payload)
    SELECT id, v, 'old', at, '{}' FROM old, generate_series(1, 4) AS v
), places AS (
    INSERT INTO notify.position (ticket_id, source, version) SELECT id, 'dispatch', 6 FROM old
)
INSERT INTO notify.head (ticket_id, version) SELECT id, 4 FROM old

-- name: open_timers
-- How many clocks of some tickets have still to ring by an instant.
SELECT count(*) FROM dispatch.timer AS t
WHERE t.ticket_id = ANY($1::uuid[]) AND t.fire_at <= $2

-- name: lateness
-- How late each clock of some tickets rang that was set for an instant, in seconds by the database's clock, where the
-- product's clock is $3 ahead of it; and how often it rang.
SELECT extract(epoch FROM max(e.recorded_at) + $3::interval - $2::timestamptz)::float8 AS late_s, count(*) AS rang
FROM dispatch.event AS e
WHERE e.ticket_id = ANY($1::uuid[]) AND e.type = $4 AND e.recorded_at + $3::interval >= $2::timestamptz
GROUP BY e.ticket_id, e.payload ->> 'assignment_id'

-- name: make_due
-- Let the signing clocks of some tickets all ring at one instant: in the row, and in the case that says when each rings.
-- Answers with how many clocks that are.
WITH told AS (
    UPDATE dispatch.ticket_case AS c SET doc = (c.doc::jsonb || jsonb_build_object('clocks', (
        SELECT jsonb_object_agg(key, CASE WHEN key LIKE 'SIGN:%' THEN to_jsonb($2::timestamptz) ELSE value END)
        FROM jsonb_each(c.doc::jsonb -> 'clocks'))))::json
    WHERE c.ticket_id = ANY($1::uuid[])
), moved AS (
    UPDATE dispatch.timer SET fire_at = $2 WHERE ticket_id = ANY($1::uuid[]) AND clock = 'SIGN' RETURNING 1
)
SELECT count(*) FROM moved

-- name: stored_tickets
-- How many tickets intake knows.
SELECT count(*) FROM intake.ticket

-- name: stored_bytes
-- How large the tables of the three services are, indexes and all.
SELECT sum(pg_total_relation_size(c.oid))::float8 AS bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('intake', 'dispatch', 'notify')

-- name: recorded
-- When dispatch wrote down each change of some tickets, in seconds since 1970.
SELECT ticket_id, version, extract(epoch FROM recorded_at)::float8 AS at FROM dispatch.event
WHERE ticket_id = ANY($1::uuid[])

-- name: led_once
-- How many of some tickets were given a lead exactly once.
SELECT count(*) FROM (
    SELECT FROM dispatch.assignment WHERE ticket_id = ANY($1::uuid[]) AND kind = 'LEAD'
    GROUP BY ticket_id HAVING count(*) = 1
) AS once

-- name: queue_deliveries
-- So many deliveries wait for each of these subscriptions, each of a ticket of its own.
WITH told AS (
    INSERT INTO notify.feed (event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise,
        heard_at)
    SELECT gen_random_uuid(), gen_random_uuid(), '/griddispatch/dispatch', 1, 'org.griddispatch.ticket.assigned.v1',
        $3, 'housing', '150101', '990101001', '990101001001001', false, $3
    FROM generate_series(1, $2::int)
    RETURNING seq, ticket_id, source
)
INSERT INTO notify.delivery (subscription_id, feed_seq, story, replay, state, due_at, created_at)
SELECT subscription_id, seq, ticket_id || source, false, 'QUEUED', $3, $3
FROM told, unnest($1::uuid[]) AS g (subscription_id)

-- name: hold_subscriptions
-- Nothing is sent to these while their queue is filled.
UPDATE notify.subscription SET state = 'DISABLED', stopped_for = 'OWNER' WHERE id = ANY($1::uuid[])

-- name: release_subscriptions
UPDATE notify.subscription SET state = 'ACTIVE', stopped_for = NULL WHERE id = ANY($1::uuid[])

-- name: clear_deliveries
TRUNCATE notify.delivery CASCADE

-- name: analyze_deliveries
ANALYZE notify.delivery, notify.feed

-- name: grow_rates
-- The counts that $2 evaluated tickets of a period come to: of 400 units, each with matters of 25 kinds.
INSERT INTO notify.rate_count (
    period, unit, township, category, dispatched, first_dispatch_right, on_time, valid, contacted, solved, satisfied
)
SELECT $1, 'unit-' || unit, '9901010' || lpad((unit % 20)::text, 2, '0'), lpad(kind::text, 2, '0'), n, n, n, n, n, n, n
FROM generate_series(1, 400) AS unit, generate_series(1, 25) AS kind, (SELECT ceil($2::int / 10000.0)::int AS n) AS each
ON CONFLICT (period, unit, township, category) DO UPDATE SET dispatched = excluded.dispatched,
    first_dispatch_right = excluded.first_dispatch_right, on_time = excluded.on_time, valid = excluded.valid,
    contacted = excluded.contacted, solved = excluded.solved, satisfied = excluded.satisfied
