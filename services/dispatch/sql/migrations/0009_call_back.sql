-- What was critical and went to another line is asked about: a clock runs until somebody finds out that help came, and the
-- ticket stays where it ended. Both lists only grow, so no row that stands can be in their way.
ALTER TABLE timer DROP CONSTRAINT timer_clock_check, ADD CONSTRAINT timer_clock_check CHECK (clock IN (
    'SIGN', 'CONTACT', 'ARRIVAL', 'FEEDBACK', 'STAGE', 'FIRST_DISPOSAL', 'RESOLVE', 'RESOLVE_BIG', 'UNIT', 'PART',
    'CATEGORY', 'SIZE', 'RETURN_DECISION', 'EXTENSION_DECISION', 'AUDIT', 'FOLLOW_UP', 'SUPPLEMENT', 'HANG', 'REPORT_IN',
    'PLAN', 'MEETING', 'CALL_BACK'));
ALTER TABLE ticket_case
    DROP CONSTRAINT ticket_step_is_legal,
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
        ('WITHDRAWN', 'ARCHIVED'), ('TRANSFERRED', 'TRANSFERRED')));
