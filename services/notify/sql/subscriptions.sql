-- name: add_subscription
INSERT INTO subscription (
    id, owner, name, url, types, units, categories, areas, exercises, state, secret, created_at, changed_at, area,
    made_with
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'ACTIVE', $10, $11, $11, $12, $13)

-- name: count_subscriptions
-- How many somebody has; whoever adds one meanwhile waits.
SELECT count(*)::int AS n FROM subscription
WHERE owner = $1 AND state <> 'DELETED' AND pg_advisory_xact_lock(hashtextextended($1, 11)) IS NOT NULL

-- name: list_subscriptions
SELECT id, owner, name, url, types, units, categories, areas, exercises, state, stopped_for, version, created_at,
    changed_at, delivered_at, previous_until, area, made_with
FROM subscription WHERE owner = $1 AND lies_in(area, $2) AND state <> 'DELETED' ORDER BY created_at, id

-- name: read_subscription
SELECT id, owner, name, url, types, units, categories, areas, exercises, state, stopped_for, version, created_at,
    changed_at, delivered_at, previous_until, area, made_with
FROM subscription WHERE id = $1 AND state <> 'DELETED'

-- name: lock_subscription
SELECT id, owner, name, url, types, units, categories, areas, exercises, state, stopped_for, version, created_at,
    changed_at, delivered_at, previous_until, area, made_with
FROM subscription WHERE id = $1 AND state <> 'DELETED' FOR UPDATE

-- name: save_subscription
UPDATE subscription SET name = $2, url = $3, types = $4, units = $5, categories = $6, areas = $7, exercises = $8,
    state = $9, stopped_for = $10, changed_at = $11, area = $12, made_with = $13, version = version + 1
WHERE id = $1

-- name: rotate_secret
-- The key that signed until now goes on beside the new one for a while; one that was older than it ends here.
UPDATE subscription SET previous = secret, previous_until = $3, secret = $2, version = version + 1 WHERE id = $1

-- name: listening
-- Whom events are fed for, with the area of today; the disabled ones keep the feed alive, so that they can be replayed
-- to. Whose key is no good any more hears nothing.
SELECT id, owner, name, url, types, units, categories, areas, exercises, state, stopped_for, version, created_at,
    changed_at, delivered_at, previous_until, today.area, made_with
FROM subscription
CROSS JOIN LATERAL (SELECT CASE WHEN made_with IS NULL THEN subscription.area ELSE area_of_key(made_with) END) AS today (area)
WHERE state <> 'DELETED' AND today.area IS NOT NULL

-- name: keyless_subscriptions
-- Active ones whose key is no good any more.
SELECT id FROM subscription
WHERE state = 'ACTIVE' AND made_with IS NOT NULL AND area_of_key(made_with) IS NULL ORDER BY id LIMIT $1

-- name: begin_subjects
INSERT INTO subject (ticket_id, unit, category, township, grid, exercise, hidden)
SELECT ticket_id, '', '', '', '', false, false FROM unnest($1::uuid[]) AS g (ticket_id) ORDER BY ticket_id
ON CONFLICT DO NOTHING

-- name: lock_subjects
-- In id order, so that two writers never wait for each other.
SELECT ticket_id, unit, category, township, grid, exercise, hidden FROM subject
WHERE ticket_id = ANY($1::uuid[]) ORDER BY ticket_id FOR UPDATE

-- name: save_subjects
UPDATE subject AS s SET unit = g.unit, category = g.category, township = g.township, grid = g.grid,
    exercise = g.exercise, hidden = g.hidden
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::boolean[])
    AS g (ticket_id, unit, category, township, grid, exercise, hidden)
WHERE s.ticket_id = g.ticket_id

-- name: add_news
-- In the order given; answers with their places. What is there already is not told again.
INSERT INTO feed (
    event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise, heard_at
)
SELECT event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise, $12
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::boolean[]
) WITH ORDINALITY AS g (
    event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise, nth
)
ORDER BY nth
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id, seq

-- name: add_deliveries
-- In the order given, which within a story is the order in which they are going to be sent.
INSERT INTO delivery (subscription_id, feed_seq, story, replay, state, due_at, created_at)
SELECT subscription_id, feed_seq, story, $4, 'QUEUED', $5, $5
FROM unnest($1::uuid[], $2::bigint[], $3::text[]) WITH ORDINALITY AS g (subscription_id, feed_seq, story, nth)
ORDER BY nth
RETURNING seq

-- name: page_news
-- What there was to hear of one ticket ($2) or within a time, page by page in the order of the feed.
SELECT seq, event_id, ticket_id, source, version, type, time, unit, category, township, grid, exercise FROM feed
WHERE seq > $1 AND ($2::uuid IS NULL OR ticket_id = $2) AND ($3::timestamptz IS NULL OR time >= $3)
    AND ($4::timestamptz IS NULL OR time < $4)
ORDER BY seq LIMIT $5

-- name: ready_subscriptions
-- Active subscriptions for which something is due, with their sealed keys. One probe of the index for each: as EXISTS
-- this became a join that read the whole queue.
SELECT s.id, s.owner, s.name, s.url, s.types, s.units, s.categories, s.areas, s.exercises, s.state, s.stopped_for,
    s.version, s.created_at, s.changed_at, s.delivered_at, s.previous_until, today.area, s.made_with, s.secret,
    s.previous
FROM subscription AS s
CROSS JOIN LATERAL (SELECT CASE WHEN s.made_with IS NULL THEN s.area ELSE area_of_key(s.made_with) END) AS today (area)
CROSS JOIN LATERAL (
    SELECT FROM delivery AS d WHERE d.subscription_id = s.id AND d.state = 'QUEUED' AND d.due_at <= $1
    ORDER BY d.due_at LIMIT 1
) AS due
WHERE s.state = 'ACTIVE' AND s.id <> ALL($2::uuid[]) AND today.area IS NOT NULL
ORDER BY s.id

-- name: claim_deliveries
-- Lease what is due at one subscription ($2 by the business clock, the lease by the database's), of each story the
-- first only. A reader of an old snapshot sees a claimed one still open, so a later one never overtakes it.
WITH due AS (
    SELECT d.seq FROM delivery AS d
    WHERE d.subscription_id = $1 AND d.state = 'QUEUED' AND d.due_at <= $2 AND NOT EXISTS (
        SELECT FROM delivery AS e
        WHERE e.subscription_id = d.subscription_id AND e.story = d.story AND e.seq < d.seq
            AND e.state IN ('QUEUED', 'LEASED')
    )
    ORDER BY d.due_at, d.seq LIMIT $3
    FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE delivery AS d SET state = 'LEASED', attempts = attempts + 1, claimed_at = $2,
        lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM due WHERE d.seq = due.seq
    RETURNING d.seq, d.subscription_id, d.feed_seq, d.attempts, d.created_at, d.claimed_at
)
SELECT l.seq, l.subscription_id, l.feed_seq, l.attempts, l.created_at, l.claimed_at, f.event_id, f.ticket_id, f.source,
    f.version, f.type, f.time, f.unit, f.category, f.township, f.grid, f.exercise
FROM leased AS l LEFT JOIN feed AS f ON f.seq = l.feed_seq
ORDER BY l.seq

-- name: lost_deliveries
-- Deliveries whose sender let its lease run out.
SELECT seq, subscription_id, feed_seq, attempts, created_at, claimed_at FROM delivery
WHERE state = 'LEASED' AND lease_until < clock_timestamp() ORDER BY lease_until LIMIT $1

-- name: release_deliveries
-- What was claimed and had no turn: back to the queue, its attempt uncounted.
UPDATE delivery AS d SET state = 'QUEUED', attempts = d.attempts - 1, lease_until = NULL
FROM unnest($1::bigint[], $2::smallint[]) AS g (seq, n)
WHERE d.seq = g.seq AND d.attempts = g.n AND d.state = 'LEASED'

-- name: settle_deliveries
-- Record how attempts ended; only of deliveries that still stand where the attempt left them.
WITH given AS (
    SELECT * FROM unnest(
        $1::bigint[], $2::smallint[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::timestamptz[]
    ) AS g (seq, n, state, due_at, detail, outcome, started_at)
), moved AS (
    UPDATE delivery AS d SET state = g.state, due_at = coalesce(g.due_at, d.due_at), lease_until = NULL,
        last_error = CASE WHEN g.state = 'DELIVERED' THEN '' ELSE g.detail END,
        settled_at = CASE WHEN g.state = 'QUEUED' THEN NULL ELSE $8::timestamptz END
    FROM given AS g
    WHERE d.seq = g.seq AND d.attempts = g.n AND d.state = 'LEASED'
    RETURNING d.seq
), noted AS (
    INSERT INTO delivery_attempt (delivery_seq, n, started_at, ended_at, outcome, detail)
    SELECT g.seq, g.n, g.started_at, $8, g.outcome, g.detail FROM given AS g JOIN moved USING (seq)
)
SELECT seq FROM moved

-- name: hold_followers
-- What waits behind one that is tried again later is not looked at before.
UPDATE delivery AS d SET due_at = e.due_at
FROM delivery AS e
WHERE e.seq = ANY($1::bigint[]) AND d.subscription_id = e.subscription_id AND d.story = e.story AND d.seq > e.seq
    AND d.state = 'QUEUED' AND d.due_at < e.due_at

-- name: note_delivered
UPDATE subscription SET delivered_at = $2 WHERE id = $1 AND (delivered_at IS NULL OR delivered_at < $2)

-- name: list_deliveries
-- The latest first, from before $2.
SELECT d.seq, d.feed_seq, d.replay, d.state, d.attempts, d.due_at, d.created_at, d.settled_at, d.last_error,
    f.event_id, f.ticket_id, f.source, f.version, f.type, f.time, f.unit, f.category, f.township, f.grid, f.exercise
FROM delivery AS d LEFT JOIN feed AS f ON f.seq = d.feed_seq
WHERE d.subscription_id = $1 AND d.seq < $2 AND ($3 = '' OR d.state = $3)
ORDER BY d.seq DESC LIMIT $4

-- name: list_delivery_attempts
SELECT delivery_seq, n, started_at, ended_at, outcome, detail FROM delivery_attempt
WHERE delivery_seq = ANY($1::bigint[]) ORDER BY delivery_seq, n

-- name: prune_deliveries
-- What was settled long ago, $2 at a time.
DELETE FROM delivery WHERE seq IN (
    SELECT seq FROM delivery WHERE settled_at < $1 ORDER BY settled_at LIMIT $2
) RETURNING 1

-- name: prune_stale
-- What was never sent because its subscription is disabled or deleted is given up with the feed.
DELETE FROM delivery WHERE seq IN (
    SELECT d.seq FROM delivery AS d JOIN subscription AS s ON s.id = d.subscription_id
    WHERE s.state <> 'ACTIVE' AND d.state = 'QUEUED' AND d.due_at < $1 LIMIT $2
) RETURNING 1

-- name: prune_feed
DELETE FROM feed WHERE seq IN (SELECT seq FROM feed WHERE time < $1 ORDER BY time LIMIT $2) RETURNING 1
