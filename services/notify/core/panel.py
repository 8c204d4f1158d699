"""Leaving a judged ticket out of the rates 剔除: the unit asks with evidence, two others decide, a third looks again.

Nobody of the unit takes part, and nobody takes part twice. What nobody decides in time counts as it was judged.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.notify.core.measures import MeasureRules
from services.notify.core.record import Record
from services.notify.core.sampling import is_drawn, lot_of, same_house
from shared.events import Event
from shared.notify_events import ExclusionChecked, ExclusionDecided, ExclusionRequested
from shared.terms import ExclusionReason, FollowUpOutcome, TicketId
from shared.workdays import Workdays


class ExclusionState(StrEnum):
    """Where a request stands. GRANTED and UPHELD leave the judgement out; REFUSED, LAPSED and OVERTURNED do not."""

    ASKED = "ASKED"
    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    UPHELD = "UPHELD"
    OVERTURNED = "OVERTURNED"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks, votes or looks again; both are ids."""

    id: str
    unit: str


@dataclass(frozen=True, slots=True)
class Vote:
    """One panel member's word."""

    person: str
    unit: str
    grant: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A request about one cycle of one ticket. `evidence` are ids of what was handed in."""

    ticket_id: TicketId
    cycle: int
    unit: str
    reason: ExclusionReason
    evidence: tuple[str, ...]
    asked_by: str
    asked_at: datetime
    decide_by: datetime
    state: ExclusionState = ExclusionState.ASKED
    votes: tuple[Vote, ...] = ()
    sampled: bool = False
    checked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A request after a step, and the event that states it; None when it states nothing new."""

    exclusion: Exclusion
    event: Event | None = None


class PanelRefused(Exception):
    """The step is not allowed; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def ask(
    ticket_id: TicketId, cycle: int, record: Record, by: Person, reason: ExclusionReason, evidence: tuple[str, ...],
    now: datetime, rules: MeasureRules, workdays: Workdays,
) -> Step:  # fmt: skip
    """The unit asks. Raises PanelRefused when the cycle was not judged, is another's or too old, or unproven."""
    judged = record.cycle(cycle)
    if judged.judged_at is None or judged.outcome is not FollowUpOutcome.ANSWERED:
        raise PanelRefused("NOT_JUDGED", "only what the citizen judged can be left out")
    if not same_house(by.unit, judged.unit):
        raise PanelRefused("NOT_YOURS", "only the unit that was judged may ask")
    if not evidence:
        raise PanelRefused("EVIDENCE_NEEDED", "a request needs evidence")
    until = workdays.deadline(judged.judged_at, rules.exclusion.ask_within_working_days)
    if now > until:
        raise PanelRefused("TOO_LATE", f"requests were open until {until.isoformat()}")
    decide_by = workdays.deadline(now, rules.exclusion.decide_within_working_days)
    asked = Exclusion(ticket_id, cycle, judged.unit, reason, evidence, by.id, now, decide_by)
    return Step(asked, ExclusionRequested(cycle=cycle, unit=judged.unit, reason=reason, decide_by=decide_by))


def vote(exclusion: Exclusion, by: Person, *, grant: bool, now: datetime, rules: MeasureRules) -> Step:
    """A panel member speaks. All must grant; the first refusal ends it. The same word twice is one word."""
    before = next((v for v in exclusion.votes if v.person == by.id), None)
    if before is not None and before.grant == grant:
        return Step(exclusion)
    _open_for(exclusion, by, now)
    if before is not None or by.id == exclusion.asked_by:
        raise PanelRefused("SAME_PERSON", "a person takes part once")
    spoken = replace(exclusion, votes=(*exclusion.votes, Vote(by.id, by.unit, grant, now)))
    if not grant:
        return _decided(replace(spoken, state=ExclusionState.REFUSED), granted=False)
    if len(spoken.votes) < rules.exclusion.panel:
        return Step(spoken)
    seed = f"{rules.practice.calls.seed}/exclusion/"
    sampled = is_drawn(lot_of(seed, exclusion.ticket_id), rules.exclusion.checked_share)
    return _decided(replace(spoken, state=ExclusionState.GRANTED, sampled=sampled), granted=True)


def lapse(exclusion: Exclusion, now: datetime) -> Step:
    """The panel's time is over: the judgement counts. Nothing happens before, or once it is decided."""
    if exclusion.state is not ExclusionState.ASKED or now <= exclusion.decide_by:
        return Step(exclusion)
    lapsed = replace(exclusion, state=ExclusionState.LAPSED)
    return Step(lapsed, ExclusionDecided(cycle=lapsed.cycle, unit=lapsed.unit, granted=False, lapsed=True))


def check(exclusion: Exclusion, by: Person, *, upheld: bool) -> Step:
    """A supervisor looks at a sampled one again. Raises PanelRefused for one not sampled, or who took part before."""
    state = ExclusionState.UPHELD if upheld else ExclusionState.OVERTURNED
    if exclusion.state is state and exclusion.checked_by == by.id:
        return Step(exclusion)
    if exclusion.state is not ExclusionState.GRANTED or not exclusion.sampled:
        raise PanelRefused("NOT_SAMPLED", f"nothing to look at again: {exclusion.state}")
    if by.id in {exclusion.asked_by, *(v.person for v in exclusion.votes)}:
        raise PanelRefused("SAME_PERSON", "a person takes part once")
    if same_house(by.unit, exclusion.unit):
        raise PanelRefused("OWN_UNIT", "nobody of the unit takes part")
    event = ExclusionChecked(cycle=exclusion.cycle, unit=exclusion.unit, upheld=upheld)
    return Step(replace(exclusion, state=state, checked_by=by.id), event)


def _open_for(exclusion: Exclusion, by: Person, now: datetime) -> None:
    if exclusion.state is not ExclusionState.ASKED:
        raise PanelRefused("DECIDED", f"it is {exclusion.state} already")
    if now > exclusion.decide_by:
        raise PanelRefused("TOO_LATE", f"it was to be decided by {exclusion.decide_by.isoformat()}")
    if same_house(by.unit, exclusion.unit):
        raise PanelRefused("OWN_UNIT", "nobody of the unit takes part")


def _decided(exclusion: Exclusion, *, granted: bool) -> Step:
    event = ExclusionDecided(
        cycle=exclusion.cycle, unit=exclusion.unit, granted=granted, sampled=exclusion.sampled
    )  # fmt: skip
    return Step(exclusion, event)
