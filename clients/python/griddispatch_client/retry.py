"""When to try again, and how long to wait: pure, so that it can be read and tested at a glance."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same request may go well. 409 belongs here only as `in_flight`."""
IN_FLIGHT: Final = "in_flight"


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be. Only requests that cannot double anything are ever repeated: reads, and reports with a key."""

    tries: int = 10
    first_s: float = 0.2
    cap_s: float = 10.0
    deadline_s: float = 90.0
    """For one call with all its tries and waits."""
    timeout_s: float = 20.0
    """For one try."""
    budget: float = 10.0
    """Repeats in reserve, for all calls together: when many calls fail, trying again makes it worse."""
    budget_share: float = 0.1
    """Each call adds so much of a repeat to the reserve."""

    def wait_s(self, failures: int, chance: float, retry_after_s: float | None) -> float:
        """The pause after so many failures (from 1); `chance` is a uniform draw from [0, 1).

        What the server asked for is the least; a draw on top keeps clients from coming back all at once.
        """
        jitter = min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 16)) * chance
        return jitter if retry_after_s is None else retry_after_s + jitter


class Budget:
    """The reserve of repeats of one client."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._left = policy.budget

    def call(self) -> None:
        """A call begins."""
        self._left = min(self._policy.budget, self._left + self._policy.budget_share)

    def take(self) -> bool:
        """Whether one more repeat is in reserve; it is used up then."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


def is_passing(status: int, code: str) -> bool:
    """Whether the same request, with the same key, may go well later."""
    return status in PASSING or (status == 409 and code == IN_FLIGHT)


def read_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait, from either form of Retry-After; None for what is neither."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (instant.astimezone(UTC) - now).total_seconds())
