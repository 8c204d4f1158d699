"""Asking the citizen: when to ask, how often, when to give up, and what an answer changes. Silence is no answer.

Attempts are some hours apart, within the bands of the day; silence is given up at the end of a window of working days,
all from the rule pack. Bands are open on days of rest too, when people are at home; such days lengthen the window.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import TypeAlias

from services.notify.core.rules import FollowUpRules
from shared.ending_events import TicketAnswered
from shared.events import Envelope, Event, FollowUpAsked, TicketAudited, TicketEvaluated
from shared.terms import FollowUpOutcome, Satisfaction, TicketId

Finished: TypeAlias = TicketAudited | TicketAnswered
"""What says that a matter is done with, by work or by an answer, so that its citizen may be asked."""


class FollowUpState(StrEnum):
    """Where a follow-up stands; the last three are final."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    UNREACHABLE = "UNREACHABLE"
    CLOSED_ELSEWHERE = "CLOSED_ELSEWHERE"


class RecordedBy(StrEnum):
    """Who may write a citizen's judgement down. A unit is not among them and never will be."""

    CITIZEN = "CITIZEN"
    FOLLOW_UP_AGENT = "FOLLOW_UP_AGENT"


@dataclass(frozen=True, slots=True)
class Answer:
    """The citizen's judgement."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    recorded_by: RecordedBy
    service: Satisfaction | None = None
    """With how they were treated, beside the result; None when not asked."""
    truthful: bool | None = None
    """Whether what the unit reported is what was done; None when not asked."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The asking about one ticket in one cycle. `next_at` is set while it is OPEN, `answer` once it is ANSWERED."""

    ticket_id: TicketId
    cycle: int
    ticket_no: str
    source: str
    exercise: bool
    caused_by: str
    opened_at: datetime
    next_at: datetime | None
    state: FollowUpState = FollowUpState.OPEN
    attempts: int = 0
    bands: frozenset[str] = frozenset()
    ended_at: datetime | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A follow-up after a step, and the event that states the step, if it is worth one."""

    follow_up: FollowUp
    event: Event | None = None


class Ended(Exception):
    """The follow-up has ended already, and not with this answer."""

    def __init__(self, follow_up: FollowUp) -> None:
        super().__init__(f"the follow-up has ended: {follow_up.state}")
        self.follow_up = follow_up


def open_follow_up(audited: Envelope, rules: FollowUpRules, now: datetime) -> FollowUp | None:
    """The follow-up that a matter's end begins, if one is due: asked at once in a band, else when the next opens.

    One is always due of a TicketAnswered: whoever drew it says so by asking for its follow-up.
    """
    event = audited.event
    if not isinstance(event, Finished) or (isinstance(event, TicketAudited) and not event.follow_up):
        return None
    next_at, _ = _next_slot(rules, now, frozenset(), rules.attempts)
    return FollowUp(
        audited.ticket_id, event.cycle, event.ticket_no, event.source, event.exercise, str(audited.id), now, next_at
    )


def advance(follow_up: FollowUp, rules: FollowUpRules, now: datetime) -> Move:
    """What falls due at `now`: the next attempt, a later try because no band is open, or giving up."""
    if follow_up.state is not FollowUpState.OPEN or follow_up.next_at is None or now < follow_up.next_at:
        return Move(follow_up)
    if follow_up.attempts >= rules.attempts:
        ended = replace(follow_up, state=FollowUpState.UNREACHABLE, next_at=None, ended_at=now)
        return Move(ended, TicketEvaluated(cycle=ended.cycle, outcome=FollowUpOutcome.UNREACHABLE))
    left = rules.attempts - follow_up.attempts
    at, band = _next_slot(rules, now, follow_up.bands, left)
    if at > now:
        return Move(replace(follow_up, next_at=at))
    bands = follow_up.bands | {band}
    last = left == 1
    on = now + rules.spacing
    window_ends = rules.workdays.deadline(follow_up.opened_at, rules.window_days)
    next_at = max(window_ends, on) if last else _next_slot(rules, on, bands, left - 1)[0]
    asked = replace(follow_up, attempts=follow_up.attempts + 1, bands=bands, next_at=next_at)
    return Move(asked, FollowUpAsked(cycle=asked.cycle, attempt=asked.attempts))


def take_answer(follow_up: FollowUp, answer: Answer, now: datetime) -> Move:
    """The citizen has spoken. The same answer again changes nothing; raises Ended for anything else after the end."""
    if follow_up.state is FollowUpState.ANSWERED and follow_up.answer == answer:
        return Move(follow_up)
    if follow_up.state is not FollowUpState.OPEN:
        raise Ended(follow_up)
    ended = replace(follow_up, state=FollowUpState.ANSWERED, next_at=None, ended_at=now, answer=answer)
    event = TicketEvaluated(
        cycle=ended.cycle, outcome=FollowUpOutcome.ANSWERED, contacted=answer.contacted, solved=answer.solved,
        satisfaction=answer.satisfaction, service=answer.service, truthful=answer.truthful,
    )  # fmt: skip
    return Move(ended, event)


def close_elsewhere(follow_up: FollowUp, now: datetime) -> Move:
    """The ticket was closed without us: stop asking. One that has ended stays as it ended."""
    if follow_up.state is not FollowUpState.OPEN:
        return Move(follow_up)
    return Move(replace(follow_up, state=FollowUpState.CLOSED_ELSEWHERE, next_at=None, ended_at=now))


def _next_slot(rules: FollowUpRules, after: datetime, asked: frozenset[str], left: int) -> tuple[datetime, str]:
    """The first instant from `after` on at which asking still lets `left` attempts reach enough different bands.

    Where none does any more, because the rules became stricter on the way, the first instant of any band.
    """
    enough = {b.name for b in rules.bands if len(asked | {b.name}) + left - 1 >= rules.least_bands}
    return next((at, band) for at, band in _slots(rules, after) if band in enough or not enough)


def _slots(rules: FollowUpRules, after: datetime) -> Iterator[tuple[datetime, str]]:
    after = after.astimezone(UTC)
    today = after.astimezone(rules.zone).date()
    for days in count():
        day = today + timedelta(days=days)
        for band in rules.bands:
            opens, closes = (
                datetime.combine(day, moment, rules.zone).astimezone(UTC) for moment in (band.opens, band.closes)
            )
            if after < closes:
                yield max(after, opens), band.name
