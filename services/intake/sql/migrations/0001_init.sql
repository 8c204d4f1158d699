-- Intake's tables: what was reported, under which keys, and the vault with the words and identities.

-- Counts within a day far beyond need; the day stands in the ticket's number, so going round is harmless.
CREATE SEQUENCE ticket_number MINVALUE 0 MAXVALUE 999999 START 0 CYCLE;

-- One row per matter. Nothing here is a citizen's word, name, phone or address: those are in the vault.
CREATE TABLE ticket (
    id              uuid PRIMARY KEY,
    ticket_no       text        NOT NULL UNIQUE,
    query_code      text        NOT NULL,
    source          text        NOT NULL,
    external_id     text,
    channel         text        NOT NULL,
    exercise        boolean     NOT NULL,
    confidential    boolean     NOT NULL,
    received_at     timestamptz NOT NULL,
    reported_at     timestamptz,
    given_type      text,
    given_category  text,
    lon             double precision CHECK (lon BETWEEN -180 AND 180),
    lat             double precision CHECK (lat BETWEEN -90 AND 90),
    given_township  text,
    given_village   text,
    state           text        NOT NULL DEFAULT 'RECEIVED' CHECK (state IN ('RECEIVED', 'TRIAGED')),
    public_state    text        NOT NULL DEFAULT '已受理'
                    CHECK (public_state IN ('已受理', '办理中', '已办结', '待评价', '已结案')),
    triaged_at      timestamptz,
    ticket_type     text,
    category        text,
    urgency         text        CHECK (urgency IN ('U1', 'U2', 'U3')),
    confidence      double precision CHECK (confidence BETWEEN 0 AND 1),
    place_level     text        CHECK (place_level IN ('GRID', 'VILLAGE', 'TOWNSHIP', 'COUNTY')),
    township        text,
    village         text,
    grid            text,
    rule_pack       text,
    explanation     json,
    updated_at      timestamptz NOT NULL,
    CONSTRAINT a_point_has_both CHECK ((lon IS NULL) = (lat IS NULL)),
    CONSTRAINT triaged_means_triaged CHECK (
        state = 'RECEIVED' OR (
            triaged_at IS NOT NULL AND ticket_type IS NOT NULL AND category IS NOT NULL AND urgency IS NOT NULL
            AND confidence IS NOT NULL AND place_level IS NOT NULL AND explanation IS NOT NULL
        )
    )
) WITH (fillfactor = 80);
-- As large as what waits, not as what is stored.
CREATE INDEX ticket_untriaged ON ticket (received_at) WHERE state = 'RECEIVED';

-- Under which keys a matter was handed in: the fence against taking it twice. Written before the ticket, in the same
-- transaction, and kept for as long as the ticket. An erased matter's fingerprint is empty and fits nothing.
CREATE TABLE request (
    source      text  NOT NULL,
    key         text  NOT NULL CHECK (key ~ '^[xk]:.'),
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) IN (0, 32)),
    ticket_id   uuid  NOT NULL,
    PRIMARY KEY (source, key)
);
CREATE INDEX request_by_ticket ON request (ticket_id);

-- The citizen's words and identity, sealed under a key of their own, which is wrapped by the ring's key `key_id`.
-- Without the wrapped key nobody can read the sealed bytes again, not even in a backup of this table taken later.
CREATE TABLE vault (
    ticket_id   uuid PRIMARY KEY,
    key_id      text NOT NULL,
    wrapped_key bytea,
    sealed      bytea,
    CONSTRAINT whole_or_erased CHECK ((wrapped_key IS NULL) = (sealed IS NULL))
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.ticket_id = OLD.ticket_id AND NEW.key_id = OLD.key_id AND NEW.sealed IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'original words can be erased, not changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER vault_is_never_rewritten BEFORE UPDATE OR DELETE ON vault
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

-- Who unlocked which matter, when and what for.
CREATE TABLE vault_view (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id uuid        NOT NULL REFERENCES ticket (id),
    viewer    text        NOT NULL CHECK (viewer <> ''),
    purpose   text        NOT NULL CHECK (purpose <> ''),
    viewed_at timestamptz NOT NULL
);
CREATE INDEX vault_view_by_ticket ON vault_view (ticket_id, viewed_at);
CREATE TRIGGER vault_view_is_append_only BEFORE UPDATE OR DELETE ON vault_view
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
