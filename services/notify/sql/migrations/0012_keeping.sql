-- What was told long ago is forgotten: found by when it was settled, its attempts with it. What travelled with another
-- message may outlive it.
CREATE INDEX message_settled ON message (settled_at) WHERE settled_at IS NOT NULL;

DROP INDEX message_carried;
CREATE INDEX message_of_carrier ON message (carrier) WHERE carrier IS NOT NULL;

ALTER TABLE message
    DROP CONSTRAINT message_carrier_fkey,
    ADD CONSTRAINT message_carrier_fkey FOREIGN KEY (carrier) REFERENCES message (id) ON DELETE SET NULL;
ALTER TABLE attempt
    DROP CONSTRAINT attempt_message_id_fkey,
    ADD CONSTRAINT attempt_message_id_fkey FOREIGN KEY (message_id) REFERENCES message (id) ON DELETE CASCADE;
