-- Where a ticket lies, by the code of its closest known place, and a wall around each area: whoever acts for one sees and
-- changes its tickets only, whatever the query says. `griddispatch.jurisdiction` says for which: `*` is everywhere, and
-- who does not say sees nothing. A ticket's number begins with its county.
ALTER TABLE ticket ADD COLUMN area text NOT NULL
    GENERATED ALWAYS AS (coalesce(grid, village, township, left(ticket_no, 6))) STORED;

ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket FORCE ROW LEVEL SECURITY;
CREATE POLICY ticket_jurisdiction ON ticket USING (
    area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
    AND area COLLATE "C" < (SELECT CASE nullif(current_setting('griddispatch.jurisdiction', true), '')
        WHEN '*' THEN ':' ELSE nullif(current_setting('griddispatch.jurisdiction', true), '') || ':' END)
);
