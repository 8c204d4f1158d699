"""A stored clock and its case that disagree: the case has its way, and nothing stays due for ever."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from services.dispatch.core.decide import decide
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Clock, ClockKey, Decision, Timer
from services.dispatch.core.triggers import TimerDue
from tests.builders import TUESDAY_MORNING, org, rulebook, ticket, triaged

BOOK, ORG = rulebook(), org()
HOUR = timedelta(hours=1)
KEY = ClockKey(Clock.RESOLVE)


def opened() -> tuple[Decision, Timer]:
    """A small matter, and its handling clock."""
    decision = open_case(ticket(1), triaged(), BOOK, ORG, TUESDAY_MORNING)
    timer = decision.timers[KEY]
    assert timer is not None
    return decision, timer


def rung(decision: Decision, timer: Timer, **changes: Any) -> Decision:
    """What the case says when this clock, as stored, is due."""
    t = replace(timer, **changes)
    due = TimerDue(t.clock, t.cycle, t.step, t.fire_at, t.limit, t.started_at, t.due_at, t.subject)
    return decide(decision.case, due, BOOK, ORG, t.fire_at + HOUR)


def test_a_clock_that_would_ring_at_another_instant_is_set_to_that_of_the_case() -> None:
    decision, timer = opened()
    mended = rung(decision, timer, fire_at=timer.fire_at - HOUR)
    assert mended.timers == {KEY: timer}
    assert mended.events == ()
    assert mended.case == decision.case


def test_a_mended_clock_rings_as_it_should_have() -> None:
    decision, timer = opened()
    mended = rung(decision, timer, fire_at=timer.fire_at + 5 * HOUR).timers[KEY]
    assert mended is not None
    assert [type(e).__name__ for e in rung(decision, mended).events] == ["TicketLightChanged"]


def test_a_clock_that_the_case_does_not_run_ends() -> None:
    decision, timer = opened()
    assert rung(decision, timer, clock=Clock.AUDIT).timers == {ClockKey(Clock.AUDIT): None}
