"""Handing back and giving anew: windows, one return for each unit, adjudication, redispatch, designation."""

from dataclasses import replace

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState
from services.dispatch.core.story import Clock, ClockKey
from services.dispatch.core.triggers import (
    CheckIn,
    Contact,
    Designate,
    GrantReturn,
    Recall,
    Redispatch,
    RefuseReturn,
    ReportFirstDisposal,
    Return,
    Sign,
)
from shared.events import TicketEscalated, TicketRedispatched, TicketResolved, TicketReturned
from shared.joint_events import TicketRecalled, TicketReturnRefused, TicketReturnRequested
from shared.terms import AssignmentKind, ReturnFinding, ReturnReason
from tests.core.course import BIG, BOOK, GRID_UNIT, TOWN, Course, actor, local, urgent

STRICT = replace(BOOK, returns=replace(BOOK.returns, auto_grant=False))
"""A pack whose returns wait for a dispatcher."""


def back(course: Course, reason: ReturnReason = ReturnReason.NOT_OUR_DUTY) -> Return:
    return Return(course.case.lead.id, reason, "清单第3项")


@pytest.mark.parametrize(
    ("at", "code"), [("2026-03-10T10:20", None), ("2026-03-10T10:20:00.000001", "RETURN_TOO_LATE")]
)
def test_a_return_of_a_small_matter_is_open_for_one_working_hour(at: str, code: str | None) -> None:
    course = Course("2026-03-10T09:20")
    if code is None:
        course.give(back(course), at)
        assert course.case.redispatches == 1
    else:
        assert course.refuse(back(course), at) == code


def test_a_critical_matter_is_contained_before_duty_is_disputed() -> None:
    course = urgent()
    assert course.refuse(back(course)) == "FIRST_DISPOSAL_PENDING"
    disposal = course.part(AssignmentKind.FIRST_DISPOSAL)
    assert course.refuse(ReportFirstDisposal(disposal.id, "已关阀")) == "NOT_SIGNED"
    course.give(Sign(disposal.id), "2026-03-14T23:30")
    course.give(ReportFirstDisposal(disposal.id, "已关阀疏散"), "2026-03-15T00:10")
    assert course.refuse(back(course), "2026-03-15T01:10:00.000001") == "RETURN_TOO_LATE"


def test_after_first_disposal_a_critical_matter_can_be_returned_for_an_hour() -> None:
    course = urgent()
    course.give(Sign(course.case.lead.id))
    course.give(CheckIn(course.case.lead.id, "w"), "2026-03-14T23:40")
    course.give(back(course), "2026-03-15T00:40")
    assert course.case.redispatches == 1


def test_a_small_matter_redispatched_the_same_afternoon_is_still_due_at_midnight() -> None:
    course = Course("2026-03-10T16:35")
    course.give(back(course), "2026-03-10T16:40")
    assert course.case.due_at == course.case.lead.due_at == local("2026-03-11T00:00")


def test_a_big_matter_redispatched_late_gives_the_unit_half_its_limit_and_the_citizen_the_same_day() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    course.give(Redispatch("transport", "职责"), "2026-03-13T10:00")
    assert course.case.due_at == local("2026-03-17T00:00")
    assert course.case.lead.due_at == local("2026-03-19T00:00")
    assert ClockKey(Clock.UNIT, str(course.case.lead.id)) in course.timers


def test_a_breach_is_charged_to_whoever_is_to_blame_for_it() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    first = course.case.lead.unit
    course.give(Redispatch("transport", "误派"), "2026-03-16T16:00", actor(Role.DISPATCHER))
    course.work()
    finish_parts(course)
    course.wait("2026-03-17T10:00")
    course.resolve()
    late = course.last(TicketResolved)
    assert (late.on_time, late.unit, late.charged_to) == (False, "transport", course.org.command_centre)
    assert first != "transport"


def test_a_breach_after_a_refused_return_is_that_units_own() -> None:
    course = Course("2026-03-09T10:00", book=STRICT, category=BIG)
    first = course.case.lead.unit
    course.give(back(course))
    course.give(RefuseReturn(course.case.lead.id, "驳回", ReturnFinding.GROUNDLESS))
    course.give(Redispatch("transport", "改派"), "2026-03-16T16:00", actor(Role.DISPATCHER))
    course.work()
    finish_parts(course)
    course.wait("2026-03-17T10:00")
    course.resolve()
    assert course.last(TicketResolved).charged_to == first


def test_a_breach_of_the_only_lead_is_its_own_and_what_is_in_time_is_nobodys() -> None:
    late, prompt = Course("2026-03-09T10:00", category=BIG), Course("2026-03-09T10:00", category=BIG)
    for course, at in ((late, "2026-03-18T10:00"), (prompt, "2026-03-10T10:00")):
        course.work()
        finish_parts(course)
        course.wait(at)
        course.resolve()
    assert late.last(TicketResolved).charged_to == late.case.lead.unit
    assert prompt.last(TicketResolved).charged_to is None


def finish_parts(course: Course) -> None:
    """Every supporting unit hands in."""
    for part in course.case.parts:
        if part.kind is AssignmentKind.SUPPORT:
            course.work(part)
            course.resolve(part)


def test_a_unit_asks_once_for_each_ticket() -> None:
    course = Course("2026-03-10T09:20", book=STRICT)
    course.give(back(course))
    course.give(RefuseReturn(course.case.lead.id, "属你单位职责"))
    assert course.refuse(back(course)) == "RETURN_ASKED_BEFORE"


def test_after_two_granted_returns_the_command_centre_designates_and_return_is_impossible() -> None:
    course = Course("2026-03-10T09:20")
    for _ in range(3):
        course.give(back(course))
    assert (course.case.lead.unit, course.case.lead.designated) == ("command-centre", True)
    assert course.last(TicketRedispatched).designated
    assert course.refuse(back(course)) == "DESIGNATED"
    assert course.refuse(Redispatch("transport", "职责")) == "DESIGNATE_ONLY"
    course.give(Designate("transport", "指定"), by=actor(Role.COMMAND_CENTRE))
    assert (course.case.lead.unit, course.case.lead.designated) == ("transport", True)
    assert course.refuse(back(course)) == "DESIGNATED"


# ---- adjudication -----------------------------------------------------------------------------------------


def asked() -> Course:
    course = Course("2026-03-10T09:20", book=STRICT)
    course.give(Sign(course.case.lead.id, "w"))
    course.give(Contact(course.case.lead.id, "w"))
    course.give(back(course))
    return course


def test_a_return_waits_for_a_dispatcher_and_the_units_own_clock_goes_on() -> None:
    course = asked()
    event = course.last(TicketReturnRequested)
    assert event.decide_by == local("2026-03-10T10:20")
    assert course.case.lead.state is AssignmentState.RETURN_REQUESTED
    assert ClockKey(Clock.RESOLVE) in course.timers
    course.wait("2026-03-10T10:20:01")
    assert [(e.clock, e.level, e.to) for e in course.all(TicketEscalated)] == [
        ("RETURN_DECISION", 2, "role:command-centre")
    ]


def test_a_refused_return_goes_back_to_work_with_the_finding() -> None:
    course = asked()
    (event,) = course.give(RefuseReturn(course.case.lead.id, "属你单位职责", ReturnFinding.UNWILLING))
    assert event == TicketReturnRefused(
        assignment_id=course.case.lead.id, unit=GRID_UNIT, finding=ReturnFinding.UNWILLING
    )
    assert course.case.lead.state is AssignmentState.HANDLING
    assert ClockKey(Clock.RETURN_DECISION, str(course.case.lead.id)) not in course.timers
    course.resolve()


def test_a_return_asked_before_signing_counts_as_receipt() -> None:
    course = Course("2026-03-10T09:20", book=STRICT)
    course.give(back(course))
    course.give(RefuseReturn(course.case.lead.id, "属你单位职责"))
    assert course.case.lead.state is AssignmentState.SIGNED
    assert ClockKey(Clock.SIGN, str(course.case.lead.id)) not in course.timers


def test_a_dispatcher_grants_a_return_to_whom_he_names_or_whom_the_rules_name() -> None:
    course = asked()
    former = course.case.lead.id
    course.give(GrantReturn(former, "同意", "transport"), by=actor(Role.DISPATCHER))
    assert course.case.lead.unit == "transport"
    course = asked()
    course.give(GrantReturn(course.case.lead.id, "同意"))
    assert course.case.lead.unit == "city-management"
    assert len(course.all(TicketReturned)) == 1


def test_only_what_was_asked_can_be_decided() -> None:
    course = Course()
    for command in (GrantReturn(course.case.lead.id, "同意"), RefuseReturn(course.case.lead.id, "驳回")):
        assert course.refuse(command) == "NO_RETURN_ASKED"
        assert course.refuse(command, by=actor(Role.GRID_WORKER)) == "ROLE_MAY_NOT"


# ---- the centre's own corrections -------------------------------------------------------------------------


def test_a_redispatch_recalls_the_lead_and_does_not_count_against_it() -> None:
    course = Course(category=BIG)
    former = course.case.lead
    events = course.give(Redispatch("transport", "职责"))
    assert [type(e) for e in events] == [TicketRecalled, TicketRedispatched]
    assert course.case.assignment(former.id).state is AssignmentState.RECALLED  # type: ignore[union-attr]
    assert course.refuse(Redispatch("transport", "职责")) == "SAME_UNIT"
    assert [key for key in course.timers if key.subject == str(former.id)] == []


def test_who_had_a_part_and_is_made_to_lead_has_one_share_only() -> None:
    course = Course(category=BIG)
    course.give(Redispatch(TOWN, "属地"))
    assert [a.kind for a in course.case.assignments if a.unit == TOWN and a.is_live] == [AssignmentKind.LEAD]


def test_a_ticket_that_is_not_in_hand_is_not_given_to_another_unit() -> None:
    course = Course()
    course.work()
    course.resolve()
    assert course.refuse(Redispatch("transport", "职责")) == "NOT_DISPATCHED"
    assert course.refuse(Recall(course.case.lead.id, "误派")) == "NOT_DISPATCHED"
