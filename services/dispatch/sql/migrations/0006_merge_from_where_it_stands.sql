-- A ticket is merged from wherever it stands until its citizen is asked, not only while a unit works on it.
ALTER TABLE ticket_case
    DROP CONSTRAINT ticket_step_is_legal,
    -- The last step taken is an edge of lifecycle.TICKET_TRANSITIONS; a test holds the two lists together.
    ADD CONSTRAINT ticket_step_is_legal CHECK ((coalesce(previous_state, '-'), state) IN (
        ('-', 'ACCEPTED'), ('ACCEPTED', 'NOT_ACCEPTED'), ('NEED_INFO', 'NOT_ACCEPTED'),
        ('DISPATCHED', 'NOT_ACCEPTED'), ('HUNG', 'NOT_ACCEPTED'), ('RESOLVED', 'NOT_ACCEPTED'),
        ('FOLLOWING_UP', 'NOT_ACCEPTED'), ('MERGED', 'NOT_ACCEPTED'), ('ACCEPTED', 'TRANSFERRED'),
        ('NEED_INFO', 'TRANSFERRED'), ('DISPATCHED', 'TRANSFERRED'), ('HUNG', 'TRANSFERRED'),
        ('RESOLVED', 'TRANSFERRED'), ('FOLLOWING_UP', 'TRANSFERRED'), ('MERGED', 'TRANSFERRED'),
        ('ACCEPTED', 'ROUTED'), ('NEED_INFO', 'ROUTED'), ('DISPATCHED', 'ROUTED'), ('HUNG', 'ROUTED'),
        ('RESOLVED', 'ROUTED'), ('FOLLOWING_UP', 'ROUTED'), ('MERGED', 'ROUTED'), ('DISPATCHED', 'NEED_INFO'),
        ('NEED_INFO', 'DISPATCHED'), ('ACCEPTED', 'MERGED'), ('DISPATCHED', 'MERGED'), ('NEED_INFO', 'MERGED'),
        ('HUNG', 'MERGED'), ('RESOLVED', 'MERGED'), ('MERGED', 'ACCEPTED'),
        ('ACCEPTED', 'DISPATCHED'), ('DISPATCHED', 'DISPATCHED'), ('DISPATCHED', 'HUNG'), ('HUNG', 'DISPATCHED'),
        ('DISPATCHED', 'RESOLVED'), ('MERGED', 'RESOLVED'), ('RESOLVED', 'DISPATCHED'), ('RESOLVED', 'FOLLOWING_UP'),
        ('RESOLVED', 'CLOSED'), ('FOLLOWING_UP', 'CLOSED'), ('FOLLOWING_UP', 'DISPATCHED'), ('CLOSED', 'DISPATCHED'),
        ('ACCEPTED', 'WITHDRAWN'), ('NEED_INFO', 'WITHDRAWN'), ('DISPATCHED', 'WITHDRAWN'), ('HUNG', 'WITHDRAWN'),
        ('RESOLVED', 'WITHDRAWN'), ('FOLLOWING_UP', 'WITHDRAWN'), ('MERGED', 'WITHDRAWN')));
