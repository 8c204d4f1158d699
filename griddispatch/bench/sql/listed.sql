-- name: list_tickets
-- Tickets number $1 to $2 as intake keeps them once triaged, each $4 older than the one before, the first at $3; of the
-- services $5. One in twenty is open; some are confidential, drills, reports of wrongs, or hidden, and on no list.
INSERT INTO intake.ticket (id, ticket_no, query_code, source, external_id, channel, exercise, confidential, received_at,
    state, public_state, triaged_at, ticket_type, category, urgency, confidence, place_level, township, village, grid,
    rule_pack, explanation, updated_at, closed_at, hidden)
SELECT md5('listed ' || n)::uuid, 'listed' || n, 'LISTED', 'listed', 'listed-' || n, 'PHONE', n % 89 = 0, n % 97 = 0, at,
    'TRIAGED', CASE WHEN is_open THEN '办理中' ELSE '已结案' END, at, CASE WHEN n % 31 = 0 THEN 'REPORT' ELSE 'COMPLAINT' END,
    ($5::text[])[1 + n % cardinality($5::text[])], 'U3', 0.9, 'GRID', '990101001', '990101001001', '990101001001001',
    'county-default/1', reasons, at, CASE WHEN is_open THEN 'infinity' ELSE at END, n % 211 = 0
FROM (
    SELECT n, $3::timestamptz - n * $4::interval AS at, n % 20 = 0 AS is_open
    FROM generate_series($1::bigint, $2::bigint) AS n
) AS numbered, (
    SELECT json_agg(json_build_object('rule', 'words-' || r, 'saw', repeat('路灯不亮', 8), 'gave', 'category 150101')) AS reasons
    FROM generate_series(1, 6) AS r
) AS explained

-- name: listable
-- How many of all tickets may stand on a public list.
SELECT count(*) FROM intake.ticket
WHERE NOT confidential AND NOT exercise AND NOT hidden AND COALESCE(ticket_type, given_type) IS DISTINCT FROM 'REPORT'
