-- The messaging core's tables. Unqualified on purpose: each service has its own copy in its own schema.

-- One narrow row per ticket: the lock that orders its story, and the version reached.
CREATE TABLE head (
    ticket_id uuid PRIMARY KEY,
    version   integer NOT NULL CHECK (version >= 1)
) WITH (fillfactor = 70);

-- The ledger: every fact this service ever stated. Appended, never changed.
CREATE TABLE event (
    ticket_id   uuid        NOT NULL,
    version     integer     NOT NULL CHECK (version >= 1),
    type        text        NOT NULL,
    time        timestamptz NOT NULL,
    caused_by   text,
    traceparent text,
    payload     json        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (ticket_id, version)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What is not yet acknowledged by Kafka. Thin: the ledger holds the content. Deleted after the acknowledgement.
CREATE TABLE outbox (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard     smallint NOT NULL CHECK (shard >= 0),
    ticket_id uuid     NOT NULL,
    version   integer  NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX outbox_by_shard ON outbox (shard, seq);

-- Who may publish which shard, until when. A row, not a session lock: it survives poolers and dies with the clock.
CREATE TABLE relay_lease (
    shard      smallint PRIMARY KEY,
    holder     text        NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL DEFAULT '-infinity'
);

-- The last version applied of each ticket's story from each source.
CREATE TABLE position (
    ticket_id uuid    NOT NULL,
    source    text    NOT NULL,
    version   integer NOT NULL CHECK (version >= 0),
    PRIMARY KEY (ticket_id, source)
) WITH (fillfactor = 70);

-- Events that came before their turn; applied as soon as the gap is filled.
CREATE TABLE parked (
    ticket_id uuid        NOT NULL,
    source    text        NOT NULL,
    version   integer     NOT NULL,
    topic     text        NOT NULL,
    key       bytea,
    value     bytea,
    headers   json        NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (ticket_id, source, version)
);

-- Records that could not be applied, with everything needed to try again.
CREATE TABLE dead_letter (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    key         bytea,
    value       bytea,
    headers     json        NOT NULL,
    reason      text        NOT NULL,
    tries       integer     NOT NULL,
    code        text        NOT NULL,
    failed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    mirrored_at timestamptz,
    state       text        NOT NULL DEFAULT 'DEAD' CHECK (state IN ('DEAD', 'REPLAYED', 'DISCARDED')),
    settled_at  timestamptz,
    note        text,
    UNIQUE (topic, partition, "offset")
);
CREATE INDEX dead_letter_unmirrored ON dead_letter (id) WHERE mirrored_at IS NULL;
