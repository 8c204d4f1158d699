-- A matter that was just received, one in hand, and one that is closed, with keys and sealed words.
INSERT INTO ticket (
    id, ticket_no, query_code, source, channel, exercise, confidential, received_at, lon, lat, state, public_state,
    triaged_at, ticket_type, category, urgency, confidence, place_level, township, village, grid, explanation, updated_at
) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e30', '99010120260310000001', '111111', 'hotline', 'PHONE', false, false,
     '2026-03-10T01:15:00Z', NULL, NULL, 'RECEIVED', '已受理', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, '2026-03-10T01:15:00Z'),
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', '99010120260310000002', '222222', 'hotline', 'PHONE', false, false,
     '2026-03-10T01:15:00Z', 119.225, 33.378, 'TRIAGED', '办理中', '2026-03-10T01:15:01Z', 'COMPLAINT', '150101', 'U3',
     0.9, 'GRID', '990101001', '990101001001', '990101001001001', '["cat.lamps"]', '2026-03-10T01:16:00Z'),
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e31', '99010120260309000003', '333333', 'hotline', 'PHONE', false, false,
     '2026-03-09T01:15:00Z', NULL, NULL, 'TRIAGED', '已结案', '2026-03-09T01:15:01Z', 'COMPLAINT', '150101', 'U3', 0.9,
     'COUNTY', NULL, NULL, NULL, '["cat.lamps"]', '2026-03-09T09:00:00Z');
INSERT INTO request (source, key, fingerprint, ticket_id) VALUES
    ('hotline', 'x:A-1', '', '0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f');
INSERT INTO vault (ticket_id, key_id, wrapped_key, sealed) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'k1', '\x01', '\x02');
INSERT INTO vault_view (ticket_id, viewer, purpose, viewed_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'desk-1', 'call back', '2026-03-10T02:00:00Z');
