"""A tiny service around the messaging core: it writes down what it applied, so that a test can ask."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from griddispatch.embedded import Broker
from shared.codec import encode
from shared.consumer import Consumer
from shared.database import Database, Transaction, connect
from shared.events import Draft, Envelope, TicketReceived, event_id
from shared.kafka import Outgoing, Producer
from shared.ledger import Ledger
from shared.relay import Relay
from shared.stream import Route, Stream, ticket_route
from shared.terms import Source
from shared.topics import INTAKE
from shared.wake import Wake
from tests.builders import PATIENT, TUESDAY_MORNING, received, ticket
from tests.conftest import TestDatabase

JOURNAL = "CREATE TABLE journal (place bigint GENERATED ALWAYS AS IDENTITY, ticket_id uuid, version int)"
GROUP = "contract"


def envelope(n: int, version: int) -> Envelope:
    """The `version`-th event about the n-th ticket."""
    identity = event_id(Source.INTAKE, ticket(n), version)
    return Envelope(identity, Source.INTAKE, ticket(n), version, TUESDAY_MORNING, received())


def outgoing(envelope: Envelope) -> Outgoing:
    """The record that carries it."""
    key, value, headers = encode(envelope)
    return Outgoing(INTAKE.name, key, value, headers)


async def send(broker: Broker, records: Sequence[Outgoing]) -> None:
    """Put records on their topics."""
    producer = Producer(broker.bootstrap, "test")
    assert all(await producer.send(records))
    await producer.discard()


async def journal(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
    """The handler: append what was applied."""
    await tx.conn.executemany(
        "INSERT INTO journal (ticket_id, version) VALUES ($1, $2)", [(e.ticket_id, e.version) for e in envelopes]
    )


class Reader:
    """A consuming service in one object; `run` it as often as it should live."""

    def __init__(self, database: Database, broker: Broker, route: Route[Any] | None = None, **options: int) -> None:
        self.database = database
        self.stream = Stream(
            database, self._consumer(broker), [route or ticket_route(INTAKE, journal, (TicketReceived,))], group=GROUP, release="test",
            dead_letter_wake=Wake(), **options,
        )  # fmt: skip

    def _consumer(self, broker: Broker) -> Callable[[Sequence[str]], Consumer]:
        return lambda topics: Consumer(
            broker.bootstrap,
            GROUP,
            topics,
            client_id="reader",
            static_member="reader",
            poll_records=500,
            idle_pause_s=0.1 if broker.name.startswith("noida") else 0.0,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Reader"]:
        """Runs inside the block and drains at its end."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self.stream.run(stopping))
        try:
            yield self
        finally:
            stopping.set()
            async with asyncio.timeout(20):
                await task

    async def applied(self, n: int) -> list[int]:
        """Versions of the n-th ticket, in the order in which they were applied."""
        rows = await self.database.fetch("SELECT version FROM journal WHERE ticket_id = $1 ORDER BY place", ticket(n))
        return [row["version"] for row in rows]

    async def count(self) -> int:
        """How many events were applied in all."""
        rows = await self.database.fetch("SELECT count(*) AS n FROM journal")
        n: int = rows[0]["n"]
        return n

    async def dead(self) -> list[str]:
        """The reasons of the dead letters, oldest first."""
        return [row["reason"] for row in await self.database.fetch("SELECT reason FROM dead_letter ORDER BY id")]


@asynccontextmanager
async def reading_database(database: TestDatabase) -> AsyncIterator[Database]:
    """A consumer's database with its journal."""
    db = await connect(database.dsn("dispatch"), size=4, application="test", patience=PATIENT)
    await db.fetch(JOURNAL)
    yield db
    await db.close()


@asynccontextmanager
async def writing_database(database: TestDatabase) -> AsyncIterator[Database]:
    """A producer's database."""
    db = await connect(database.dsn("intake"), size=6, application="test", patience=PATIENT)
    yield db
    await db.close()


class Writer:
    """A stating service with its relay."""

    def __init__(self, database: Database, broker: Broker, holder: str = "one") -> None:
        self.wake = Wake()
        self.ledger = Ledger(Source.INTAKE, self.wake.ring)
        self.database = database
        self.relay = Relay(
            database, Producer(broker.bootstrap, f"relay-{holder}"), source=Source.INTAKE, topic=INTAKE.name,
            holder=holder, wake=self.wake,
        )  # fmt: skip

    async def state(self, *drafts: Draft) -> None:
        """State facts in one transaction."""
        async with self.database.transaction() as tx:
            versions = await self.ledger.lock(tx, sorted({d.ticket_id for d in drafts}))
            await self.ledger.append(tx, versions, drafts)

    @asynccontextmanager
    async def relaying(self) -> AsyncIterator["Writer"]:
        """The relay runs inside the block and drains at its end."""
        stopping = asyncio.Event()
        task = asyncio.create_task(self.relay.run(stopping))
        try:
            yield self
        finally:
            stopping.set()
            async with asyncio.timeout(30):
                await task

    async def unpublished(self) -> int:
        """Rows left in the outbox."""
        rows = await self.database.fetch("SELECT count(*) AS n FROM outbox")
        n: int = rows[0]["n"]
        return n
