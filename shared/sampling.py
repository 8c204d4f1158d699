"""What the metrics need to be told: samples taken now and then by one loop, never by whoever scrapes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.database import Database, named_queries
from shared.errors import Unavailable
from shared.recent import rest_s
from shared.telemetry import log
from shared.wake import pause

SELDOM: Final = 4
"""Rounds between samples that look at everything that is open."""
DEADLINE_S: Final = 8.0
DELAY_EVERY_S: Final = 1.0

_SQL = named_queries("shared", "sql", "messaging.sql")


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at something that changes: `take` sets gauges, or raises Unavailable and leaves them as they were."""

    name: str
    take: Callable[[], Awaitable[None]]
    every: int = 1
    """Rounds from one taking to the next."""
    deadline_s: float | None = None
    """How long it may take, where it looks at everything by many short statements; else as long as any."""


class Sampling:
    """The sampling loop of one process. A sample that fails is counted, and shows by its age."""

    def __init__(
        self, samples: Sequence[Sample], *, every_s: float, deadline_s: float = DEADLINE_S,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """A round begins every `every_s` seconds; one sample may take `deadline_s`, and a tenth of the time."""
        self._tick = tick
        self._rest_until: dict[str, float] = {}
        self._samples = tuple(samples)
        self._every_s = every_s
        self._deadline_s = deadline_s
        self._round = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Take samples until asked to stop."""
        while not stopping.is_set():
            await self.round()
            await pause(stopping, self._every_s)

    async def round(self) -> None:
        """Take every sample whose turn it is; in the first round that is all of them."""
        for sample in self._samples:
            began = self._tick()
            if self._round % sample.every == 0 and self._rest_until.get(sample.name, began) <= began:
                await self._take(sample)
                self._rest_until[sample.name] = began + rest_s(self._tick() - began, 0.0)
        self._round += 1

    async def _take(self, sample: Sample) -> None:
        try:
            async with asyncio.timeout(sample.deadline_s or self._deadline_s):
                await sample.take()
        except (Unavailable, TimeoutError) as error:
            telemetry.SAMPLES_FAILED.labels(sample=sample.name).inc()
            log.warning("sample_not_taken", sample=sample.name, error=repr(error))
        else:
            telemetry.SAMPLED_AT.labels(sample=sample.name).set_to_current_time()


async def watch_delay(stopping: asyncio.Event, every_s: float = DELAY_EVERY_S) -> None:
    """Sleep again and again, and note how late the event loop was in waking, and how much it has to do."""
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        started = loop.time()
        await pause(stopping, every_s)
        if not stopping.is_set():
            telemetry.LOOP_DELAY.observe(max(0.0, loop.time() - started - every_s))
            telemetry.TASKS.set(len(asyncio.all_tasks()))


def messaging(database: Database) -> Sample:
    """Outbox, parked events and dead letters of a service."""

    async def take() -> None:
        (count,) = await database.fetch(_SQL["count_dead"])
        (parked,) = await database.fetch(_SQL["parked_state"])
        (outbox,) = await database.fetch(_SQL["outbox_state"])
        telemetry.OUTBOX_EVENTS.set(outbox["depth"])
        telemetry.OUTBOX_AGE.set(outbox["age_s"])
        telemetry.DEAD_LETTERS.set(count[0])
        telemetry.PARKED_EVENTS.set(parked["events"])
        telemetry.PARKED_AGE.set(parked["age_s"])

    return Sample("messaging", take)


def pools(databases: Mapping[str, Database]) -> Sample:
    """The connections of every pool, by the name of the part that uses it. Reads a mapping that may still grow."""

    async def take() -> None:
        for name, database in databases.items():
            usage = database.usage()
            telemetry.POOL_CONNECTIONS.labels(pool=name, state="used").set(usage.used)
            telemetry.POOL_CONNECTIONS.labels(pool=name, state="idle").set(usage.idle)
            telemetry.POOL_CONNECTIONS.labels(pool=name, state="limit").set(usage.limit)

    return Sample("pools", take)


def lag(group: str, read: Callable[[], Awaitable[Mapping[tuple[str, int], int]]]) -> Sample:
    """How far a group's partitions of this process are behind; partitions that went to another process go."""
    shown: set[tuple[str, int]] = set()

    async def take() -> None:
        found = await read()
        for topic, partition in shown - found.keys():
            telemetry.CONSUMER_LAG.remove(group, topic, str(partition))
        for (topic, partition), records in found.items():
            telemetry.CONSUMER_LAG.labels(group=group, topic=topic, partition=str(partition)).set(records)
        shown.clear()
        shown.update(found)

    return Sample(f"lag-{group}", take)


def age_s(since: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 for never, and for what lies ahead."""
    return max(0.0, (now - since).total_seconds()) if since else 0.0
