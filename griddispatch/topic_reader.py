"""Reading one topic from its beginning to its present end, without a group: it leaves no trace on the broker."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import Problem, Rejected, Unavailable
from shared.kafka import START_S, stop
from shared.kafka_security import PLAINTEXT, Security

SILENCE_S: Final = 20.0
POLL_MS: Final = 500

See = Callable[[ConsumerRecord], None]


class TopicReader:
    """An asynchronous context manager around a consumer of its own."""

    def __init__(self, bootstrap: str, topic: str, security: Security = PLAINTEXT) -> None:
        self._topic = topic
        self._partitions: list[TopicPartition] = []
        self._client = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, client_id="griddispatch-reconcile", enable_auto_commit=False,
            auto_offset_reset="earliest", isolation_level="read_committed", fetch_max_bytes=8 * 1024 * 1024,
            **security.arguments(),
        )  # fmt: skip

    async def __aenter__(self) -> "TopicReader":
        """Raises Unavailable without a broker, Rejected when it has no such topic."""
        try:
            async with asyncio.timeout(START_S):
                await self._client.start()
                cluster = await self._client._client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError) as error:
            await stop(self._client)
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        self._partitions = [TopicPartition(self._topic, n) for n in cluster.partitions_for_topic(self._topic) or ()]
        if not self._partitions:
            await stop(self._client)
            raise Rejected(Problem("topic", "unknown_topic", f"the broker has no topic {self._topic}"))
        self._client.assign(self._partitions)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop(self._client)

    async def read_on(self, see: See) -> int:
        """Hand over every record up to where the topic ends now; how many. Raises Unavailable when none come any more.

        Called again, it goes on where it stopped.
        """
        count = 0
        try:
            async with asyncio.timeout(START_S):
                ends = await self._client.end_offsets(self._partitions)
            while await self._is_before(ends):
                async with asyncio.timeout(SILENCE_S):
                    batches = await self._some()
                for records in batches.values():
                    count += len(records)
                    for record in records:
                        see(record)
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
        return count

    async def _is_before(self, ends: dict[TopicPartition, int]) -> bool:
        async with asyncio.timeout(START_S):
            return any([await self._client.position(p) < end for p, end in ends.items()])

    async def _some(self) -> dict[TopicPartition, list[ConsumerRecord]]:
        """The next records; returns empty-handed only when the positions moved without any."""
        before = [await self._client.position(p) for p in self._partitions]
        while True:
            batches: dict[TopicPartition, list[ConsumerRecord]] = await self._client.getmany(timeout_ms=POLL_MS)
            if batches or before != [await self._client.position(p) for p in self._partitions]:
                return batches
