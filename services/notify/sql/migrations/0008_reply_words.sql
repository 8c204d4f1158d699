-- What citizens wrote beside an answer: sealed, one text per asking, forgotten in time. Rows are looked at through the
-- ticket they belong to; nothing in them says who wrote.
CREATE TABLE reply_words (
    ticket_id uuid        NOT NULL,
    cycle     integer     NOT NULL,
    sealed    bytea       NOT NULL,
    said_at   timestamptz NOT NULL,
    PRIMARY KEY (ticket_id, cycle)
);
CREATE INDEX reply_words_in_time ON reply_words (said_at);
