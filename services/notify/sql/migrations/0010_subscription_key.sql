-- The key a subscription was made with, or enabled with again: it hears for as long as that key, or one that replaced
-- it, is good, and of that key's area. Without one (open mode, and what was made before) it keeps its own area.
ALTER TABLE subscription ADD COLUMN made_with text;
ALTER TABLE subscription DROP CONSTRAINT subscription_stopped_for_check;
ALTER TABLE subscription ADD CONSTRAINT subscription_stopped_for_check
    CHECK (stopped_for IN ('OWNER', 'GONE', 'UNREACHABLE', 'KEY'));

-- The area of a key, or of the latest that replaced it; nothing where none of them is good any more.
CREATE FUNCTION area_of_key(first text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT lookup, replaced_by, jurisdiction, scopes, created_at, expires_at, revoked_at
        FROM api_key WHERE lookup = first
        UNION
        SELECT k.lookup, k.replaced_by, k.jurisdiction, k.scopes, k.created_at, k.expires_at, k.revoked_at
        FROM chain AS c JOIN api_key AS k ON k.lookup = c.replaced_by
    )
    SELECT jurisdiction FROM chain
    WHERE revoked_at IS NULL AND expires_at > clock_timestamp() AND 'subscriptions:manage' = ANY(scopes)
    ORDER BY created_at DESC LIMIT 1
$$;
