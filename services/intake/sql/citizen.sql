-- name: read_timeline
-- What a citizen is told happened, in order: nothing of it says who did it. A merged ticket tells of the one it waits
-- for as well.
SELECT at, what FROM (
    SELECT received_at AS at, 'received' AS what FROM ticket WHERE id = $1
    UNION ALL SELECT at, public_state FROM progress WHERE ticket_id = $1 OR ticket_id = $2
    UNION ALL SELECT added_at, 'added' FROM supplement WHERE ticket_id = $1
    UNION ALL SELECT at, 'hastened' FROM hasten WHERE ticket_id = $1
    UNION ALL SELECT withdrawal_at, 'withdrawal' FROM ticket WHERE id = $1 AND withdrawal_at IS NOT NULL
) AS steps ORDER BY at, what LIMIT 200
