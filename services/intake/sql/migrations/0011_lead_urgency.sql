-- How urgent a lead is: by when its body must have it in hand follows from it. Those from before are of ordinary urgency.

ALTER TABLE lead
    ADD COLUMN urgency text NOT NULL DEFAULT 'U3',
    ADD CONSTRAINT a_known_urgency CHECK (urgency IN ('U1', 'U2', 'U3'));
