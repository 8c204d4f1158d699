"""Following topics from near their end, without a group: every process sees every record and leaves no trace."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.codec import Record
from shared.consumer import FETCH_WAIT_MS, PACED_POLL_MS, SHORTEST_PAUSE_S
from shared.errors import Unavailable
from shared.kafka import START_S, check_fetching, stop
from shared.kafka_security import PLAINTEXT, Security
from shared.topics import Topic
from shared.wake import Pace

Place: TypeAlias = tuple[str, int]
"""A topic and one of its partitions."""
POLL_S = 0.5
QUIET_S = 5.0
"""After so long without a record the brokers are asked whether they are there: an empty poll does not say so."""
PING_S = 5.0


class Tail:
    """One reading of some topics. Used once: after any trouble a new one is made."""

    def __init__(
        self, bootstrap: str, topics: Sequence[Topic], *, client_id: str, idle_pause_s: float = 0.0,
        security: Security = PLAINTEXT,
    ) -> None:  # fmt: skip
        """`idle_pause_s` is for brokers that answer an empty fetch at once: the longest time to leave them alone."""
        self._partitions = [TopicPartition(topic.name, n) for topic in topics for n in range(topic.partitions)]
        self._pace = Pace(SHORTEST_PAUSE_S, idle_pause_s) if idle_pause_s else None
        self._heard_s = 0.0
        self._client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, client_id=client_id, enable_auto_commit=False, auto_offset_reset="earliest",
            isolation_level="read_committed", request_timeout_ms=15_000, fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_max_bytes=4 * 1024 * 1024, max_partition_fetch_bytes=512 * 1024, **security.arguments(),
        )  # fmt: skip

    async def start(self, after: Mapping[Place, int], backlog: int) -> dict[Place, int]:
        """Begin at `after` (next offset per partition), elsewhere `backlog` records before the end; where it began.

        A partition whose records up to there are gone begins at its beginning. Raises Unavailable.
        """
        try:
            async with asyncio.timeout(START_S):
                await self._client.start()
                self._client.assign(self._partitions)
                first = await self._client.beginning_offsets(self._partitions)
                ends = await self._client.end_offsets(self._partitions)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        began: dict[Place, int] = {}
        for p in self._partitions:
            wanted = after.get((p.topic, p.partition), ends[p] - backlog)
            began[(p.topic, p.partition)] = offset = max(first[p], min(wanted, ends[p]))
            self._client.seek(p, offset)
        self._heard_s = asyncio.get_running_loop().time()
        return began

    async def poll(self) -> list[Record]:
        """What is there now, partition by partition in order; empty after half a second without news.

        Raises Unavailable, also where nothing comes because a partition's broker is away or silent.
        """
        try:
            check_fetching(self._client)
            async with asyncio.timeout(START_S):
                batches = await (
                    self._paced(self._pace) if self._pace else self._client.getmany(timeout_ms=int(POLL_S * 1000))
                )
            await self._make_sure(batches)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        return [
            Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers)
            for records in batches.values()
            for r in records
        ]

    async def _make_sure(self, heard: object) -> None:
        """After a while without a record, ask the leader of every partition, for the client retries in silence."""
        now_s = asyncio.get_running_loop().time()
        if not heard and now_s - self._heard_s > QUIET_S:
            async with asyncio.timeout(PING_S):
                await self._client.end_offsets(self._partitions)
            heard = True
        if heard:
            self._heard_s = now_s

    async def _paced(self, pace: Pace) -> dict[TopicPartition, list[ConsumerRecord]]:
        self._client.resume(*self._partitions)
        batches: dict[TopicPartition, list[ConsumerRecord]] = await self._client.getmany(timeout_ms=PACED_POLL_MS)
        self._client.pause(*self._partitions)
        await asyncio.sleep(pace.after(batches))
        return batches

    async def stop(self) -> None:
        """Disconnect, under a deadline."""
        await stop(self._client)
