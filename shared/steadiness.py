"""Whether this machine's clock may be believed: a clock that was stepped must not make deadlines pass."""

import time
from dataclasses import dataclass, field

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
    _agreeing: int = 0
    _doubted_since: float | None = field(default=None)

    def look(self, wall: float, monotonic: float) -> bool:
        """Whether the clock may be believed, as far as it can tell by itself; False once it jumped."""
        apart = wall - monotonic
        if self._apart is None:
            self._doubted_since = monotonic  # nothing is known of it yet: let the database agree first
        elif abs(apart - self._apart) > TOLERANCE_S:
            self.steps += 1
            self._doubted_since, self._agreeing = monotonic, 0
        self._apart = apart
        return self._doubted_since is None

    def compare(self, wall: float, monotonic: float, database: float) -> bool:
        """While in doubt: whether it may be believed again, now that the database's clock is known too."""
        if self._doubted_since is None:
            return True
        self._agreeing = self._agreeing + 1 if abs(wall - database) <= TOLERANCE_S else 0
        first_look = self.steps == 0
        if self._agreeing >= (1 if first_look else AGREEING) or monotonic - self._doubted_since >= PATIENCE_S:
            self._doubted_since = None
        return self._doubted_since is None
