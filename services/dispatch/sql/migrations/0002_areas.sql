-- Where a case lies, by the code of its closest known place, and a wall around each area: whoever acts for one sees and
-- changes its cases only, whatever the query says. `griddispatch.jurisdiction` says for which: `*` is everywhere, and
-- who does not say sees nothing.
ALTER TABLE ticket_case ADD COLUMN area text;
UPDATE ticket_case SET area = coalesce(doc ->> 'grid', doc ->> 'village', doc ->> 'township', doc ->> 'county');
ALTER TABLE ticket_case ALTER COLUMN area SET NOT NULL, ADD CONSTRAINT area_is_a_code CHECK (area ~ '^[0-9]+$');

ALTER TABLE ticket_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_case FORCE ROW LEVEL SECURITY;
CREATE POLICY ticket_case_jurisdiction ON ticket_case USING (
    area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
    AND area COLLATE "C" < (SELECT CASE nullif(current_setting('griddispatch.jurisdiction', true), '')
        WHEN '*' THEN ':' ELSE nullif(current_setting('griddispatch.jurisdiction', true), '') || ':' END)
);
