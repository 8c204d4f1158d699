-- A page of a queue is read in its order, from where the page before ended: by deadline over all units, and within one.
CREATE INDEX assignment_open_by_due ON assignment (due_at, id) WHERE ended_at IS NULL;
CREATE INDEX assignment_open_of_unit ON assignment (unit, due_at, id) WHERE ended_at IS NULL;
DROP INDEX assignment_open_by_unit;
