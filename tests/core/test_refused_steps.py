"""Steps that the rules refuse, one by one, with the code that people read."""

from dataclasses import replace

import pytest

from services.dispatch.core import triggers as t
from services.dispatch.core.actors import Role
from services.dispatch.core.deadlines import SameDay, multiplied
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.guards import Task, judge_unit
from shared.intake_events import TicketSupplemented
from shared.terms import AssignmentKind, ReportAnswer, Urgency, WhistleKind
from tests.builders import TUESDAY_MORNING, ticket
from tests.core.course import BIG, BOOK, GRID_UNIT, ORG, TOWN, VILLAGE, Course, actor, entry, org_with, supported

BY_TOWN = actor(Role.TOWNSHIP, TOWN, "cadre-1")


def test_a_department_is_called_once_until_it_answers() -> None:
    course = supported()
    call = t.BlowWhistle(WhistleKind.ENFORCEMENT, ("market",), "吹哨")
    course.give(call, by=BY_TOWN)
    assert course.refuse(call, by=BY_TOWN) == "CALLED_TWICE"


def test_nobody_answers_a_whistle_that_was_not_blown_or_was_answered() -> None:
    course = supported()
    course.give(t.BlowWhistle(WhistleKind.ENFORCEMENT, ("market",), "吹哨"), by=BY_TOWN)
    assert course.refuse(t.ReportIn(ticket(5), ReportAnswer.ACCEPT, "")) == "NO_SUCH_WHISTLE"
    whistle = course.case.whistles[-1].id
    course.give(t.ReportIn(whistle, ReportAnswer.ACCEPT, ""))
    assert course.refuse(t.ReportIn(whistle, ReportAnswer.ACCEPT, "")) == "ANSWERED_BEFORE"


def test_a_unit_with_a_part_that_it_signed_keeps_it_when_it_disputes_a_whistle() -> None:
    course = supported()
    course.give(t.AddSupport("market"))
    share = course.case.live_share("market")
    assert share is not None
    course.work(share)
    course.give(t.BlowWhistle(WhistleKind.ENFORCEMENT, ("market",), "吹哨"), by=BY_TOWN)
    course.give(t.ReportIn(course.case.whistles[-1].id, ReportAnswer.DISPUTE, "不属职责"))
    kept = course.case.live_share("market")
    assert kept is not None and kept.return_asked_at is None


def test_work_goes_down_one_level_at_a_time_to_those_below_who_have_no_part() -> None:
    basic = org_with(entry(BIG, DutyKind.BASIC))
    course = Course(org=basic, category=BIG)
    course.give(t.Redispatch(TOWN, "属地办理"))
    assert course.refuse(t.SubDispatch(course.case.lead.id, "housing")) == "NOT_BELOW"
    assert course.refuse(t.SubDispatch(course.case.lead.id, "nobody")) == "NOT_BELOW"
    course.give(t.AddSupport(VILLAGE))
    assert course.refuse(t.SubDispatch(course.case.lead.id, VILLAGE)) == "HAS_A_PART"


def test_an_auditor_of_the_unit_complained_about_does_not_audit() -> None:
    book = replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset()))
    course = Course(book=book, category=BIG, complained_about=TOWN)
    course.work()
    course.resolve()
    involved = actor(Role.AUDITOR, VILLAGE, "auditor-1")
    assert course.refuse(t.Rework("缺照片"), by=involved) == "CONFLICT_OF_INTEREST"


def test_an_act_of_authority_is_never_for_a_grid_also_where_there_are_no_lists() -> None:
    task = Task(BIG, Urgency.U3, enforces=True)
    on = TUESDAY_MORNING.date()
    assert judge_unit(task, GRID_UNIT, AssignmentKind.LEAD, None, BOOK, ORG, on).code == "ENFORCEMENT_NOT_TO_GRID"
    assert judge_unit(task, TOWN, AssignmentKind.LEAD, None, BOOK, ORG, on).rule == "DUTY_LIST_ABSENT"


def test_what_a_citizen_adds_unasked_is_noted() -> None:
    course = supported()
    before = course.case.due_at
    course.give(TicketSupplemented(supplement_id=ticket(4)))
    assert (course.case.due_at, course.why[-1]) == (before, "SUPPLEMENTED")


def test_a_day_cannot_be_multiplied() -> None:
    with pytest.raises(ValueError, match="cannot be multiplied"):
        multiplied(SameDay(), 2)
