-- Notify's own tables. Unqualified on purpose: they live in the schema of the service's role.

-- Drills: known from the events that say so, needed for those that do not. Normal tickets have no row.
CREATE TABLE exercise (
    ticket_id uuid PRIMARY KEY
);

-- One thing told to one recipient. The id follows from what caused it, so a replay finds the row already there.
CREATE TABLE message (
    id          uuid PRIMARY KEY,
    ticket_id   uuid        NOT NULL,
    template    text        NOT NULL,
    recipient   text        NOT NULL,
    channel     text        NOT NULL,
    endpoint    text        NOT NULL,
    policy      text        NOT NULL CHECK (policy IN ('RESEND', 'AT_MOST_ONCE')),
    facts       json        NOT NULL,
    caused_by   text        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('QUEUED', 'LEASED', 'DELIVERED', 'FAILED', 'SUPPRESSED', 'UNKNOWN')),
    attempts    smallint    NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 11),
    due_at      timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    settled_at  timestamptz,
    lease_until timestamptz,
    last_error  text        NOT NULL DEFAULT '',
    CONSTRAINT leased_has_lease CHECK ((state = 'LEASED') = (lease_until IS NOT NULL)),
    CONSTRAINT open_is_unsettled CHECK ((state IN ('QUEUED', 'LEASED')) = (settled_at IS NULL)),
    CONSTRAINT suppressed_says_why CHECK (state <> 'SUPPRESSED' OR last_error <> '')
) WITH (fillfactor = 80);
CREATE INDEX message_due ON message (endpoint, due_at) WHERE state = 'QUEUED';
CREATE INDEX message_leased ON message (lease_until) WHERE state = 'LEASED';
CREATE INDEX message_of_ticket ON message (ticket_id);

-- Every attempt to deliver, written before it begins; one without an end was cut off or is under way.
CREATE TABLE attempt (
    message_id uuid        NOT NULL REFERENCES message (id),
    n          smallint    NOT NULL CHECK (n >= 1),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    outcome    text CHECK (outcome IN ('DELIVERED', 'FAILED', 'GONE', 'AMBIGUOUS')),
    detail     text        NOT NULL DEFAULT '',
    PRIMARY KEY (message_id, n),
    CONSTRAINT ended_has_outcome CHECK ((ended_at IS NULL) = (outcome IS NULL))
);

-- Asking the citizen of one ticket in one cycle. Only an answer holds a judgement: silence has none.
CREATE TABLE follow_up (
    ticket_id    uuid        NOT NULL,
    cycle        integer     NOT NULL,
    ticket_no    text        NOT NULL,
    source       text        NOT NULL,
    exercise     boolean     NOT NULL,
    caused_by    text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('OPEN', 'ANSWERED', 'UNREACHABLE', 'CLOSED_ELSEWHERE')),
    attempts     smallint    NOT NULL CHECK (attempts >= 0),
    bands        text[]      NOT NULL,
    opened_at    timestamptz NOT NULL,
    next_at      timestamptz,
    ended_at     timestamptz,
    contacted    boolean,
    solved       boolean,
    satisfaction text CHECK (satisfaction IN ('SATISFIED', 'BASICALLY', 'DISSATISFIED')),
    recorded_by  text CHECK (recorded_by IN ('CITIZEN', 'FOLLOW_UP_AGENT')),
    PRIMARY KEY (ticket_id, cycle),
    CONSTRAINT open_has_next CHECK ((state = 'OPEN') = (next_at IS NOT NULL)),
    CONSTRAINT ended_has_end CHECK ((state = 'OPEN') = (ended_at IS NULL)),
    CONSTRAINT only_an_answer_judges CHECK (
        CASE WHEN state = 'ANSWERED' THEN num_nulls(contacted, solved, satisfaction, recorded_by) = 0
             ELSE num_nonnulls(contacted, solved, satisfaction, recorded_by) = 0 END
    )
) WITH (fillfactor = 80);
CREATE INDEX follow_up_due ON follow_up (next_at) WHERE state = 'OPEN';
