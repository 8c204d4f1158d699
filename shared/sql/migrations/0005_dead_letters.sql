-- A dead record is known by its place and its bytes: when the whole of Kafka was lost and filled anew, another record may
-- lie where an older one lay.
ALTER TABLE dead_letter
    ADD COLUMN digest text NOT NULL
        GENERATED ALWAYS AS (md5(coalesce(key, ''::bytea)) || md5(coalesce(value, ''::bytea))) STORED,
    DROP CONSTRAINT "dead_letter_topic_partition_offset_key",
    ADD UNIQUE (topic, partition, "offset", digest);
