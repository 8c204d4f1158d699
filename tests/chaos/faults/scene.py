"""What a fault may touch: the stage, the people on it, the cluster and the links before it, and a seeded draw."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from griddispatch.embedded import KafkaCluster
from griddispatch.embedded.process import free_port
from tests.chaos.stage.ground import SERVICES
from tests.chaos.stage.link import Link, Weather
from tests.chaos.stage.people import People
from tests.chaos.stage.stage import Stage

READY_S = 90.0


@dataclass
class LinkedCluster:
    """A cluster whose clients come through links."""

    seed: int
    links: list[Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        ports = [free_port() for _ in range(3)]
        self.cluster = KafkaCluster(advertised=ports)
        self.links = [
            Link(target, self.seed + n, port)
            for n, (target, port) in enumerate(zip(self.cluster.linked_ports, ports, strict=True))
        ]

    @property
    def bootstrap(self) -> str:
        """Through the links."""
        return self.cluster.bootstrap

    @property
    def name(self) -> str:
        """Product, version and size."""
        return self.cluster.name

    async def start(self) -> None:
        """Start links and nodes. Raises LaunchError."""
        for link in self.links:
            await link.start()
        await asyncio.to_thread(self.cluster.start)

    async def stop(self) -> None:
        """End everything."""
        for link in self.links:
            await link.stop()
        await asyncio.to_thread(self.cluster.stop)


@dataclass
class Scene:
    """Where faults happen."""

    stage: Stage
    people: People
    kafka: LinkedCluster
    random: random.Random

    @contextmanager
    def fault(self, kind: str, target: str = "", *, ambiguous: bool = False) -> Iterator[None]:
        """Write down from when to when the fault was at work."""
        began = time.time()
        try:
            yield
        finally:
            self.stage.fault(kind, target, began, ambiguous=ambiguous)

    async def all_ready(self) -> None:
        """Wait until every service is ready, reviving what died. Raises TimeoutError."""
        for service in SERVICES:
            await self.stage.ready(service, READY_S)

    async def under(self, links: list[Link], weather: Weather, seconds: float) -> None:
        """Let links have this weather for a while, and then none."""
        for link in links:
            link.weather = weather
        try:
            await asyncio.sleep(seconds)
        finally:
            for link in links:
                link.weather = Weather()

    def service(self) -> str:
        """One service, drawn."""
        return self.random.choice(SERVICES)


Act = Callable[[Scene], Awaitable[None]]
"""Does one fault, from its beginning to its healing; what it did is written down by itself."""
