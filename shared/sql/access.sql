-- name: list_keys
-- Every key, for the people who keep them.
SELECT lookup, client, digest, role, scopes, jurisdiction, sources, unit, quota_per_minute, created_at, expires_at,
    revoked_at, replaced_by, used_at
FROM api_key ORDER BY client, created_at, lookup

-- name: read_live_keys
-- Every key that may still open something.
SELECT lookup, client, digest, role, scopes, jurisdiction, sources, unit, quota_per_minute, created_at, expires_at,
    revoked_at, replaced_by, used_at
FROM api_key WHERE revoked_at IS NULL AND expires_at > $1

-- name: lock_key
SELECT lookup, client, digest, role, scopes, jurisdiction, sources, unit, quota_per_minute, created_at, expires_at,
    revoked_at, replaced_by, used_at
FROM api_key WHERE lookup = $1 FOR UPDATE

-- name: insert_key
-- Answers with nothing when the key is there already.
INSERT INTO api_key (lookup, client, digest, role, scopes, jurisdiction, sources, unit, quota_per_minute, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING lookup

-- name: revoke_key
UPDATE api_key SET revoked_at = $2 WHERE lookup = $1

-- name: replace_key
-- The old key ends after the overlap, or when it would have ended anyway.
UPDATE api_key SET replaced_by = $2, expires_at = least(expires_at, $3) WHERE lookup = $1

-- name: note_use
-- By the hour: enough to see which key nobody uses, too little to follow anybody by.
UPDATE api_key SET used_at = date_trunc('hour', $2::timestamptz)
WHERE lookup = ANY($1::text[]) AND (used_at IS NULL OR used_at < date_trunc('hour', $2::timestamptz))

-- name: append_audit
SELECT append_audit($1::smallint, $2::text[])

-- name: read_audit_heads
SELECT chain, place, hash FROM audit_head ORDER BY chain

-- name: read_audit
-- A stretch of a chain, by place.
SELECT place, entry::text AS entry, prev, hash FROM audit WHERE chain = $1 AND place > $2 ORDER BY place LIMIT $3

-- name: lapse_acts
-- What ran out makes room for asking again.
UPDATE pending_act SET state = 'LAPSED' WHERE act = $1 AND subject = $2 AND state IN ('ASKED', 'APPROVED') AND expires_at <= $3

-- name: ask_act
-- Answers with nothing when the same act on the same subject is under way already.
INSERT INTO pending_act (id, act, subject, detail, jurisdiction, asked_by, asked_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id

-- name: lock_act
SELECT id, act, subject, detail::text AS detail, jurisdiction, asked_by, asked_at, expires_at, settled_by, settled_at, state
FROM pending_act WHERE id = $1 FOR UPDATE

-- name: lock_approved_act
SELECT id, act, subject, detail::text AS detail, jurisdiction, asked_by, asked_at, expires_at, settled_by, settled_at, state
FROM pending_act WHERE act = $1 AND subject = $2 AND state = 'APPROVED' FOR UPDATE

-- name: list_acts
-- What waits for a second person in a jurisdiction.
SELECT id, act, subject, detail::text AS detail, jurisdiction, asked_by, asked_at, expires_at, settled_by, settled_at, state
FROM pending_act WHERE state IN ('ASKED', 'APPROVED') AND expires_at > $2 AND ($1 = '*' OR starts_with(jurisdiction, $1))
ORDER BY asked_at, id LIMIT $3

-- name: lock_waiting_act
-- The one under way for an act on a subject: there is at most one.
SELECT id, act, subject, detail::text AS detail, jurisdiction, asked_by, asked_at, expires_at, settled_by, settled_at, state
FROM pending_act WHERE act = $1 AND subject = $2 AND state IN ('ASKED', 'APPROVED') AND expires_at > $3 FOR UPDATE

-- name: settle_act
UPDATE pending_act SET state = $2, settled_by = $3, settled_at = $4 WHERE id = $1

-- name: finish_act
UPDATE pending_act SET state = 'DONE' WHERE id = $1

-- name: set_jurisdiction
-- For the policies of row security: until the end of this transaction, rows of this area only; '*' is everywhere.
SELECT set_config('griddispatch.jurisdiction', $1, true)
