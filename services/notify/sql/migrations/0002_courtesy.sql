-- Urgency, quiet hours, bundles, and giving up in favour of a second channel.

ALTER TABLE message
    ADD COLUMN urgency    text NOT NULL DEFAULT 'U3' CHECK (urgency IN ('U1', 'U2', 'U3')),
    ADD COLUMN audience   text NOT NULL DEFAULT 'OFFICIAL' CHECK (audience IN ('OFFICIAL', 'CITIZEN')),
    -- Messages of one endpoint with the same bundle travel together, at most once in `window_s`; empty: alone.
    ADD COLUMN bundle     text NOT NULL DEFAULT '',
    ADD COLUMN window_s   integer NOT NULL DEFAULT 0 CHECK (window_s >= 0),
    -- The message this one travels with: itself, if it carries others or was bundled alone.
    ADD COLUMN carrier    uuid REFERENCES message (id),
    ADD COLUMN give_up_at timestamptz;

UPDATE message SET give_up_at = due_at + interval '96 hours';

ALTER TABLE message
    ALTER COLUMN give_up_at SET NOT NULL,
    DROP CONSTRAINT message_state_check,
    ADD CONSTRAINT message_state_check CHECK (
        state IN ('QUEUED', 'LEASED', 'CARRIED', 'DELIVERED', 'FAILED', 'SUPPRESSED', 'UNKNOWN')
    ),
    DROP CONSTRAINT open_is_unsettled,
    ADD CONSTRAINT open_is_unsettled CHECK ((state IN ('QUEUED', 'LEASED', 'CARRIED')) = (settled_at IS NULL)),
    ADD CONSTRAINT carried_by_another CHECK (state <> 'CARRIED' OR (carrier IS NOT NULL AND carrier <> id)),
    ADD CONSTRAINT carried_is_bundled CHECK (carrier IS NULL OR bundle <> '');

DROP INDEX message_due;
CREATE INDEX message_due ON message (endpoint, urgency, due_at) WHERE state = 'QUEUED';
CREATE INDEX message_unbundled ON message (endpoint, due_at) WHERE state = 'QUEUED' AND bundle <> '' AND carrier IS NULL;
CREATE INDEX message_expiring ON message (endpoint, give_up_at) WHERE state = 'QUEUED';
CREATE INDEX message_carried ON message (carrier) WHERE state = 'CARRIED';

-- When a bundle last left: the next one waits its turn.
CREATE TABLE bundle (
    endpoint text        NOT NULL,
    name     text        NOT NULL,
    left_at  timestamptz NOT NULL,
    PRIMARY KEY (endpoint, name)
) WITH (fillfactor = 80);
