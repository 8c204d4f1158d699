-- name: read_epoch
SELECT coalesce(max(epoch), 0) AS epoch FROM epoch

-- name: raise_epoch
INSERT INTO epoch (epoch, raised_by, reason) VALUES ($1, $2, $3)

-- name: note_marks
-- What Kafka acknowledged by now; answers with all marks of the topic. Marks only rise: two relays may note.
WITH given AS (
    SELECT * FROM unnest($2::int[], $3::bigint[]) AS g (partition, next_offset)
), noted AS (
    INSERT INTO log_mark AS m (topic, partition, next_offset) SELECT $1, partition, next_offset FROM given ORDER BY partition
    ON CONFLICT (topic, partition) DO UPDATE SET next_offset = greatest(m.next_offset, excluded.next_offset)
    RETURNING partition, next_offset
)
SELECT partition, next_offset FROM noted
UNION ALL
SELECT m.partition, m.next_offset FROM log_mark AS m
WHERE m.topic = $1 AND m.partition NOT IN (SELECT partition FROM given)

-- name: forget_marks
DELETE FROM log_mark WHERE topic = $1

-- name: begin_retelling
-- From the beginning; one that is under way already begins again, as it may have told into the lost log.
INSERT INTO retelling (topic, reason) VALUES ($1, $2)
ON CONFLICT (topic) WHERE finished_at IS NULL
DO UPDATE SET reason = excluded.reason, ticket_id = '00000000-0000-0000-0000-000000000000', version = 0

-- name: read_retelling
SELECT ticket_id, version FROM retelling WHERE topic = $1 AND finished_at IS NULL

-- name: move_retelling
UPDATE retelling SET ticket_id = $2, version = $3, finished_at = CASE WHEN $4 THEN clock_timestamp() END
WHERE topic = $1 AND finished_at IS NULL

-- name: finish_retelling
UPDATE retelling SET finished_at = clock_timestamp() WHERE topic = $1 AND finished_at IS NULL

-- name: has_read
-- Whether this service ever read anything of a source.
SELECT EXISTS (SELECT FROM position WHERE source = $1 AND version > 0) AS has_read

-- name: heads_after
-- How far this service's stories are, page by page in the order of their ids.
SELECT ticket_id, version FROM head WHERE ticket_id > $1 ORDER BY ticket_id LIMIT $2

-- name: positions_of
-- How far this service has read these stories of a source.
SELECT ticket_id, version FROM position WHERE source = $1 AND ticket_id = ANY($2::uuid[])

-- name: queue_again
-- Put stated events into the outbox once more, each story from behind a version on, unless they wait there already.
WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS g (ticket_id, behind)
), queued AS (
    INSERT INTO outbox (shard, ticket_id, version)
    SELECT get_byte(uuid_send(e.ticket_id), 15) % $3::int, e.ticket_id, e.version
    FROM given AS g JOIN event AS e ON e.ticket_id = g.ticket_id AND e.version > g.behind
    WHERE NOT EXISTS (SELECT FROM outbox AS o WHERE o.ticket_id = e.ticket_id AND o.version = e.version)
    ORDER BY e.ticket_id, e.version
    RETURNING 1
)
SELECT count(*) AS queued FROM queued
