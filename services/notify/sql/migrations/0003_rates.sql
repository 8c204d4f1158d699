-- What measuring keeps: a record per ticket, the counts that follow from all records, draws and tasks of following up,
-- links, exclusions, and where matters gather.

ALTER TABLE follow_up
    ADD COLUMN service  text CHECK (service IN ('SATISFIED', 'BASICALLY', 'DISSATISFIED')),
    ADD COLUMN truthful boolean,
    ADD CONSTRAINT only_an_answer_tells CHECK (state = 'ANSWERED' OR num_nonnulls(service, truthful) = 0);

-- What must be known of one ticket, as one document; the counts below are the sum of what all documents come to.
CREATE TABLE ticket_record (
    ticket_id uuid PRIMARY KEY,
    doc       json NOT NULL
) WITH (fillfactor = 80);

-- Whole numbers by assessment month, unit, township and root category; never anything but whole numbers.
CREATE TABLE rate_count (
    period               text    NOT NULL CHECK (period ~ '^[0-9]{4}-[0-9]{2}$'),
    unit                 text    NOT NULL,
    township             text    NOT NULL,
    category             text    NOT NULL,
    dispatched           integer NOT NULL DEFAULT 0 CHECK (dispatched >= 0),
    first_dispatch_right integer NOT NULL DEFAULT 0 CHECK (first_dispatch_right BETWEEN 0 AND dispatched),
    hops                 integer NOT NULL DEFAULT 0 CHECK (hops >= 0),
    on_time              integer NOT NULL DEFAULT 0 CHECK (on_time >= 0),
    late                 integer NOT NULL DEFAULT 0 CHECK (late >= 0),
    proactive            integer NOT NULL DEFAULT 0 CHECK (proactive >= 0),
    valid                integer NOT NULL DEFAULT 0 CHECK (valid >= 0),
    contacted            integer NOT NULL DEFAULT 0 CHECK (contacted BETWEEN 0 AND valid),
    solved               integer NOT NULL DEFAULT 0 CHECK (solved BETWEEN 0 AND valid),
    satisfied            integer NOT NULL DEFAULT 0 CHECK (satisfied >= 0),
    basic                integer NOT NULL DEFAULT 0 CHECK (basic >= 0),
    unreachable          integer NOT NULL DEFAULT 0 CHECK (unreachable >= 0),
    hung                 integer NOT NULL DEFAULT 0 CHECK (hung >= 0),
    excluded             integer NOT NULL DEFAULT 0 CHECK (excluded >= 0),
    reopened             integer NOT NULL DEFAULT 0 CHECK (reopened >= 0),
    recurrence_90d       integer NOT NULL DEFAULT 0 CHECK (recurrence_90d >= 0),
    guard_refused        integer NOT NULL DEFAULT 0 CHECK (guard_refused >= 0),
    PRIMARY KEY (period, unit, township, category),
    CONSTRAINT content_is_valid CHECK (satisfied + basic <= valid)
) WITH (fillfactor = 70);

-- A matter came up here, of this kind: for recurrence and early warning. Exercises have no row.
CREATE TABLE occurrence (
    ticket_id   uuid        PRIMARY KEY,
    category    text        NOT NULL,
    grp         text        NOT NULL,
    township    text        NOT NULL,
    grid        text        NOT NULL,
    unit        text        NOT NULL,
    accepted_at timestamptz NOT NULL,
    recurs      boolean     NOT NULL DEFAULT false,
    CONSTRAINT only_in_a_grid CHECK (grid <> '' OR NOT recurs)
);
CREATE INDEX occurrence_of_matter ON occurrence (category, grid, accepted_at) WHERE grid <> '';
CREATE INDEX occurrence_of_group ON occurrence (grp, accepted_at);
CREATE INDEX occurrence_in_time ON occurrence (accepted_at);

-- How many matters of a group of categories came up in a township in an hour.
CREATE TABLE hour_count (
    grp      text        NOT NULL,
    township text        NOT NULL,
    hour     timestamptz NOT NULL,
    n        integer     NOT NULL CHECK (n > 0),
    PRIMARY KEY (grp, township, hour)
) WITH (fillfactor = 70);
CREATE INDEX hour_count_in_time ON hour_count (hour);

-- An alert is given once per kind, group, place and window.
CREATE TABLE alert (
    id           uuid        PRIMARY KEY,
    kind         text        NOT NULL CHECK (kind IN ('SPIKE', 'GROWTH', 'SPREAD', 'CRITICAL')),
    grp          text        NOT NULL,
    place        text        NOT NULL,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    n            integer     NOT NULL,
    threshold    integer     NOT NULL,
    grids        text[]      NOT NULL,
    playbook     text        NOT NULL,
    told         text        NOT NULL,
    given_at     timestamptz NOT NULL,
    UNIQUE (kind, grp, place, window_start),
    CONSTRAINT a_window_ends CHECK (window_start < window_end)
);
CREATE INDEX alert_in_time ON alert (given_at);

-- What was drawn for whom, in order; and how far each unit's month has come.
CREATE TABLE draw_count (
    period text    NOT NULL,
    unit   text    NOT NULL,
    drawn  integer NOT NULL CHECK (drawn >= 0),
    by_lot integer NOT NULL CHECK (by_lot BETWEEN 0 AND drawn),
    PRIMARY KEY (period, unit)
) WITH (fillfactor = 70);
CREATE TABLE draw (
    ticket_id uuid        NOT NULL,
    cycle     integer     NOT NULL,
    period    text        NOT NULL,
    unit      text        NOT NULL,
    nth       integer     NOT NULL CHECK (nth > 0),
    lot       integer     NOT NULL CHECK (lot BETWEEN 0 AND 999999),
    way       text        NOT NULL CHECK (way IN ('CALL', 'FIELD_CHECK', 'NONE')),
    why       text        NOT NULL,
    dedicated boolean     NOT NULL,
    drawn_at  timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, cycle),
    UNIQUE (period, unit, nth)
);

-- A citizen to be called, or a place to be looked at, by somebody who is not of the unit that handled it.
CREATE TABLE task (
    ticket_id   uuid        NOT NULL,
    cycle       integer     NOT NULL,
    way         text        NOT NULL CHECK (way IN ('CALL', 'FIELD_CHECK')),
    ticket_no   text        NOT NULL,
    unit        text        NOT NULL,
    dedicated   boolean     NOT NULL,
    made_at     timestamptz NOT NULL,
    missed      smallint    NOT NULL DEFAULT 0 CHECK (missed >= 0),
    agent       text,
    agent_unit  text,
    lease_until timestamptz,
    done_at     timestamptz,
    confirmed   boolean,
    PRIMARY KEY (ticket_id, cycle),
    CONSTRAINT claimed_by_somebody CHECK (num_nulls(agent, agent_unit, lease_until) IN (0, 3)),
    CONSTRAINT nobody_checks_their_own CHECK (agent_unit IS NULL OR agent_unit <> unit),
    CONSTRAINT done_says_what CHECK (confirmed IS NULL OR done_at IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX task_open ON task (made_at) WHERE done_at IS NULL;

-- A link for one purpose; only its hash is kept.
CREATE TABLE link (
    hash       bytea       PRIMARY KEY CHECK (length(hash) = 32),
    ticket_id  uuid        NOT NULL,
    cycle      integer     NOT NULL,
    purpose    text        NOT NULL CHECK (purpose IN ('ANSWER', 'REOPEN')),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX link_expired ON link (expires_at);

-- A unit's request to leave a judged cycle out of its rates.
CREATE TABLE exclusion (
    ticket_id  uuid        NOT NULL,
    cycle      integer     NOT NULL,
    unit       text        NOT NULL,
    reason     text        NOT NULL,
    evidence   text[]      NOT NULL CHECK (cardinality(evidence) > 0),
    asked_by   text        NOT NULL,
    asked_at   timestamptz NOT NULL,
    decide_by  timestamptz NOT NULL,
    state      text        NOT NULL CHECK (
        state IN ('ASKED', 'GRANTED', 'REFUSED', 'LAPSED', 'UPHELD', 'OVERTURNED')
    ),
    sampled    boolean     NOT NULL,
    checked_by text,
    PRIMARY KEY (ticket_id, cycle),
    CONSTRAINT checked_by_somebody CHECK ((checked_by IS NOT NULL) = (state IN ('UPHELD', 'OVERTURNED'))),
    CONSTRAINT checked_was_sampled CHECK (checked_by IS NULL OR (sampled AND checked_by <> asked_by))
);
CREATE INDEX exclusion_open ON exclusion (decide_by) WHERE state = 'ASKED';
CREATE INDEX exclusion_of_unit ON exclusion (unit, asked_at);
CREATE TABLE exclusion_vote (
    ticket_id uuid        NOT NULL,
    cycle     integer     NOT NULL,
    person    text        NOT NULL,
    unit      text        NOT NULL,
    granted   boolean     NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, cycle, person),
    FOREIGN KEY (ticket_id, cycle) REFERENCES exclusion (ticket_id, cycle)
);
