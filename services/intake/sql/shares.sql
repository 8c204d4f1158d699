-- name: begin_shares
-- Of tickets that are ours; the same share again changes nothing.
INSERT INTO share (assignment_id, ticket_id, unit)
SELECT g.assignment_id, g.ticket_id, g.unit
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS g (assignment_id, ticket_id, unit)
JOIN ticket AS t ON t.id = g.ticket_id
ORDER BY g.assignment_id
ON CONFLICT (assignment_id) DO NOTHING

-- name: end_shares
DELETE FROM share WHERE assignment_id = ANY($1::uuid[])

-- name: units_with
SELECT s.unit FROM share AS s JOIN ticket AS t ON t.id = s.ticket_id WHERE t.id = $1 AND t.public_state <> '已结案'
