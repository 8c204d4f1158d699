"""The brokers of a run, with what can be done to them whole: freeze, thaw, kill, bring back."""

import asyncio
import os
import signal

from griddispatch.embedded import ApacheKafka, NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS


class OneBroker:
    """A single broker, the emulator or Apache Kafka."""

    def __init__(self, *, apache: bool = False) -> None:
        self.node: ApacheKafka | NoidaBroker = ApacheKafka(heap_mb=256) if apache else NoidaBroker()

    @property
    def bootstrap(self) -> str:
        """`host:port`."""
        return self.node.bootstrap

    @property
    def name(self) -> str:
        """Product and version."""
        return self.node.name

    def start(self) -> None:
        """Start it and make the topics. Raises LaunchError."""
        self.node.start()
        asyncio.run(apply_topics(self.bootstrap, TOPICS))

    def freeze(self) -> None:
        """SIGSTOP."""
        os.kill(self.node.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.node.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it and forget its data."""
        self.node.kill()
        self.node.stop()
