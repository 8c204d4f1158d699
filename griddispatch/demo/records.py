"""Reading every topic from its beginning, without a group, and taking from each record only what is needed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.topics import Topic

START_S = 15.0
STOP_S = 5.0
POLL_MS = 10
IDLE_S = 0.12
"""Nothing is fetched for so long after a poll that brought nothing: the embedded broker answers a fetch at once even
when it has no news, and asking it again and again would take a whole core."""
POLL_RECORDS = 2000
_NOTHING = b""


class ReaderFailed(Exception):
    """The broker did not answer the observer."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record as the observer saw it; `stamp_ms` is the real time its producer put on it. Bytes stay bytes."""

    topic: str
    stamp_ms: int
    ticket: bytes
    id: bytes
    source: bytes
    type: bytes
    version: int
    time: bytes
    value: bytes


def sighting(record: ConsumerRecord) -> Sighting:
    """Read a record; headers that are missing come out empty, a version that is missing or no number as 0."""
    headers = dict(record.headers)
    version = headers.get("ce_version", b"0")
    return Sighting(
        record.topic, record.timestamp, record.key or _NOTHING, headers.get("ce_id", _NOTHING),
        headers.get("ce_source", _NOTHING), headers.get("ce_type", _NOTHING), int(version) if version.isdigit() else 0,
        headers.get("ce_time", _NOTHING), record.value or _NOTHING,
    )  # fmt: skip


class Reader:
    """Hands every record of the topics to the listeners."""

    def __init__(
        self, bootstrap: str, topics: Sequence[Topic], listeners: Sequence[Callable[[Sighting], None]]
    ) -> None:
        self._partitions = [TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)]
        self._listeners = listeners
        self._next: dict[TopicPartition, int] = {}
        self._client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, client_id="demo-observer", enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=200, check_crcs=False,
        )  # fmt: skip

    @property
    def lag(self) -> int:
        """Records known to be there and not read yet."""
        return sum(max(0, (self._client.highwater(p) or 0) - n) for p, n in self._next.items())

    async def start(self) -> None:
        """Connect. Raises ReaderFailed when no broker answers in time."""
        try:
            async with asyncio.timeout(START_S):
                await self._client.start()
        except (KafkaError, TimeoutError, OSError) as error:
            raise ReaderFailed(f"the observer cannot read from Kafka: {error!r}") from error
        self._client.assign(self._partitions)

    async def poll(self) -> int:
        """Hand on what is there now; how many records that were. Takes a moment when there is nothing.

        Raises ReaderFailed.
        """
        self._client.resume(*self._partitions)
        try:
            async with asyncio.timeout(START_S):
                batches = await self._client.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
        except (KafkaError, TimeoutError) as error:
            raise ReaderFailed(f"the observer lost Kafka: {error!r}") from error
        if not batches:
            self._client.pause(*self._partitions)
            await asyncio.sleep(IDLE_S)
        for partition, records in batches.items():
            self._next[partition] = records[-1].offset + 1
            for record in records:
                seen = sighting(record)
                for listen in self._listeners:
                    listen(seen)
        return sum(map(len, batches.values()))

    async def stop(self) -> None:
        """Disconnect, under a deadline."""
        async with asyncio.timeout(STOP_S):
            await self._client.stop()
