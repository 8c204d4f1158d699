"""Trying to deliver: the schedule of attempts, what an answer means, and when to stop."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from services.notify.core.message import MessageState, Policy

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait before each attempt, counted from the end of the one before: 11 attempts in about 76 hours."""

ATTEMPTS = len(DELAYS)
SPREAD = 0.2
"""Delays vary by this share, so that what failed together does not come back together."""

SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=24)
_MOST_DIGITS = 9


BUSY_PAUSE = timedelta(seconds=10)
"""How long a receiver that is busy and does not say how long is left alone."""

_BUSY = 429
_TROUBLED = frozenset({408, 425, 429})
"""Statuses below 500 that speak of the receiver's state and not of the message."""


class Outcome(StrEnum):
    """How one attempt ended. AMBIGUOUS: it may have arrived. GONE: the receiver wants no more of these.

    UNTRIED: its turn did not come; the attempt does not count and is not kept.
    """

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    GONE = "GONE"
    AMBIGUOUS = "AMBIGUOUS"
    UNTRIED = "UNTRIED"


REFERENCE = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""What a gateway may call something it took."""


class ReceiptState(StrEnum):
    """What a gateway says in the end of what it took."""

    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Awaited:
    """A receipt that is still to come: whose, under which reference, and how long it is waited for."""

    gateway: str
    reference: str
    within: timedelta


@dataclass(frozen=True, slots=True)
class Result:
    """What a channel says of one attempt. `detail` never quotes the receiver's words.

    `wait` is asked for this message, `pause` for everything that goes to the same endpoint. `is_alive` says that the
    receiver was there and answered in good order, whatever it thinks of the message. With `awaited` a delivered one was
    only taken so far.
    """

    outcome: Outcome
    detail: str = ""
    wait: timedelta | None = None
    pause: timedelta | None = None
    is_alive: bool = False
    awaited: Awaited | None = None

    @property
    def receiver_is_alive(self) -> bool:
        """Nothing speaks for the receiver being dead or in trouble."""
        return self.is_alive or self.outcome is Outcome.DELIVERED


UNTRIED = Result(Outcome.UNTRIED)
LOST = Result(Outcome.AMBIGUOUS, "the sender vanished before it could record the outcome")
"""What is known of an attempt whose lease ran out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the message: its state, and when to try again if it is QUEUED."""

    state: MessageState
    due_at: datetime | None
    error: str


_DELIVERED = Verdict(MessageState.DELIVERED, None, "")
_UNDELIVERED = Verdict(MessageState.FAILED, None, "the gateway could not deliver it")
_NO_RECEIPT = "no receipt came in time"
LEAST_AWAITED = timedelta(minutes=1)


def read_answer(status: int, retry_after: str | None, now: datetime) -> Result:
    """What an HTTP status says: 2xx delivered, 410 no more; redirects, errors and all else a failure to try again."""
    detail = f"HTTP {status}"
    if 200 <= status < 300:
        return Result(Outcome.DELIVERED, detail, is_alive=True)
    if status == 410:
        return Result(Outcome.GONE, detail, is_alive=True)
    wait = read_retry_after(retry_after, now)
    pause = wait or BUSY_PAUSE if status == _BUSY else None
    return Result(Outcome.FAILED, detail, wait, pause, is_alive=status < 500 and status not in _TROUBLED)


def read_retry_after(text: str | None, now: datetime) -> timedelta | None:
    """The wait asked for by a Retry-After header, in seconds or as a date, between 1 s and 24 h; None if unreadable."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=int(text)) if len(text) <= _MOST_DIGITS else LONGEST_WAIT
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, SHORTEST_WAIT), LONGEST_WAIT)


def judge(
    policy: Policy, attempt: int, result: Result, now: datetime, chance: float, give_up_at: datetime | None = None
) -> Verdict:
    """What follows after attempt number `attempt` (from 1); `chance` is a uniform draw from [0, 1).

    A next attempt that would come after `give_up_at` is none: the message has failed. A receipt is not waited for
    beyond it either, so that what is urgent goes its second way.
    """
    if result.awaited is not None:
        until = now + result.awaited.within
        return Verdict(MessageState.SENT, min(until, max(give_up_at or until, now + LEAST_AWAITED)), "")
    if result.outcome is Outcome.DELIVERED:
        return _DELIVERED
    if result.outcome is Outcome.AMBIGUOUS and policy is Policy.AT_MOST_ONCE:
        return Verdict(MessageState.UNKNOWN, None, result.detail)
    if result.outcome is Outcome.GONE or attempt >= ATTEMPTS:
        return Verdict(MessageState.FAILED, None, result.detail)
    wait = result.wait or DELAYS[attempt] * (1 + SPREAD * (2 * chance - 1))
    if give_up_at is not None and now + wait > give_up_at:
        return Verdict(MessageState.FAILED, None, result.detail)
    return Verdict(MessageState.QUEUED, now + wait, result.detail)


def judge_receipt(state: ReceiptState) -> Verdict:
    """What a receipt makes of its message."""
    return _DELIVERED if state is ReceiptState.DELIVERED else _UNDELIVERED


def judge_silence(policy: Policy) -> Verdict:
    """What becomes of a message whose receipt did not come: what may be said twice goes its second way."""
    state = MessageState.UNKNOWN if policy is Policy.AT_MOST_ONCE else MessageState.FAILED
    return Verdict(state, None, _NO_RECEIPT)
