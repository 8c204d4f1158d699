"""The machine that measured, and the processor time and memory of processes, from /proc."""

import os
import platform
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
QUIET_LOAD_PER_CORE = 0.35
"""Above this somebody else is at work: what is measured then says nothing about the product."""
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Machine:
    """Where the figures come from. `load` is the mean of the last minute before the first scenario."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float

    @property
    def is_quiet(self) -> bool:
        """Whether the figures may be called valid."""
        return self.load <= QUIET_LOAD_PER_CORE * self.cores

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gb:.0f} GB, {self.system}, Python {self.python}, "
            f"load at start {self.load:.2f}"
        )


def this_machine() -> Machine:
    """What can be said of this machine now."""
    return Machine(
        processor=_processor((PROC / "cpuinfo").read_text(encoding="utf-8")),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=os.sysconf("SC_PHYS_PAGES") * _PAGE / 1e9,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load=os.getloadavg()[0],
    )


def _processor(cpuinfo: str) -> str:
    found = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


@dataclass(frozen=True)
class Usage:
    """What one process has used: processor seconds (with those of children it has buried), and resident bytes."""

    parent: int
    cpu_s: float
    rss_bytes: int


def read_stat(text: str) -> Usage:
    """Read a line of /proc/PID/stat; the name in it may hold blanks and brackets."""
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(fields[n]) for n in (11, 12, 13, 14))  # user, system, and both of buried children
    return Usage(int(fields[1]), ticks * _TICK_S, int(fields[21]) * _PAGE)


def usage_by_group(roots: Mapping[str, int]) -> dict[str, Usage]:
    """What each group has used up to now: its root process and all that descend from it."""
    found, children = _processes()
    return {group: _whole(root, found, children) for group, root in roots.items()}


def used_by(roots: Iterable[int]) -> float:
    """Processor seconds of these processes and all that descend from them, each counted once."""
    found, children = _processes()
    waiting, seen = list(roots), set[int]()
    while waiting:
        pid = waiting.pop()
        if pid in found and pid not in seen:
            seen.add(pid)
            waiting += children.get(pid, [])
    return sum(found[pid].cpu_s for pid in seen)


def busy_s() -> float:
    """Processor seconds that anybody has used on this machine since it was started."""
    user, nice, system, _, _, irq, softirq = map(int, (PROC / "stat").read_text(encoding="utf-8").split()[1:8])
    return (user + nice + system + irq + softirq) * _TICK_S


def _processes() -> tuple[Mapping[int, Usage], Mapping[int, Sequence[int]]]:
    """Every process with what it used, and the children of each."""
    found: dict[int, Usage] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = read_stat((folder / "stat").read_text(encoding="utf-8"))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile; its parent has its time
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, usage in found.items():
        children[usage.parent].append(pid)
    return found, children


def _whole(root: int, found: Mapping[int, Usage], children: Mapping[int, Sequence[int]]) -> Usage:
    waiting, cpu_s, rss = [root], 0.0, 0
    while waiting:
        pid = waiting.pop()
        usage = found.get(pid)
        if usage is not None:
            cpu_s, rss = cpu_s + usage.cpu_s, rss + usage.rss_bytes
            waiting += children.get(pid, [])
    return Usage(root, cpu_s, rss)


@dataclass(frozen=True)
class Spent:
    """What a stretch of work took: seconds by the wall, and processor seconds by group; the driver's apart."""

    wall_s: float
    cpu_s: Mapping[str, float]
    driver_s: float

    def of(self, *groups: str) -> float:
        """Processor seconds of these groups together."""
        return sum(self.cpu_s[group] for group in groups)


class Meter:
    """Measures from its making until `spent`."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._before = usage_by_group(self._roots)
        self._wall, self._driver = time.perf_counter(), time.process_time()

    def spent(self) -> Spent:
        """What was used since."""
        wall, driver = time.perf_counter() - self._wall, time.process_time() - self._driver
        after = usage_by_group(self._roots)
        return Spent(wall, {g: after[g].cpu_s - self._before[g].cpu_s for g in self._roots}, driver)
