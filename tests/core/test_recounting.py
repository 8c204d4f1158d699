"""A holiday notice that comes late: which open deadlines it moves, and which it leaves alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace as changed

from services.dispatch.core.calendar import YearTable
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.decide import decide
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Clock, ClockKey, Decision, NoticeCame
from shared.joint_events import TicketDeadlineRecounted
from tests.builders import calendar, org, rulebook, ticket, triaged

BEFORE, ORG = calendar(), org()
NOTICE = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))
OLD, NEW = rulebook(), rulebook(calendar=replace(BEFORE, years=(*BEFORE.years, NOTICE)))
ACCEPTED = datetime(2026, 12, 28, 2, tzinfo=UTC)  # 10:00 in the county


def local(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


def opened(**changes: Any) -> Decision:
    """A big matter of five working days, taken on before the notice was known."""
    return open_case(ticket(1), triaged(category="180101", accepted_at=ACCEPTED, **changes), OLD, ORG, ACCEPTED)


def told(case: Case, now: str) -> Decision:
    return decide(case, NoticeCame(BEFORE), NEW, ORG, local(now))


def test_the_calendar_knows_what_it_was_before_its_latest_notice() -> None:
    assert NEW.calendar.without_last_year() == BEFORE
    assert replace(BEFORE, years=BEFORE.years[:1]).without_last_year() is None


def test_a_late_notice_with_a_working_sunday_brings_the_deadline_forward() -> None:
    case = opened().case
    assert case.due_at == local("2027-01-06T00:00")
    decision = told(case, "2026-12-30T09:00")
    (said,) = decision.events
    assert isinstance(said, TicketDeadlineRecounted)
    assert said.due_at == decision.case.due_at == decision.case.lead.due_at == local("2027-01-05T00:00")
    clock = decision.timers[ClockKey(Clock.RESOLVE)]
    assert clock is not None and clock.due_at == local("2027-01-05T00:00")
    assert clock.fire_at == decision.case.clocks["RESOLVE"]


def test_nothing_that_was_in_time_becomes_a_breach_by_a_notice() -> None:
    assert told(opened().case, "2027-01-05T09:00").case.due_at == local("2027-01-07T00:00")


def test_a_notice_that_was_heard_once_changes_nothing_more() -> None:
    once = told(opened().case, "2026-12-30T09:00")
    again = told(once.case, "2026-12-30T09:01")
    assert (again.events, again.timers, again.case) == ((), {}, once.case)


@pytest.mark.parametrize(
    "changes",
    [
        {"due_at": local("2027-01-08T00:00")},  # put off, or paused
        {"state": TicketState.HUNG},
        {"limit": "24 NH"},  # does not go by days
    ],
)
def test_what_was_moved_stands_still_or_goes_by_hours_is_left_alone(changes: dict[str, Any]) -> None:
    case = changed(opened().case, **changes)
    assert told(case, "2026-12-30T09:00").events == ()


def test_a_deadline_that_has_passed_is_left_alone() -> None:
    case = opened().case
    after = case.due_at + timedelta(microseconds=1)
    assert decide(case, NoticeCame(BEFORE), NEW, ORG, after).events == ()


def test_a_deadline_within_the_known_years_stays() -> None:
    matter = triaged(category="180101")
    case = open_case(ticket(1), matter, OLD, ORG, matter.accepted_at).case
    assert told(case, "2026-03-11T09:00").events == ()
