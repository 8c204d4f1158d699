-- Finding an hour of the ledger without reading all of it. Events are appended in about the order of their times, so
-- the span of times of each stretch of pages says enough; such an index is tiny and adds nothing measurable to a write.
CREATE INDEX event_by_time ON event USING brin (time) WITH (pages_per_range = 32, autosummarize = on);
