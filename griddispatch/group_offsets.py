"""Where a service's group stands in its topics, and putting it back to the beginning where its offsets lead nowhere."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from shared.errors import Problem, Rejected, Unavailable
from shared.kafka import START_S, stop
from shared.kafka_security import PLAINTEXT, Security
from shared.topics import Topic


@dataclass(frozen=True)
class Standing:
    """One partition: its first offset, the next to be written, and where the group goes on, if anywhere."""

    topic: str
    partition: int
    beginning: int
    end: int
    committed: int | None

    @property
    def leads_nowhere(self) -> bool:
        """Whether the group cannot go on where it says."""
        return self.committed is None or not self.beginning <= self.committed <= self.end


async def standings(
    bootstrap: str, group: str, topics: Sequence[Topic], security: Security = PLAINTEXT
) -> list[Standing]:
    """Every partition of these topics. Raises Unavailable."""
    client = _client(bootstrap, group, security)
    try:
        async with asyncio.timeout(START_S):
            await client.start()
            places = [TopicPartition(t.name, n) for t in topics for n in range(t.partitions)]
            beginnings, ends = await client.beginning_offsets(places), await client.end_offsets(places)
            return [
                Standing(p.topic, p.partition, beginnings[p], ends[p], await client.committed(p)) for p in places
            ]  # fmt: skip
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
    finally:
        await stop(client)


async def begin_again(bootstrap: str, group: str, places: Sequence[Standing], security: Security = PLAINTEXT) -> None:
    """Put the group to the beginning of these partitions. Raises Unavailable, Rejected while it has members."""
    if not places:
        return
    client = _client(bootstrap, group, security)
    try:
        async with asyncio.timeout(START_S):
            await client.start()
            client.assign([TopicPartition(s.topic, s.partition) for s in places])
            await client.commit({TopicPartition(s.topic, s.partition): s.beginning for s in places})
    except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError, CommitFailedError) as error:
        raise Rejected(Problem("service", "group_in_use", f"{group} has members: stop the service first")) from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
    finally:
        await stop(client)


def _client(bootstrap: str, group: str, security: Security) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, client_id="griddispatch-recover", enable_auto_commit=False,
        auto_offset_reset="none", **security.arguments(),
    )  # fmt: skip
