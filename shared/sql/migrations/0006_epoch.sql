-- A database that was restored to an earlier point states versions anew that others have seen already. Its epoch tells
-- the two stories apart: it is raised after a restore, goes into the id of what is stated from then on, and a reader
-- orders by (epoch, version). Columns with a constant default: no table is written anew.
ALTER TABLE event ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE position ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE parked ADD COLUMN epoch integer NOT NULL DEFAULT 0;

-- Every raise, with its reason; none is epoch 0. A dump carries it along, so two restores of one dump would raise to
-- the same number: whoever raises says at least which (griddispatch recover epoch).
CREATE TABLE epoch (
    epoch     integer PRIMARY KEY CHECK (epoch >= 1),
    raised_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    raised_by text NOT NULL,
    reason    text NOT NULL
);
