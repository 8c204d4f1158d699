-- Which units have a matter in hand, as dispatch tells it: they alone may see its reporter's masked contact. Of matters
-- assigned before this nothing is known until they are assigned anew; a replay of dispatch's events fills it.
CREATE TABLE share (
    assignment_id uuid PRIMARY KEY,
    ticket_id     uuid NOT NULL REFERENCES ticket (id),
    unit          text NOT NULL CHECK (unit <> '')
);
CREATE INDEX share_by_ticket ON share (ticket_id);
