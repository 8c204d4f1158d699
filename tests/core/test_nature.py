"""What a matter turns out to be, the citizen's hastening and withdrawing, and coming back after closing."""

from dataclasses import replace
from typing import Any

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.story import Clock, ClockKey
from services.dispatch.core.triggers import (
    AskInfo,
    ChangeUrgency,
    ConfirmCategory,
    ConvertSize,
    Hasten,
    MakePlan,
    NameHandler,
    PlannedPart,
    Reopen,
    ReportStage,
    Sign,
    Supervise,
    Withdraw,
)
from shared.events import TicketClosed, TicketEscalated, TicketEvaluated, TicketLightChanged, TicketReopened
from shared.joint_events import (
    TicketCategoryConfirmed,
    TicketFoundBig,
    TicketHastenNoted,
    TicketRecalled,
    TicketStageReported,
    TicketUrgencyChanged,
    TicketWithdrawn,
)
from shared.terms import (
    AssignmentKind,
    CloseReason,
    ConversionReason,
    FollowUpOutcome,
    Light,
    MatterSize,
    Satisfaction,
    TicketType,
    Urgency,
)
from tests.core.course import BIG, BOOK, GRID_UNIT, TOWN, Course, actor, local, urgent

# ---- size -------------------------------------------------------------------------------------------------


def test_a_small_matter_found_big_on_the_spot_has_no_breach_and_the_whistle_is_offered() -> None:
    course = Course("2026-03-10T09:15")
    course.give(ConvertSize(course.case.lead.id, ConversionReason.NO_AUTHORITY), "2026-03-10T15:30")
    assert course.last(TicketFoundBig).due_at == course.case.due_at == local("2026-03-18T00:00")
    assert (course.case.size, course.case.light) == (MatterSize.BIG, Light.GREEN)
    assert f"WHISTLE_OFFERED unit={TOWN}" in course.why
    assert course.part(AssignmentKind.COORDINATE).unit == TOWN
    course.wait("2026-03-11T12:00:01")
    assert not [e for e in course.all(TicketLightChanged) if e.light is Light.RED]
    assert course.refuse(ConvertSize(course.case.lead.id, ConversionReason.NO_AUTHORITY)) == "NOT_SMALL"


def test_a_joint_plan_spares_a_converted_matter_its_second_level() -> None:
    course = Course("2026-03-10T09:15")
    course.wait("2026-03-11T09:00")
    plan = MakePlan((PlannedPart("REPAIR", GRID_UNIT, local("2026-03-12T00:00").date()),), "联合处置")
    course.give(plan)
    course.wait("2026-03-11T12:00:01")
    assert [e.level for e in course.all(TicketEscalated) if e.clock == "RESOLVE"] == [1]
    assert course.why[-1].startswith("LEVEL_2_SPARED")


# ---- urgency ----------------------------------------------------------------------------------------------


def test_raising_the_urgency_shortens_the_deadline_and_lowering_never_lengthens_it() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    course.give(ChangeUrgency(Urgency.U2, "管道爆裂"))
    assert course.last(TicketUrgencyChanged).due_at == course.case.due_at == local("2026-03-10T10:00")
    course.give(ChangeUrgency(Urgency.U3, "已止水"), by=actor(Role.COMMAND_CENTRE))
    assert course.case.due_at == local("2026-03-10T10:00")


def test_a_small_matter_that_becomes_critical_is_big() -> None:
    course = Course("2026-03-10T09:15")
    course.give(ChangeUrgency(Urgency.U1, "有人受伤"))
    assert (course.case.size, course.case.due_at) == (MatterSize.BIG, local("2026-03-10T11:15"))


def test_below_its_floor_only_the_command_centre_lowers_an_urgency() -> None:
    course = urgent(urgency=Urgency.U2, category="050101")
    lower = ChangeUrgency(Urgency.U3, "已恢复供水")
    assert course.refuse(lower) == "URGENCY_FLOOR"
    assert course.refuse(ChangeUrgency(Urgency.U2, "同")) == "SAME_URGENCY"
    course.give(lower, by=actor(Role.COMMAND_CENTRE))
    assert course.case.urgency is Urgency.U3


# ---- category ---------------------------------------------------------------------------------------------

UNSURE = replace(BOOK, least_confidence=0.6)


def test_an_unsure_category_waits_for_a_person_and_both_choices_are_kept() -> None:
    course = Course("2026-03-10T09:15", book=UNSURE, category="180101", confidence=0.55)
    assert course.case.lead.unit == "command-centre"
    assert course.clock(Clock.CATEGORY).due_at == local("2026-03-10T09:45")
    course.give(ConfirmCategory("150101"), "2026-03-10T09:40", actor(Role.DISPATCHER))
    assert course.last(TicketCategoryConfirmed) == TicketCategoryConfirmed(
        category="150101", auto_category="180101", confidence=0.55
    )
    assert (course.case.category, course.case.auto_category) == ("150101", "180101")
    assert (course.case.lead.unit, course.case.size) == (GRID_UNIT, MatterSize.SMALL)
    assert course.case.due_at == local("2026-03-11T00:00")
    assert course.refuse(ConfirmCategory("150102")) == "CONFIRMED_BEFORE"


def test_a_category_nobody_confirms_is_heard_of_at_the_command_centre() -> None:
    course = Course("2026-03-10T09:15", book=UNSURE, confidence=0.55)
    course.wait("2026-03-10T09:45:01")
    assert [(e.clock, e.to) for e in course.all(TicketEscalated)] == [("CATEGORY", "role:command-centre")]


def test_a_sure_category_can_be_corrected_without_moving_the_ticket() -> None:
    course = Course(category=BIG)
    course.give(ConfirmCategory("180102"))
    assert (course.case.category, course.case.lead.unit) == ("180102", "natural-resources")


# ---- speed ------------------------------------------------------------------------------------------------


def test_hastening_counts_once_a_day_moves_no_deadline_and_the_third_is_supervised() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    deadlines = {key: timer.due_at for key, timer in course.timers.items()}
    for at in ("2026-03-09T11:00", "2026-03-09T12:00", "2026-03-10T09:00"):
        course.give(Hasten(), at)
    assert [(e.hastens, e.counted) for e in course.all(TicketHastenNoted)] == [(1, True), (1, False), (2, True)]
    assert {key: timer.due_at for key, timer in course.timers.items() if key in deadlines}.items() <= deadlines.items()
    course.give(Hasten(), "2026-03-11T09:00")
    assert [(e.clock, e.level) for e in course.all(TicketEscalated) if e.clock == "HASTEN"] == [("HASTEN", 1)]


def test_supervision_is_stated_at_its_level() -> None:
    course = Course()
    course.give(Supervise(2, "多次反映"), by=actor(Role.SUPERVISOR))
    assert (course.last(TicketEscalated).clock, course.case.level) == ("SUPERVISE", 2)


def test_a_stage_report_answers_the_first_feedback_and_the_next_one_the_stage() -> None:
    course = urgent()
    lead = course.case.lead
    course.give(Sign(lead.id))
    (event,) = course.give(ReportStage(lead.id, "已到场"))
    assert isinstance(event, TicketStageReported)
    assert {key.clock for key in course.timers} & {Clock.FEEDBACK, Clock.STAGE} == {Clock.STAGE}
    course.give(ReportStage(lead.id, "已恢复"))
    assert ClockKey(Clock.STAGE, str(lead.id)) not in course.timers


def test_a_unit_names_who_does_the_work_and_may_name_another() -> None:
    course = Course()
    course.give(Sign(course.case.lead.id))
    course.give(NameHandler(course.case.lead.id, "worker-1"))
    course.give(NameHandler(course.case.lead.id, "worker-2"))
    assert (course.case.lead.state, course.case.lead.handler) == (AssignmentState.HANDLING, "worker-2")
    assert course.refuse(NameHandler(course.case.lead.id, " ")) == "HANDLER_NEEDED"


# ---- taking back, coming back -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"urgency": Urgency.U2, "category": "050101"}, "TOO_URGENT"),
        ({"ticket_type": TicketType.REPORT, "category": "200101"}, "REPORT_UNDER_WAY"),
    ],
)
def test_what_is_urgent_or_reported_is_seen_to_the_end(changes: dict[str, Any], code: str) -> None:
    assert Course(**changes).refuse(Withdraw()) == code


def test_a_withdrawn_ticket_is_final_and_nothing_runs_on() -> None:
    course = Course(category=BIG)
    events = course.give(Withdraw(), by=actor(Role.CITIZEN))
    assert [type(e) for e in events] == [TicketWithdrawn, TicketRecalled, TicketRecalled, TicketClosed]
    assert (course.case.state, course.case.close_reason) == (TicketState.WITHDRAWN, CloseReason.WITHDRAWN)
    assert course.timers == {}
    assert not any(a.is_live for a in course.case.assignments)
    assert course.refuse(Hasten()) == "NOT_OPEN"
    assert course.refuse(AskInfo("?")) == "NOT_DISPATCHED"


def closed(at: str = "2026-03-16T12:00") -> Course:
    course = Course("2026-03-09T10:00", category=BIG)
    course.work()
    course.resolve()
    yes = TicketEvaluated(
        cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED
    )
    course.give(yes, at)
    return course


def test_a_closed_big_matter_reopens_with_half_its_limit() -> None:
    course = closed()
    course.give(Reopen("又塌了"), "2026-03-20T10:00", actor(Role.CITIZEN))
    assert course.last(TicketReopened).due_at == course.case.due_at == local("2026-03-26T00:00")
    assert (course.case.state, course.case.lead.unit, course.case.closed_at) == (
        TicketState.DISPATCHED, "natural-resources", None
    )  # fmt: skip


@pytest.mark.parametrize(("at", "code"), [("2026-03-31T23:00", None), ("2026-04-01T00:00", "REOPEN_TOO_LATE")])
def test_on_the_sixteenth_day_a_new_linked_matter_is_needed(at: str, code: str | None) -> None:
    course = closed()
    if code is None:
        course.give(Reopen("又塌了"), at)
    else:
        assert course.refuse(Reopen("又塌了"), at) == code


def test_every_reopening_has_half_the_first_limit_and_the_third_is_complex() -> None:
    course = closed()
    course.give(Reopen("又塌了"), "2026-03-17T10:00")
    no = Satisfaction.DISSATISFIED
    for cycle in (2, 3):
        course.work()
        course.resolve()
        word = TicketEvaluated(cycle=cycle, outcome=FollowUpOutcome.ANSWERED, solved=False, satisfaction=no)
        course.give(word)
    assert [e.due_at for e in course.all(TicketReopened)] == [local("2026-03-21T00:00")] * 3
    assert (course.case.is_complex, course.case.level) == (True, 3)
    assert ClockKey(Clock.MEETING) in course.timers


def test_only_a_closed_ticket_is_reopened() -> None:
    assert Course().refuse(Reopen("还没好")) == "NOT_CLOSED"
