-- name: list_requests
-- Tickets of any service, the newest first, from the cursor on: the open ones and the closed ones each along their own
-- index, as far as the page could need.
SELECT id, ticket_no, public_state, received_at, updated_at, category, township, village, grid
FROM (
    (SELECT id, ticket_no, public_state, received_at, updated_at, COALESCE(category, given_category) AS category,
            township, village, grid
     FROM ticket
     WHERE false = ANY ($4::boolean[]) AND closed_at = 'infinity'
       AND NOT confidential AND NOT exercise AND NOT hidden AND received_at >= $1 AND (received_at, id) < ($2, $3)
       AND COALESCE(ticket_type, given_type) IS DISTINCT FROM 'REPORT'
       AND NOT COALESCE(explanation::text LIKE ANY ($5::text[]), false)
     ORDER BY received_at DESC, id DESC LIMIT $6::bigint + $7::bigint)
    UNION ALL
    (SELECT id, ticket_no, public_state, received_at, updated_at, COALESCE(category, given_category) AS category,
            township, village, grid
     FROM ticket
     WHERE true = ANY ($4::boolean[]) AND closed_at < 'infinity'
       AND NOT confidential AND NOT exercise AND NOT hidden AND received_at >= $1 AND (received_at, id) < ($2, $3)
       AND COALESCE(ticket_type, given_type) IS DISTINCT FROM 'REPORT'
       AND NOT COALESCE(explanation::text LIKE ANY ($5::text[]), false)
     ORDER BY received_at DESC, id DESC LIMIT $6::bigint + $7::bigint)
) AS t
ORDER BY received_at DESC, id DESC LIMIT $6 OFFSET $7

-- name: list_requests_of_services
-- The same for some services: for each along the indexes by service.
SELECT t.id, t.ticket_no, t.public_state, t.received_at, t.updated_at, t.category, t.township, t.village, t.grid
FROM unnest($8::text[]) AS code CROSS JOIN LATERAL (
    (SELECT id, ticket_no, public_state, received_at, updated_at, code AS category,
            township, village, grid
     FROM ticket
     WHERE false = ANY ($4::boolean[]) AND closed_at = 'infinity'
       AND service = code
       AND NOT confidential AND NOT exercise AND NOT hidden AND received_at >= $1 AND (received_at, id) < ($2, $3)
       AND COALESCE(ticket_type, given_type) IS DISTINCT FROM 'REPORT'
       AND NOT COALESCE(explanation::text LIKE ANY ($5::text[]), false)
     ORDER BY received_at DESC, id DESC LIMIT $6::bigint + $7::bigint)
    UNION ALL
    (SELECT id, ticket_no, public_state, received_at, updated_at, code AS category,
            township, village, grid
     FROM ticket
     WHERE true = ANY ($4::boolean[]) AND closed_at < 'infinity'
       AND service = code
       AND NOT confidential AND NOT exercise AND NOT hidden AND received_at >= $1 AND (received_at, id) < ($2, $3)
       AND COALESCE(ticket_type, given_type) IS DISTINCT FROM 'REPORT'
       AND NOT COALESCE(explanation::text LIKE ANY ($5::text[]), false)
     ORDER BY received_at DESC, id DESC LIMIT $6::bigint + $7::bigint)
) AS t
ORDER BY t.received_at DESC, t.id DESC LIMIT $6 OFFSET $7

-- name: read_requests_by_number
-- Tickets by their numbers. Of some nothing may be shown but how they stand: `withheld`.
SELECT id, ticket_no, public_state, received_at, updated_at, COALESCE(category, given_category) AS category,
       township, village, grid,
       confidential OR exercise OR COALESCE(COALESCE(ticket_type, given_type) = 'REPORT', false)
       OR COALESCE(explanation::text LIKE ANY ($2::text[]), false) AS withheld
FROM ticket WHERE ticket_no = ANY ($1::text[]) AND NOT hidden
ORDER BY received_at DESC, id DESC

-- name: read_number
-- Of a sensitive lead nobody is told, not by this way either.
SELECT ticket_no FROM ticket WHERE id = $1 AND NOT hidden

-- name: find_recent_request
-- Whether a key led to a ticket not longer ago than that.
SELECT 1 FROM request AS r JOIN ticket AS t ON t.id = r.ticket_id
WHERE r.source = $1 AND r.key = $2 AND t.received_at > $3
