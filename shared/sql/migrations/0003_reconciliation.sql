-- Finding an hour of the ledger without reading all of it. Events are appended in about the order of their times, so
-- the span of times of each stretch of pages says enough; such indexes are tiny and add nothing measurable to a write.
CREATE INDEX event_by_time ON event USING brin (time) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX event_by_recording ON event USING brin (recorded_at) WITH (pages_per_range = 32, autosummarize = on);

-- What was stated, added up once by a loop: per hour of the events' times and shard. Kept for as long as the ledger.
CREATE TABLE hour_tally (
    hour   timestamptz NOT NULL,
    shard  smallint    NOT NULL CHECK (shard >= 0),
    events bigint      NOT NULL CHECK (events >= 1),
    digest bigint      NOT NULL,
    PRIMARY KEY (hour, shard)
);

-- Up to which instant of recording they are added up. One row.
CREATE TABLE tallied_upto (
    one  boolean     PRIMARY KEY DEFAULT true CHECK (one),
    upto timestamptz NOT NULL
);
-- Read after the indexes were made: they have kept writers waiting, so nothing earlier can still appear.
INSERT INTO tallied_upto (upto) SELECT coalesce(min(recorded_at), now()) FROM event;
