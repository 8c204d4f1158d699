-- name: expect_receipts
-- These references are of these messages; in their order, so that two writers never wait for each other. Answers with
-- what was heard of them before.
INSERT INTO receipt AS r (gateway, reference, message_id, noted_at)
SELECT gateway, reference, message_id, $4
FROM unnest($1::text[], $2::text[], $3::uuid[]) AS g (gateway, reference, message_id) ORDER BY gateway, reference
ON CONFLICT (gateway, reference) DO UPDATE SET message_id = excluded.message_id
RETURNING gateway, reference, state

-- name: hear_receipt
-- What is heard first counts. Answers with the message, where it is known already, and with what counts.
INSERT INTO receipt AS r (gateway, reference, state, noted_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (gateway, reference) DO UPDATE SET state = coalesce(r.state, excluded.state)
RETURNING message_id, state

-- name: forget_receipts
-- Those of nothing we know of; the others go with their messages.
DELETE FROM receipt WHERE (gateway, reference) IN (
    SELECT gateway, reference FROM receipt WHERE message_id IS NULL AND noted_at < $1 ORDER BY noted_at LIMIT $2
) RETURNING 1
