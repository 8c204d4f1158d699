"""How the handling of a message ends: Done, Retry or Dead; never skipped, never lost."""

from dataclasses import dataclass

from shared.errors import Rejected, Unavailable

HANDLER_TRIES = 3
"""How often a message may hit a fault of our own before it is put aside."""


@dataclass(frozen=True, slots=True)
class Done:
    """Applied and committed: its offset may be committed."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try the same message again after `after_s` seconds; nothing behind it may pass."""

    after_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Put aside in the dead-letter table with its bytes and this reason."""

    reason: str


Outcome = Done | Retry | Dead


def backoff_s(attempt: int, chance: float, *, first_s: float = 0.1, cap_s: float = 30.0) -> float:
    """Full-jitter delay before try `attempt` + 1 (attempt counts from 1); `chance` is a uniform draw from [0, 1)."""
    return min(cap_s, first_s * 2.0 ** min(attempt - 1, 16)) * chance


def judge(error: Exception, attempt: int, chance: float) -> Retry | Dead:
    """What to do with a message whose try number `attempt` (from 1) raised `error`."""
    reason = f"{type(error).__name__}: {error}"
    match error:
        case Unavailable():
            return Retry(backoff_s(attempt, chance), reason)
        case Rejected():
            return Dead(reason)
        case _ if attempt < HANDLER_TRIES:
            return Retry(backoff_s(attempt, chance, cap_s=1.0), reason)
        case _:
            return Dead(reason)
