-- name: open_tickets
SELECT state, light, count(*) AS n FROM ticket_case WHERE closed_at IS NULL GROUP BY state, light

-- name: unassigned_tickets
-- Open tickets that wait for a unit, and since when the oldest of them does.
SELECT count(*) AS n, min((doc ->> 'accepted_at')::timestamptz) AS since
FROM ticket_case AS c
WHERE c.closed_at IS NULL AND c.merged_into IS NULL AND c.state IN ('ACCEPTED', 'DISPATCHED') AND NOT EXISTS (
    SELECT FROM assignment AS a WHERE a.ticket_id = c.ticket_id AND a.kind = 'LEAD' AND a.ended_at IS NULL)

-- name: unwatched_tickets
-- Open tickets without a running clock, of their own or of the one they wait for; counting ends early: one is too many.
SELECT count(*) AS n FROM (
    SELECT FROM ticket_case AS c
    WHERE c.closed_at IS NULL AND NOT EXISTS (SELECT FROM timer AS t WHERE t.ticket_id = c.ticket_id)
        AND NOT EXISTS (SELECT FROM ticket_case AS m WHERE m.ticket_id = c.merged_into AND m.closed_at IS NULL)
    LIMIT $1
) AS unwatched

-- name: unsigned_assignments
-- A signing clock runs from the assignment until the unit signs.
SELECT count(*) AS n, min(started_at) AS since FROM timer WHERE clock = 'SIGN'

-- name: busiest_units
-- Open work by unit, who is furthest behind first.
SELECT unit, count(*) AS n, count(*) FILTER (WHERE due_at < $1) AS overdue
FROM assignment WHERE ended_at IS NULL GROUP BY unit ORDER BY overdue DESC, n DESC, unit LIMIT $2
