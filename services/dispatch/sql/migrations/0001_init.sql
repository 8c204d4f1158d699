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
        ('-', 'ACCEPTED'), ('DISPATCHED', 'NEED_INFO'), ('NEED_INFO', 'DISPATCHED'), ('ACCEPTED', 'DISPATCHED'),
        ('DISPATCHED', 'DISPATCHED'), ('DISPATCHED', 'HUNG'), ('HUNG', 'DISPATCHED'), ('DISPATCHED', 'RESOLVED'),
        ('RESOLVED', 'DISPATCHED'), ('RESOLVED', 'FOLLOWING_UP'), ('RESOLVED', 'CLOSED'), ('FOLLOWING_UP', 'CLOSED'),
        ('FOLLOWING_UP', 'DISPATCHED'), ('CLOSED', 'DISPATCHED'), ('ACCEPTED', 'WITHDRAWN'),
        ('NEED_INFO', 'WITHDRAWN'), ('DISPATCHED', 'WITHDRAWN'), ('HUNG', 'WITHDRAWN'), ('RESOLVED', 'WITHDRAWN'),
        ('FOLLOWING_UP', 'WITHDRAWN'))),
    CONSTRAINT final_has_ended CHECK ((state IN ('CLOSED', 'WITHDRAWN')) = (closed_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX ticket_case_open ON ticket_case (due_at) WHERE closed_at IS NULL;

-- The units' queues. What an assignment says in full stands in its case.
CREATE TABLE assignment (
    id             uuid PRIMARY KEY,
    ticket_id      uuid        NOT NULL REFERENCES ticket_case,
    kind           text        NOT NULL CHECK (kind IN ('LEAD', 'SUPPORT', 'COORDINATE', 'FIRST_DISPOSAL', 'VISIT')),
    unit           text        NOT NULL,
    state          text        NOT NULL,
    previous_state text,
    due_at         timestamptz NOT NULL,
    handler        text,
    ended_at       timestamptz,
    CONSTRAINT assignment_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'PENDING_SIGN'), ('PENDING_SIGN', 'SIGNED'), ('SIGNED', 'HANDLING'), ('REWORK', 'HANDLING'),
        ('HANDLING', 'SUBMITTED'), ('SUBMITTED', 'ACCEPTED_RESULT'), ('SUBMITTED', 'REWORK'),
        ('PENDING_SIGN', 'RETURN_REQUESTED'), ('SIGNED', 'RETURN_REQUESTED'), ('HANDLING', 'RETURN_REQUESTED'),
        ('RETURN_REQUESTED', 'RETURNED'), ('RETURN_REQUESTED', 'SIGNED'), ('RETURN_REQUESTED', 'HANDLING'),
        ('PENDING_SIGN', 'RECALLED'), ('SIGNED', 'RECALLED'), ('HANDLING', 'RECALLED'), ('REWORK', 'RECALLED'),
        ('RETURN_REQUESTED', 'RECALLED'), ('SUBMITTED', 'RECALLED'), ('PENDING_SIGN', 'WAIVED'),
        ('SIGNED', 'WAIVED'), ('HANDLING', 'WAIVED'), ('REWORK', 'WAIVED'), ('RETURN_REQUESTED', 'WAIVED'))),
    CONSTRAINT final_has_ended CHECK ((state IN ('ACCEPTED_RESULT', 'RETURNED', 'RECALLED', 'WAIVED')) = (ended_at IS NOT NULL)),
    CONSTRAINT handling_has_handler CHECK (state <> 'HANDLING' OR handler IS NOT NULL)
) WITH (fillfactor = 80);
-- Never assigned twice: at most one live lead per ticket, whatever the code believes.
CREATE UNIQUE INDEX one_live_lead ON assignment (ticket_id) WHERE kind = 'LEAD' AND ended_at IS NULL;
CREATE INDEX assignment_open_by_unit ON assignment (unit, due_at) WHERE ended_at IS NULL;

-- What units handed in; a result that was sent back stays beside the one that followed it.
CREATE TABLE result (
    assignment_id uuid        NOT NULL REFERENCES assignment,
    version       integer     NOT NULL,
    ticket_id     uuid        NOT NULL,
    action        text        NOT NULL,
    reply         text        NOT NULL,
    note          text        NOT NULL,
    evidence      text[]      NOT NULL DEFAULT '{}',
    legal_basis   text        NOT NULL DEFAULT '',
    submitted_at  timestamptz NOT NULL,
    PRIMARY KEY (assignment_id, version)
);

-- People's words on a step: bases, reasons, plans, minutes. Never in an event, never in a case.
CREATE TABLE note (
    ticket_id uuid        NOT NULL,
    version   integer     NOT NULL,
    place     integer     NOT NULL,
    kind      text        NOT NULL,
    subject   text        NOT NULL,
    person    text,
    words     text        NOT NULL,
    noted_at  timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, version, place)
);

-- Work that was to go where it must not: the burden report. `ticket_id` is null for requests that are about no ticket.
CREATE TABLE guard_refusal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id  uuid,
    code       text        NOT NULL,
    unit       text        NOT NULL,
    target     text,
    category   text        NOT NULL,
    rule       text        NOT NULL,
    refused_at timestamptz NOT NULL
);
CREATE INDEX guard_refusal_by_time ON guard_refusal (refused_at);

-- One row per running clock: its next step. Gone when the clock stops. `subject` is the assignment or whistle it is
-- about, '' for the ticket.
CREATE TABLE timer (
    ticket_id  uuid        NOT NULL REFERENCES ticket_case,
    clock      text        NOT NULL CHECK (clock IN (
        'SIGN', 'CONTACT', 'ARRIVAL', 'FEEDBACK', 'STAGE', 'FIRST_DISPOSAL', 'RESOLVE', 'RESOLVE_BIG', 'UNIT',
        'PART', 'CATEGORY', 'RETURN_DECISION', 'EXTENSION_DECISION', 'AUDIT', 'FOLLOW_UP', 'SUPPLEMENT', 'HANG',
        'REPORT_IN', 'PLAN', 'MEETING')),
    subject    text        NOT NULL DEFAULT '',
    cycle      integer     NOT NULL,
    step       text        NOT NULL,
    fire_at    timestamptz NOT NULL,
    clock_limit text       NOT NULL,
    started_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, clock, subject)
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
