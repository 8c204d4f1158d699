-- What every service had stated, queued, applied and given up when its tables were the first ones.
INSERT INTO head (ticket_id, version) VALUES ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 2);
INSERT INTO event (ticket_id, version, type, time, payload) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 1, 'org.griddispatch.example.v1', '2026-03-10T01:15:00Z', '{}'),
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 2, 'org.griddispatch.example.v1', '2026-03-10T01:16:00Z', '{}');
INSERT INTO outbox (shard, ticket_id, version) VALUES (7, '0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 2);
INSERT INTO position (ticket_id, source, version) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', '/griddispatch/intake', 3);
INSERT INTO dead_letter (topic, partition, "offset", value, headers, reason, tries, code) VALUES
    ('tickets-intake', 3, 41, '\x7b', '[]', 'Malformed: not JSON', 1, 'malformed');
