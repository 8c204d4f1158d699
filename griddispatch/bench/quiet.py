"""Who else was at work: what strangers used while a scenario ran, and how quick the machine itself was before it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median

from griddispatch.bench.figures import Figure
from griddispatch.bench.machine import busy_s, used_by

OTHERS_AT_MOST = 0.2
"""Of one core: above this a scenario's figures say something of whoever else was at work."""
SLOWER_AT_MOST = 1.3
"""So many times as slow as at its quickest a machine may be before a scenario."""
CALLS = 400


def yardstick(n: int) -> int:
    """A piece of work that never changes, by which two runs, and two hours of one run, can be compared."""
    seen, total = {}, 0
    for place in range(200):
        seen[place] = (place, n)
        total += place * 3 % 7
    return total


def yardstick_us() -> float:
    """Processor time of the yardstick now: the median of some hundred calls."""
    took = list[int]()
    for n in range(CALLS):
        began = time.thread_time_ns()
        yardstick(n)
        took.append(time.thread_time_ns() - began)
    return median(took) / 1000


@dataclass
class Surroundings:
    """By scenario: microseconds of the yardstick before it, and cores' worth of strangers' work meanwhile."""

    yardsticks: dict[str, float] = field(default_factory=dict)
    others: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def around(self, name: str, parts: Callable[[], Mapping[str, int]]) -> Iterator[None]:
        """Look around a scenario; `parts` names the processes that belong to it, beside this one."""
        self.yardsticks[name] = yardstick_us()
        busy, own, began = busy_s(), _own_s(parts), time.perf_counter()
        try:
            yield
        finally:
            strange = (busy_s() - busy) - (_own_s(parts) - own)
            self.others[name] = max(0.0, strange) / (time.perf_counter() - began)

    def figures(self) -> Iterator[Figure]:
        """The machine at its quickest and at its slowest."""
        if self.yardsticks:
            for word, choose in (("quickest", min), ("slowest", max)):
                name = choose(self.yardsticks, key=self.yardsticks.__getitem__)
                yield Figure("machine", f"yardstick at its {word}: before {name}", self.yardsticks[name], "µs")

    def disturbances(self) -> Iterator[str]:
        """A sentence for each scenario that others disturbed, or before which the machine had become slow."""
        quickest = min(self.yardsticks.values(), default=1.0)
        for name, us in self.yardsticks.items():
            if us > SLOWER_AT_MOST * quickest:
                yield f"{name}: the machine was {us / quickest:.1f} times as slow before it as at its quickest"
            if (others := self.others.get(name, 0.0)) > OTHERS_AT_MOST:
                yield f"{name}: others used {others:.0%} of a core meanwhile"


def _own_s(parts: Callable[[], Mapping[str, int]]) -> float:
    return used_by([os.getpid(), *parts().values()])
