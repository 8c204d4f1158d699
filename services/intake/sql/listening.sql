-- name: place_of_session
-- Where people were listened to, and whose session it is.
SELECT area, unit FROM talk_session WHERE id = $1

-- name: place_of_item
SELECT s.area, s.unit
FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id WHERE i.id = $1

-- name: place_of_act
SELECT jurisdiction AS area FROM pending_act WHERE id = $1

-- name: insert_session
-- Answers with nothing when the unit recorded this one before.
INSERT INTO talk_session (
    id, kind, unit, external_id, held_at, township, village, grid, heads, recorded_by, recorded_at, area
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING RETURNING id

-- name: find_session
SELECT id FROM talk_session WHERE unit = $1 AND external_id = $2

-- name: lock_session
-- Whoever adds to a session, ends something of it or closes it goes one after the other.
SELECT id, kind, unit, held_at, township, village, grid, heads, closed_at FROM talk_session WHERE id = $1 FOR UPDATE

-- name: list_sessions
-- The newest first, from the cursor on; of one unit or of all, only those still open or all, in an area.
SELECT s.id, s.kind, s.unit, s.external_id, s.held_at, s.township, s.village, s.grid, s.heads, s.recorded_at,
       s.closed_at,
       (SELECT count(*) FROM talk_item AS i WHERE i.session_id = s.id) AS items,
       (SELECT count(*) FROM talk_item AS i WHERE i.session_id = s.id AND i.state = 'OPEN') AS open
FROM talk_session AS s
WHERE ($1::text IS NULL OR s.unit = $1) AND (s.held_at, s.id) < ($2, $3) AND (NOT $4 OR s.closed_at IS NULL)
  AND lies_in(s.area, $6)
ORDER BY s.held_at DESC, s.id DESC LIMIT $5

-- name: read_session
SELECT id, kind, unit, external_id, held_at, township, village, grid, heads, recorded_at, closed_at
FROM talk_session WHERE id = $1

-- name: close_session
UPDATE talk_session SET closed_at = $2, closed_by = $3 WHERE id = $1

-- name: count_items
-- How what was brought up in a session stands.
SELECT state, count(*) AS times FROM talk_item WHERE session_id = $1 GROUP BY state

-- name: insert_item
-- The next one of its session, which the caller has locked.
INSERT INTO talk_item (id, session_id, nth, theme, lon, lat, added_at, moved_at, moved_by, caller)
SELECT $1, $2, count(*) + 1, $3, $4, $5, $6, $6, $7, $8 FROM talk_item WHERE session_id = $2

-- name: list_items
SELECT id, nth, theme, state, due_on, missed, ticket_id, added_at, moved_at
FROM talk_item WHERE session_id = $1 ORDER BY nth

-- name: read_item
SELECT i.id, i.session_id, i.state, i.due_on, i.lon, i.lat, i.ticket_id, s.unit, s.kind, s.area
FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id WHERE i.id = $1

-- name: move_item
UPDATE talk_item
SET state = $2, due_on = COALESCE($3, due_on), ticket_id = $4, missed = $5, moved_at = $6, moved_by = $7
WHERE id = $1

-- name: list_commitments
-- Promises by their day, the nearest first, from the cursor on; of one unit or of all, up to a day, in an area.
SELECT i.id, i.session_id, i.due_on, i.theme, s.unit, s.kind, s.township, s.village
FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id
WHERE i.state = 'COMMITTED' AND (i.due_on, i.id) > ($1, $2) AND i.due_on <= $3 AND ($4::text IS NULL OR s.unit = $4)
  AND lies_in(s.area, $6)
ORDER BY i.due_on, i.id LIMIT $5

-- name: list_missed
-- Promises whose day is over, the oldest first.
SELECT id FROM talk_item WHERE state = 'COMMITTED' AND due_on < $1 ORDER BY due_on, id LIMIT $2

-- name: count_themes
-- What is brought up most in an area, by theme and kind of session.
SELECT s.kind, COALESCE(i.theme, '') AS theme, count(*) AS items,
       count(*) FILTER (WHERE i.state = 'TICKET') AS tickets, count(*) FILTER (WHERE i.missed) AS missed
FROM talk_item AS i JOIN talk_session AS s ON s.id = i.session_id
WHERE s.held_at >= $1 AND s.held_at < $2 AND lies_in(s.area, $3)
GROUP BY s.kind, COALESCE(i.theme, '') ORDER BY items DESC, s.kind, theme LIMIT 500

-- name: insert_word
INSERT INTO talk_word (id, session_id, item_id, kind, written_at, key_id, wrapped_key, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: read_words
SELECT id, kind, written_at, key_id, wrapped_key, sealed FROM talk_word WHERE item_id = $1 ORDER BY written_at, id

-- name: read_topic
SELECT id, key_id, wrapped_key, sealed FROM talk_word WHERE session_id = $1 AND item_id IS NULL

-- name: erase_item_words
-- What was said on either side, and the mark of who did. Answers with what there was.
WITH nobody AS (
    UPDATE talk_item SET caller = NULL WHERE id = $1 AND caller IS NOT NULL
)
UPDATE talk_word SET wrapped_key = NULL, sealed = NULL WHERE item_id = $1 AND sealed IS NOT NULL RETURNING id

-- name: log_talk_view
INSERT INTO talk_view (item_id, viewer, purpose, viewed_at) VALUES ($1, $2, $3, $4)

-- name: mark_ticket
-- Where a ticket came up, and who had fixed it already.
UPDATE ticket SET session_id = $2, self_fixed_by = $3 WHERE id = $1
