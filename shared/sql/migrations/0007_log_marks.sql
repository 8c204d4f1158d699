-- Kafka is a copy that may be lost. What it acknowledged is noted per partition: a later record can only get a higher
-- offset, so one that gets a lower one tells that the log is not the one that was written to.
CREATE TABLE log_mark (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- The ledger being told again for that reason: up to where it is done, in the order of tickets and versions.
CREATE TABLE retelling (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text        NOT NULL,
    reason      text        NOT NULL,
    ticket_id   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    version     integer     NOT NULL DEFAULT 0,
    began_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX one_open_retelling ON retelling (topic) WHERE finished_at IS NULL;
