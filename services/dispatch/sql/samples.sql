-- name: unsigned_assignments
-- A signing clock runs from the assignment until the unit signs.
SELECT count(*) AS n, min(started_at) AS since FROM timer WHERE clock = 'SIGN'

-- name: busiest_units
-- Open work by unit, who is furthest behind first.
SELECT unit, count(*) AS n, count(*) FILTER (WHERE due_at < $1) AS overdue
FROM assignment WHERE ended_at IS NULL GROUP BY unit ORDER BY overdue DESC, n DESC, unit LIMIT $2
