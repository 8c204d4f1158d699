-- What the console looks for: where open tickets are, what they are, how urgent. Beside `doc`, which is not read for it.
ALTER TABLE ticket_case ADD COLUMN place text, ADD COLUMN category text, ADD COLUMN urgency text;
UPDATE ticket_case SET
    place = coalesce(doc ->> 'grid', doc ->> 'village', doc ->> 'township', doc ->> 'county'),
    category = doc ->> 'category', urgency = doc ->> 'urgency';

-- The last days' results without reading all: they are written in the order of their times.
CREATE INDEX result_by_time ON result USING brin (submitted_at) WITH (pages_per_range = 16, autosummarize = on);
