-- Webhook subscriptions: who wants to hear of what, what there is to hear, and every delivery of it.

-- A receiver's wish. Empty lists mean everything. Keys are sealed; the previous one still signs until its time is over.
CREATE TABLE subscription (
    id             uuid        PRIMARY KEY,
    owner          text        NOT NULL,
    name           text        NOT NULL,
    url            text        NOT NULL,
    types          text[]      NOT NULL,
    units          text[]      NOT NULL,
    categories     text[]      NOT NULL,
    areas          text[]      NOT NULL,
    exercises      boolean     NOT NULL,
    state          text        NOT NULL CHECK (state IN ('ACTIVE', 'DISABLED', 'DELETED')),
    stopped_for    text CHECK (stopped_for IN ('OWNER', 'GONE', 'UNREACHABLE')),
    secret         bytea       NOT NULL,
    previous       bytea,
    previous_until timestamptz,
    version        integer     NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at     timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    delivered_at   timestamptz,
    CONSTRAINT stopped_says_why CHECK ((state = 'DISABLED') = (stopped_for IS NOT NULL)),
    CONSTRAINT previous_has_an_end CHECK (num_nulls(previous, previous_until) IN (0, 2))
);
CREATE INDEX subscription_of_owner ON subscription (owner, created_at) WHERE state <> 'DELETED';

-- What is known of a ticket that its later events do not say again. Kept only while somebody subscribes.
CREATE TABLE subject (
    ticket_id uuid    PRIMARY KEY,
    unit      text    NOT NULL,
    category  text    NOT NULL,
    township  text    NOT NULL,
    grid      text    NOT NULL,
    exercise  boolean NOT NULL,
    hidden    boolean NOT NULL
) WITH (fillfactor = 80);

-- What there was to hear, thin, in the order of every story: for deliveries and for replays.
CREATE TABLE feed (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id  uuid        NOT NULL UNIQUE,
    ticket_id uuid        NOT NULL,
    source    text        NOT NULL,
    version   integer     NOT NULL,
    type      text        NOT NULL,
    time      timestamptz NOT NULL,
    unit      text        NOT NULL,
    category  text        NOT NULL,
    township  text        NOT NULL,
    grid      text        NOT NULL,
    exercise  boolean     NOT NULL,
    heard_at  timestamptz NOT NULL
);
CREATE INDEX feed_of_ticket ON feed (ticket_id, seq);
CREATE INDEX feed_in_time ON feed (time, seq);

-- One thing to be told to one receiver; without a place in the feed it is a ping. Within a story (a ticket as one
-- source tells of it) what comes later waits for what came before.
CREATE TABLE delivery (
    seq             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id uuid        NOT NULL,
    feed_seq        bigint,
    story           text,
    replay          boolean     NOT NULL,
    state           text        NOT NULL CHECK (state IN ('QUEUED', 'LEASED', 'DELIVERED', 'FAILED')),
    attempts        smallint    NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 11),
    due_at          timestamptz NOT NULL,
    created_at      timestamptz NOT NULL,
    claimed_at      timestamptz,
    settled_at      timestamptz,
    lease_until     timestamptz,
    last_error      text        NOT NULL DEFAULT '',
    CONSTRAINT a_ping_has_no_story CHECK ((feed_seq IS NULL) = (story IS NULL)),
    CONSTRAINT leased_has_lease CHECK ((state = 'LEASED') = (lease_until IS NOT NULL)),
    CONSTRAINT open_is_unsettled CHECK ((state IN ('QUEUED', 'LEASED')) = (settled_at IS NULL))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX delivery_due ON delivery (subscription_id, due_at, seq) WHERE state = 'QUEUED';
CREATE INDEX delivery_story ON delivery (subscription_id, story, seq) WHERE state IN ('QUEUED', 'LEASED');
CREATE INDEX delivery_leased ON delivery (lease_until) WHERE state = 'LEASED';
CREATE INDEX delivery_of_subscription ON delivery (subscription_id, seq);
CREATE INDEX delivery_settled ON delivery (settled_at) WHERE settled_at IS NOT NULL;

-- Every attempt that ended, also one whose sender vanished.
CREATE TABLE delivery_attempt (
    delivery_seq bigint      NOT NULL REFERENCES delivery (seq) ON DELETE CASCADE,
    n            smallint    NOT NULL CHECK (n >= 1),
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    outcome      text        NOT NULL CHECK (outcome IN ('DELIVERED', 'FAILED', 'GONE', 'AMBIGUOUS')),
    detail       text        NOT NULL,
    PRIMARY KEY (delivery_seq, n)
);
