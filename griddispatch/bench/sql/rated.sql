-- name: rate_tickets
-- Tickets number $1 to $2 as notify keeps them when they were judged: what was heard of each, and what was stated. What
-- happened to one follows from its number, so that the counts can be worked out without them.
WITH said AS (
    SELECT n, md5('rated ' || n)::uuid AS id, 'unit-' || n % 400 AS unit,
        '9901010' || lpad((n % 20)::text, 2, '0') AS township, lpad((1 + n / 400 % 25)::text, 2, '0') AS kind,
        timestamptz '2024-05-01 00:00Z' + n % 10000 * interval '1 minute' AS at
    FROM generate_series($1::bigint, $2::bigint) AS n
), records AS (
    INSERT INTO notify.ticket_record (ticket_id, doc)
    SELECT id, json_build_object(
        'heard', 5, 'said', 1, 'accepted_at', at, 'category', kind || '0101', 'township', township,
        'hops', CASE WHEN n % 7 = 0 THEN 1 ELSE 0 END, 'hanging', n % 50 = 0,
        'cycles', json_build_array(json_build_object(
            'n', 1, 'unit', unit, 'resolved_at', at + interval '6 hours', 'on_time', n % 10 <> 0,
            'reopened_at', CASE WHEN n % 25 = 0 THEN at + interval '3 days' END)),
        'hangs', CASE WHEN n % 50 = 0 THEN json_build_array(json_build_object('at', at, 'unit', unit))
            ELSE '[]'::json END
    ) FROM said
), judged AS (
    INSERT INTO notify.event (ticket_id, version, type, time, payload)
    SELECT id, 1, 'org.griddispatch.ticket.evaluated.v1', at + interval '2 days',
        CASE WHEN n % 20 = 0 THEN json_build_object('cycle', 1, 'outcome', 'UNREACHABLE')
        ELSE json_build_object('cycle', 1, 'outcome', 'ANSWERED', 'contacted', n % 3 <> 0, 'solved', n % 9 <> 0,
            'satisfaction', (ARRAY['DISSATISFIED', 'BASICALLY', 'SATISFIED', 'SATISFIED'])[1 + n % 4]) END
    FROM said
)
INSERT INTO notify.event (ticket_id, version, type, time, payload)
SELECT id, 2, 'org.griddispatch.exclusion.decided.v1', at + interval '3 days',
    json_build_object('cycle', 1, 'unit', unit, 'granted', true)
FROM said WHERE n % 33 = 0

-- name: rate_counts
-- What $1 such tickets come to, by arithmetic: nothing of them is read.
WITH said AS (
    SELECT n, 'unit-' || n % 400 AS unit, '9901010' || lpad((n % 20)::text, 2, '0') AS township,
        lpad((1 + n / 400 % 25)::text, 2, '0') AS kind, n % 20 = 0 AS silent, n % 33 = 0 AS excluded,
        n % 20 <> 0 AND n % 33 <> 0 AND n % 50 <> 0 AS valid
    FROM generate_series(1::bigint, $1::bigint) AS n
)
INSERT INTO notify.rate_count (
    period, unit, township, category, dispatched, first_dispatch_right, hops, on_time, late, valid, contacted, solved,
    satisfied, basic, unreachable, hung, excluded, reopened
)
SELECT $2, unit, township, kind, count(*), count(*) FILTER (WHERE n % 7 <> 0), count(*) FILTER (WHERE n % 7 = 0),
    count(*) FILTER (WHERE n % 10 <> 0), count(*) FILTER (WHERE n % 10 = 0), count(*) FILTER (WHERE valid),
    count(*) FILTER (WHERE valid AND n % 3 <> 0), count(*) FILTER (WHERE valid AND n % 9 <> 0),
    count(*) FILTER (WHERE valid AND n % 4 > 1), count(*) FILTER (WHERE valid AND n % 4 = 1),
    count(*) FILTER (WHERE silent), count(*) FILTER (WHERE n % 50 = 0), count(*) FILTER (WHERE excluded AND NOT silent),
    count(*) FILTER (WHERE n % 25 = 0)
FROM said GROUP BY unit, township, kind
