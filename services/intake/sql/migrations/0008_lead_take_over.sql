-- By when the body that a lead was handed to must have it in hand, and who heard when it had not. All of it stays here.

ALTER TABLE lead
    ADD COLUMN take_over_by timestamptz,
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN escalated_to text,
    ADD CONSTRAINT an_escalation_goes_somewhere CHECK ((escalated_at IS NULL) = (escalated_to IS NULL));
UPDATE lead SET take_over_by = moved_at WHERE state = 'HANDED_OVER';
CREATE INDEX lead_untaken ON lead (take_over_by) WHERE state = 'HANDED_OVER' AND escalated_at IS NULL;
CREATE INDEX lead_escalated ON lead (escalated_to) WHERE escalated_at IS NOT NULL;
