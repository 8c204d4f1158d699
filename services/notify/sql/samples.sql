-- name: waiting_messages
-- Messages that are due, as far as counting makes sense, and since when the oldest is.
SELECT count(*) AS n, min(due_at) AS since
FROM (SELECT due_at FROM message WHERE state = 'QUEUED' AND due_at < $1 LIMIT $2) AS waiting

-- name: open_follow_ups
SELECT count(*) AS n, count(*) FILTER (WHERE next_at < $1) AS late, min(next_at) FILTER (WHERE next_at < $1) AS since
FROM (SELECT next_at FROM follow_up WHERE state = 'OPEN' ORDER BY next_at LIMIT $2) AS waiting

-- name: open_tasks
SELECT count(*) AS n FROM (SELECT made_at FROM task WHERE done_at IS NULL ORDER BY made_at LIMIT $1) AS waiting
