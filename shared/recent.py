"""Answers to costly questions, kept for a while: what is cheap is asked anew each time, what is dear seldom."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")

DEAR_S = 0.5
TIMES = 10.0
"""A question is let take a tenth of the time at most."""


def rest_s(took_s: float, every_s: float) -> float:
    """How long to wait before something is looked at again that took so long, and is to be looked at so often."""
    return max(every_s, took_s * TIMES if took_s >= DEAR_S else 0.0)


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    began: float
    until: float


class Recent(Generic[V]):
    """Asks by a key, once at a time. An answer that took `dear_s` or longer is given again for ten times as long.

    Whoever waited for their turn since before a question was asked shares its answer: nobody waits for more than two.
    """

    def __init__(
        self, ask: Callable[[str], Awaitable[V]], *, dear_s: float = DEAR_S, tick: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._dear_s = dear_s
        self._tick = tick
        self._kept: dict[str, _Kept[V]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, key: str) -> V:
        """An answer at most ten times as old as it was slow. Raises what asking raises and keeps no fault."""
        arrived = self._tick()
        async with self._asking[key]:
            kept = self._kept.get(key)
            if kept is not None and (self._tick() < kept.until or arrived < kept.began):
                return kept.value
            began = self._tick()
            value = await self._ask(key)
            took = self._tick() - began
            self._forget(began)
            lasts = took * (1 + TIMES) if took >= self._dear_s else 0.0
            self._kept[key] = _Kept(value, began, began + lasts)
            return value

    def _forget(self, now: float) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
        for key in [key for key, lock in self._asking.items() if not lock.locked() and key not in self._kept]:
            del self._asking[key]
