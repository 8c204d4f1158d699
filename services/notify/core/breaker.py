"""A circuit breaker for one endpoint: a dead receiver is left alone, and looked at again now and then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notify.core.delivery import SPREAD, Outcome, Result

FAILURES = 10
"""So many failures in a row, and the receiver is taken for dead."""

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=10)
_MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one endpoint. Closed while `open_until` is None; once that has passed, one message is tried."""

    failures: int = 0
    pauses: int = 0
    open_until: datetime | None = None

    def room(self, now: datetime, batch: int) -> int:
        """How many messages may be tried at `now`, at most `batch`: none while open, one as a probe after it."""
        if self.open_until is None:
            return batch
        return 0 if now < self.open_until else 1

    def after(self, results: Sequence[Result], now: datetime, chance: float) -> "Breaker":
        """What is known once `results` came in, in their order; `chance` is a uniform draw from [0, 1)."""
        tried = [r for r in results if r.outcome is not Outcome.UNTRIED]
        if not tried:
            return self
        failures = self.failures
        for result in tried:
            failures = 0 if result.receiver_is_alive else failures + 1
        asked = max((r.pause for r in tried if r.pause), default=None)
        if asked is not None:
            return replace(self, failures=failures, open_until=now + min(asked, LONGEST_PAUSE))
        probe_failed = self.open_until is not None and failures > 0
        if failures >= FAILURES or probe_failed:
            pause = min(FIRST_PAUSE * 2**self.pauses, LONGEST_PAUSE) * (1 + SPREAD * (2 * chance - 1))
            return Breaker(failures, min(self.pauses + 1, _MOST_DOUBLINGS), now + pause)
        return Breaker(failures)
