"""A holiday notice that comes late: which open deadlines it moves, and which it leaves alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace as changed

from services.dispatch.core.actors import Role
from services.dispatch.core.calendar import YearTable
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.decide import decide
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Clock, ClockKey, Decision, NoticeCame
from services.dispatch.core.triggers import (
    ApproveHang,
    AskExtension,
    AskInfo,
    BlowWhistle,
    GrantExtension,
    ProposeHang,
    Redispatch,
    SupplyInfo,
    Unhang,
)
from shared.joint_events import TicketDeadlineRecounted
from shared.terms import AssignmentKind, WhistleKind
from tests.builders import calendar, org, rulebook, ticket, triaged
from tests.core.course import Course, actor, supported

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
        {"due_at": local("2027-01-08T00:00")},  # by another ticket of its incident
        {"state": TicketState.RESOLVED},
        {"limit": "24 NH"},  # does not go by days
    ],
)
def test_what_another_moved_is_done_or_goes_by_hours_is_left_alone(changes: dict[str, Any]) -> None:
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


def in_december(at: str = "2026-12-28T10:00") -> Course:
    """A big matter that a township supports, taken on before the notice was known; due on the fifth working day."""
    return supported(at, book=OLD)


def heard(course: Course, now: str) -> tuple[TicketDeadlineRecounted, ...]:
    """What is stated when the notice is heard of."""
    course.now, course.book = local(now), NEW
    course.give(NoticeCame(BEFORE))
    return tuple(course.all(TicketDeadlineRecounted))


def test_a_supporting_unit_has_its_own_deadline_counted_again() -> None:
    course = in_december("2026-12-30T10:00")
    part = course.part(AssignmentKind.SUPPORT)
    assert (course.case.due_at, part.due_at) == (local("2027-01-08T00:00"), local("2027-01-06T00:00"))
    said = heard(course, "2026-12-30T15:00")
    assert [(one.unit, one.clock, one.due_at) for one in said] == [
        (course.case.lead.unit, "RESOLVE", local("2027-01-07T00:00")),
        (part.unit, "PART", local("2027-01-05T00:00")),
    ]
    assert course.part(AssignmentKind.SUPPORT).due_at == local("2027-01-05T00:00")
    clock = course.clock(Clock.PART, part.id)
    assert (clock.fire_at, clock.due_at, clock.step) == (local("2027-01-05T00:00"), local("2027-01-05T00:00"), "red")


def test_a_part_that_would_be_late_by_the_notice_gets_until_the_end_of_the_next_working_day() -> None:
    course = in_december("2026-12-30T10:00")
    heard(course, "2027-01-05T10:00")
    assert course.part(AssignmentKind.SUPPORT).due_at == local("2027-01-07T00:00")


def test_a_part_that_missed_its_deadline_keeps_it() -> None:
    course = in_december("2026-12-30T10:00")
    heard(course, "2027-01-06T10:00")
    assert course.part(AssignmentKind.SUPPORT).due_at == local("2027-01-06T00:00")


def test_an_extension_is_granted_again_under_the_notice() -> None:
    course = in_december()
    course.give(AskExtension("3 WD", "缺料"))
    course.give(GrantExtension())
    assert course.case.due_at == local("2027-01-09T00:00")
    heard(course, "2026-12-30T15:00")
    assert course.case.due_at == course.case.lead.due_at == local("2027-01-08T00:00")


def test_a_wait_for_the_citizen_is_counted_again_under_the_notice() -> None:
    course = in_december()
    course.give(AskInfo("哪里?"), "2026-12-29T08:30")
    course.give(SupplyInfo(), "2026-12-29T17:30")
    assert course.case.due_at == local("2027-01-07T00:00")
    heard(course, "2026-12-30T15:00")
    assert course.case.due_at == local("2027-01-06T00:00")


def test_a_matter_that_stands_still_is_counted_again_and_no_clock_of_it_starts() -> None:
    course = in_december()
    course.give(AskInfo("哪里?"), "2026-12-29T08:30")
    heard(course, "2026-12-29T10:00")
    assert course.case.due_at == local("2027-01-05T00:00")
    assert ClockKey(Clock.RESOLVE) not in course.timers
    course.give(SupplyInfo(), "2026-12-29T17:30")
    assert course.case.due_at == local("2027-01-06T00:00")


def test_a_wait_with_a_plan_is_counted_again_with_the_days_it_left() -> None:
    course = in_december()
    leader = (Role.COMMAND_CENTRE, None)
    course.give(ProposeHang("FUNDS", "housing", "方案", "纪要", 60), "2026-12-28T11:00", by=actor(*leader, "leader-1"))
    course.give(ApproveHang(), by=actor(*leader, "leader-2"))
    course.give(Unhang(), "2026-12-30T11:00", by=actor(*leader, "leader-1"))
    assert course.case.due_at == local("2027-01-08T00:00")  # two working days stood still
    heard(course, "2026-12-30T15:00")
    assert course.case.due_at == local("2027-01-07T00:00")
    assert course.part(AssignmentKind.SUPPORT).due_at == local("2027-01-07T00:00"), "it is due with the ticket since"


def test_the_unit_it_was_given_to_late_has_its_own_deadline_counted_again() -> None:
    course = in_december()
    course.give(Redispatch("transport", "改派"), "2026-12-31T10:00")
    assert (course.case.due_at, course.case.lead.due_at) == (local("2027-01-06T00:00"), local("2027-01-07T00:00"))
    said = heard(course, "2026-12-31T15:00")
    assert (course.case.due_at, course.case.lead.due_at) == (local("2027-01-05T00:00"), local("2027-01-06T00:00"))
    assert course.clock(Clock.UNIT, course.case.lead.id).due_at == local("2027-01-06T00:00")
    assert [one.clock for one in said[:2]] == ["RESOLVE", "UNIT"]


def test_a_second_hearing_of_the_notice_says_nothing_whatever_moved_the_deadline() -> None:
    course = in_december("2026-12-30T10:00")
    course.give(AskExtension("3 WD", "缺料"))
    course.give(GrantExtension())
    said = len(heard(course, "2026-12-30T15:00"))
    before = course.case
    assert len(heard(course, "2026-12-30T15:01")) == said
    assert course.case == before


# ---- clocks of single steps -------------------------------------------------------------------------------


def heard_with_clocks(course: Course, now: str) -> list[TicketDeadlineRecounted]:
    """What is stated when the notice is heard of by a ticket whose clocks are known."""
    course.now, course.book = local(now), NEW
    course.give(NoticeCame(BEFORE, tuple(course.timers.values())))
    return course.all(TicketDeadlineRecounted)


def test_who_has_to_sign_and_to_speak_with_the_citizen_has_his_time_counted_again() -> None:
    course = Course("2027-01-02T20:00", book=OLD, category="180101")  # on Saturday evening; on Sunday people work
    lead = course.case.lead
    assert (lead.sign_by, course.clock(Clock.CONTACT, lead.id).due_at) == (
        local("2027-01-04T14:00"), local("2027-01-05T00:00")
    )  # fmt: skip
    said = heard_with_clocks(course, "2027-01-02T21:00")
    assert course.case.lead.sign_by == local("2027-01-03T14:00")
    signing = course.clock(Clock.SIGN, lead.id)
    assert (signing.due_at, signing.fire_at) == (local("2027-01-03T14:00"), local("2027-01-04T09:00"))
    assert course.clock(Clock.CONTACT, lead.id).due_at == local("2027-01-04T00:00")
    assert {"SIGN", "CONTACT", "RESOLVE"} <= {one.clock for one in said}
    assert course.case.clocks == {key.text: timer.fire_at for key, timer in course.timers.items()}


def test_a_step_that_would_be_late_by_the_notice_gets_until_the_end_of_the_next_working_day() -> None:
    course = Course("2027-01-02T20:00", book=OLD, category="180101")
    heard_with_clocks(course, "2027-01-04T09:30")
    assert course.case.lead.sign_by == local("2027-01-06T00:00")
    assert course.case.lead.signed_at is None


def test_a_whistle_is_answered_by_the_time_that_the_notice_gives() -> None:
    course = in_december("2026-12-30T10:00")
    course.give(BlowWhistle(WhistleKind.KEY_ISSUE, ("market",), "会商"), "2027-01-02T20:00")
    (whistle,) = course.case.whistles
    assert whistle.report_by == local("2027-01-06T00:00")
    heard_with_clocks(course, "2027-01-02T21:00")
    assert course.case.whistles[0].report_by == local("2027-01-05T00:00")
    assert course.clock(Clock.REPORT_IN, whistle.id).fire_at == local("2027-01-05T00:00")


def test_steps_that_the_notice_does_not_concern_keep_their_clocks_and_nothing_is_said_twice() -> None:
    course = Course("2026-12-28T10:00", book=OLD, category="180101")
    before = dict(course.timers)
    said = heard_with_clocks(course, "2026-12-28T10:30")
    assert [one.clock for one in said] == ["RESOLVE"]
    assert {k: t for k, t in course.timers.items() if k.clock is not Clock.RESOLVE} == {
        k: t for k, t in before.items() if k.clock is not Clock.RESOLVE
    }
    assert len(heard_with_clocks(course, "2026-12-28T10:31")) == len(said)
