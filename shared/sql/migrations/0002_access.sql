-- Who may ask, what was asked, and what needs two. Unqualified on purpose: each service has its own copy.

-- Keys of hotlines and integrators. Of a key only a keyed hash is kept: who reads this table can use none of them.
CREATE TABLE api_key (
    lookup           text        PRIMARY KEY CHECK (lookup ~ '^[a-z0-9]{8,32}$'),
    client           text        NOT NULL CHECK (client ~ '^[a-z0-9][a-z0-9_-]{0,31}$'),
    digest           bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    role             text        NOT NULL,
    scopes           text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    jurisdiction     text        NOT NULL CHECK (jurisdiction ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$'),
    sources          text[]      NOT NULL DEFAULT '{}',
    unit             text,
    quota_per_minute integer     NOT NULL CHECK (quota_per_minute BETWEEN 1 AND 1000000),
    created_at       timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL CHECK (expires_at > created_at),
    revoked_at       timestamptz,
    replaced_by      text        REFERENCES api_key (lookup),
    used_at          timestamptz
);
CREATE INDEX api_key_by_client ON api_key (client, created_at);

-- The audit log: several chains side by side, so that writers seldom wait for each other. Each row's hash covers the
-- hash before it, its chain, its place and its text; `entry` keeps the text as it was hashed.
CREATE TABLE audit (
    chain   smallint NOT NULL,
    place   bigint   NOT NULL CHECK (place >= 1),
    entry   json     NOT NULL,
    prev    bytea    NOT NULL CHECK (octet_length(prev) = 32),
    hash    bytea    NOT NULL CHECK (octet_length(hash) = 32),
    at      text     NOT NULL GENERATED ALWAYS AS (entry ->> 'at') STORED,
    actor   text     NOT NULL GENERATED ALWAYS AS (entry ->> 'actor') STORED,
    subject text     GENERATED ALWAYS AS (entry ->> 'subject') STORED,
    PRIMARY KEY (chain, place)
);
CREATE INDEX audit_by_subject ON audit (subject, at) WHERE subject IS NOT NULL;
CREATE INDEX audit_by_actor ON audit (actor, at);
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Where each chain ends: the lock under which it grows.
CREATE TABLE audit_head (
    chain smallint PRIMARY KEY CHECK (chain BETWEEN 0 AND 15),
    place bigint   NOT NULL,
    hash  bytea    NOT NULL
) WITH (fillfactor = 50);
INSERT INTO audit_head (chain, place, hash)
SELECT chain, 0, sha256(convert_to('griddispatch audit ' || chain, 'UTF8')) FROM generate_series(0, 15) AS g (chain);

-- Append entries to a chain, in one round trip. The head stays locked until the commit, so that a chain has no fork.
CREATE FUNCTION append_audit(into_chain smallint, entries text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    at_place bigint;
    before   bytea;
    after    bytea;
    said     text;
BEGIN
    SELECT place, hash INTO STRICT at_place, before FROM audit_head WHERE chain = into_chain FOR UPDATE;
    FOREACH said IN ARRAY entries LOOP
        at_place := at_place + 1;
        after := sha256(before || convert_to(into_chain || ':' || at_place || ':' || said, 'UTF8'));
        INSERT INTO audit (chain, place, entry, prev, hash) VALUES (into_chain, at_place, said::json, before, after);
        before := after;
    END LOOP;
    UPDATE audit_head SET place = at_place, hash = before WHERE chain = into_chain;
END $$;

-- Acts that need two people: one asks, another approves, then it is done once. What was approved is what is done.
CREATE TABLE pending_act (
    id           uuid        PRIMARY KEY,
    act          text        NOT NULL CHECK (act ~ '^[a-z][a-z_]{1,39}$'),
    subject      text        NOT NULL,
    detail       json        NOT NULL,
    jurisdiction text        NOT NULL,
    asked_by     text        NOT NULL CHECK (asked_by <> ''),
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > asked_at),
    settled_by   text        CHECK (settled_by <> ''),
    settled_at   timestamptz,
    state        text        NOT NULL DEFAULT 'ASKED' CHECK (state IN ('ASKED', 'APPROVED', 'DENIED', 'DONE', 'LAPSED')),
    CHECK ((settled_by IS NULL) = (settled_at IS NULL)),
    CHECK (state NOT IN ('APPROVED', 'DENIED', 'DONE') OR settled_by IS NOT NULL),
    CHECK (state = 'DENIED' OR lower(settled_by) <> lower(asked_by))
);
CREATE UNIQUE INDEX pending_act_once ON pending_act (act, subject) WHERE state IN ('ASKED', 'APPROVED');
