-- name: read_learnable
-- The sealed words of tickets from which may be learnt.
SELECT t.id, v.key_id, v.wrapped_key, v.sealed
FROM ticket AS t JOIN vault AS v ON v.ticket_id = t.id
WHERE t.id = ANY ($1::uuid[]) AND NOT t.hidden AND NOT t.confidential AND v.sealed IS NOT NULL

-- name: keep_lessons
-- One a ticket: the last choice of a person counts. Tickets that are not there have none.
INSERT INTO lesson (ticket_id, machine, human, confidence, confirmed_at, grams)
SELECT g.ticket_id, g.machine, g.human, g.confidence, g.confirmed_at, g.grams
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::double precision[], $5::timestamptz[], $6::bytea[])
    AS g (ticket_id, machine, human, confidence, confirmed_at, grams)
JOIN ticket AS t ON t.id = g.ticket_id
ON CONFLICT (ticket_id) DO UPDATE SET machine = excluded.machine, human = excluded.human,
    confidence = excluded.confidence, confirmed_at = excluded.confirmed_at, grams = excluded.grams

-- name: list_lessons
-- Lessons in order of confirmation, after a given place.
SELECT ticket_id, confirmed_at, grams FROM lesson
WHERE grams IS NOT NULL AND (confirmed_at, ticket_id) > ($1, $2) ORDER BY confirmed_at, ticket_id LIMIT $3
