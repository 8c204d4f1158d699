-- What a person chose for a matter, beside what the machine had chosen: for the next training.

-- `grams` is a lesson's line (services.intake.core.lessons): counted buckets, not words. It is null where nothing may be
-- kept of the words: of confidential and hidden matters, and of erased ones.
CREATE TABLE lesson (
    ticket_id    uuid PRIMARY KEY REFERENCES ticket (id),
    machine      text        NOT NULL,
    human        text        NOT NULL,
    confidence   double precision CHECK (confidence BETWEEN 0 AND 1),
    confirmed_at timestamptz NOT NULL,
    grams        bytea
);
