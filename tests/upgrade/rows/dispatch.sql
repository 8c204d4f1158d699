-- An open case with its lead, its clock and the reasons why.
INSERT INTO ticket_case (ticket_id, version, state, previous_state, light, due_at, doc) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 1, 'DISPATCHED', 'ACCEPTED', 'GREEN', '2026-03-10T16:00:00Z', '{
        "ticket_id": "0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f", "version": 1, "ticket_no": "99010120260310000002",
        "source": "hotline", "channel": "PHONE", "state": "DISPATCHED", "previous_state": "ACCEPTED",
        "ticket_type": "COMPLAINT", "category": "150101", "urgency": "U3", "size": "SMALL", "limit": "same_day",
        "county": "990101", "township": "990101001", "village": "990101001001", "grid": "990101001001001",
        "accepted_at": "2026-03-10T01:15:01Z", "started_at": "2026-03-10T01:15:01Z", "due_at": "2026-03-10T16:00:00Z",
        "cycle": 1, "light": "GREEN", "level": 0, "redispatches": 0, "reopens": 0, "exercise": false,
        "confidential": false, "closed_at": null, "close_reason": null, "rule_pack": "county-default@1"}');
INSERT INTO assignment (id, ticket_id, kind, unit, state, due_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0eaa', '0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'LEAD', 'grid:990101001001001',
     'PENDING_SIGN', '2026-03-10T16:00:00Z');
INSERT INTO timer (ticket_id, clock, cycle, step, fire_at, clock_limit, started_at, due_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 'RESOLVE', 1, 'YELLOW', '2026-03-10T10:00:00Z', 'same_day',
     '2026-03-10T01:15:01Z', '2026-03-10T16:00:00Z');
INSERT INTO note (ticket_id, version, place, kind, subject, words, noted_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 1, 0, 'BASIS', '', '现场核实', '2026-03-10T01:15:01Z');
INSERT INTO decision (ticket_id, version, trigger, explanation, decided_at) VALUES
    ('0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f', 1, 'triaged', '{SIZE_SMALL_ELIGIBLE}', '2026-03-10T01:15:01Z');
