-- What a citizen was shown when: the steps of the public state, for the timeline on the citizen's page.
CREATE TABLE progress (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id    uuid        NOT NULL REFERENCES ticket (id),
    public_state text        NOT NULL,
    at           timestamptz NOT NULL
);
CREATE INDEX progress_by_ticket ON progress (ticket_id, id);
CREATE TRIGGER progress_is_append_only BEFORE UPDATE OR DELETE ON progress
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
