-- The wall of 0010 around leads too: whoever acts for one area sees and changes its leads only, whatever the query says,
-- and what was added to a lead goes with it.
ALTER TABLE lead ADD COLUMN area text NOT NULL GENERATED ALWAYS AS (coalesce(village, township, county)) STORED;
ALTER TABLE lead ENABLE ROW LEVEL SECURITY;
ALTER TABLE lead FORCE ROW LEVEL SECURITY;
CREATE POLICY lead_jurisdiction ON lead USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND area COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);

ALTER TABLE lead_note ENABLE ROW LEVEL SECURITY;
ALTER TABLE lead_note FORCE ROW LEVEL SECURITY;
CREATE POLICY lead_note_jurisdiction ON lead_note USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE EXISTS (SELECT FROM lead AS l WHERE l.id = lead_note.lead_id)
    END
);
