"""A ticket in hand while causes are applied to it: its case so far, and all that was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.dispatch.core.actors import Actor
from services.dispatch.core.case import Case
from services.dispatch.core.story import ClockKey, Decision, Timer
from services.dispatch.core.triggers import Trigger
from services.dispatch.store import Step
from shared.events import Draft


@dataclass(frozen=True, slots=True)
class Cause:
    """A trigger with where it came from. A command says for which version of the ticket it was given, and by whom."""

    trigger: Trigger
    caused_by: str
    traceparent: str | None = None
    expected_version: int | None = None
    actor: Actor | None = None


def replace_trigger(cause: Cause, trigger: Trigger) -> Cause:
    """The same cause with what else the decision must know."""
    return replace(cause, trigger=trigger)


@dataclass
class Hand:
    """One ticket in the caller's transaction; `before` is its case as stored, None for a new one."""

    before: Case | None
    case: Case | None
    decisions: list[Decision] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    caused_by: str = ""
    error: Exception | None = None
    mended: int = 0
    """Clocks that were out of step with the case."""

    def take(self, decision: Decision, cause: Cause) -> None:
        """Go on from a decision."""
        self.case = decision.case
        self.decisions.append(decision)
        self.caused_by = cause.caused_by

    def running(self, stored: Sequence[Timer]) -> tuple[Timer, ...]:
        """The clocks that run now, from those stored and what was decided since."""
        timers: dict[ClockKey, Timer | None] = {ClockKey(t.clock, t.subject): t for t in stored}
        for decision in self.decisions:
            timers.update(decision.timers)
        return tuple(timer for timer in timers.values() if timer is not None)

    def has_moved(self, key: ClockKey) -> bool:
        """Whether a decision of this transaction set or stopped that clock: what is stored of it is out of date."""
        return any(key in decision.timers for decision in self.decisions)

    def step(self, now: datetime) -> Step | None:
        """What is to be saved, if anything was decided."""
        if self.case is None or not self.decisions:
            return None
        return Step(self.before, _joined(self.case, self.decisions), self.caused_by, now)


def _joined(case: Case, decisions: Sequence[Decision]) -> Decision:
    """Several decisions on one ticket as one: the last word on each clock counts."""
    if len(decisions) == 1:
        return decisions[0]
    timers: dict[ClockKey, Timer | None] = {}
    for decision in decisions:
        timers.update(decision.timers)
    events = tuple(event for decision in decisions for event in decision.events)
    explanation = tuple(reason for decision in decisions for reason in decision.explanation)
    notes = tuple(note for decision in decisions for note in decision.notes)
    results = tuple(result for decision in decisions for result in decision.results)
    return Decision(case, events, timers, explanation, notes, results)
