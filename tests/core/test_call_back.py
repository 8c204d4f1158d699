"""Asking back: after a critical matter went to another line, somebody finds out in time whether help came."""

from datetime import timedelta
from typing import Any

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import CallBack, TicketState
from services.dispatch.core.story import ArchiveDue, Clock
from services.dispatch.core.triggers import ChangeUrgency, ReportCallBack
from shared.ending_events import TicketCallBackAsked, TicketCalledBack
from shared.events import TicketEscalated, TicketLightChanged, TicketReminded
from shared.intake_events import TicketTransferred
from shared.terms import TransferTarget, Urgency
from tests.builders import ticket
from tests.core.course import TICK, Course, actor, local, urgent

GONE = TicketTransferred(ticket_no="1", source="hotline-12345", target=TransferTarget.FIRE_119)
HELPED = ReportCallBack("消防已到场，人已转移", helped=True)
NOT_YET = ReportCallBack("诉求人说还没有人来")
BY = "2026-03-15T01:20"
"""Two hours on from a Saturday night: nothing waits for a working day."""


def handed_on(**changes: Any) -> Course:
    """A smell of gas that the fire brigade was told of."""
    course = urgent(**changes)
    course.give(GONE)
    return course


def raised(course: Course) -> list[tuple[str, int, str, str]]:
    """What was escalated since it was handed on."""
    return [(e.clock, e.level, e.to, e.unit) for e in course.all(TicketEscalated)]


def test_a_hotline_is_to_find_out_within_two_hours_of_the_transfer() -> None:
    course = handed_on()
    assert [key.clock for key in course.timers] == [Clock.CALL_BACK]
    assert course.clock(Clock.CALL_BACK).due_at == local(BY)
    asked = course.last(TicketCallBackAsked)
    assert (asked.source, asked.target, asked.due_at) == (course.case.source, TransferTarget.FIRE_119, local(BY))
    assert course.case.call_back == CallBack(TransferTarget.FIRE_119, local(BY))


@pytest.mark.parametrize("target", TransferTarget)
def test_whichever_line_it_went_to(target: TransferTarget) -> None:
    course = urgent()
    course.give(GONE.model_copy(update={"target": target}))
    assert course.last(TicketCallBackAsked).target is target


@pytest.mark.parametrize("urgency", [Urgency.U2, Urgency.U3])
def test_what_is_not_critical_is_handed_on_and_that_is_all(urgency: Urgency) -> None:
    course = handed_on(urgency=urgency)
    assert (course.timers, course.all(TicketCallBackAsked)) == ({}, [])
    assert course.refuse(HELPED) == "NO_CALL_BACK_DUE"


def test_while_nobody_finds_out_it_is_asked_again_and_goes_up_to_the_centre_and_the_county() -> None:
    course = handed_on()
    course.wait(BY)
    assert len(course.all(TicketCallBackAsked)) == 2, "half the time was over"
    assert raised(course) == []
    course.wait("2026-03-15T03:30")
    centre = ("CALL_BACK", 2, "role:command-centre", "command-centre")
    assert raised(course) == [centre, centre, ("CALL_BACK", 3, "role:county-briefing", "command-centre")]
    course.wait("2026-03-17T09:00")
    assert len(course.all(TicketCallBackAsked)) == 4, "and every working morning"
    assert not course.all(TicketReminded) and not course.all(TicketLightChanged)
    assert (course.case.level, course.case.light.value) == (0, "GREEN"), "it is no unit's any more"


def test_once_help_came_nobody_asks_any_more() -> None:
    course = handed_on()
    course.give(HELPED, BY)
    told = course.last(TicketCalledBack)
    assert (told.helped, told.on_time, told.target) == (True, True, TransferTarget.FIRE_119)
    assert (course.case.state, course.timers) == (TicketState.TRANSFERRED, {})
    stated = len(course.stated)
    course.wait("2026-03-30T09:00")
    assert len(course.stated) == stated


def test_a_microsecond_after_its_time_it_is_late_and_heard_all_the_same() -> None:
    course = handed_on()
    course.wait(local(BY) + TICK)
    course.give(HELPED)
    assert course.last(TicketCalledBack).on_time is False


def test_that_no_help_came_is_heard_at_once_and_the_clock_goes_on() -> None:
    course = handed_on()
    clock = course.clock(Clock.CALL_BACK)
    course.give(NOT_YET, "2026-03-14T23:50")
    assert raised(course) == [("NO_HELP", 2, "role:command-centre", "command-centre")]
    assert course.last(TicketCalledBack).helped is False
    assert course.clock(Clock.CALL_BACK) == clock
    course.give(NOT_YET)
    assert len(raised(course)) == 2, "it is no less true the second time"
    course.give(HELPED)
    assert not course.timers


def test_it_is_refused_before_a_transfer_and_after_help_came() -> None:
    course = urgent()
    assert course.refuse(HELPED) == course.refuse(NOT_YET) == "NOT_TRANSFERRED"
    course.give(GONE)
    course.give(HELPED)
    assert course.refuse(HELPED) == course.refuse(NOT_YET) == "CALLED_BACK"


def test_a_unit_does_not_say_whether_help_came() -> None:
    course = handed_on()
    assert course.refuse(HELPED, by=actor(Role.LIAISON, "gas")) == "ROLE_MAY_NOT"
    course.give(HELPED, by=actor(Role.HOTLINE_AGENT, person="agent-1"))


def test_a_second_transfer_asks_nothing_anew() -> None:
    course = handed_on()
    before = course.case.call_back
    course.give(GONE)
    assert course.why[-1].startswith("WISH_PASSED_OVER code=NOT_OPEN")
    assert (course.case.call_back, len(course.all(TicketCallBackAsked))) == (before, 1)


def test_what_only_waited_for_another_ticket_is_asked_about_with_that_one() -> None:
    course = handed_on(merged_into=ticket(9))
    assert (course.case.state, course.timers) == (TicketState.TRANSFERRED, {})
    assert course.refuse(HELPED) == "NOT_OPEN"


def test_a_drill_says_that_it_is_one() -> None:
    assert handed_on(exercise=True).last(TicketCallBackAsked).exercise


def test_what_is_put_away_is_asked_about_no_more() -> None:
    course = handed_on()
    course.now += timedelta(days=4000)
    course.give(ArchiveDue())
    assert (course.case.state, course.timers) == (TicketState.ARCHIVED, {})


def test_what_became_critical_before_it_was_handed_on_is_asked_about() -> None:
    course = urgent(Urgency.U2)
    course.give(ChangeUrgency(Urgency.U1, "有人被困"))
    course.give(GONE)
    assert [key.clock for key in course.timers] == [Clock.CALL_BACK]
