-- Listening 倾听: sessions where officials went to the people, what was brought up there, and how each of it ended.

-- A ticket that came up in a session, and the unit whose patrol had fixed it already, if one had.
ALTER TABLE ticket
    ADD COLUMN session_id    uuid,
    ADD COLUMN self_fixed_by text;

-- One evening talk, open meeting, office on site or patrol. Topic and place are words: those are sealed.
CREATE TABLE talk_session (
    id          uuid PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN ('EVENING_TALK', 'OPEN_MEETING', 'ONSITE_OFFICE', 'PATROL')),
    unit        text        NOT NULL,
    external_id text        NOT NULL,
    held_at     timestamptz NOT NULL,
    township    text,
    village     text,
    grid        text,
    heads       integer     NOT NULL CHECK (heads >= 0),
    recorded_by text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    closed_at   timestamptz,
    closed_by   text,
    UNIQUE (unit, external_id),
    CONSTRAINT closed_means_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX talk_session_listed ON talk_session (held_at DESC, id DESC);
CREATE INDEX talk_session_by_unit ON talk_session (unit, held_at DESC, id DESC);

-- What somebody brought up. It ends answered, promised by a day, or as a ticket; a promise ends kept, or as a ticket.
CREATE TABLE talk_item (
    id         uuid PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES talk_session (id),
    nth        integer     NOT NULL CHECK (nth >= 1),
    theme      text        CHECK (theme ~ '^[0-9]{2,6}$'),
    lon        double precision CHECK (lon BETWEEN -180 AND 180),
    lat        double precision CHECK (lat BETWEEN -90 AND 90),
    state      text        NOT NULL DEFAULT 'OPEN'
               CHECK (state IN ('OPEN', 'ANSWERED', 'COMMITTED', 'KEPT', 'TICKET')),
    due_on     date,
    missed     boolean     NOT NULL DEFAULT false,
    ticket_id  uuid        REFERENCES ticket (id),
    added_at   timestamptz NOT NULL,
    moved_at   timestamptz NOT NULL,
    moved_by   text        NOT NULL,
    UNIQUE (session_id, nth),
    CONSTRAINT a_promise_has_a_day CHECK (state NOT IN ('COMMITTED', 'KEPT') OR due_on IS NOT NULL),
    CONSTRAINT a_ticket_is_named CHECK ((state = 'TICKET') = (ticket_id IS NOT NULL)),
    CONSTRAINT a_missed_promise_is_a_ticket CHECK (NOT missed OR (state = 'TICKET' AND due_on IS NOT NULL)),
    CONSTRAINT a_point_has_both CHECK ((lon IS NULL) = (lat IS NULL))
);
CREATE INDEX talk_commitment ON talk_item (due_on, id) WHERE state = 'COMMITTED';
CREATE INDEX talk_item_open ON talk_item (session_id) WHERE state = 'OPEN';

CREATE FUNCTION refuse_loose_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'talk_item' THEN
        IF EXISTS (SELECT FROM talk_session WHERE id = NEW.session_id AND closed_at IS NOT NULL) THEN
            RAISE EXCEPTION 'the session is closed' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF EXISTS (SELECT FROM talk_item WHERE session_id = NEW.id AND state = 'OPEN') THEN
        RAISE EXCEPTION 'something brought up in the session is open' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER nothing_is_added_to_a_closed_session BEFORE INSERT ON talk_item
    FOR EACH ROW EXECUTE FUNCTION refuse_loose_ends();
CREATE TRIGGER a_session_closes_without_loose_ends BEFORE UPDATE OF closed_at ON talk_session
    FOR EACH ROW WHEN (NEW.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_loose_ends();

-- What was said on either side, and topic and place of the session; sealed, to be erased and never to be changed.
CREATE TABLE talk_word (
    id          uuid PRIMARY KEY,
    session_id  uuid        NOT NULL REFERENCES talk_session (id),
    item_id     uuid        REFERENCES talk_item (id),
    kind        text        NOT NULL CHECK (kind IN ('SESSION', 'SAID', 'ANSWERED', 'COMMITTED', 'KEPT')),
    written_at  timestamptz NOT NULL,
    key_id      text        NOT NULL,
    wrapped_key bytea,
    sealed      bytea,
    CONSTRAINT whole_or_erased CHECK ((wrapped_key IS NULL) = (sealed IS NULL)),
    CONSTRAINT words_of_an_item_name_it CHECK ((kind = 'SESSION') = (item_id IS NULL))
);
CREATE INDEX talk_word_by_item ON talk_word (item_id, written_at);
CREATE INDEX talk_word_by_session ON talk_word (session_id) WHERE item_id IS NULL;

CREATE FUNCTION refuse_rewriting_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id AND NEW.key_id = OLD.key_id AND NEW.sealed IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'what was said can be erased, not changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER talk_word_is_never_rewritten BEFORE UPDATE OR DELETE ON talk_word
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_words();

-- Who read what somebody had brought up, when and what for.
CREATE TABLE talk_view (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id   uuid        NOT NULL REFERENCES talk_item (id),
    viewer    text        NOT NULL CHECK (viewer <> ''),
    purpose   text        NOT NULL CHECK (purpose <> ''),
    viewed_at timestamptz NOT NULL
);
CREATE INDEX talk_view_by_viewer ON talk_view (viewer, viewed_at);
CREATE TRIGGER talk_view_is_append_only BEFORE UPDATE OR DELETE ON talk_view
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
