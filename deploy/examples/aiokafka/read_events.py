"""Prints id, type, ticket and version of every event, from the earliest record kept, with aiokafka.

KAFKA_BOOTSTRAP=127.0.0.1:9092 python read_events.py [--once]
"""

import asyncio
import os
import sys

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

TOPIC = os.environ.get("KAFKA_TOPIC", "tickets-dispatch")


def show(record: ConsumerRecord) -> None:
    """Your own work belongs here; drop what you have seen: ce_version at most the one you hold of this ticket."""
    headers = {name: value.decode() for name, value in record.headers}
    print(headers["ce_id"], headers["ce_type"], headers["ce_subject"], headers["ce_version"], sep="\t", flush=True)


async def is_read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """Whether everything up to `ends` has come."""
    if not ends or set(ends) - consumer.assignment():
        return False
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def main(once: bool) -> None:
    """Read, for ever or up to the present end."""
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:9092"),
        group_id=os.environ.get("KAFKA_GROUP", "read-events-aiokafka"),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC) or ()]
        ends = await consumer.end_offsets(partitions)
        while not (once and await is_read(consumer, ends)):
            batches = await consumer.getmany(timeout_ms=500)
            for records in batches.values():
                for record in records:
                    show(record)
            if batches:  # only after the work, and only what was worked on
                await consumer.commit({p: records[-1].offset + 1 for p, records in batches.items()})
    finally:
        await consumer.stop()


asyncio.run(main("--once" in sys.argv[1:]))
