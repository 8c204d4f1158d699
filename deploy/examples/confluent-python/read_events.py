"""Prints id, type, ticket and version of every event, from the earliest record kept, with confluent-kafka.

KAFKA_BOOTSTRAP=127.0.0.1:9092 python read_events.py [--once]
"""

import os
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException

TOPIC = os.environ.get("KAFKA_TOPIC", "tickets-dispatch")
ONCE = "--once" in sys.argv[1:]

consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BOOTSTRAP", "127.0.0.1:9092"),
        "group.id": os.environ.get("KAFKA_GROUP", "read-events-confluent"),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": ONCE,
    }
)
partitions = len(consumer.list_topics(TOPIC, timeout=15).topics[TOPIC].partitions)
consumer.subscribe([TOPIC])
read: set[int] = set()
try:
    while not (ONCE and len(read) == partitions):
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
            read.add(message.partition())
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        # Your own work belongs here; drop what you have seen: ce_version at most the one you hold of this ticket.
        print(headers["ce_id"], headers["ce_type"], headers["ce_subject"], headers["ce_version"], sep="\t", flush=True)
        consumer.commit(message, asynchronous=True)  # only after the work
finally:
    consumer.close()
