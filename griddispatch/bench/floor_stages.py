"""One stage of the floor, a process of its own: `python -m griddispatch.bench.floor_stages STAGE BROKER DSN ROUND N …`.

It says `ready` when its connections stand, begins when it is told to, and says at its end how many seconds of processor
time it used since. `take` reads matters from a file of lines, stores them and sends them on; `give` reads those, stores
and sends who has each; `tell` reads that and stores it. Nothing else: no rules, no outbox, no repeats, no HTTP.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import BaseModel, TypeAdapter

if TYPE_CHECKING:
    Conn = asyncpg.Connection[asyncpg.Record]

TAKEN, GIVEN = "floor-taken", "floor-given"
WRITTEN_AT_ONCE = 500
READ_AT_ONCE = 1000
CONNECT_S = 20.0
STEP_S = 60.0
STAGE_S = 300.0


class Matter(BaseModel):
    """What somebody reports: twelve fields, one of them a text."""

    id: UUID
    source: str
    external_id: str
    channel: str
    title: str
    text: str
    lon: float
    lat: float
    address: str
    name: str
    phone: str
    reported_at: datetime


class Share(BaseModel):
    """Who has it, and until when."""

    id: UUID
    place: str
    unit: str
    due_at: datetime


MATTER, SHARE = TypeAdapter(Matter), TypeAdapter(Share)


class Stage:
    """A stage's connections, open for as long as the context holds them."""

    def __init__(self, held: AsyncExitStack, broker: str, dsn: str, round_: str, tickets: int) -> None:
        self._held, self._broker, self._dsn, self._round = held, broker, dsn, round_
        self.tickets = tickets

    async def connection(self) -> "Conn":
        """To the database."""
        conn = await asyncpg.connect(self._dsn, timeout=CONNECT_S)
        self._held.push_async_callback(conn.close, timeout=CONNECT_S)
        return conn

    async def producer(self) -> AIOKafkaProducer:
        """To the broker, idempotent."""
        producer = AIOKafkaProducer(bootstrap_servers=self._broker, acks="all", enable_idempotence=True, linger_ms=5)
        await asyncio.wait_for(producer.start(), CONNECT_S)
        self._held.push_async_callback(producer.stop)
        return producer

    async def consumer(self, topic: str) -> AIOKafkaConsumer:
        """From the broker, in a group of its own."""
        consumer = AIOKafkaConsumer(
            self.topic(topic), bootstrap_servers=self._broker, group_id=self.topic(topic), group_instance_id="floor",
            auto_offset_reset="earliest", enable_auto_commit=False,
        )  # fmt: skip
        await asyncio.wait_for(consumer.start(), CONNECT_S)
        self._held.push_async_callback(consumer.stop)
        return consumer

    def topic(self, name: str) -> str:
        """This round's topic of that name."""
        return f"{name}-{self._round}"


async def take(stage: Stage, path: str) -> Callable[[], Awaitable[None]]:
    """From a file of matters to the table and the topic of what is taken."""
    lines = (await asyncio.to_thread(Path(path).read_bytes)).splitlines()
    conn, producer = await stage.connection(), await stage.producer()

    async def work() -> None:
        for n in range(0, len(lines), WRITTEN_AT_ONCE):
            matters = [MATTER.validate_json(line) for line in lines[n : n + WRITTEN_AT_ONCE]]
            await _store(conn, "taken", [tuple(m.__dict__.values()) for m in matters])
            await _send(producer, stage.topic(TAKEN), [(m.id, MATTER.dump_json(m)) for m in matters])

    return work


async def give(stage: Stage) -> Callable[[], Awaitable[None]]:
    """From what is taken to the table and the topic of who has it."""
    conn, producer, consumer = await stage.connection(), await stage.producer(), await stage.consumer(TAKEN)

    async def act(values: Sequence[bytes]) -> None:
        shares = [_share(MATTER.validate_json(value)) for value in values]
        await _store(conn, "given", [(s.id, s.place, s.unit, s.due_at) for s in shares])
        await _send(producer, stage.topic(GIVEN), [(s.id, SHARE.dump_json(s)) for s in shares])

    return lambda: _follow(consumer, stage.tickets, act)


async def tell(stage: Stage) -> Callable[[], Awaitable[None]]:
    """From who has it to the table of what was told."""
    conn, consumer = await stage.connection(), await stage.consumer(GIVEN)

    async def act(values: Sequence[bytes]) -> None:
        shares = [SHARE.validate_json(value) for value in values]
        await _store(conn, "told", [(s.id, s.unit, "assigned") for s in shares])

    return lambda: _follow(consumer, stage.tickets, act)


def _share(matter: Matter) -> Share:
    place = f"{matter.lon:.2f} {matter.lat:.2f}"
    return Share(id=matter.id, place=place, unit="unit", due_at=matter.reported_at + timedelta(days=1))


async def _store(conn: "Conn", table: str, rows: Sequence[tuple[object, ...]]) -> None:
    async with asyncio.timeout(STEP_S), conn.transaction():
        await conn.copy_records_to_table(table, schema_name="floor", records=rows)


async def _send(producer: AIOKafkaProducer, topic: str, values: Sequence[tuple[UUID, bytes]]) -> None:
    async with asyncio.timeout(STEP_S):
        await asyncio.gather(*[await producer.send(topic, value, key=key.bytes) for key, value in values])


async def _follow(consumer: AIOKafkaConsumer, tickets: int, act: Callable[[Sequence[bytes]], Awaitable[None]]) -> None:
    """Act on so many records, a batch at a time, and commit behind each batch."""
    read = 0
    while read < tickets:
        found = await consumer.getmany(timeout_ms=200, max_records=READ_AT_ONCE)
        if values := [record.value for records in found.values() for record in records]:
            await act(values)
            offsets = {place: records[-1].offset + 1 for place, records in found.items()}
            await asyncio.wait_for(consumer.commit(offsets), STEP_S)
            read += len(values)


STAGES: dict[str, Callable[..., Awaitable[Callable[[], Awaitable[None]]]]] = {"take": take, "give": give, "tell": tell}


async def main(stage: str, broker: str, dsn: str, round_: str, tickets: str, *more: str) -> None:
    """Play a stage once: ready, told to begin, done."""
    async with AsyncExitStack() as held:
        work = await STAGES[stage](Stage(held, broker, dsn, round_, int(tickets)), *more)
        print("ready", flush=True)
        if not await asyncio.to_thread(sys.stdin.readline):
            return  # whoever started this is gone
        began = time.process_time()
        async with asyncio.timeout(STAGE_S):
            await work()
        print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
