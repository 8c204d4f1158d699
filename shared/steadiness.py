"""The clock that may be believed: one that was stepped neither makes deadlines pass nor late work timely."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared import clock

TOLERANCE_S = 2.0
"""How far the wall clock may move against the monotonic one between two looks."""
AGREEING = 3
"""So many looks in a row must agree with the database's clock before a stepped clock is believed again."""
PATIENCE_S = 30.0
"""A clock that keeps going steadily for so long after a step is believed whatever the database says."""


def now_s() -> tuple[float, float]:
    """The wall clock in seconds since 1970, and the monotonic one."""
    return clock.utc_now().timestamp(), time.monotonic()


@dataclass
class Steadiness:
    """Watches one process's wall clock. Seconds throughout; `steps` counts the jumps seen."""

    steps: int = 0
    _apart: float | None = None
    _trusted: float | None = None
    """How far the two clocks were apart before the jump that is in doubt."""
    _agreeing: int = 0
    _doubted_since: float | None = field(default=None)

    def look(self, wall: float, monotonic: float) -> bool:
        """Whether the clock may be believed, as far as it can tell by itself; False once it jumped."""
        apart = wall - monotonic
        if self._apart is None:
            self._doubted_since = monotonic  # nothing is known of it yet: let the database agree first
        elif abs(apart - self._apart) > TOLERANCE_S:
            self.steps += 1
            self._trusted = self._apart if self._trusted is None else self._trusted
            self._doubted_since, self._agreeing = monotonic, 0
        self._apart = apart
        return self._doubted_since is None

    def believed(self, wall: float, monotonic: float) -> float:
        """The time: the wall clock's, or after a jump what it showed before and the monotonic one counted since."""
        self.look(wall, monotonic)
        if self._trusted is None or self._doubted_since is None:
            return wall
        if monotonic - self._doubted_since >= PATIENCE_S:
            self._settle()
            return wall
        return monotonic + self._trusted

    def compare(self, wall: float, monotonic: float, database: float) -> bool:
        """While in doubt: whether it may be believed again, now that the database's clock is known too."""
        if self._doubted_since is None:
            return True
        self._agreeing = self._agreeing + 1 if abs(wall - database) <= TOLERANCE_S else 0
        first_look = self.steps == 0
        if self._agreeing >= (1 if first_look else AGREEING) or monotonic - self._doubted_since >= PATIENCE_S:
            self._settle()
        return self._doubted_since is None

    def _settle(self) -> None:
        self._doubted_since = self._trusted = None


class SteadyClock:
    """This process's clock. While a jump is in doubt it goes on as if there had been none."""

    def __init__(self, clocks: Callable[[], tuple[float, float]] = now_s) -> None:
        """`clocks` reads the wall clock and the monotonic one, in seconds."""
        self._clocks = clocks
        self._steadiness = Steadiness()

    def __call__(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.fromtimestamp(self._steadiness.believed(*self._clocks()), UTC)

    @property
    def steps(self) -> int:
        """Jumps seen so far."""
        return self._steadiness.steps

    def look(self) -> bool:
        """Whether the wall clock may be believed, as far as it can tell by itself."""
        return self._steadiness.look(*self._clocks())

    def compare(self, database: datetime) -> bool:
        """While in doubt: whether it may be believed again, seeing what the database's clock shows."""
        return self._steadiness.compare(*self._clocks(), database.timestamp())
