-- Cases, assignments, clocks and decisions of the dispatch service.

-- One row per ticket. `doc` is the case whole, as services.dispatch.core.case encodes it; beside it stand only the columns
-- that SQL looks for or guards.
CREATE TABLE ticket_case (
    ticket_id      uuid PRIMARY KEY,
    version        integer     NOT NULL CHECK (version >= 1),
    state          text        NOT NULL,
    previous_state text,
    light          text        NOT NULL CHECK (light IN ('GREEN', 'YELLOW', 'RED')),
    due_at         timestamptz NOT NULL,
    closed_at      timestamptz,
    doc            json        NOT NULL,
    -- The last step taken is an edge of lifecycle.TICKET_TRANSITIONS; a test holds the two lists together.
    CONSTRAINT ticket_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'ACCEPTED'), ('ACCEPTED', 'DISPATCHED'), ('DISPATCHED', 'RESOLVED'), ('RESOLVED', 'FOLLOWING_UP'),
        ('RESOLVED', 'CLOSED'), ('FOLLOWING_UP', 'CLOSED'), ('FOLLOWING_UP', 'DISPATCHED'))),
    CONSTRAINT final_has_ended CHECK ((state IN ('CLOSED')) = (closed_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX ticket_case_open ON ticket_case (due_at) WHERE closed_at IS NULL;

-- The units' queues. What an assignment says in full stands in its case.
CREATE TABLE assignment (
    id             uuid PRIMARY KEY,
    ticket_id      uuid        NOT NULL REFERENCES ticket_case,
    kind           text        NOT NULL CHECK (kind IN ('LEAD', 'SUPPORT', 'COORDINATE', 'FIRST_DISPOSAL')),
    unit           text        NOT NULL,
    state          text        NOT NULL,
    previous_state text,
    due_at         timestamptz NOT NULL,
    handler        text,
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
