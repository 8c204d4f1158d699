"""How much one caller may ask: token buckets in this process, told in the headers that clients can read."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from shared.actors import TooMany

MAX_CALLERS = 20_000
"""Buckets kept at a time; the one not used for longest goes first, and by then it is full again as a rule."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests in `window_s` seconds; spread evenly, with the whole quota as the largest burst."""

    name: str
    quota: int
    window_s: int = 60

    @property
    def per_s(self) -> float:
        """How fast it fills."""
        return self.quota / self.window_s

    def header(self) -> str:
        """The value of `RateLimit-Policy`."""
        return f'"{self.name}";q={self.quota};w={self.window_s}'


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a quota after a request; more comes in `more_in_s` seconds, 0 when it is full."""

    policy: Policy
    remaining: int
    more_in_s: int

    def headers(self) -> dict[str, str]:
        """`RateLimit-Policy` and `RateLimit`, as the IETF's draft has them since revision 8."""
        now = f'"{self.policy.name}";r={self.remaining}'
        return {
            "RateLimit-Policy": self.policy.header(),
            "RateLimit": f"{now};t={self.more_in_s}" if self.more_in_s else now,
        }


class RateLimits:
    """A bucket for each caller. Every copy of a service counts for itself: n of them give a caller n times as much."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic, max_callers: int = MAX_CALLERS) -> None:
        """`ticks` are seconds that never go back."""
        self._ticks = ticks
        self._max_callers = max_callers
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def spend(self, policy: Policy, caller: str, units: int = 1) -> Left:
        """Take `units` from a caller's quota. Raises TooMany, and takes nothing, when there is not so much left.

        A request of more units than the quota waits for a full bucket and empties it; one of none takes nothing, and
        is refused when not one is left.
        """
        key, now = (policy.name, caller), self._ticks()
        level = self._level(policy, key, now)
        wanted = min(units, policy.quota)
        if level < max(wanted, 1):
            self._keep(key, level, now)
            raise TooMany(policy.name, max(1, math.ceil((max(wanted, 1) - level) / policy.per_s)))
        level -= wanted
        self._keep(key, level, now)
        return self._left(policy, level)

    def knows(self, policy: Policy, caller: str) -> bool:
        """Whether a caller has spent anything of late."""
        return (policy.name, caller) in self._buckets

    def left(self, policy: Policy, caller: str) -> Left:
        """What a caller has left; takes nothing."""
        return self._left(policy, self._level(policy, (policy.name, caller), self._ticks()))

    def _level(self, policy: Policy, key: tuple[str, str], now: float) -> float:
        level, at = self._buckets.get(key, (float(policy.quota), now))
        return min(float(policy.quota), level + (now - at) * policy.per_s)

    def _keep(self, key: tuple[str, str], level: float, now: float) -> None:
        self._buckets[key] = (level, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_callers:
            self._buckets.popitem(last=False)

    @staticmethod
    def _left(policy: Policy, level: float) -> Left:
        whole = math.floor(level)
        more = 0 if level >= policy.quota else max(1, math.ceil((whole + 1 - level) / policy.per_s))
        return Left(policy, whole, more)
