-- name: insert_leads
-- What sounds like a lead, or is one. Harmless to repeat for the same ticket.
INSERT INTO lead (
    id, ticket_id, kind, state, subject_level, county, township, village, target, implicit, recorded_by, recorded_at,
    moved_at, moved_by, was_confidential, key_id, wrapped_key, sealed, take_over_by, urgency
)
SELECT id, ticket_id, kind, state, subject_level, county, township, village, target, implicit, recorded_by, $16, $16,
       recorded_by, was_confidential, key_id, wrapped_key, sealed, take_over_by, urgency
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::boolean[], $11::text[], $12::boolean[], $13::text[], $14::bytea[], $15::bytea[],
    $17::timestamptz[], $18::text[]
) AS g (
    id, ticket_id, kind, state, subject_level, county, township, village, target, implicit, recorded_by,
    was_confidential, key_id, wrapped_key, sealed, take_over_by, urgency
)
ON CONFLICT (ticket_id) DO NOTHING

-- name: suspect_tickets
-- Held until a person has looked: on no list, with no verdict, and nobody is told.
UPDATE ticket SET state = 'SUSPECTED', confidential = true, updated_at = $2 WHERE id = ANY ($1::uuid[])

-- name: read_lead
-- Lock a lead.
SELECT id, ticket_id, kind, state, subject_level, county, township, village, target, implicit, recorded_by, recorded_at,
       was_confidential, outcome, visit_officer, visit_unit, take_over_by, urgency, key_id, wrapped_key, sealed
FROM lead WHERE id = $1 FOR UPDATE

-- name: place_of_lead
SELECT area, target FROM lead WHERE id = $1

-- name: list_suspected
SELECT id FROM lead WHERE state = 'SUSPECTED' AND lies_in(area, $2) ORDER BY recorded_at, id LIMIT $1

-- name: list_overdue
-- Suspicions that nobody looked at in time, the oldest first; those in somebody's hands are left alone.
SELECT id FROM lead WHERE state = 'SUSPECTED' AND recorded_at < $1 ORDER BY recorded_at, id LIMIT $2
FOR UPDATE SKIP LOCKED

-- name: list_untaken
-- Leads that their body has not taken in hand in time, the longest first; those in somebody's hands are left alone.
SELECT id, target FROM lead WHERE state = 'HANDED_OVER' AND escalated_at IS NULL AND take_over_by < $1
ORDER BY take_over_by, id LIMIT $2 FOR UPDATE SKIP LOCKED

-- name: escalate_leads
-- Once a lead; nothing is stated, and no other table knows.
UPDATE lead AS l SET escalated_at = $3, escalated_to = g.above
FROM unnest($1::uuid[], $2::text[]) AS g (id, above) WHERE l.id = g.id

-- name: list_escalated
-- What lies too long: at one body below (`$1`), or everywhere (null). Nothing of what it says.
SELECT id AS lead_id, kind, state, target, recorded_at, take_over_by, escalated_at FROM lead
WHERE escalated_at IS NOT NULL AND state = 'HANDED_OVER' AND ($1::text IS NULL OR escalated_to = $1)
ORDER BY take_over_by, id LIMIT $2

-- name: list_of_target
SELECT id AS lead_id, kind, state, recorded_at, moved_at, implicit, visit_unit IS NOT NULL AS has_visitor
FROM lead WHERE target = $1 AND state NOT IN ('SUSPECTED', 'DISMISSED') AND recorded_at <= $2
ORDER BY recorded_at DESC, id LIMIT $3

-- name: list_recorded
SELECT id AS lead_id, kind, recorded_at FROM lead WHERE recorded_by = $1 AND recorded_at > $2 ORDER BY recorded_at, id

-- name: move_lead
UPDATE lead SET state = $2, moved_at = $3, moved_by = $4, outcome = COALESCE($5, outcome) WHERE id = $1

-- name: confirm_lead
-- A person's word on what it is, with the ticket's words now sealed here.
UPDATE lead SET state = 'HANDED_OVER', kind = $2, subject_level = $3, target = $4, moved_at = $5, moved_by = $6,
                key_id = $7, wrapped_key = $8, sealed = $9, take_over_by = $10, urgency = $11
WHERE id = $1

-- name: route_ticket
-- Everything it held is the lead's now.
UPDATE ticket
SET state = 'ENDED', ended = 'ROUTED', hidden = true, confidential = true, public_state = '已结案', closed_at = $2,
    updated_at = $2, cell = NULL, component = NULL, address = NULL, party = NULL, signature = NULL, caller = NULL,
    lon = NULL, lat = NULL, given_township = NULL, given_village = NULL, given_category = NULL, given_type = NULL
WHERE id = $1

-- name: clear_ticket
-- No lead: back among those that wait for triage, and not to be suspected again.
UPDATE ticket SET state = 'RECEIVED', cleared = true, confidential = $2, updated_at = $3
WHERE id = $1 AND state = 'SUSPECTED'

-- name: name_visitor
UPDATE lead SET visit_officer = $2, visit_unit = $3 WHERE id = $1

-- name: insert_note
INSERT INTO lead_note (id, lead_id, written_by, written_at, key_id, wrapped_key, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: read_notes
SELECT id, written_by, written_at, key_id, wrapped_key, sealed FROM lead_note WHERE lead_id = $1
ORDER BY written_at, id

-- name: log_lead_view
INSERT INTO lead_view (lead_id, viewer, purpose, viewed_at) VALUES ($1, $2, $3, $4)

-- name: count_leads
-- Of one body, by kind; small counts are for the caller to withhold.
SELECT kind, count(*) AS count FROM lead WHERE target = $1 AND state NOT IN ('SUSPECTED', 'DISMISSED') GROUP BY kind

-- name: spare_ticket
-- Looked at by those who know: not to be suspected again.
UPDATE ticket SET cleared = true WHERE id = $1
