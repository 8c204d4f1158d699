-- What a gateway took and will still say of whether it arrived: SENT until its receipt comes, or its time is over.

ALTER TABLE message
    DROP CONSTRAINT message_state_check,
    ADD CONSTRAINT message_state_check CHECK (
        state IN ('QUEUED', 'LEASED', 'SENT', 'CARRIED', 'DELIVERED', 'FAILED', 'SUPPRESSED', 'UNKNOWN')
    ),
    DROP CONSTRAINT open_is_unsettled,
    ADD CONSTRAINT open_is_unsettled CHECK ((state IN ('QUEUED', 'LEASED', 'SENT', 'CARRIED')) = (settled_at IS NULL));
CREATE INDEX message_sent ON message (due_at) WHERE state = 'SENT';

-- A gateway's own id of what it took for us, and what it said of it: either may be known first.
CREATE TABLE receipt (
    gateway    text        NOT NULL,
    reference  text        NOT NULL,
    message_id uuid        REFERENCES message (id) ON DELETE CASCADE,
    state      text        CHECK (state IN ('DELIVERED', 'FAILED')),
    noted_at   timestamptz NOT NULL,
    PRIMARY KEY (gateway, reference),
    CONSTRAINT says_something CHECK (num_nonnulls(message_id, state) > 0)
);
CREATE INDEX receipt_of_message ON receipt (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX receipt_unmatched ON receipt (noted_at) WHERE message_id IS NULL;
