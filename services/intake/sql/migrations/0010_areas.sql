-- Where a ticket lies, by the code of its closest known place, and a wall around each area: whoever acts for one sees and
-- changes its tickets only, whatever the query says. `griddispatch.jurisdiction` says for which: `*` is everywhere, and
-- who does not say sees nothing. A ticket's number begins with its county.
ALTER TABLE ticket ADD COLUMN area text NOT NULL
    GENERATED ALWAYS AS (coalesce(grid, village, township, left(ticket_no, 6))) STORED;

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket FORCE ROW LEVEL SECURITY;
-- As a CASE, of which the planner thinks that every second row passes: of a range without statistics it thinks that hardly
-- any does, and then it reads whole tables and sorts them where an index gives the first page in order.
CREATE POLICY ticket_jurisdiction ON ticket USING (
    CASE WHEN (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' THEN true
    ELSE area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND area COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':')
    END
);
