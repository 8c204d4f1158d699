-- name: read_guard
-- What decides who may see a matter's words. One that became a lead is not there any more: not even for who may ask.
SELECT t.id, t.confidential OR COALESCE(COALESCE(t.ticket_type, t.given_type) = 'REPORT', false) AS confidential,
       COALESCE(t.township, t.given_township) AS township,
       ARRAY(SELECT unit FROM view_block WHERE ticket_id = t.id AND unit IS NOT NULL) AS units,
       ARRAY(SELECT person FROM view_block WHERE ticket_id = t.id AND person IS NOT NULL) AS persons
FROM ticket AS t WHERE t.id = $1 AND t.ended IS DISTINCT FROM 'ROUTED'

-- name: insert_block
INSERT INTO view_block (ticket_id, unit, person, set_by, set_at) VALUES ($1, $2, $3, $4, $5)

-- name: list_views
-- Who looked at what, of one ticket, lead or item, or by one viewer, the latest first, from the cursor on: where that
-- lies in an area ($7).
SELECT kind, subject, viewer, purpose, viewed_at, id FROM (
    SELECT 'matter' AS kind, ticket_id AS subject, viewer, purpose, viewed_at, id FROM vault_view
    WHERE ($1::uuid IS NULL OR ticket_id = $1) AND ($2::text IS NULL OR viewer = $2)
      AND ($7 = '*' OR EXISTS (SELECT FROM ticket AS t WHERE t.id = ticket_id AND lies_in(t.area, $7)))
    UNION ALL
    SELECT 'lead', lead_id, viewer, purpose, viewed_at, id FROM lead_view
    WHERE ($1::uuid IS NULL OR lead_id = $1) AND ($2::text IS NULL OR viewer = $2)
      AND ($7 = '*' OR EXISTS (
        SELECT FROM lead AS l WHERE l.id = lead_id AND lies_in(coalesce(l.village, l.township, l.county), $7)))
    UNION ALL
    SELECT 'item', item_id, viewer, purpose, viewed_at, id FROM talk_view
    WHERE ($1::uuid IS NULL OR item_id = $1) AND ($2::text IS NULL OR viewer = $2)
      AND ($7 = '*' OR EXISTS (
        SELECT FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id
        WHERE i.id = item_id AND lies_in(s.area, $7)))
) AS views
WHERE (viewed_at, kind, id) < ($3, $4, $5)
ORDER BY viewed_at DESC, kind DESC, id DESC LIMIT $6

-- name: find_by_caller
-- The tickets of one telephone, by its marks, in an area, the latest first.
SELECT id, ticket_no, received_at, public_state, category FROM ticket
WHERE caller = ANY ($1::bytea[]) AND NOT hidden AND lies_in(area, $2) ORDER BY received_at DESC LIMIT $3

-- name: find_items_by_caller
-- What one telephone brought up in sessions, in an area, the latest first; what became a ticket is found there.
SELECT i.id, i.session_id, s.kind, s.held_at, i.added_at, i.state, i.due_on
FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id
WHERE i.caller = ANY ($1::bytea[]) AND lies_in(s.area, $2) ORDER BY i.added_at DESC LIMIT $3

-- name: read_views_of_item
SELECT viewer, purpose, viewed_at FROM talk_view WHERE item_id = $1 ORDER BY viewed_at, id

-- name: read_supplements
SELECT id, added_at, key_id, wrapped_key, sealed FROM supplement WHERE ticket_id = $1 ORDER BY added_at, id

-- name: read_views_of
SELECT viewer, purpose, viewed_at FROM vault_view WHERE ticket_id = $1 ORDER BY viewed_at, id

-- name: due_identities
-- Closed long ago, and something personal is left.
SELECT t.id FROM ticket AS t
WHERE t.closed_at < $1 AND (
    EXISTS (SELECT FROM vault AS v WHERE v.ticket_id = t.id AND v.sealed IS NOT NULL)
    OR EXISTS (SELECT FROM supplement AS s WHERE s.ticket_id = t.id AND s.sealed IS NOT NULL)
)
ORDER BY t.closed_at, t.id LIMIT $2

-- name: erase_due_leads
-- Leads that came to an end long ago; those nobody has answered for yet are kept.
WITH due AS (
    SELECT id FROM lead
    WHERE moved_at < $1 AND sealed IS NOT NULL AND state IN ('DISMISSED', 'RECEIVED', 'RETURNED_NOT_LEAD')
    ORDER BY moved_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
), silenced AS (
    UPDATE lead_note AS n SET wrapped_key = NULL, sealed = NULL FROM due
    WHERE n.lead_id = due.id AND n.sealed IS NOT NULL
)
UPDATE lead AS l SET key_id = NULL, wrapped_key = NULL, sealed = NULL, outcome = NULL FROM due WHERE l.id = due.id
RETURNING l.id

-- name: erase_due_words
-- What was said in sessions long ago; not what a promise or an open item still needs.
WITH due AS (
    SELECT w.id FROM talk_word AS w LEFT JOIN talk_item AS i ON i.id = w.item_id
    WHERE w.written_at < $1 AND w.sealed IS NOT NULL AND COALESCE(i.state, '') NOT IN ('OPEN', 'COMMITTED')
    ORDER BY w.written_at, w.id LIMIT $2 FOR UPDATE OF w SKIP LOCKED
), nobody AS (
    UPDATE talk_item AS i SET caller = NULL FROM talk_word AS w JOIN due ON due.id = w.id
    WHERE i.id = w.item_id AND w.kind = 'SAID' AND i.caller IS NOT NULL
)
UPDATE talk_word AS w SET wrapped_key = NULL, sealed = NULL FROM due WHERE w.id = due.id RETURNING w.id
