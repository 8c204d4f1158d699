"""The floor: three stages that do nothing but pass tickets on, over the same broker, database and libraries.

Each parses what it reads, stores one row, and hands on; no rules, no outbox, no repeats, no HTTP. What that costs the
product can never undercut, so its own cost is told as a ratio to it. The stages run one after another in this process:
none ever waits for the one before, and what they cost is their processor time alone.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import BaseModel, ConfigDict

from griddispatch.bench.figures import Figure, middle
from griddispatch.bench.site import Scale, Site
from shared.database import named_queries
from shared.kafka import apply_topics
from shared.topics import Topic

BATCH = 500
STAGE_S = 60.0
_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")
TAKEN = Topic("floor-taken", "ticket id", "floor", ("floor",), timedelta(hours=1))
GIVEN = Topic("floor-given", "ticket id", "floor", ("floor",), timedelta(hours=1))


class _Matter(BaseModel):
    model_config = ConfigDict(frozen=True)
    external_id: str
    source: str
    text: str
    location: dict[str, Any] = {}


class _Ticket(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: UUID
    source: str
    at: datetime


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: UUID
    unit: str
    due_at: datetime


async def floor(site: Site, scale: Scale) -> list[Figure]:
    """What the least three stages cost a ticket here and now."""
    await site.admin.execute(_SQL["floor_tables"], timeout=10)
    await apply_topics(site.stack.bootstrap, (TAKEN, GIVEN))
    own, stores = [], []
    for _ in range(scale.rounds):
        lines = [line for _, line in site.lines(scale.tickets)]
        meter = site.meter()
        await _pass(site, lines)
        spent = meter.spent()
        own.append(spent.driver_s / scale.tickets * 1000)
        stores.append(spent.of("database", "broker") / scale.tickets * 1000)
    return [
        middle("floor", "processor, three stages", own, "ms/ticket"),
        middle("floor", "processor, database and broker", stores, "ms/ticket"),
    ]


async def _pass(site: Site, lines: Sequence[bytes]) -> None:
    marks = [await _ends(site, topic) for topic in (TAKEN, GIVEN)]
    conn = await asyncpg.connect(site.stack.admin_dsn, timeout=10)
    producer = AIOKafkaProducer(
        bootstrap_servers=site.stack.bootstrap, acks="all", enable_idempotence=True, compression_type="lz4",
        linger_ms=2, max_batch_size=256 * 1024,
    )  # fmt: skip
    await asyncio.wait_for(producer.start(), STAGE_S)
    try:
        await _take(conn, producer, lines)
        await _read(site, TAKEN, marks[0], len(lines), lambda values: _give(conn, producer, values))
        await _read(site, GIVEN, marks[1], len(lines), lambda values: _tell(conn, values))
    finally:
        await asyncio.wait_for(producer.stop(), STAGE_S)
        await conn.close(timeout=10)


async def _take(conn: Any, producer: AIOKafkaProducer, lines: Sequence[bytes]) -> None:
    for n in range(0, len(lines), BATCH):
        matters = [(uuid4(), _Matter.model_validate_json(line)) for line in lines[n : n + BATCH]]
        rows = [(i, m.external_id, m.source, m.text, m.location.get("lon"), m.location.get("lat")) for i, m in matters]
        await conn.copy_records_to_table("taken", schema_name="floor", records=rows, timeout=STAGE_S)
        now = datetime.now().astimezone()
        await _send(producer, TAKEN, [(i, _Ticket(id=i, source=m.source, at=now)) for i, m in matters])


async def _give(conn: Any, producer: AIOKafkaProducer, values: Sequence[bytes]) -> None:
    tickets = [_Ticket.model_validate_json(value) for value in values]
    given = [_Given(id=t.id, unit="unit", due_at=t.at + timedelta(days=1)) for t in tickets]
    rows = [(g.id, g.unit, g.due_at) for g in given]
    await conn.copy_records_to_table("given", schema_name="floor", records=rows, timeout=STAGE_S)
    await _send(producer, GIVEN, [(g.id, g) for g in given])


async def _tell(conn: Any, values: Sequence[bytes]) -> None:
    rows = [(g.id, g.unit) for g in map(_Given.model_validate_json, values)]
    await conn.copy_records_to_table("told", schema_name="floor", records=rows, timeout=STAGE_S)


async def _send(producer: AIOKafkaProducer, topic: Topic, models: Sequence[tuple[UUID, BaseModel]]) -> None:
    async with asyncio.timeout(STAGE_S):
        sent = [await producer.send(topic.name, m.model_dump_json().encode(), key=i.bytes) for i, m in models]
        await asyncio.gather(*sent)


async def _ends(site: Site, topic: Topic) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=site.stack.bootstrap, enable_auto_commit=False)
    await asyncio.wait_for(consumer.start(), STAGE_S)
    try:
        places = [TopicPartition(topic.name, n) for n in range(topic.partitions)]
        ends: dict[TopicPartition, int] = await asyncio.wait_for(consumer.end_offsets(places), STAGE_S)
        return ends
    finally:
        await asyncio.wait_for(consumer.stop(), STAGE_S)


async def _read(
    site: Site, topic: Topic, since: dict[TopicPartition, int], tickets: int, act: Callable[[list[bytes]], Any]
) -> None:
    """Read so many records that came after `since`, a batch at a time. TimeoutError when they do not come."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=site.stack.bootstrap, enable_auto_commit=False, auto_offset_reset="none", check_crcs=False
    )
    await asyncio.wait_for(consumer.start(), STAGE_S)
    try:
        consumer.assign([*since])
        for place, offset in since.items():
            consumer.seek(place, offset)
        deadline, read = time.monotonic() + STAGE_S, 0
        while read < tickets:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the floor read {read} of {tickets} records of {topic.name}")
            async with asyncio.timeout(STAGE_S):
                found = await consumer.getmany(timeout_ms=100, max_records=BATCH)
            values = [record.value for records in found.values() for record in records]
            if values:
                await act(values)
            read += len(values)
    finally:
        await asyncio.wait_for(consumer.stop(), STAGE_S)
