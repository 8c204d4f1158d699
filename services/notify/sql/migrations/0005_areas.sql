-- Where a ticket lies, by the code of its closest known place, and a wall around each area: whoever acts for one sees and
-- changes what is known of its tickets only. `griddispatch.jurisdiction` says for which: `*` is everywhere, and who does
-- not say sees nothing. What is written is not looked at: a record begins before its place is known.
ALTER TABLE ticket_record ADD COLUMN area text NOT NULL
    GENERATED ALWAYS AS (coalesce(nullif(doc ->> 'grid', ''), nullif(doc ->> 'township', ''), '')) STORED;

ALTER TABLE ticket_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE ticket_record FORCE ROW LEVEL SECURITY;
CREATE POLICY ticket_record_jurisdiction ON ticket_record USING (
    (SELECT current_setting('griddispatch.jurisdiction', true)) = '*' OR (
        area COLLATE "C" >= (SELECT nullif(current_setting('griddispatch.jurisdiction', true), ''))
        AND area COLLATE "C" < (SELECT nullif(current_setting('griddispatch.jurisdiction', true), '') || ':'))
) WITH CHECK (true);
