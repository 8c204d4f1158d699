-- name: open_page
-- The next $2 open tickets after ($3, $4) in the order of queues, those that lie in an area ($1) counted by state and light:
-- how many, which of them no clock watches, their own or that of the open ticket they wait for, and how many wait for a
-- unit, the oldest since when. A row without state says how far the page went, unless that was to the end. Each ticket is
-- looked at by index (LIMIT keeps the planner from reading a whole table of clocks for one page).
WITH looked AS MATERIALIZED (
    SELECT ticket_id, queue_at, state, light, place, merged_into, accepted_at FROM ticket_case
    WHERE closed_at IS NULL AND (queue_at, ticket_id) > ($3::timestamptz, $4::uuid)
    ORDER BY queue_at, ticket_id LIMIT $2
), seen AS (
    SELECT c.ticket_id, c.state, c.light, c.accepted_at, clock.is_there IS NULL AND main.is_there IS NULL AS is_unwatched,
        c.merged_into IS NULL AND c.state IN ('ACCEPTED', 'DISPATCHED') AND lead.is_there IS NULL AS is_unassigned
    FROM looked AS c
    LEFT JOIN LATERAL (SELECT true FROM timer AS t WHERE t.ticket_id = c.ticket_id LIMIT 1) AS clock (is_there) ON true
    LEFT JOIN LATERAL (
        SELECT true FROM ticket_case AS m WHERE m.ticket_id = c.merged_into AND m.closed_at IS NULL LIMIT 1
    ) AS main (is_there) ON true
    LEFT JOIN LATERAL (
        SELECT true FROM assignment AS a WHERE a.ticket_id = c.ticket_id AND a.kind = 'LEAD' AND a.ended_at IS NULL LIMIT 1
    ) AS lead (is_there) ON true
    WHERE lies_in(c.place, $1)
)
SELECT state, light, count(*) AS tickets, array_agg(ticket_id) FILTER (WHERE is_unwatched) AS unwatched,
    count(*) FILTER (WHERE is_unassigned) AS unassigned, min(accepted_at) FILTER (WHERE is_unassigned) AS since,
    NULL::timestamptz AS queue_at, NULL::uuid AS ticket_id
FROM seen GROUP BY state, light
UNION ALL (
    SELECT NULL, NULL, 0, NULL, 0, NULL, queue_at, ticket_id FROM looked WHERE (SELECT count(*) FROM looked) = $2
    ORDER BY queue_at DESC, ticket_id DESC LIMIT 1)
