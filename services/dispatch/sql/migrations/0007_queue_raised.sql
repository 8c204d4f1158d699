-- A queue is in the order of `queue_at`: the deadline, or so much earlier as the matter was raised: its citizen is in
-- difficulty, or asked for speed. The deadline itself stays what it is. Copies of the release before, which know neither
-- column, may still run: what they open stands at the head of its queue until a newer copy writes it.
ALTER TABLE ticket_case ADD COLUMN queue_at timestamptz, ADD COLUMN accepted_at timestamptz;
UPDATE ticket_case SET queue_at = due_at, accepted_at = (doc ->> 'accepted_at')::timestamptz;
ALTER TABLE ticket_case ALTER COLUMN queue_at SET NOT NULL, ALTER COLUMN queue_at SET DEFAULT '-infinity',
    ALTER COLUMN accepted_at SET NOT NULL, ALTER COLUMN accepted_at SET DEFAULT now();
ALTER TABLE assignment ADD COLUMN queue_at timestamptz;
UPDATE assignment SET queue_at = due_at;
ALTER TABLE assignment ALTER COLUMN queue_at SET NOT NULL, ALTER COLUMN queue_at SET DEFAULT '-infinity';

-- A page of a queue is read in its order, from where the page before ended. By deadline open tickets are found as before.
CREATE INDEX ticket_case_queue ON ticket_case (queue_at, ticket_id) WHERE closed_at IS NULL;
DROP INDEX assignment_open_by_due, assignment_open_of_unit;
CREATE INDEX assignment_queue ON assignment (queue_at, id) WHERE ended_at IS NULL;
CREATE INDEX assignment_queue_of_unit ON assignment (unit, queue_at, id) WHERE ended_at IS NULL;

-- The tickets of a month are found without reading all: they are written in the order in which they were accepted.
CREATE INDEX ticket_case_by_acceptance ON ticket_case USING brin (accepted_at) WITH (pages_per_range = 16, autosummarize = on);

-- Precedents: what meetings and decisions on returns came to, the latest first.
CREATE INDEX note_precedent ON note (noted_at) WHERE kind IN ('MINUTES', 'RETURN_GRANTED', 'RETURN_REFUSED');

-- A doubtful size is looked at for some minutes.
ALTER TABLE timer DROP CONSTRAINT timer_clock_check, ADD CONSTRAINT timer_clock_check CHECK (clock IN (
    'SIGN', 'CONTACT', 'ARRIVAL', 'FEEDBACK', 'STAGE', 'FIRST_DISPOSAL', 'RESOLVE', 'RESOLVE_BIG', 'UNIT', 'PART',
    'CATEGORY', 'SIZE', 'RETURN_DECISION', 'EXTENSION_DECISION', 'AUDIT', 'FOLLOW_UP', 'SUPPLEMENT', 'HANG', 'REPORT_IN',
    'PLAN', 'MEETING'));
