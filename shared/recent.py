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


@dataclass(frozen=True, slots=True)
class _Kept(Generic[V]):
    value: V
    until: float


class Recent(Generic[V]):
    """Asks by a key, once at a time. An answer that took `dear_s` or longer is given again for ten times as long."""

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
        async with self._asking[key]:
            kept = self._kept.get(key)
            if kept is not None and self._tick() < kept.until:
                return kept.value
            began = self._tick()
            value = await self._ask(key)
            took = self._tick() - began
            self._forget(began)
            if took >= self._dear_s:
                self._kept[key] = _Kept(value, began + took * (1 + TIMES))
            return value

    def _forget(self, now: float) -> None:
        self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
        for key in [key for key, lock in self._asking.items() if not lock.locked() and key not in self._kept]:
            del self._asking[key]
