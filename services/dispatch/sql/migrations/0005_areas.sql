-- A wall around each area: whoever acts for one sees and changes its cases only, whatever the query says.
-- `griddispatch.jurisdiction` says for which: `*` is everywhere, and who does not say sees nothing.
ALTER TABLE ticket_case ALTER COLUMN place SET NOT NULL, ADD CONSTRAINT place_is_a_code CHECK (place ~ '^[0-9]+$');

ALTER TABLE ticket_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_case FORCE ROW LEVEL SECURITY;
-- As a CASE, of which the planner thinks that every second row passes: of a range without statistics it thinks that hardly
-- any does, and then it reads whole tables and sorts them where an index gives the first page in order.
CREATE POLICY ticket_case_jurisdiction ON ticket_case USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE place COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND place COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);
