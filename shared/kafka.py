"""The Kafka client behind one door: every setting explicit, every wait with an end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
)
from aiokafka.partitioner import murmur2
from msgspec import Struct

from shared import telemetry
from shared.codec import Record
from shared.errors import Unavailable
from shared.kafka_security import PLAINTEXT, Security
from shared.telemetry import log
from shared.topics import Topic
from shared.wake import Pace

START_S = 15.0
SEND_S = 15.0
COMMIT_S = 5.0
STOP_S = 5.0
ADMIN_S = 15.0
FETCH_WAIT_MS = 2_000
"""A broker answers at once when there is something; when not, so rarely does it have to be asked again."""
PACED_POLL_MS = 3
SHORTEST_PAUSE_S = 0.005


class Outgoing(Struct, frozen=True):
    """A record to be sent."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None


Send = Callable[[Sequence[Outgoing]], Awaitable[list[bool]]]
"""Sends in order; per record, whether Kafka has it for certain (Producer.send)."""
Acknowledged = Callable[[str, int, int], None]
"""Hears of an acknowledged record: its topic, partition and offset."""
MayBegin = Callable[[str, int], Awaitable[None]]
"""Asked before a group that has no offset begins at a log's beginning: the topic, and the first offset it still has.
Raises when that would pass over something."""


async def _always(topic: str, beginning: int) -> None:
    """Anybody may begin anywhere."""


@lru_cache(maxsize=16_384)
def _murmur2(key: bytes) -> int:
    """Kafka's own hash, in Python and therefore dear; a ticket's records come in company, so it is remembered."""
    return int(murmur2(key)) & 0x7FFFFFFF


def partition_of(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Where every Kafka client in any language puts this key."""
    return (
        random.choice(available or partitions) if key is None else sorted(partitions)[_murmur2(key) % len(partitions)]
    )


class Producer:
    """An idempotent producer that is thrown away and made anew after any doubt."""

    def __init__(
        self,
        bootstrap: str,
        client_id: str,
        security: Security = PLAINTEXT,
        on_acknowledged: Acknowledged | None = None,
    ) -> None:
        """`on_acknowledged` hears of every record that Kafka has, and where."""
        self._bootstrap = bootstrap
        self._security = security
        self._client_id = client_id
        self._on_acknowledged = on_acknowledged
        self._client: AIOKafkaProducer | None = None

    async def send(self, batch: Sequence[Outgoing]) -> list[bool]:
        """Send in order and wait for every acknowledgement; per record, whether Kafka has it for certain.

        False means unknown, never "not delivered". Raises Unavailable when no broker can be reached at all.
        After a failure nothing later in the same topic counts as acknowledged: it could leave a hole.
        """
        client = await self._started()
        try:
            async with asyncio.timeout(SEND_S):
                futures = [
                    await client.send(o.topic, o.value, key=o.key, headers=o.headers, partition=o.partition)
                    for o in batch
                ]
                results = await asyncio.gather(*futures, return_exceptions=True)
        except (TimeoutError, KafkaError) as error:
            await self.discard()
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        failures = [r for r in results if isinstance(r, BaseException)]
        if failures:
            log.warning("publish_failed", failed=len(failures), error=repr(failures[0]))
            await self.discard()
        broken: set[str] = set()
        acknowledged = []
        for outgoing, result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                broken.add(outgoing.topic)
            elif self._on_acknowledged is not None:
                self._on_acknowledged(result.topic, result.partition, result.offset)
            acknowledged.append(outgoing.topic not in broken)
        return acknowledged

    async def _started(self) -> AIOKafkaProducer:
        if self._client is None:
            client = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                compression_type="lz4",
                partitioner=partition_of,
                max_batch_size=256 * 1024,
                request_timeout_ms=10_000,
                **self._security.arguments(),
            )
            try:
                async with asyncio.timeout(START_S):
                    await client.start()
            except (KafkaError, TimeoutError, OSError) as error:
                await stop(client)
                raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
            self._client = client
        return self._client

    async def discard(self) -> None:
        """Close the client under a deadline; the next send makes a new one."""
        client, self._client = self._client, None
        if client is not None:
            await stop(client)


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client; one that will not stop in time is left behind, and that is logged."""
    try:
        async with asyncio.timeout(STOP_S):
            await client.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("kafka_client_abandoned", client=type(client).__name__, error=repr(error))


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
        """What one poll brings, partition by partition in offset order; empty when there is nothing, or no broker."""
        batches = await (
            self._paced(self._pace) if self._pace else self._client.getmany(timeout_ms=int(timeout_s * 1000))
        )
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


class TopicMismatch(Exception):
    """A topic on the broker is not what the contract says; lists every difference."""


async def apply_topics(
    bootstrap: str, topics: Sequence[Topic], *, replicas: int = 1, check_only: bool = False,
    security: Security = PLAINTEXT,
) -> list[str]:  # fmt: skip
    """Create the topics that are missing; answers with the names created. Repeating it changes nothing.

    Raises TopicMismatch when a partition count differs (or, with `check_only`, when a topic is missing), and
    Unavailable when no broker answers.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000, **security.arguments())
    try:
        async with asyncio.timeout(ADMIN_S):
            await admin.start()
            present = await _partition_counts(admin, [t.name for t in topics])
            missing = [t for t in topics if t.name not in present]
            wrong = [
                f"{t.name}: {present[t.name]} partitions, the contract says {t.partitions}"
                for t in topics
                if t.name in present and present[t.name] != t.partitions
            ]
            if check_only:
                wrong += [f"{t.name}: missing" for t in missing]
            if wrong:
                raise TopicMismatch("; ".join(wrong))
            if missing:
                await _create(admin, missing, replicas)
            return [t.name for t in missing]
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
    finally:
        await _close(admin)


async def _close(admin: AIOKafkaAdminClient) -> None:
    try:
        async with asyncio.timeout(STOP_S):
            await admin.close()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("kafka_client_abandoned", client="admin", error=repr(error))


async def _partition_counts(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, int]:
    existing = set(await admin.list_topics())
    wanted = [n for n in names if n in existing]
    described = await admin.describe_topics(wanted) if wanted else []
    return {d["topic"]: len(d["partitions"]) for d in described}


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replicas: int) -> None:
    response = await admin.create_topics(
        [NewTopic(t.name, t.partitions, replicas, topic_configs=_configs(t, replicas)) for t in topics]
    )
    for name, code, *rest in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise Unavailable(f"kafka: topic {name} was not created: error {code} {rest}")


def _configs(topic: Topic, replicas: int) -> dict[str, str]:
    common = {"min.insync.replicas": str(max(1, replicas - 1)), "max.message.bytes": "1048576"}
    if topic.retention is None:
        return common | {"cleanup.policy": "compact"}
    return common | {"cleanup.policy": "delete", "retention.ms": str(int(topic.retention.total_seconds() * 1000))}
