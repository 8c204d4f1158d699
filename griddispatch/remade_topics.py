"""Deleting the topics that the services write, and making them anew: what they held is told again from the ledgers."""

import asyncio
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.errors import Unavailable
from shared.kafka import ADMIN_S, apply_topics
from shared.kafka_security import PLAINTEXT, Security
from shared.topics import DISPATCH, INTAKE, NOTIFY, STATE, TOPICS

GONE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.5
OURS: Final = (INTAKE, DISPATCH, NOTIFY, STATE)
"""Topics whose every record can be made from a ledger."""
NAMES: Final = frozenset(topic.name for topic in OURS)


async def remake(bootstrap: str, replicas: int, security: Security = PLAINTEXT) -> list[str]:
    """Delete and make them; answers with the names made. Raises Unavailable, also when one is not gone in a minute."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000, **security.arguments())
    try:
        async with asyncio.timeout(ADMIN_S):
            await admin.start()
            there = set(await admin.list_topics())
            await admin.delete_topics(sorted(NAMES & there))
        async with asyncio.timeout(GONE_S):
            while NAMES & set(await admin.list_topics()):  # noqa: ASYNC110 only asking tells
                await asyncio.sleep(LOOK_EVERY_S)
            made = await apply_topics(bootstrap, TOPICS, replicas=replicas, security=security)
            while not await _are_led(admin):  # noqa: ASYNC110 the same
                await asyncio.sleep(LOOK_EVERY_S)
            return made
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"kafka: {type(error).__name__}: {error}") from error
    finally:
        await admin.close()


async def _are_led(admin: AIOKafkaAdminClient) -> bool:
    """Whether every partition has a leader: before that nobody can write or read it."""
    described = await admin.describe_topics(sorted(NAMES))
    return all(
        topic["error_code"] == 0 and topic["partitions"] and all(p["leader"] >= 0 for p in topic["partitions"])
        for topic in described
    )
