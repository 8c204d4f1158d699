-- What is answered directly ends there, and what ended long ago is put away. ACCEPTED is a moment within a decision: nothing
-- ends, or is withdrawn, from there. `archived_at` is set once a ticket is put away; copies of the release before put none
-- away and need not know it.
ALTER TABLE ticket_case
    ADD COLUMN archived_at timestamptz,
    DROP CONSTRAINT ticket_step_is_legal,
    DROP CONSTRAINT final_has_ended,
    -- The last step taken is an edge of lifecycle.TICKET_TRANSITIONS; a test holds the two lists together.
    ADD CONSTRAINT ticket_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'ACCEPTED'), ('NEED_INFO', 'NOT_ACCEPTED'),
        ('DISPATCHED', 'NOT_ACCEPTED'), ('HUNG', 'NOT_ACCEPTED'), ('RESOLVED', 'NOT_ACCEPTED'),
        ('FOLLOWING_UP', 'NOT_ACCEPTED'), ('MERGED', 'NOT_ACCEPTED'), ('ACCEPTED', 'ANSWERED'),
        ('DISPATCHED', 'ANSWERED'), ('NEED_INFO', 'TRANSFERRED'), ('DISPATCHED', 'TRANSFERRED'),
        ('HUNG', 'TRANSFERRED'), ('RESOLVED', 'TRANSFERRED'), ('FOLLOWING_UP', 'TRANSFERRED'), ('MERGED', 'TRANSFERRED'),
        ('NEED_INFO', 'ROUTED'), ('DISPATCHED', 'ROUTED'), ('HUNG', 'ROUTED'),
        ('RESOLVED', 'ROUTED'), ('FOLLOWING_UP', 'ROUTED'), ('MERGED', 'ROUTED'), ('DISPATCHED', 'NEED_INFO'),
        ('NEED_INFO', 'DISPATCHED'), ('ACCEPTED', 'MERGED'), ('DISPATCHED', 'MERGED'), ('NEED_INFO', 'MERGED'),
        ('HUNG', 'MERGED'), ('RESOLVED', 'MERGED'), ('MERGED', 'ACCEPTED'),
        ('ACCEPTED', 'DISPATCHED'), ('DISPATCHED', 'DISPATCHED'), ('DISPATCHED', 'HUNG'), ('HUNG', 'DISPATCHED'),
        ('DISPATCHED', 'RESOLVED'), ('MERGED', 'RESOLVED'), ('RESOLVED', 'DISPATCHED'), ('RESOLVED', 'FOLLOWING_UP'),
        ('RESOLVED', 'CLOSED'), ('FOLLOWING_UP', 'CLOSED'), ('FOLLOWING_UP', 'DISPATCHED'), ('CLOSED', 'DISPATCHED'),
        ('ANSWERED', 'ACCEPTED'), ('NEED_INFO', 'WITHDRAWN'), ('DISPATCHED', 'WITHDRAWN'), ('HUNG', 'WITHDRAWN'),
        ('RESOLVED', 'WITHDRAWN'), ('FOLLOWING_UP', 'WITHDRAWN'), ('MERGED', 'WITHDRAWN'), ('CLOSED', 'ARCHIVED'),
        ('ANSWERED', 'ARCHIVED'), ('NOT_ACCEPTED', 'ARCHIVED'), ('TRANSFERRED', 'ARCHIVED'), ('ROUTED', 'ARCHIVED'),
        ('WITHDRAWN', 'ARCHIVED'))),
    ADD CONSTRAINT final_has_ended CHECK (
        (state IN ('CLOSED', 'ANSWERED', 'WITHDRAWN', 'NOT_ACCEPTED', 'TRANSFERRED', 'ROUTED', 'ARCHIVED'))
        = (closed_at IS NOT NULL));

-- Only a lead is sent back, and only parts are waived.
ALTER TABLE assignment
    DROP CONSTRAINT assignment_step_is_legal,
    ADD CONSTRAINT assignment_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'PENDING_SIGN'), ('PENDING_SIGN', 'SIGNED'), ('SIGNED', 'HANDLING'), ('REWORK', 'HANDLING'),
        ('HANDLING', 'SUBMITTED'), ('SUBMITTED', 'ACCEPTED_RESULT'), ('SUBMITTED', 'REWORK'),
        ('PENDING_SIGN', 'RETURN_REQUESTED'), ('SIGNED', 'RETURN_REQUESTED'), ('HANDLING', 'RETURN_REQUESTED'),
        ('RETURN_REQUESTED', 'RETURNED'), ('RETURN_REQUESTED', 'SIGNED'), ('RETURN_REQUESTED', 'HANDLING'),
        ('PENDING_SIGN', 'RECALLED'), ('SIGNED', 'RECALLED'), ('HANDLING', 'RECALLED'), ('REWORK', 'RECALLED'),
        ('RETURN_REQUESTED', 'RECALLED'), ('SUBMITTED', 'RECALLED'), ('PENDING_SIGN', 'WAIVED'),
        ('SIGNED', 'WAIVED'), ('HANDLING', 'WAIVED'), ('RETURN_REQUESTED', 'WAIVED')));

-- What is to be put away next: what ended first of all that was not put away. Neither column changes while a ticket is in hand.
CREATE INDEX ticket_case_ended ON ticket_case (closed_at) WHERE closed_at IS NOT NULL AND archived_at IS NULL;
