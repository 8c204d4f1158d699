"""Publishing: one leader per shard sends the outbox to Kafka in order and forgets only what was acknowledged."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import asyncpg

from shared import telemetry
from shared.codec import record_headers
from shared.database import Database, named_queries
from shared.errors import Unavailable
from shared.events import event_id
from shared.failpoint import Reach, nowhere
from shared.kafka import Outgoing, Producer, Send
from shared.ledger import SHARDS
from shared.outcome import backoff_s
from shared.telemetry import log
from shared.terms import Source, TicketId
from shared.wake import Pace, Wake

_SQL = named_queries("shared", "sql", "messaging.sql")

LEASE_S = 10.0
RENEW_S = 3.0
POLL_S = 0.1
QUIET_S = 1.0
"""The outbox is looked at so often when nobody of this process rings: first, and after a while of nothing."""
BATCH = 1000
FIRST_SHARD = 0
"""Who holds this one also tells again what Kafka forgot: one alone."""

Companion = Callable[[Sequence[TicketId]], Awaitable[list[Outgoing]]]
"""Records that go out beside these tickets' events: the latest state of each, read after the events' commit."""


async def _nothing(ticket_ids: Sequence[TicketId]) -> list[Outgoing]:
    return []


class LogKeeper(Protocol):
    """Who knows whether Kafka still has what it acknowledged, and tells it again where not (shared/retelling.py)."""

    async def renew(self, *, takes_over: bool) -> None:
        """Note what was acknowledged, and look whether something is to be told again. Raises Unavailable.

        Whoever takes over has to learn first what others noted.
        """

    async def tell_on(self, send: Send, beside: Companion) -> int:
        """Tell a page again, if there is something to tell; how many events. Raises Unavailable."""


class Relay:
    """The publishing loop of one service."""

    def __init__(
        self, database: Database, producer: Producer, *, source: Source, topic: str, holder: str, wake: Wake,
        companion: Companion | None = None, reach: Reach = nowhere, log_keeper: LogKeeper | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._producer = producer
        self._source = source
        self._topic = topic
        self._holder = holder
        self._wake = wake
        self._companion = companion
        self._reach = reach
        self._log_keeper = log_keeper
        self._shards: list[int] = []
        self._renew_at = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until asked to stop, and then until one whole pass finds nothing (or Kafka is away)."""
        failures = 0
        pace = Pace(POLL_S, QUIET_S)
        while True:
            last_pass = stopping.is_set()
            try:
                published = await self._pass(and_tell_again=not last_pass)
                failures = 0
            except Unavailable as error:
                failures += 1
                telemetry.PUBLISH_FAILURES.labels(topic=self._topic).inc()
                log.warning("relay_waits", error=str(error), failures=failures)
                published = 0
            if last_pass and not published:
                break
            pause = pace.after(published)
            if pause:
                trouble = backoff_s(failures, random.random(), cap_s=5) if failures else 0.0
                await self._wake.wait(pause * random.uniform(0.8, 1.2) + trouble)
        await self._resign()

    async def _pass(self, *, and_tell_again: bool = True) -> int:
        await self._renew()
        if not self._shards:
            return 0
        published = await self._publish()
        if self._log_keeper is not None and and_tell_again and FIRST_SHARD in self._shards:
            published += await self._log_keeper.tell_on(self._producer.send, self._companion or _nothing)
        return published

    async def _renew(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._renew_at:
            return
        if self._renew_at == 0.0:
            await self._database.fetch(_SQL["ensure_leases"], SHARDS)
        rows = await self._database.fetch(_SQL["renew_leases"], self._holder, SHARDS, LEASE_S)
        takes_over = not self._shards
        self._shards = [row["shard"] for row in rows]
        self._renew_at = now + RENEW_S
        telemetry.RELAY_SHARDS.set(len(self._shards))
        if self._log_keeper is not None and self._shards:
            await self._log_keeper.renew(takes_over=takes_over)

    async def _publish(self) -> int:
        rows = await self._database.fetch(_SQL["read_outbox"], self._shards, BATCH)
        if not rows:
            return 0
        events = [record_of(row, self._source, self._topic) for row in rows]
        beside = await self._beside(rows)
        acknowledged = await self._producer.send([*events, *beside])
        self._reach("relay.sent")
        beside_safe = all(acknowledged[len(events) :])
        done = [row["seq"] for row, ok in zip(rows, acknowledged[: len(events)], strict=True) if ok and beside_safe]
        await self._database.fetch(_SQL["delete_published"], done, self._holder)
        telemetry.EVENTS_PUBLISHED.labels(topic=self._topic).inc(len(done))
        if len(done) < len(rows):
            raise Unavailable(f"kafka took {len(done)} of {len(rows)} events")
        return len(done)

    async def _beside(self, rows: Sequence[asyncpg.Record]) -> list[Outgoing]:
        return await self._companion(list({TicketId(row["ticket_id"]) for row in rows})) if self._companion else []

    async def _resign(self) -> None:
        try:
            await self._database.fetch(_SQL["release_leases"], self._holder)
        except Unavailable as error:
            log.warning("lease_not_released", error=str(error))
        await self._producer.discard()


def record_of(row: asyncpg.Record, source: Source, topic: str) -> Outgoing:
    """The record that carries an event of the ledger; told again it is the same to the last byte."""
    ticket_id = TicketId(row["ticket_id"])
    subject = str(ticket_id)
    headers = record_headers(
        event_id(source, ticket_id, row["version"], row["epoch"]), source, row["type"], subject,
        row["time"], row["version"], row["caused_by"], row["traceparent"], row["epoch"],
    )  # fmt: skip
    return Outgoing(topic, subject.encode(), row["payload"].encode(), headers)
