-- Cases, assignments, clocks and decisions of the dispatch service.

CREATE TABLE ticket_case (
    ticket_id      uuid PRIMARY KEY,
    version        integer     NOT NULL CHECK (version >= 1),
    ticket_no      text        NOT NULL,
    source         text        NOT NULL,
    channel        text        NOT NULL,
    state          text        NOT NULL,
    previous_state text,
    ticket_type    text        NOT NULL,
    category       text        NOT NULL,
    urgency        text        NOT NULL CHECK (urgency IN ('U1', 'U2', 'U3')),
    size           text        NOT NULL CHECK (size IN ('SMALL', 'BIG', 'UNSIZED')),
    resolve_limit  text        NOT NULL,
    county         text        NOT NULL,
    township       text,
    village        text,
    grid           text,
    accepted_at    timestamptz NOT NULL,
    started_at     timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    cycle          integer     NOT NULL CHECK (cycle >= 1),
    light          text        NOT NULL CHECK (light IN ('GREEN', 'YELLOW', 'RED')),
    level          smallint    NOT NULL CHECK (level BETWEEN 0 AND 3),
    redispatches   smallint    NOT NULL CHECK (redispatches >= 0),
    reopens        smallint    NOT NULL CHECK (reopens >= 0),
    exercise       boolean     NOT NULL,
    confidential   boolean     NOT NULL,
    closed_at      timestamptz,
    close_reason   text,
    rule_pack      text        NOT NULL,
    -- The last step taken is an edge of lifecycle.TICKET_TRANSITIONS; a test holds the two lists together.
    CONSTRAINT ticket_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'ACCEPTED'), ('ACCEPTED', 'DISPATCHED'), ('DISPATCHED', 'RESOLVED'), ('RESOLVED', 'FOLLOWING_UP'),
        ('RESOLVED', 'CLOSED'), ('FOLLOWING_UP', 'CLOSED'), ('FOLLOWING_UP', 'DISPATCHED'))),
    CONSTRAINT closed_has_reason CHECK ((state = 'CLOSED') = (closed_at IS NOT NULL AND close_reason IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX ticket_case_open ON ticket_case (due_at) WHERE state <> 'CLOSED';

CREATE TABLE assignment (
    id             uuid PRIMARY KEY,
    ticket_id      uuid        NOT NULL REFERENCES ticket_case,
    kind           text        NOT NULL CHECK (kind IN ('LEAD', 'SUPPORT', 'COORDINATE', 'FIRST_DISPOSAL')),
    unit           text        NOT NULL,
    state          text        NOT NULL,
    previous_state text,
    cycle          integer     NOT NULL,
    assigned_at    timestamptz NOT NULL,
    sign_by        timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    designated     boolean     NOT NULL,
    handler        text,
    signed_at      timestamptz,
    contacted_at   timestamptz,
    checked_in_at  timestamptz,
    submitted_at   timestamptz,
    ended_at       timestamptz,
    CONSTRAINT assignment_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'PENDING_SIGN'), ('PENDING_SIGN', 'SIGNED'), ('SIGNED', 'HANDLING'), ('HANDLING', 'SUBMITTED'),
        ('SUBMITTED', 'ACCEPTED_RESULT'), ('PENDING_SIGN', 'RETURNED'), ('SIGNED', 'RETURNED'),
        ('HANDLING', 'RETURNED'))),
    CONSTRAINT final_has_ended CHECK ((state IN ('ACCEPTED_RESULT', 'RETURNED')) = (ended_at IS NOT NULL)),
    CONSTRAINT handling_has_handler CHECK (state <> 'HANDLING' OR handler IS NOT NULL)
) WITH (fillfactor = 80);
-- Never assigned twice: at most one live lead per ticket, whatever the code believes.
CREATE UNIQUE INDEX one_live_lead ON assignment (ticket_id) WHERE kind = 'LEAD' AND ended_at IS NULL;
CREATE INDEX assignment_of_ticket ON assignment (ticket_id);
CREATE INDEX assignment_open_by_unit ON assignment (unit, due_at) WHERE ended_at IS NULL;

CREATE TABLE result (
    assignment_id uuid PRIMARY KEY REFERENCES assignment,
    ticket_id     uuid        NOT NULL,
    action        text        NOT NULL,
    reply         text        NOT NULL,
    note          text        NOT NULL,
    submitted_at  timestamptz NOT NULL
);

-- One row per running clock: its next step. Gone when the clock stops.
CREATE TABLE timer (
    ticket_id  uuid        NOT NULL REFERENCES ticket_case,
    clock      text        NOT NULL CHECK (clock IN ('SIGN', 'RESOLVE', 'RESOLVE_BIG', 'FOLLOW_UP')),
    cycle      integer     NOT NULL,
    step       text        NOT NULL,
    fire_at    timestamptz NOT NULL,
    clock_limit text       NOT NULL,
    started_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, clock)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX timer_due ON timer (fire_at);

-- Why: the rules that fired, in order, with the values they saw.
CREATE TABLE decision (
    ticket_id   uuid        NOT NULL,
    version     integer     NOT NULL,
    trigger     text        NOT NULL,
    explanation text[]      NOT NULL,
    decided_at  timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, version)
);
