"""Bugs in publishing: how events leave a service's outbox for Kafka."""

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from uuid import uuid4

import asyncpg

from shared import relay
from shared.database import Transaction
from shared.errors import Unavailable
from shared.events import Draft
from shared.kafka import Outgoing, Producer
from shared.ledger import Ledger
from shared.relay import BATCH, Relay
from shared.terms import TicketId

_READ_AFTER = """
SELECT o.seq, o.ticket_id, o.version, e.type, e.time, e.caused_by, e.traceparent, e.payload, e.epoch
FROM outbox AS o JOIN event AS e USING (ticket_id, version) WHERE o.seq > $1 ORDER BY o.seq LIMIT $2
"""
_READ_SKIPPING = """
SELECT o.seq, o.ticket_id, o.version, e.type, e.time, e.caused_by, e.traceparent, e.payload, e.epoch
FROM outbox AS o JOIN event AS e USING (ticket_id, version) ORDER BY o.seq LIMIT $1 FOR UPDATE OF o SKIP LOCKED
"""
_DELETE = "DELETE FROM outbox WHERE seq = ANY($1::bigint[])"


def read_by_cursor() -> None:
    """M1: the outbox is read behind the highest number seen, so a late commit with a lower one is never seen."""
    reached: dict[int, int] = {}

    async def publish(self: Relay) -> int:
        rows = await self._database.fetch(_READ_AFTER, reached.get(id(self), 0), BATCH)
        if not rows:
            return 0
        await self._producer.send([relay.record_of(row, self._source, self._topic) for row in rows])
        await self._database.fetch(_DELETE, [row["seq"] for row in rows])
        reached[id(self)] = rows[-1]["seq"]
        return len(rows)

    Relay._publish = publish  # type: ignore[method-assign]


def four_relays() -> None:
    """M2: four relays share one outbox with SKIP LOCKED, and overtake each other."""

    async def one_of_four(self: Relay, producer: Producer, stopping: asyncio.Event) -> None:
        conn = await asyncpg.connect(os.environ["GRIDDISPATCH_DATABASE_DSN"])
        while not stopping.is_set():
            async with conn.transaction():
                rows = await conn.fetch(_READ_SKIPPING, 10)
                await asyncio.sleep(random.uniform(0.0, 0.1))
                await producer.send([relay.record_of(row, self._source, self._topic) for row in rows])
                await conn.execute(_DELETE, [row["seq"] for row in rows])
            await asyncio.sleep(0 if rows else 0.01)
        await conn.close()

    async def run(self: Relay, stopping: asyncio.Event) -> None:
        producers = [Producer(self._producer._bootstrap, f"bug-{n}") for n in range(4)]
        await asyncio.gather(*(one_of_four(self, producer, stopping) for producer in producers))
        await asyncio.gather(*(producer.discard() for producer in producers))

    Relay.run = run  # type: ignore[method-assign]


def publish_before_commit() -> None:
    """M9: events go to Kafka before the transaction that states them has committed."""
    append = Ledger.append
    producers: list[Producer] = []

    async def eager(self: Ledger, tx: Transaction, versions: Mapping[TicketId, int], drafts: Sequence[Draft]) -> None:
        await append(self, tx, versions, drafts)
        told = [
            {"ticket_id": e.ticket_id, "version": e.version, "type": e.event.type, "time": e.time,
             "caused_by": e.caused_by, "traceparent": e.traceparent, "payload": e.event.model_dump_json(), "epoch": e.epoch}
            for e in self.envelopes(versions, drafts)
        ]  # fmt: skip
        topic = f"tickets-{self.source.name.lower()}"
        await producers[0].send([relay.record_of(row, self.source, topic) for row in told])  # type: ignore[arg-type]

    init = Relay.__init__

    def keep_producer(self: Relay, *args: object, **named: object) -> None:
        init(self, *args, **named)  # type: ignore[arg-type]
        producers.append(self._producer)

    Relay.__init__ = keep_producer  # type: ignore[method-assign]
    Ledger.append = eager  # type: ignore[method-assign]


def forget_before_acknowledged() -> None:
    """M10: outbox rows are deleted before Kafka has acknowledged them."""

    async def publish(self: Relay) -> int:
        rows = await self._database.fetch(relay._SQL["read_outbox"], self._shards, BATCH)
        if not rows:
            return 0
        await self._database.fetch(relay._SQL["delete_published"], [row["seq"] for row in rows], self._holder)
        self._reach("relay.sent")
        await self._producer.send([relay.record_of(row, self._source, self._topic) for row in rows])
        return len(rows)

    Relay._publish = publish  # type: ignore[method-assign]


def fire_and_forget() -> None:
    """M11: records are handed to the client, and nobody waits for what becomes of them."""

    async def send(self: Producer, batch: Sequence[Outgoing]) -> list[bool]:
        client = await self._started()
        for o in batch:
            await client.send(o.topic, o.value, key=o.key, headers=o.headers, partition=o.partition)
        return [True] * len(batch)

    Producer.send = send  # type: ignore[method-assign]


def new_id_each_time() -> None:
    """M12: an event gets a new id whenever it is sent."""
    relay.event_id = lambda *_: uuid4()  # type: ignore[attr-defined]


def stop_without_last_pass() -> None:
    """M24: a relay that is asked to stop does so at once, whatever lies in the outbox."""
    one_pass = Relay._pass

    async def run(self: Relay, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                published = await one_pass(self)
            except Unavailable:
                published = 0
            if not published:
                await self._wake.wait(0.1)
        await self._resign()

    Relay.run = run  # type: ignore[method-assign]


def random_keys() -> None:
    """M26: records are keyed at random, so a ticket's story is torn over the partitions."""
    tell = relay.record_of

    def rekeyed(*args: object) -> Outgoing:
        told = tell(*args)  # type: ignore[arg-type]
        return Outgoing(told.topic, str(uuid4()).encode(), told.value, told.headers)

    relay.record_of = rekeyed  # type: ignore[assignment]
