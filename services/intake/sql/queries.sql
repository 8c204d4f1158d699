-- name: place_of_ticket
-- With the units that have it in hand; of a closed one nobody has.
SELECT area, ARRAY(SELECT DISTINCT s.unit FROM share AS s WHERE s.ticket_id = t.id AND t.public_state <> '已结案') AS units
FROM ticket AS t WHERE id = $1

-- name: claim_requests
-- Take each key for the ticket that is about to be made; keys that are taken stay as they are. Answers with the keys
-- won, each with a number drawn for its ticket. In the order of the keys, so that two batches cannot lock each other
-- out; a key in another open transaction is waited for, up to lock_timeout.
WITH claimed AS (
    INSERT INTO request (source, key, fingerprint, ticket_id)
    SELECT source, key, fingerprint, ticket_id
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) AS g (source, key, fingerprint, ticket_id)
    ORDER BY source, key
    ON CONFLICT DO NOTHING
    RETURNING source, key
)
SELECT source, key, nextval('ticket_number') AS number FROM claimed

-- name: read_requests
-- What was answered under these keys the first time.
SELECT r.source, r.key, r.fingerprint, t.id AS ticket_id, t.ticket_no, t.query_code, t.received_at
FROM unnest($1::text[], $2::text[]) AS g (source, key)
JOIN request AS r USING (source, key)
JOIN ticket AS t ON t.id = r.ticket_id

-- name: repoint_requests
-- A repeat that came with one known key and one new one: the new one leads to the same ticket.
UPDATE request AS r SET ticket_id = g.ticket_id
FROM unnest($1::text[], $2::text[], $3::uuid[]) AS g (source, key, ticket_id)
WHERE r.source = g.source AND r.key = g.key

-- name: release_requests
-- A refused report leaves no trace: give back the keys it won in this transaction.
DELETE FROM request AS r USING unnest($1::text[], $2::text[]) AS g (source, key)
WHERE r.source = g.source AND r.key = g.key

-- name: insert_tickets
-- New matters with their words, sealed.
WITH given AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[],
        $9::timestamptz[], $10::text[], $11::text[], $12::float8[], $13::float8[], $14::text[], $15::text[],
        $16::bytea[], $17::bytea[], $20::boolean[], $21::text[], $22::bytea[]
    ) AS g (
        id, ticket_no, query_code, source, external_id, channel, exercise, confidential, reported_at, given_type,
        given_category, lon, lat, given_township, given_village, wrapped_key, sealed, vulnerable,
        answered_by, caller
    )
), kept AS (
    INSERT INTO vault (ticket_id, key_id, wrapped_key, sealed) SELECT id, $18, wrapped_key, sealed FROM given
)
INSERT INTO ticket (
    id, ticket_no, query_code, source, external_id, channel, exercise, confidential, received_at, reported_at,
    given_type, given_category, lon, lat, given_township, given_village, updated_at, vulnerable, answered_by, caller
)
SELECT id, ticket_no, query_code, source, external_id, channel, exercise, confidential, $19, reported_at,
       given_type, given_category, lon, lat, given_township, given_village, $19, vulnerable, answered_by, caller
FROM given

-- name: claim_untriaged
-- The oldest untriaged matters that nobody else holds, but those in trouble ($2), with their sealed words and the trace they
-- came with.
SELECT t.id, t.ticket_no, t.source, t.channel, t.exercise, t.confidential, t.vulnerable, t.cleared, t.received_at, t.given_type,
       t.given_category, t.lon, t.lat, t.given_township, t.given_village, t.session_id, t.self_fixed_by, t.answered_by,
       v.key_id, v.wrapped_key, v.sealed, e.traceparent
FROM ticket AS t JOIN vault AS v ON v.ticket_id = t.id LEFT JOIN event AS e ON e.ticket_id = t.id AND e.version = 1
WHERE t.state = 'RECEIVED' AND NOT (t.id = ANY($2::uuid[]))
ORDER BY t.received_at LIMIT $1
FOR UPDATE OF t SKIP LOCKED

-- name: save_triage
-- The verdicts on matters whose rows the caller holds.
UPDATE ticket AS t
SET state = 'TRIAGED', triaged_at = $15, updated_at = $15, rule_pack = $16, ticket_type = g.ticket_type,
    category = g.category, urgency = g.urgency, confidence = g.confidence, place_level = g.place_level,
    township = g.township, village = g.village, grid = g.grid, explanation = g.explanation,
    caller = COALESCE(g.caller, t.caller),
    signature = g.signature, cell = g.cell, address = g.address
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::json[], $11::bytea[], $12::bytea[], $13::bigint[], $14::bigint[]
) AS g (
    id, ticket_type, category, urgency, confidence, place_level, township, village, grid, explanation, caller,
    signature, cell, address
)
WHERE t.id = g.id

-- name: save_rare
-- What few matters have: a component, a reported party, another one they wait for. A hidden one is on no list.
UPDATE ticket AS t
SET component = g.component, party = g.party, merged_into = g.merged_into, hidden = g.hidden,
    confidential = t.confidential OR g.hidden
FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::uuid[], $5::boolean[])
    AS g (id, component, party, merged_into, hidden)
WHERE t.id = g.id

-- name: set_public_states
-- The citizen's view, as dispatch tells it; in id order, so that two batches cannot lock each other out. Every step of
-- it is written down for the timeline.
WITH told AS (
    UPDATE ticket AS t
    SET public_state = g.public_state, updated_at = $3,
        closed_at = CASE WHEN g.public_state = '已结案' THEN LEAST(t.closed_at, $3) ELSE 'infinity' END
    FROM (
        SELECT t.id, g.public_state, t.public_state AS before
        FROM unnest($1::uuid[], $2::text[]) AS g (id, public_state)
        JOIN ticket AS t USING (id) WHERE t.state <> 'ENDED' ORDER BY t.id FOR UPDATE OF t
    ) AS g
    WHERE t.id = g.id
    RETURNING t.id, g.public_state, g.before
)
INSERT INTO progress (ticket_id, public_state, at)
SELECT id, public_state, $3 FROM told WHERE public_state <> before ORDER BY id

-- name: read_ticket
-- What anybody who knows the id may see. A merged ticket stands as the one it waits for, until something is told of it
-- alone. A sensitive lead is not there; what may be one has not been looked at yet.
SELECT t.id AS ticket_id, t.ticket_no, CASE WHEN t.triaged_at IS NULL THEN 'RECEIVED' ELSE 'TRIAGED' END AS state,
       CASE WHEN t.public_state = '已受理' THEN COALESCE(m.public_state, '已受理') ELSE t.public_state END AS public_state,
       t.received_at, t.triaged_at, t.ticket_type, t.category, t.urgency, t.place_level, t.township, t.village, t.grid,
       t.exercise, t.updated_at
FROM ticket AS t LEFT JOIN ticket AS m ON m.id = t.merged_into
WHERE t.id = $1 AND NOT t.hidden

-- name: read_explanation
-- Why a ticket was triaged as it was: rules and what they saw. Empty before triage.
SELECT explanation FROM ticket WHERE id = $1 AND NOT hidden

-- name: read_sealed
SELECT key_id, wrapped_key, sealed FROM vault WHERE ticket_id = $1

-- name: log_view
-- Before the words are handed out, in the same transaction.
INSERT INTO vault_view (ticket_id, viewer, purpose, viewed_at) VALUES ($1, $2, $3, $4)

-- name: erase_words
-- For good: the words, what was added, their keys, the fingerprint by which they could be guessed, and every mark made
-- of them. Answers with a row if there were any.
WITH forgotten AS (
    UPDATE request SET fingerprint = '' WHERE ticket_id = $1
), unmarked AS (
    UPDATE ticket SET caller = NULL, signature = NULL, address = NULL, party = NULL WHERE id = $1
), unlearnt AS (
    UPDATE lesson SET grams = NULL WHERE ticket_id = $1
), silenced AS (
    UPDATE supplement SET wrapped_key = NULL, sealed = NULL WHERE ticket_id = $1 AND sealed IS NOT NULL
)
UPDATE vault SET wrapped_key = NULL, sealed = NULL WHERE ticket_id = $1 AND sealed IS NOT NULL
RETURNING ticket_id
