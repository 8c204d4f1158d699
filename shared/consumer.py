"""Reading from Kafka: a group's share of some topics, and where the group stands is never guessed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from shared import telemetry
from shared.codec import Record
from shared.errors import Unavailable
from shared.kafka import START_S, check_fetching, stop
from shared.kafka_security import PLAINTEXT, Security
from shared.telemetry import log
from shared.wake import Pace

COMMIT_S = 5.0
FETCH_WAIT_MS = 2_000
"""A broker answers at once when there is something; when not, so rarely does it have to be asked again."""
PACED_POLL_MS = 3
LATER_MS = 5
"""How long a second fetch is waited for: what it is to bring lies there already, or there is nothing."""
SHORTEST_PAUSE_S = 0.005

MayBegin = Callable[[str, int], Awaitable[None]]
"""Asked before a group that has no offset begins at a log's beginning: the topic, and the first offset it still has.
Raises when that would pass over something."""


async def _always(topic: str, beginning: int) -> None:
    """Anybody may begin anywhere."""


Batches: TypeAlias = dict[TopicPartition, list[ConsumerRecord]]


class GetMany(Protocol):
    """The client's own way to hand records out (AIOKafkaConsumer.getmany)."""

    async def __call__(self, *, timeout_ms: int, max_records: int | None = None) -> Batches: ...


class Fetching:
    """What one poll brings. Where it lay ready, the caller was busy meanwhile: what came since then lies at the broker,
    because the client fetches only when its hands are empty, so it is fetched too."""

    def __init__(self, getmany: GetMany, limit: int) -> None:
        """`limit` is how many records a poll brings at most."""
        self._getmany = getmany
        self._limit = limit
        self._fault: KafkaError | None = None

    async def fetch(self, timeout_s: float) -> Batches:
        """By partition, in offset order; empty when nothing came in time. Raises KafkaError, and nothing is lost by it:
        a fault that comes after records are in hand is raised by the next call."""
        if fault := self._fault:
            self._fault = None
            raise fault
        batches = await self._getmany(timeout_ms=0)
        if not batches:
            return await self._getmany(timeout_ms=int(timeout_s * 1000))
        room = self._limit - sum(map(len, batches.values()))
        if room > 0:
            for place, records in (await self._later(room)).items():
                batches.setdefault(place, []).extend(records)
        return batches

    async def _later(self, room: int) -> Batches:
        try:
            return await self._getmany(timeout_ms=LATER_MS, max_records=room)
        except KafkaError as error:
            self._fault = error
            return {}


class Consumer:
    """Reads a group's share of some topics; offsets are committed by hand, as an explicit map of finished records.

    Where the group stands is never guessed: a partition it never read begins at its beginning (`_begin` writes that
    down before joining), and an offset that is gone raises OffsetOutOfRangeError from `poll`.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        topics: Iterable[str],
        *,
        client_id: str,
        static_member: str,
        poll_records: int,
        idle_pause_s: float = 0.0,
        security: Security = PLAINTEXT,
    ) -> None:
        """`idle_pause_s` is for brokers that answer an empty fetch at once instead of waiting for records: the longest
        time to leave them alone when nothing comes."""
        self._topics = tuple(topics)
        self._pace = Pace(SHORTEST_PAUSE_S, idle_pause_s) if idle_pause_s else None
        self._settings = {
            "bootstrap_servers": bootstrap,
            "group_id": group,
            "client_id": client_id,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "request_timeout_ms": 15_000,
            **security.arguments(),
        }
        self._client = AIOKafkaConsumer(
            **self._settings,
            group_instance_id=static_member or None,
            isolation_level="read_committed",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
            max_poll_records=poll_records,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_max_bytes=8 * 1024 * 1024,
            max_partition_fetch_bytes=512 * 1024,
        )
        self._fetching = Fetching(self._client.getmany, poll_records)

    async def start(self, may_begin: MayBegin = _always) -> None:
        """Join the group. Raises Unavailable when no broker answers in time, and what `may_begin` raises."""
        try:
            async with asyncio.timeout(START_S):
                await self._begin(may_begin)
                self._client.subscribe(self._topics)
                await self._client.start()
        except (KafkaError, TimeoutError, OSError) as error:
            await stop(self._client)
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error

    async def _begin(self, may_begin: MayBegin) -> None:
        """Write down the beginning of every partition this group has no offset for."""
        client = AIOKafkaConsumer(**self._settings)
        try:
            await client.start()
            cluster = await client._client.fetch_all_metadata()
            partitions = [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in sorted(cluster.partitions_for_topic(topic) or ())
            ]
            client.assign(partitions)
            new = [p for p in partitions if await client.committed(p) is None]
            if new:
                beginnings = await client.beginning_offsets(new)
                for place, offset in beginnings.items():
                    await may_begin(place.topic, offset)
                await client.commit(beginnings)
        except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError, CommitFailedError) as error:
            log.info("group_already_begun", group=self._settings["group_id"], error=repr(error))
        finally:
            await stop(client)

    async def poll(self, timeout_s: float) -> list[Record]:
        """What one poll brings, partition by partition in offset order; empty when there is nothing, or no broker.

        Raises KafkaError when this client will never bring anything again.
        """
        check_fetching(self._client)
        batches = await (self._paced(self._pace) if self._pace else self._fetching.fetch(timeout_s))
        for place, records in batches.items():
            age_s = max(0.0, time.time() - records[0].timestamp / 1000) if records else 0.0
            telemetry.RECORD_AGE.labels(topic=place.topic).observe(age_s)
        return [
            Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)
            for records in batches.values()
            for r in records
        ]

    async def _paced(self, pace: Pace) -> dict[TopicPartition, list[ConsumerRecord]]:
        """Fetch only while asked to: between polls every partition is paused, longer and longer while nothing comes."""
        self._client.resume(*self._client.paused())
        batches: dict[TopicPartition, list[ConsumerRecord]] = await self._client.getmany(timeout_ms=PACED_POLL_MS)
        self._client.pause(*self._client.assignment())
        await asyncio.sleep(pace.after(batches))
        return batches

    async def commit(self, finished: Mapping[tuple[str, int], int]) -> None:
        """Commit the next offset per (topic, partition). A commit that fails is harmless: the records come again."""
        offsets = {TopicPartition(topic, partition): offset for (topic, partition), offset in finished.items()}
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._client.commit(offsets)
        except (CommitFailedError, IllegalStateError, KafkaError, TimeoutError) as error:
            log.warning("offset_commit_failed", error=repr(error))

    async def begin_anew(self, gone: Mapping[TopicPartition, int]) -> bool:
        """After offsets were out of range: go to the beginning where the log ends before them, for then it is another.

        False, with nothing moved, where a log only begins behind them: what lay between was deleted unread. Raises
        Unavailable.
        """
        try:
            async with asyncio.timeout(COMMIT_S):
                ends = await self._client.end_offsets(list(gone))
                beginnings = await self._client.beginning_offsets(list(gone))
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        if any(offset <= ends[place] for place, offset in gone.items()):
            return False
        for place, beginning in beginnings.items():
            if place in self._client.assignment():
                self._client.seek(place, beginning)
        return True

    async def unread(self) -> dict[tuple[str, int], int]:
        """Records not yet handed out, by (topic, partition), as of the last fetch; what was never fetched is left out.

        Raises Unavailable when a partition's position is not known in time.
        """
        ends = {p: self._client.highwater(p) for p in self._client.assignment()}
        try:
            async with asyncio.timeout(COMMIT_S):
                return {
                    (p.topic, p.partition): max(0, end - await self._client.position(p))
                    for p, end in ends.items()
                    if end is not None
                }
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error

    async def ping(self) -> None:
        """Raises Unavailable unless a broker answers a metadata request."""
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._client._client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error

    async def stop(self) -> None:
        """Leave the group, under a deadline."""
        await stop(self._client)
