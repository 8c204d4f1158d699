-- name: lock_heads
-- Lock the tickets' stories in id order (so that two batches cannot lock each other out) and read how far they are.
SELECT ticket_id, version FROM head WHERE ticket_id = ANY($1::uuid[]) ORDER BY ticket_id FOR UPDATE

-- name: append_events
-- Ledger, outbox and head in one statement. Outbox numbers are drawn in the order given, under the head's lock.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::json[], $8::smallint[])
        WITH ORDINALITY AS g (ticket_id, version, type, time, caused_by, traceparent, payload, shard, place)
), stated AS (
    INSERT INTO event (ticket_id, version, type, time, caused_by, traceparent, payload, epoch)
    SELECT ticket_id, version, type, time, caused_by, traceparent, payload, $9 FROM given
), advanced AS (
    INSERT INTO head (ticket_id, version)
    SELECT ticket_id, max(version) FROM given GROUP BY ticket_id ORDER BY ticket_id
    ON CONFLICT (ticket_id) DO UPDATE SET version = excluded.version
)
INSERT INTO outbox (shard, ticket_id, version)
SELECT shard, ticket_id, version FROM given ORDER BY place

-- name: read_events
-- One ticket's story as this service told it.
SELECT ticket_id, version, type, time, caused_by, traceparent, payload
FROM event WHERE ticket_id = $1 ORDER BY version

-- name: ensure_leases
-- One lease row per shard; harmless to repeat.
INSERT INTO relay_lease (shard) SELECT generate_series(0, $1::int - 1) ON CONFLICT DO NOTHING

-- name: renew_leases
-- Keep what we hold and take what is free, up to $2 shards in all; answers with the shards held now.
WITH candidate AS (
    SELECT shard FROM relay_lease
    WHERE holder = $1 OR expires_at < clock_timestamp()
    ORDER BY holder = $1 DESC, shard LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE relay_lease AS l SET holder = $1, expires_at = clock_timestamp() + make_interval(secs => $3)
FROM candidate AS c WHERE l.shard = c.shard
RETURNING l.shard

-- name: release_leases
-- Give everything back at once, so that another relay need not wait for the clock.
UPDATE relay_lease SET holder = '', expires_at = '-infinity' WHERE holder = $1

-- name: read_outbox
-- Unpublished events by state, never by cursor: a late commit with a lower number simply shows up next time. OFFSET 0 keeps
-- the planner to one look into the ledger for each: a plan made while the tables were empty would read the ledger whole.
SELECT o.seq, o.ticket_id, o.version, e.type, e.time, e.caused_by, e.traceparent, e.payload, e.epoch
FROM (SELECT seq, ticket_id, version FROM outbox WHERE shard = ANY($1::smallint[]) ORDER BY seq LIMIT $2) AS o
CROSS JOIN LATERAL (
    SELECT type, time, caused_by, traceparent, payload, epoch FROM event
    WHERE ticket_id = o.ticket_id AND version = o.version OFFSET 0
) AS e
ORDER BY o.seq

-- name: delete_published
-- Forget what Kafka acknowledged, only while the lease is still ours.
DELETE FROM outbox AS o USING relay_lease AS l
WHERE o.seq = ANY($1::bigint[]) AND l.shard = o.shard AND l.holder = $2 AND l.expires_at > clock_timestamp()

-- name: outbox_state
-- How much is unpublished, and how old the oldest of it is (seconds).
SELECT count(*) AS depth, coalesce(extract(epoch FROM clock_timestamp() - min(queued_at)), 0)::float8 AS age_s FROM outbox

-- name: advance_positions
-- The version rule's fast path: move each ticket from before to after, only if it stands exactly at before.
-- Answers with the tickets moved; the others were seen already, or came too early.
WITH given AS (
    SELECT * FROM unnest($2::uuid[], $3::int[], $4::int[], $5::int[]) AS g (ticket_id, before, after, epoch)
), begun AS (
    INSERT INTO position (ticket_id, source, version, epoch)
    SELECT ticket_id, $1, after, epoch FROM given WHERE before = 0 ORDER BY ticket_id
    ON CONFLICT DO NOTHING RETURNING ticket_id
), moved AS (
    UPDATE position AS p SET version = g.after, epoch = g.epoch FROM given AS g
    WHERE p.ticket_id = g.ticket_id AND p.source = $1 AND p.version = g.before AND p.epoch <= g.epoch
    RETURNING p.ticket_id
)
SELECT ticket_id FROM begun UNION ALL SELECT ticket_id FROM moved

-- name: lock_positions
-- The version rule's slow path: make sure a row is there, lock it, and read it.
INSERT INTO position AS p (ticket_id, source, version)
SELECT g.ticket_id, $1, 0 FROM unnest($2::uuid[]) AS g (ticket_id) ORDER BY g.ticket_id
ON CONFLICT (ticket_id, source) DO UPDATE SET version = p.version
RETURNING p.ticket_id, p.version, p.epoch

-- name: set_positions
UPDATE position AS p SET version = g.version, epoch = g.epoch
FROM unnest($2::uuid[], $3::int[], $4::int[]) AS g (ticket_id, version, epoch)
WHERE p.ticket_id = g.ticket_id AND p.source = $1

-- name: park
-- Keep an early event until its turn, once however often a batch holds it; one of a later epoch takes the place of the
-- one that was forgotten.
INSERT INTO parked AS p (ticket_id, source, version, topic, key, value, headers, epoch)
SELECT DISTINCT ON (ticket_id, source, version) ticket_id, source, version, topic, key, value, headers, epoch
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::bytea[], $6::bytea[], $7::json[], $8::int[])
    AS g (ticket_id, source, version, topic, key, value, headers, epoch)
ORDER BY ticket_id, source, version, epoch DESC
ON CONFLICT (ticket_id, source, version) DO UPDATE
SET topic = excluded.topic, key = excluded.key, value = excluded.value, headers = excluded.headers,
    epoch = excluded.epoch, parked_at = excluded.parked_at
WHERE excluded.epoch > p.epoch

-- name: read_parked
SELECT ticket_id, version, topic, key, value, headers, epoch FROM parked
WHERE source = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY ticket_id, version

-- name: unpark
-- What was released, and what an earlier epoch had said and a later one takes back.
DELETE FROM parked AS p USING unnest($2::uuid[], $3::int[], $4::int[]) AS g (ticket_id, version, epoch)
WHERE p.source = $1 AND p.ticket_id = g.ticket_id AND (p.version <= g.version OR p.epoch < g.epoch)

-- name: parked_state
SELECT count(*) AS events, coalesce(extract(epoch FROM clock_timestamp() - min(parked_at)), 0)::float8 AS age_s FROM parked

-- name: bury
-- One row per record, however often it is read again; a record is known by its place and its bytes.
INSERT INTO dead_letter (topic, partition, "offset", key, value, headers, reason, tries, code)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (topic, partition, "offset", digest) DO NOTHING

-- name: read_unmirrored
SELECT id, topic, partition, "offset", key, value, headers, reason, tries, code, failed_at FROM dead_letter
WHERE mirrored_at IS NULL ORDER BY id LIMIT $1

-- name: mark_mirrored
UPDATE dead_letter SET mirrored_at = clock_timestamp() WHERE id = ANY($1::bigint[])

-- name: count_dead
SELECT count(*) FROM dead_letter WHERE state = 'DEAD'

-- name: list_dead
SELECT id, topic, partition, "offset", key, reason, tries, failed_at, state FROM dead_letter
WHERE state = ANY($1::text[]) ORDER BY id DESC LIMIT $2

-- name: find_dead
-- What is still dead of one key, or of all with null, in the order of their places: a ticket's go again as they came.
SELECT id FROM dead_letter
WHERE state = 'DEAD' AND ($1::bytea IS NULL OR key = $1) AND id BETWEEN $2 AND $3
ORDER BY topic, partition, "offset" LIMIT $4

-- name: read_dead
-- Lock one dead letter for settling it.
SELECT id, topic, partition, "offset", key, value, headers, reason, tries, failed_at, state FROM dead_letter
WHERE id = $1 FOR UPDATE

-- name: settle_dead
UPDATE dead_letter SET state = $2, settled_at = clock_timestamp(), note = $3 WHERE id = $1
