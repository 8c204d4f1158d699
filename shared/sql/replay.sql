-- name: walk_ledger
-- A bounded stretch of the ledger in the order of tickets and versions, after ($1, $2), up to ticket $3: the events
-- wanted, and always the last one of the stretch, which says where the next begins.
WITH stretch AS MATERIALIZED (
    SELECT ticket_id, version, type, time, caused_by, traceparent, payload, epoch FROM event
    WHERE (ticket_id, version) > ($1::uuid, $2::int) AND ticket_id <= $3::uuid
    ORDER BY ticket_id, version LIMIT $4
), judged AS (
    SELECT stretch.*,
        ($5::timestamptz IS NULL OR time >= $5) AND ($6::timestamptz IS NULL OR time < $6)
        AND ($7::text[] IS NULL OR type = ANY ($7)) AS wanted
    FROM stretch
), last AS (
    SELECT ticket_id, version FROM stretch ORDER BY ticket_id DESC, version DESC LIMIT 1
)
SELECT j.ticket_id, j.version, j.type, j.time, j.caused_by, j.traceparent, j.payload, j.epoch, j.wanted
FROM judged AS j LEFT JOIN last AS l USING (ticket_id, version)
WHERE j.wanted OR l.version IS NOT NULL
ORDER BY j.ticket_id, j.version

-- name: read_upto
SELECT upto FROM tallied_upto

-- name: lock_upto
-- One adds up at a time.
SELECT upto FROM tallied_upto FOR UPDATE

-- name: settled_before
-- Every event recorded before this instant is committed or never will be: no transaction that could still commit one
-- had begun by then. The margin is for clocks that are set back, and for sessions this role cannot see.
SELECT least(
    clock_timestamp(),
    (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
) - make_interval(secs => $1) AS settled

-- name: add_up
-- Add the events recorded in [$1, $2) to their hours and shards, and note how far that is.
-- The last byte of an id is the id modulo 256, so modulo a power of two below that it is the shard.
WITH part AS (
    SELECT date_bin('1 hour', time, 'epoch') AS hour, get_byte(uuid_send(ticket_id), 15) % $3::int AS shard,
        count(*) AS events,
        bit_xor(
            ('x' || encode(substr(sha256(uuid_send(ticket_id) || int4send(version)), 1, 8), 'hex'))::bit(64)::bigint
        ) AS digest
    FROM event WHERE recorded_at >= $1 AND recorded_at < $2 GROUP BY 1, 2
), added AS (
    INSERT INTO hour_tally AS t (hour, shard, events, digest) SELECT hour, shard, events, digest FROM part
    ON CONFLICT (hour, shard) DO UPDATE SET events = t.events + excluded.events, digest = t.digest # excluded.digest
)
UPDATE tallied_upto SET upto = $2

-- name: tally_hours
-- Per hour and shard: how many events were stated, the digest over them, and how many Kafka has not acknowledged yet.
-- What is added up already, and what was recorded since; $4 is an `upto` read before, for the planner's eyes.
WITH fresh AS (
    SELECT date_bin('1 hour', time, 'epoch') AS hour, get_byte(uuid_send(ticket_id), 15) % $3::int AS shard,
        count(*) AS events,
        bit_xor(
            ('x' || encode(substr(sha256(uuid_send(ticket_id) || int4send(version)), 1, 8), 'hex'))::bit(64)::bigint
        ) AS digest
    FROM event
    WHERE recorded_at >= $4 AND recorded_at >= (SELECT upto FROM tallied_upto) AND time >= $1 AND time < $2
    GROUP BY 1, 2
), stated AS (
    SELECT hour, shard, sum(events)::bigint AS events, bit_xor(digest) AS digest
    FROM (
        SELECT hour, shard, events, digest FROM fresh
        UNION ALL SELECT hour, shard, events, digest FROM hour_tally WHERE hour >= $1 AND hour < $2
    ) AS both_parts GROUP BY hour, shard
), waiting AS (
    SELECT date_bin('1 hour', e.time, 'epoch') AS hour, o.shard::int AS shard, count(*) AS events
    FROM outbox AS o JOIN event AS e USING (ticket_id, version)
    WHERE e.time >= $1 AND e.time < $2 GROUP BY 1, 2
)
SELECT s.hour, s.shard, s.events, s.digest, coalesce(w.events, 0) AS pending
FROM stated AS s LEFT JOIN waiting AS w USING (hour, shard) ORDER BY s.hour, s.shard

-- name: list_hour
-- Which events one hour and shard holds, page by page, after ($5, $6).
WITH stated AS MATERIALIZED (
    SELECT ticket_id, version, type, time, epoch FROM event
    WHERE time >= $1 AND time < $2 AND get_byte(uuid_send(ticket_id), 15) % $3::int = $4
        AND (ticket_id, version) > ($5::uuid, $6::int)
)
SELECT s.ticket_id, s.version, s.type, s.time, s.epoch, o.seq IS NOT NULL AS pending
FROM stated AS s LEFT JOIN outbox AS o USING (ticket_id, version)
ORDER BY s.ticket_id, s.version LIMIT $7
