-- The wall of 0010 around sessions too, and with each what was brought up there, what was said, and who read it. A session
-- lies where it says; one that says no place lies where its unit does, and where that is no division, in the county.
ALTER TABLE talk_session ADD COLUMN area text;
UPDATE talk_session SET area = coalesce(
    grid, village, township, CASE WHEN unit ~ '^[0-9]{6,15}$' THEN unit END,
    (SELECT left(ticket_no, 6) FROM ticket ORDER BY received_at DESC LIMIT 1), ''
);
-- A copy of the release before, which does not know the column, records where its caller may look.
ALTER TABLE talk_session ALTER COLUMN area SET NOT NULL,
    ALTER COLUMN area SET DEFAULT coalesce(nullif(current_setting('griddispatch.jurisdiction', true), '*'), '');

ALTER TABLE talk_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE talk_session FORCE ROW LEVEL SECURITY;
CREATE POLICY talk_session_jurisdiction ON talk_session USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND area COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);

ALTER TABLE talk_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE talk_item FORCE ROW LEVEL SECURITY;
CREATE POLICY talk_item_jurisdiction ON talk_item USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE EXISTS (SELECT FROM talk_session AS s WHERE s.id = talk_item.session_id)
    END
);

ALTER TABLE talk_word ENABLE ROW LEVEL SECURITY;
ALTER TABLE talk_word FORCE ROW LEVEL SECURITY;
CREATE POLICY talk_word_jurisdiction ON talk_word USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE EXISTS (SELECT FROM talk_session AS s WHERE s.id = talk_word.session_id)
    END
);

ALTER TABLE talk_view ENABLE ROW LEVEL SECURITY;
ALTER TABLE talk_view FORCE ROW LEVEL SECURITY;
CREATE POLICY talk_view_jurisdiction ON talk_view USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE EXISTS (SELECT FROM talk_item AS i WHERE i.id = talk_view.item_id)
    END
);

-- Whose words these are, known again by a keyed mark as a ticket's caller is, so that a person can be given theirs.
ALTER TABLE talk_item ADD COLUMN caller bytea CHECK (octet_length(caller) = 16);
CREATE INDEX talk_item_by_caller ON talk_item (caller, added_at DESC) WHERE caller IS NOT NULL;
