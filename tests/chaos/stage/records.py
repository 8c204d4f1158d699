"""Putting records into topics from outside: copies of what the ledger says, and what nobody can read."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.kafka import Outgoing, partition_of
from shared.relay import record_of
from shared.terms import Source
from shared.topics import TOPICS
from tests.chaos.checker.evidence import Fault, Poison
from tests.chaos.stage.stage import Stage

SEND_S = 30.0
SENT_A_SECOND = 500.0
_READERS = {topic.name: list(topic.readers) for topic in TOPICS}


WHOLE_S = 300.0
"""How long one look at everything that was ever kept may take."""


async def from_ledger(
    stage: Stage, service: str, tickets: Sequence[str] | None = None, most: int | None = None
) -> list[Outgoing]:
    """The records of a service's ledger, by ticket and version; the last `most` of them."""
    rows = await stage.query(
        f"SELECT ticket_id, version, type, time, caused_by, traceparent, epoch, payload::text AS payload FROM {service}.event"
        " WHERE $1::uuid[] IS NULL OR ticket_id = ANY($1::uuid[]) ORDER BY ticket_id DESC, version DESC LIMIT $2",
        tickets, most, within_s=WHOLE_S,
    )  # fmt: skip
    return [record_of(row, Source[service.upper()], f"tickets-{service}") for row in reversed(rows)]


async def produce(stage: Stage, records: Sequence[Outgoing], kind: str) -> list[Any]:
    """Send records in this order, as a fault of `kind`; where each came to lie."""
    began = time.time()
    client = AIOKafkaProducer(
        bootstrap_servers=stage.direct_kafka or stage.kafka.bootstrap, acks="all", partitioner=partition_of
    )
    async with asyncio.timeout(SEND_S + len(records) / SENT_A_SECOND):
        await client.start()
        try:
            futures = [
                await client.send(r.topic, r.value, key=r.key, headers=list(r.headers), partition=r.partition)
                for r in records
            ]
            places = list(await asyncio.gather(*futures))
        finally:
            await client.stop()
    stage.faults.append(Fault(kind=f"produce {kind}", began=began, ended=time.time()))
    return places


async def poison(
    stage: Stage, records: Sequence[Outgoing], kind: str = "poison", readers: Sequence[str] | None = None
) -> None:
    """Send records that are none of the product's, and remember where they lie, and which readers must bury them: all
    of the topic's, unless told otherwise."""
    places = await produce(stage, records, kind)
    for record, place in zip(records, places, strict=True):
        stage.poison.append(
            Poison(
                topic=place.topic, partition=place.partition, offset=place.offset, value=record.value or b"",
                readers=list(_READERS[place.topic] if readers is None else readers),
            )
        )  # fmt: skip
