"""The Kafka client behind one door: every setting explicit, every wait with an end."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    TopicAlreadyExistsError,
)
from aiokafka.partitioner import murmur2
from msgspec import Struct

from shared.errors import Unavailable
from shared.kafka_security import PLAINTEXT, Security
from shared.telemetry import log
from shared.topics import Topic

START_S = 15.0
SEND_S = 15.0
STOP_S = 5.0
ADMIN_S = 15.0


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


def check_fetching(client: AIOKafkaConsumer) -> None:
    """Raises KafkaError where the client fetches no more.

    Its fetching ends for good at any fault that it does not foresee, such as a write to a connection that was torn down
    in that moment; the client stays in its group and answers every poll with nothing.
    """
    fetching = client._fetcher.error_future if client._fetcher else None
    if fetching is not None and fetching.done():
        cause = None if fetching.cancelled() else fetching.exception()
        raise KafkaError(f"the client fetches no more: {cause!r}")


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stop a client; one that will not stop in time is left behind, and that is logged."""
    try:
        async with asyncio.timeout(STOP_S):
            await client.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("kafka_client_abandoned", client=type(client).__name__, error=repr(error))


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
