"""Does anything grow? Memory, connections and tasks of every service while people live undisturbed, early against late."""

import asyncio
import os
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.chaos.stage.ground import SERVICES
from tests.chaos.stage.stage import Stage

EVERY_S = 2.0
MEASURES = ("MB", "connections", "tasks")
MEMORY_MAY_GROW = 0.05
COUNTS_MAY_GROW = 3.0
FEWEST = 12
"""Looks below which nothing is said."""
LONG_S = 600.0
"""A shorter run says nothing of memory: caches are still filling."""
_TASKS = re.compile(r"^griddispatch_tasks (\S+)$", re.MULTILINE)
_CONNECTIONS = "SELECT usename, count(*) AS n FROM pg_stat_activity WHERE usename LIKE 'griddispatch_%' GROUP BY 1"

Look = Mapping[str, Mapping[str, float]]
"""By service, what was measured of it."""


@dataclass(frozen=True)
class Growth:
    """One measure of one service: the median of the second quarter of the time against that of the last."""

    service: str
    measure: str
    early: float
    late: float
    seconds: float

    @property
    def allowed(self) -> float:
        """How much of it is no growth: in the measure's own unit; without end where the run was too short to say."""
        if self.measure != "MB":
            return COUNTS_MAY_GROW
        return self.early * MEMORY_MAY_GROW if self.seconds >= LONG_S else float("inf")

    @property
    def is_flat(self) -> bool:
        """Whether it does not grow."""
        return self.late - self.early <= self.allowed


def growth(looks: Sequence[Look], seconds: float) -> list[Growth]:
    """Early against late, by service and measure; nothing where there are too few looks."""
    if len(looks) < FEWEST:
        return []
    quarter = len(looks) // 4
    series: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for look in looks:
        for service, measured in look.items():
            for measure in MEASURES:
                series[service, measure].append(measured[measure])
    return [
        Growth(service, measure, statistics.median(told[quarter : 2 * quarter]), statistics.median(told[-quarter:]), seconds)
        for (service, measure), told in series.items()
    ]  # fmt: skip


async def soak(stage: Stage, seconds: float) -> list[Growth]:
    """Look every two seconds for so long, while others live. Raises OSError when a service dies meanwhile."""
    looks: list[Look] = []
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        looks.append(await look(stage))
        await asyncio.sleep(EVERY_S)
    return growth(looks, seconds)


async def look(stage: Stage) -> Look:
    """What every service takes now."""
    connections = {row["usename"].rpartition("_")[2]: row["n"] for row in await stage.query(_CONNECTIONS)}
    return {
        service: {
            "MB": _resident_mb(stage.children[service].pid),
            "connections": float(connections.get(service, 0)),
            "tasks": await _tasks(stage, service),
        }
        for service in SERVICES
    }


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _tasks(stage: Stage, service: str) -> float:
    try:
        told = (await stage.http.get(f"{stage.url(service)}/metrics")).text
    except httpx.HTTPError as error:
        raise OSError(f"{service} does not tell its metrics: {error!r}") from error
    found = _TASKS.search(told)
    if found is None:
        raise OSError(f"{service} does not tell how many tasks it has")
    return float(found[1])
