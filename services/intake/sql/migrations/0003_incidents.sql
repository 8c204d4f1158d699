-- One incident of many tickets, citizens who come back, what they add, sensitive leads, and matters that end here.

-- What merging and repeats look at. None of it can be read by people: marks under a key of the vault's ring, and a
-- signature of the words. `closed_at` is infinity while the matter is open. `cell`, `component` and `address` are
-- null for what is never merged. An erased ticket keeps none of it.
ALTER TABLE ticket
    ADD COLUMN caller      bytea CHECK (octet_length(caller) = 16),
    ADD COLUMN signature   bytea CHECK (octet_length(signature) = 64),
    ADD COLUMN cell        bigint,
    ADD COLUMN component   bigint,
    ADD COLUMN address     bigint,
    ADD COLUMN party       bytea CHECK (octet_length(party) = 16),
    ADD COLUMN closed_at   timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN merged_into uuid REFERENCES ticket (id),
    ADD COLUMN hidden      boolean NOT NULL DEFAULT false,
    ADD COLUMN cleared     boolean NOT NULL DEFAULT false,
    ADD COLUMN withdrawal_at timestamptz,
    ADD COLUMN ended       text CHECK (ended IN ('NOT_ACCEPTED', 'TRANSFERRED', 'ROUTED', 'WITHDRAWN')),
    ADD COLUMN ended_why   text,
    ADD COLUMN ended_basis text,
    ADD COLUMN ended_route text,
    DROP CONSTRAINT ticket_state_check,
    ADD CONSTRAINT ticket_state_check CHECK (state IN ('RECEIVED', 'SUSPECTED', 'TRIAGED', 'ENDED')),
    DROP CONSTRAINT triaged_means_triaged,
    ADD CONSTRAINT triaged_means_triaged CHECK (
        state <> 'TRIAGED' OR (
            triaged_at IS NOT NULL AND ticket_type IS NOT NULL AND category IS NOT NULL AND urgency IS NOT NULL
            AND confidence IS NOT NULL AND place_level IS NOT NULL AND explanation IS NOT NULL
        )
    ),
    ADD CONSTRAINT ended_means_ended CHECK ((state = 'ENDED') = (ended IS NOT NULL)),
    ADD CONSTRAINT nobody_waits_for_himself CHECK (merged_into <> id);
UPDATE ticket SET closed_at = updated_at WHERE public_state = '已结案';

-- What stands in a place, the open ones first: each look goes as far as there are live tickets there, not further.
CREATE INDEX ticket_by_cell ON ticket (cell, closed_at DESC) WHERE cell IS NOT NULL AND merged_into IS NULL;
CREATE INDEX ticket_by_component ON ticket (component, closed_at DESC)
    WHERE component IS NOT NULL AND merged_into IS NULL;
CREATE INDEX ticket_by_address ON ticket (address, closed_at DESC) WHERE address IS NOT NULL AND merged_into IS NULL;
CREATE INDEX ticket_by_caller ON ticket (caller, received_at DESC) WHERE caller IS NOT NULL;
CREATE INDEX ticket_merged ON ticket (merged_into) WHERE merged_into IS NOT NULL;

-- One thing in the world, made when a second ticket turns out to be about it. The row is the lock of its counting.
CREATE TABLE incident (
    id          uuid PRIMARY KEY,
    main_ticket uuid        NOT NULL UNIQUE REFERENCES ticket (id),
    opened_at   timestamptz NOT NULL
);

-- Which tickets wait for the main one, and which once did. `own_follow_up` is false where the same citizen came again.
CREATE TABLE incident_ticket (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id   uuid        NOT NULL REFERENCES incident (id),
    ticket_id     uuid        NOT NULL REFERENCES ticket (id),
    rule          text        NOT NULL,
    own_follow_up boolean     NOT NULL,
    merged_at     timestamptz NOT NULL,
    merged_by     text        NOT NULL,
    split_at      timestamptz,
    split_by      text,
    reason        text,
    note          text,
    CONSTRAINT a_split_has_a_reason CHECK ((split_at IS NULL) = (reason IS NULL))
);
CREATE UNIQUE INDEX incident_ticket_live ON incident_ticket (ticket_id) WHERE split_at IS NULL;
CREATE INDEX incident_ticket_by_incident ON incident_ticket (incident_id) WHERE split_at IS NULL;

-- What a rule found alike but would not merge by itself: for a dispatcher to decide.
CREATE TABLE merge_suggestion (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id    uuid        NOT NULL REFERENCES ticket (id),
    into_ticket  uuid        NOT NULL REFERENCES ticket (id),
    rule         text        NOT NULL,
    likeness     double precision NOT NULL CHECK (likeness BETWEEN 0 AND 1),
    distance_m   double precision CHECK (distance_m >= 0),
    suggested_at timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'ACCEPTED', 'REFUSED')),
    decided_at   timestamptz,
    decided_by   text,
    CONSTRAINT decided_means_decided CHECK ((state = 'OPEN') = (decided_at IS NULL)),
    UNIQUE (ticket_id, into_ticket)
);
CREATE INDEX merge_suggestion_open ON merge_suggestion (id) WHERE state = 'OPEN';

-- On which days a citizen asked for speed: once a day counts.
CREATE TABLE hasten (
    ticket_id uuid        NOT NULL REFERENCES ticket (id),
    day       date        NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, day)
);

-- What a citizen added later, sealed like the first words, and as little to be changed.
CREATE TABLE supplement (
    id          uuid PRIMARY KEY,
    ticket_id   uuid        NOT NULL REFERENCES ticket (id),
    added_at    timestamptz NOT NULL,
    key_id      text        NOT NULL,
    wrapped_key bytea,
    sealed      bytea,
    CONSTRAINT whole_or_erased CHECK ((wrapped_key IS NULL) = (sealed IS NULL))
);
CREATE INDEX supplement_by_ticket ON supplement (ticket_id, added_at);
CREATE TRIGGER supplement_is_never_rewritten BEFORE UPDATE OR DELETE ON supplement
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

-- How often a query code was tried for a number, whether there is such a ticket or not. Forgotten when right.
CREATE TABLE code_try (
    ticket_no text PRIMARY KEY CHECK (ticket_no ~ '^[0-9]{20}$'),
    tries     integer     NOT NULL CHECK (tries > 0),
    since     timestamptz NOT NULL
);
CREATE INDEX code_try_by_time ON code_try (since);

-- Sensitive leads: apart from every ticket, sealed under keys of their own. `ticket_id` is null once nothing of it may
-- lead back. Words are sealed here when the lead is handed over; until then they are still the ticket's.
CREATE TABLE lead (
    id            uuid PRIMARY KEY,
    ticket_id     uuid UNIQUE,
    kind          text        NOT NULL CHECK (kind IN ('THREAT', 'DISCIPLINE', 'SECURITY')),
    state         text        NOT NULL
                  CHECK (state IN ('SUSPECTED', 'DISMISSED', 'HANDED_OVER', 'RECEIVED', 'RETURNED_NOT_LEAD')),
    subject_level text        NOT NULL CHECK (subject_level IN ('VILLAGE', 'TOWNSHIP', 'COUNTY')),
    county        text        NOT NULL,
    township      text,
    village       text,
    target        text        NOT NULL,
    implicit      boolean     NOT NULL DEFAULT false,
    recorded_by   text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    moved_at      timestamptz NOT NULL,
    moved_by      text        NOT NULL,
    was_confidential boolean  NOT NULL DEFAULT false,
    outcome       text,
    visit_officer text,
    visit_unit    text,
    key_id        text,
    wrapped_key   bytea,
    sealed        bytea,
    CONSTRAINT whole_or_nothing CHECK (
        (wrapped_key IS NULL) = (sealed IS NULL) AND (key_id IS NULL) = (sealed IS NULL)
    ),
    CONSTRAINT a_visit_has_both CHECK ((visit_officer IS NULL) = (visit_unit IS NULL))
);
CREATE INDEX lead_suspected ON lead (recorded_at) WHERE state = 'SUSPECTED';
CREATE INDEX lead_by_target ON lead (target, recorded_at DESC) WHERE state NOT IN ('SUSPECTED', 'DISMISSED');

-- What was added to a lead, by whom.
CREATE TABLE lead_note (
    id          uuid PRIMARY KEY,
    lead_id     uuid        NOT NULL REFERENCES lead (id),
    written_by  text        NOT NULL,
    written_at  timestamptz NOT NULL,
    key_id      text        NOT NULL,
    wrapped_key bytea       NOT NULL,
    sealed      bytea       NOT NULL
);
CREATE INDEX lead_note_by_lead ON lead_note (lead_id, written_at);
CREATE TRIGGER lead_note_is_append_only BEFORE UPDATE OR DELETE ON lead_note
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who read a lead, when and what for.
CREATE TABLE lead_view (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id   uuid        NOT NULL REFERENCES lead (id),
    viewer    text        NOT NULL CHECK (viewer <> ''),
    purpose   text        NOT NULL CHECK (purpose <> ''),
    viewed_at timestamptz NOT NULL
);
CREATE TRIGGER lead_view_is_append_only BEFORE UPDATE OR DELETE ON lead_view
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
