-- Privacy: who must not look, what is kept for how long, and notes of leads that can be forgotten like all words.

-- Conflict of interest 回避: nobody of this unit, or of one below it, and not this person, sees the matter.
CREATE TABLE view_block (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ticket_id uuid        NOT NULL REFERENCES ticket (id),
    unit      text        CHECK (unit <> ''),
    person    text        CHECK (person <> ''),
    set_by    text        NOT NULL,
    set_at    timestamptz NOT NULL,
    CONSTRAINT somebody_is_meant CHECK (unit IS NOT NULL OR person IS NOT NULL)
);
CREATE INDEX view_block_by_ticket ON view_block (ticket_id);
CREATE TRIGGER view_block_is_append_only BEFORE UPDATE OR DELETE ON view_block
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE INDEX vault_view_by_viewer ON vault_view (viewer, viewed_at);
CREATE INDEX lead_view_by_viewer ON lead_view (viewer, viewed_at);
CREATE INDEX lead_view_by_lead ON lead_view (lead_id, viewed_at);

-- What retention looks for: as large as what still holds words.
CREATE INDEX ticket_closed ON ticket (closed_at, id) WHERE closed_at < 'infinity';
CREATE INDEX lead_by_move ON lead (moved_at) WHERE sealed IS NOT NULL;
CREATE INDEX talk_word_by_time ON talk_word (written_at) WHERE sealed IS NOT NULL;

ALTER TABLE lead_note
    ALTER COLUMN wrapped_key DROP NOT NULL,
    ALTER COLUMN sealed DROP NOT NULL,
    ADD CONSTRAINT whole_or_erased CHECK ((wrapped_key IS NULL) = (sealed IS NULL));
DROP TRIGGER lead_note_is_append_only ON lead_note;
CREATE TRIGGER lead_note_is_never_rewritten BEFORE UPDATE OR DELETE ON lead_note
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_words();
