-- Lists of tickets for the public by whether they are open: a list of closed ones must not read all the open ones, nor
-- the other way round. Each ticket stands in one pair of these, as it stood in the pair they replace; closing moves it.
-- The service is a column, not an expression: behind a wall of rows no index serves an expression that might give away
-- what it reads, and COALESCE counts as one.
ALTER TABLE ticket ADD COLUMN service text NOT NULL
    GENERATED ALWAYS AS (COALESCE(category, given_category, '999999')) STORED;
DROP INDEX ticket_listed;
DROP INDEX ticket_listed_by_service;
CREATE INDEX ticket_listed_open ON ticket (received_at DESC, id DESC)
    WHERE NOT confidential AND NOT exercise AND closed_at = 'infinity';
CREATE INDEX ticket_listed_closed ON ticket (received_at DESC, id DESC)
    WHERE NOT confidential AND NOT exercise AND closed_at < 'infinity';
CREATE INDEX ticket_listed_open_by_service
    ON ticket (service, received_at DESC, id DESC)
    WHERE NOT confidential AND NOT exercise AND closed_at = 'infinity';
CREATE INDEX ticket_listed_closed_by_service
    ON ticket (service, received_at DESC, id DESC)
    WHERE NOT confidential AND NOT exercise AND closed_at < 'infinity';
