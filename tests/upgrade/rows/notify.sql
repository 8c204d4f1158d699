-- A message that waits, one that was delivered, and a citizen who is being asked.
INSERT INTO message (id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, state, due_at,
                     created_at, settled_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0eb1', '0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'assigned',
     'grid:990101001001001', 'CONSOLE', 'console', 'RESEND', '{}', 'x', 'QUEUED', '2026-03-10T01:15:02Z',
     '2026-03-10T01:15:02Z', NULL),
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0eb2', '0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'assigned',
     'grid:990101001001001', 'CONSOLE', 'console', 'RESEND', '{}', 'y', 'DELIVERED', '2026-03-10T01:15:02Z',
     '2026-03-10T01:15:02Z', '2026-03-10T01:15:03Z');
INSERT INTO follow_up (ticket_id, cycle, ticket_no, source, exercise, caused_by, state, attempts, bands, opened_at,
                       next_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 1, '99010120260310000002', 'hotline', false, 'z', 'OPEN', 0, '{MORNING}',
     '2026-03-10T08:00:00Z', '2026-03-11T01:00:00Z');
