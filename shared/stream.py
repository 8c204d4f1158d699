"""Reading: one poll is one batch, applied in one transaction; every record ends as Done, Retry or Dead."""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from opentelemetry.trace import SpanKind

from shared import telemetry, tracing
from shared.bookmarks import Bookmarks
from shared.codec import Record, decode
from shared.consumer import Consumer
from shared.database import Database, Transaction, named_queries
from shared.deadletters import bury
from shared.errors import Malformed, Unavailable
from shared.events import Event, UnreadEvent, UnrecognisedEvent
from shared.outcome import Dead, Retry, backoff_s, judge
from shared.positions import Apply, Incoming, apply_in_order
from shared.telemetry import log
from shared.terms import Source
from shared.topics import Topic
from shared.wake import Wake, pause

T = TypeVar("T")

_SQL = named_queries("shared", "sql", "recovery.sql")

POLL_S = 0.5
REJOIN_S = 1.0
DEAD_IN_A_ROW = 50
"""So many dead records in a row stop the stream: a bad release must not empty a topic into the bin."""


@dataclass(frozen=True)
class Route(Generic[T]):
    """What to do with the records of one topic.

    `read` raises Malformed for a record that breaks the contract; `apply` works in the batch's transaction and answers
    with how many records had an effect. With `trusted`, dead records count towards halting: our own writers do not
    send rubbish, strangers may.
    """

    topic: Topic
    read: Callable[[Record], T]
    apply: Callable[[Transaction, Sequence[T]], Awaitable[int]]
    trusted: bool = True
    group_of: Callable[[Record], object] = lambda record: record.key


def ticket_route(topic: Topic, apply: Apply, wanted: Collection[type[Event]]) -> Route[Incoming]:
    """A route for ticket events: `apply` sees each event once, in its ticket's order; bodies of `wanted` types only."""
    names = frozenset(model.type for model in wanted)

    def read(record: Record) -> Incoming:
        envelope = decode(record, names)
        if isinstance(envelope.event, UnrecognisedEvent):
            telemetry.EVENTS_UNRECOGNISED.labels(topic=record.topic).inc()
        return Incoming(envelope, record)

    async def apply_fresh(tx: Transaction, incoming: Sequence[Incoming]) -> int:
        if tracing.is_on():
            traces = [i.envelope.traceparent for i in incoming if not isinstance(i.envelope.event, UnreadEvent)]
            tx.on_commit(partial(tracing.note, f"process {topic.name}", traces, tracing.now_ns(), SpanKind.CONSUMER))
        by_source: defaultdict[object, list[Incoming]] = defaultdict(list)
        for i in incoming:
            by_source[i.envelope.source].append(i)
        return sum([await apply_in_order(tx, story, apply) for story in by_source.values()])

    return Route(topic, read, apply_fresh)


class Halted(Exception):
    """The stream stopped itself: too many dead records in a row, or offsets that are gone."""


class Stream:
    """The consume loop of one group."""

    def __init__(
        self, database: Database, make_consumer: Callable[[Sequence[str]], Consumer], routes: Sequence[Route[Any]], *,
        group: str, release: str, dead_letter_wake: Wake, dead_in_a_row: int = DEAD_IN_A_ROW,
    ) -> None:  # fmt: skip
        self._database = database
        self._make_consumer = make_consumer
        self._routes: Mapping[str, Route[Any]] = {route.topic.name: route for route in routes}
        self._group = group
        self._release = release
        self._dead_letter_wake = dead_letter_wake
        self._dead_limit = dead_in_a_row
        self._dead_in_a_row: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._halted = ""
        self._consumer: Consumer | None = None
        self._in_hand: Counter[tuple[str, int]] = Counter()
        self._stopping = asyncio.Event()

    async def check_not_halted(self) -> None:
        """Raises Unavailable once the stream has stopped itself; until then it may well be waiting for Kafka."""
        if self._halted:
            raise Unavailable(f"halted: {self._halted}")

    async def lag(self) -> dict[tuple[str, int], int]:
        """Records that are not finished, by partition that this process has. Raises Unavailable."""
        unread = await self._consumer.unread() if self._consumer else {}
        return {place: records + self._in_hand[place] for place, records in unread.items()}

    async def ping(self) -> None:
        """Raises Unavailable unless the group is joined and its brokers answer; a halted stream never is."""
        await self.check_not_halted()
        if self._consumer is None:
            raise Unavailable("not joined yet")
        await self._consumer.ping()

    async def run(self, stopping: asyncio.Event) -> None:
        """Read, apply and commit until asked to stop."""
        self._stopping = stopping
        while not stopping.is_set() and not self._halted:
            consumer = await self._joined()
            if consumer is None:
                break
            bookmarks = Bookmarks(consumer.commit)
            try:
                await self._read(consumer, bookmarks)
            except Halted as halt:
                self._halt(str(halt))
            except (KafkaError, Unavailable) as error:
                log.warning("stream_rejoins", group=self._group, error=repr(error))
                await pause(self._stopping, REJOIN_S)
            finally:
                self._consumer = None
                try:
                    await bookmarks.settle()
                finally:
                    await consumer.stop()
        await stopping.wait()

    async def _may_begin(self, topic: str, beginning: int) -> None:
        """A group whose offsets are gone begins at the log's beginning, and repeats are dropped; but not where the log
        has lost its beginning and this service had read of it: between, something unread may have been deleted."""
        source = Source.__members__.get(self._routes[topic].topic.writer.upper())
        if not beginning or source is None:
            return
        (row,) = await self._database.fetch(_SQL["has_read"], source.value)
        if row["has_read"]:
            raise Halted(f"no offset in {topic}, and its beginning was deleted: griddispatch recover group")

    def _halt(self, reason: str) -> None:
        self._halted = reason
        telemetry.STREAM_HALTED.labels(group=self._group).set(1)
        log.error("stream_halted", group=self._group, reason=reason)

    async def _joined(self) -> Consumer | None:
        attempt = 0
        while not self._stopping.is_set():
            consumer = self._make_consumer(tuple(self._routes))
            try:
                await consumer.start(self._may_begin)
            except Halted as halt:
                self._halt(str(halt))
                return None
            except Unavailable as error:
                attempt += 1
                log.warning("stream_cannot_join", group=self._group, error=str(error))
                await pause(self._stopping, backoff_s(attempt, random.random(), first_s=0.5, cap_s=10))
            else:
                self._consumer = consumer
                return consumer
        return None

    async def _read(self, consumer: Consumer, bookmarks: Bookmarks) -> None:
        while not self._stopping.is_set():
            try:
                records = await consumer.poll(POLL_S)
            except OffsetOutOfRangeError as error:
                await self._find_place(consumer, error)
                continue
            self._in_hand = Counter((r.topic, r.partition) for r in records)
            by_topic: defaultdict[str, list[Record]] = defaultdict(list)
            for record in records:
                by_topic[record.topic].append(record)
            await self.settle(by_topic, bookmarks)

    async def settle(self, by_topic: Mapping[str, Sequence[Record]], bookmarks: Bookmarks) -> None:
        """A batch of each topic at the same time: one does not wait for another's; then a fault of any is raised."""
        outcomes = await asyncio.gather(
            *(self._settle(self._routes[topic], share) for topic, share in by_topic.items()), return_exceptions=True
        )
        for share, outcome in zip(by_topic.values(), outcomes, strict=True):
            if outcome is True:
                bookmarks.note(_next_offsets(share))
                self._in_hand.subtract((r.topic, r.partition) for r in share)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _find_place(self, consumer: Consumer, error: OffsetOutOfRangeError) -> None:
        """Read another log from its beginning; raises Halted where this one lost records that were not read."""
        log.warning("offsets_out_of_range", group=self._group, error=repr(error)[:500])
        if not await consumer.begin_anew(error.args[0]):
            raise Halted(f"unread records were deleted, {error}: griddispatch recover group")

    async def _settle(self, route: Route[Any], records: Sequence[Record]) -> bool:
        """Bring every record to its end; False when stopped on the way (the rest is read again)."""
        started = time.monotonic()
        good: list[tuple[Record, Any]] = []
        for record in records:
            try:
                good.append((record, route.read(record)))
            except Malformed as error:
                await self._bury(route, record, str(error), tries=1)
        finished = await self._apply(route, good)
        took, traced = time.monotonic() - started, tracing.exemplar(map(_traceparent, records))
        telemetry.BATCH_SECONDS.labels(topic=route.topic.name).observe(took, traced)
        return finished

    async def _apply(self, route: Route[Any], batch: Sequence[tuple[Record, Any]]) -> bool:
        """Apply a batch whole; on a fault halve it, by key, until the poison record stands alone."""
        if not batch:
            return True
        attempt = 0
        while not self._stopping.is_set():
            attempt += 1
            try:
                async with self._database.transaction() as tx:
                    effects = await route.apply(tx, [item for _, item in batch])
            except MemoryError:  # no fault of the records: this process ends, and its next life reads them again
                raise
            except Exception as error:  # the one place where any fault of a handler is answered
                verdict = judge(error, attempt, random.random())
                log.warning("batch_failed", topic=route.topic.name, size=len(batch), attempt=attempt, error=repr(error))
                telemetry.BATCH_RETRIES.labels(topic=route.topic.name).inc()
                if not isinstance(error, Unavailable) and len(batch) > 1:
                    first, second = _halves(route, batch)
                    return await self._apply(route, first) and await self._apply(route, second)
                if isinstance(verdict, Dead):
                    await self._bury(route, batch[0][0], verdict.reason, attempt)
                    return True
                assert isinstance(verdict, Retry)
                await pause(self._stopping, verdict.after_s)
            else:
                if effects:  # what was only parked behind a dead one is no sign of health
                    for record, _ in batch:
                        self._dead_in_a_row.pop((record.topic, record.partition), None)
                return True
        return False

    async def _bury(self, route: Route[Any], record: Record, reason: str, tries: int) -> None:
        place = (record.topic, record.partition)
        if route.trusted and self._dead_in_a_row[place] >= self._dead_limit:
            raise Halted(f"{self._dead_limit} dead records in a row on {place[0]}/{place[1]}, the last: {reason[:300]}")
        attempt = 0
        while True:
            try:
                async with self._database.transaction() as tx:
                    await bury(tx, [(record, reason, tries)], self._release)
                break
            except Unavailable as error:
                if self._stopping.is_set():
                    raise Halted("stopped while the database was away") from error
                attempt += 1
                await pause(self._stopping, backoff_s(attempt, random.random()))
        self._dead_in_a_row[place] += 1
        telemetry.RECORDS_DEAD.labels(topic=record.topic).inc()
        log.error("record_dead", topic=place[0], partition=place[1], offset=record.offset, reason=reason[:300])
        self._dead_letter_wake.ring()


def _traceparent(record: Record) -> str | None:
    found = (value.decode("latin-1") for name, value in record.headers if name == "traceparent" and value)
    return tracing.trace_of(next(found, None))


def _halves(route: Route[Any], batch: Sequence[tuple[Record, Any]]) -> tuple[list[Any], list[Any]]:
    """Two halves that do not tear a key's records apart, unless they are all of one key: then in their order."""
    groups: defaultdict[object, list[tuple[Record, Any]]] = defaultdict(list)
    for entry in batch:
        groups[route.group_of(entry[0])].append(entry)
    if len(groups) == 1:
        return list(batch[: len(batch) // 2]), list(batch[len(batch) // 2 :])
    stories = list(groups.values())
    middle = len(stories) // 2
    return [e for story in stories[:middle] for e in story], [e for story in stories[middle:] for e in story]


def _next_offsets(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    return {(r.topic, r.partition): r.offset + 1 for r in records}
