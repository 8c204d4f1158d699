-- name: walk_ledger
-- A bounded stretch of the ledger in the order of tickets and versions, after ($1, $2), up to ticket $3: the events
-- wanted, and always the last one of the stretch, which says where the next begins.
WITH stretch AS MATERIALIZED (
    SELECT ticket_id, version, type, time, caused_by, traceparent, payload FROM event
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
SELECT j.ticket_id, j.version, j.type, j.time, j.caused_by, j.traceparent, j.payload, j.wanted
FROM judged AS j LEFT JOIN last AS l USING (ticket_id, version)
WHERE j.wanted OR l.version IS NOT NULL
ORDER BY j.ticket_id, j.version

-- name: tally_hours
-- Per hour and shard: how many events were stated, the digest over them, and how many Kafka has not acknowledged yet.
-- The last byte of an id is the id modulo 256, so modulo a power of two below that it is the shard.
WITH stated AS (
    SELECT date_bin('1 hour', time, $1) AS hour, get_byte(uuid_send(ticket_id), 15) % $3::int AS shard,
        count(*) AS events,
        bit_xor(
            ('x' || encode(substr(sha256(uuid_send(ticket_id) || int4send(version)), 1, 8), 'hex'))::bit(64)::bigint
        ) AS digest
    FROM event WHERE time >= $1 AND time < $2 GROUP BY 1, 2
), waiting AS (
    SELECT date_bin('1 hour', e.time, $1) AS hour, o.shard::int AS shard, count(*) AS events
    FROM outbox AS o JOIN event AS e USING (ticket_id, version)
    WHERE e.time >= $1 AND e.time < $2 GROUP BY 1, 2
)
SELECT s.hour, s.shard, s.events, s.digest, coalesce(w.events, 0) AS pending
FROM stated AS s LEFT JOIN waiting AS w USING (hour, shard) ORDER BY s.hour, s.shard

-- name: list_hour
-- Which events one hour and shard holds, page by page, after ($5, $6).
WITH stated AS MATERIALIZED (
    SELECT ticket_id, version, type, time FROM event
    WHERE time >= $1 AND time < $2 AND get_byte(uuid_send(ticket_id), 15) % $3::int = $4
        AND (ticket_id, version) > ($5::uuid, $6::int)
)
SELECT s.ticket_id, s.version, s.type, s.time, o.seq IS NOT NULL AS pending
FROM stated AS s LEFT JOIN outbox AS o USING (ticket_id, version)
ORDER BY s.ticket_id, s.version LIMIT $7
