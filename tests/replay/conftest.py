"""A broker for tests whose subject is not the broker: the embedded one alone, which starts at once."""

import asyncio
from collections.abc import Iterator

import pytest

from griddispatch.embedded import Broker, NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS


@pytest.fixture
def embedded() -> Iterator[Broker]:
    """A fresh embedded broker with every topic of the contract."""
    with NoidaBroker() as broker:
        asyncio.run(apply_topics(broker.bootstrap, TOPICS))
        yield broker
