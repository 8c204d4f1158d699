-- What others handed in signed, by their own id of it: for as long as the signature would be taken again, and longer.
CREATE TABLE callback (
    sender   text        NOT NULL,
    id       text        NOT NULL,
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (sender, id)
);
CREATE INDEX callback_in_time ON callback (heard_at);
