-- name: queue
-- Open tickets in the order of queues, after (queue_at, ticket_id); walks the index of that order.
SELECT c.ticket_id, c.doc
FROM ticket_case AS c
WHERE c.closed_at IS NULL
  AND ($1::text[] IS NULL OR c.state = ANY($1))
  AND ($2::text[] IS NULL OR c.light = ANY($2))
  AND ($3::text[] IS NULL OR c.urgency = ANY($3))
  AND ($4::text IS NULL OR starts_with(c.place, $4))
  AND ($5::text IS NULL OR starts_with(c.category, $5))
  AND ($6::timestamptz IS NULL OR c.due_at < $6)
  AND (c.queue_at, c.ticket_id) > ($7::timestamptz, $8::uuid)
ORDER BY c.queue_at, c.ticket_id LIMIT $9

-- name: queue_of_unit
-- The same for one unit, from its own open assignments.
SELECT c.ticket_id, c.doc
FROM ticket_case AS c
WHERE c.closed_at IS NULL
  AND c.ticket_id IN (SELECT a.ticket_id FROM assignment AS a WHERE a.unit = $10 AND a.ended_at IS NULL)
  AND ($1::text[] IS NULL OR c.state = ANY($1))
  AND ($2::text[] IS NULL OR c.light = ANY($2))
  AND ($3::text[] IS NULL OR c.urgency = ANY($3))
  AND ($4::text IS NULL OR starts_with(c.place, $4))
  AND ($5::text IS NULL OR starts_with(c.category, $5))
  AND ($6::timestamptz IS NULL OR c.due_at < $6)
  AND (c.queue_at, c.ticket_id) > ($7::timestamptz, $8::uuid)
ORDER BY c.queue_at, c.ticket_id LIMIT $9

-- name: count_places
-- Open tickets by place and light.
SELECT place, light, count(*) AS tickets FROM ticket_case WHERE closed_at IS NULL GROUP BY place, light

-- name: unit_loads
-- What is still to be done in an area ($2), by unit; overdue at $1.
SELECT unit, count(*) AS open, count(*) FILTER (WHERE due_at < $1) AS overdue,
    count(*) FILTER (WHERE state = 'PENDING_SIGN') AS unsigned, count(*) FILTER (WHERE kind = 'LEAD') AS leads,
    min(due_at) AS next_due
FROM assignment AS a
WHERE ended_at IS NULL AND state <> 'SUBMITTED'
  AND ($2 = '*' OR EXISTS (SELECT FROM ticket_case AS c WHERE c.ticket_id = a.ticket_id AND lies_in(c.place, $2)))
GROUP BY unit

-- name: unit_results
-- What was handed in since $1 in an area ($2), by unit, and how much of it in time.
SELECT a.unit, count(*) AS results, count(*) FILTER (WHERE r.submitted_at <= a.due_at) AS on_time
FROM result AS r JOIN assignment AS a ON a.id = r.assignment_id
WHERE r.submitted_at >= $1
  AND ($2 = '*' OR EXISTS (SELECT FROM ticket_case AS c WHERE c.ticket_id = a.ticket_id AND lies_in(c.place, $2)))
GROUP BY a.unit

-- name: read_timers
-- The running clocks of a ticket, the next to ring first.
SELECT clock, subject, cycle, step, fire_at, clock_limit, started_at, due_at
FROM timer WHERE ticket_id = $1 ORDER BY fire_at, clock, subject

-- name: read_family
-- The ticket that this one ($1) waits for ($2), and those that wait for it, the first hundred.
(SELECT ticket_id, doc ->> 'ticket_no' AS ticket_no, false AS waits FROM ticket_case WHERE ticket_id = $2)
UNION ALL
(SELECT ticket_id, doc ->> 'ticket_no', true FROM ticket_case WHERE merged_into = $1 ORDER BY ticket_id LIMIT 100)
