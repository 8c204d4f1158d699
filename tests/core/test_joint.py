"""Joint handling: a big matter has one lead and support, each with a clock of its own, a plan, a whistle, a waiver."""

from datetime import date

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.story import Clock, ClockKey
from services.dispatch.core.triggers import (
    AddSupport,
    BlowWhistle,
    EvaluatePartner,
    HoldMeeting,
    MakePlan,
    MarkComplex,
    PlannedPart,
    Recall,
    ReportIn,
    Resolve,
    Return,
    Sign,
    WaiveSupport,
)
from shared.events import TicketEscalated, TicketLightChanged
from shared.joint_events import (
    TicketFoundComplex,
    TicketMeetingHeld,
    TicketPartnerEvaluated,
    TicketPartSubmitted,
    TicketPlanned,
    TicketReportedIn,
    TicketReturnRequested,
    TicketSupportWaived,
    TicketWhistled,
)
from shared.terms import AssignmentKind, Light, ReportAnswer, ReturnReason, Urgency, WhistleKind
from tests.core.course import BIG, GRID_UNIT, TOWN, Course, actor, entry, local, org_with, supported, urgent

LEAD, SUPPORT = AssignmentKind.LEAD, AssignmentKind.SUPPORT


def test_a_big_matter_has_a_department_to_lead_and_its_township_to_support() -> None:
    course = supported()
    assert [(a.kind, a.unit) for a in course.case.assignments] == [(LEAD, "natural-resources"), (SUPPORT, TOWN)]
    assert course.part(SUPPORT).list_version == "2026.1"


def test_a_support_part_is_due_in_three_working_days_and_its_red_light_is_its_own() -> None:
    course = supported()
    part = course.part(SUPPORT)
    assert part.due_at == local("2026-03-13T00:00")
    course.wait("2026-03-13T00:00:00.000001")
    red = [e for e in course.all(TicketLightChanged) if e.light is Light.RED]
    assert [(e.unit, e.clock) for e in red] == [(TOWN, "PART")]
    assert [e.unit for e in course.all(TicketEscalated) if e.clock == "PART"] == [TOWN]
    assert (course.case.light, course.case.lead.light, course.case.level) == (Light.GREEN, Light.RED, 0)


def test_the_lead_cannot_hand_in_while_a_support_part_is_open() -> None:
    course = supported()
    course.work()
    part = course.part(SUPPORT)
    assert course.refuse(_result(course)) == "SUPPORT_OPEN"
    course.work(part)
    (submitted,) = course.resolve(part)
    assert isinstance(submitted, TicketPartSubmitted)
    course.resolve()
    assert course.case.state is TicketState.FOLLOWING_UP
    assert {a.state for a in course.case.assignments} == {AssignmentState.ACCEPTED_RESULT}


def _result(course: Course) -> Resolve:
    return Resolve(course.case.lead.id, "REPAIRED", "好了")


def test_only_the_command_centre_may_waive_a_part_and_it_says_why() -> None:
    course = supported()
    course.work()
    waiver = WaiveSupport("场地已封闭", course.part(SUPPORT).id)
    assert course.refuse(waiver, by=actor(Role.DISPATCHER)) == "ROLE_MAY_NOT"
    assert course.refuse(WaiveSupport(" ", course.part(SUPPORT).id)) == "REASON_NEEDED"
    (event,) = course.give(waiver, by=actor(Role.COMMAND_CENTRE))
    assert isinstance(event, TicketSupportWaived)
    course.resolve()
    assert course.case.state is TicketState.FOLLOWING_UP


def test_a_big_matter_nobody_can_support_says_by_which_rule_it_does_without() -> None:
    course = Course(category=BIG, grid=None, village=None, township=None, place_level="COUNTY")
    assert course.case.parts == ()
    assert course.case.waiver == "WAIVED_NO_CANDIDATE"
    assert "WAIVED_NO_CANDIDATE" in course.why


def test_a_confidential_matter_is_not_shown_to_the_place_it_is_about() -> None:
    course = supported(confidential=True)
    assert (course.case.parts, course.case.waiver) == ((), "WAIVED_CONFIDENTIAL")


def test_where_a_county_keeps_no_duty_lists_the_place_coordinates_and_the_lead_need_not_wait() -> None:
    course = Course(category=BIG)
    assert course.part(AssignmentKind.COORDINATE).unit == TOWN
    course.work()
    course.resolve()
    assert course.case.state is TicketState.FOLLOWING_UP
    assert [a.state for a in course.case.assignments if a.unit == TOWN] == [AssignmentState.WAIVED]


def test_an_urgent_part_is_due_with_its_lead() -> None:
    course = supported("2026-10-02T03:10", urgency=Urgency.U2)
    assert course.part(SUPPORT).due_at == course.case.due_at == local("2026-10-03T03:10")


# ---- plan and meeting -------------------------------------------------------------------------------------


def test_a_plan_is_owed_within_a_working_day_and_the_lead_hears_of_it() -> None:
    course = supported()
    assert course.clock(Clock.PLAN).due_at == local("2026-03-11T00:00")
    course.wait("2026-03-11T00:00:01")
    assert [(e.unit, e.level) for e in course.all(TicketEscalated) if e.clock == "PLAN"] == [("natural-resources", 1)]


def plan(owner: str = TOWN) -> MakePlan:
    return MakePlan((PlannedPart("CLOSE_ROAD", owner, date(2026, 3, 12)),), "先封路,再疏通")


def test_a_plan_names_owners_who_have_a_part_and_stops_its_clock() -> None:
    course = supported()
    assert course.refuse(plan("transport")) == "OWNER_NOT_INVOLVED"
    (event,) = course.give(plan(), by=actor(Role.LIAISON, "natural-resources"))
    assert event == TicketPlanned(cycle=1, parts=1, on_time=True)
    assert ClockKey(Clock.PLAN) not in course.timers
    assert course.refuse(plan(), by=actor(Role.LIAISON, "gas")) == "NOT_YOUR_ASSIGNMENT"


def test_a_small_matter_has_no_joint_plan() -> None:
    assert Course().refuse(plan(GRID_UNIT)) == "NOT_BIG"


def test_a_complex_matter_meets_within_two_working_days_and_has_fifteen() -> None:
    course = supported()
    course.give(MarkComplex("历史遗留"))
    assert course.last(TicketFoundComplex).due_at == course.case.due_at == local("2026-03-31T00:00")
    assert course.clock(Clock.MEETING).due_at == local("2026-03-12T00:00")
    (held,) = course.give(HoldMeeting("会议纪要"), "2026-03-11T15:00")
    assert held == TicketMeetingHeld(cycle=1, on_time=True)
    assert course.refuse(MarkComplex("再次")) == "COMPLEX_BEFORE"


def test_a_meeting_that_is_not_held_goes_to_the_command_centre() -> None:
    course = supported()
    course.give(MarkComplex("历史遗留"))
    course.wait("2026-03-12T00:00:01")
    assert [(e.level, e.to) for e in course.all(TicketEscalated) if e.clock == "MEETING"] == [
        (2, "role:command-centre")
    ]


# ---- changing who takes part ------------------------------------------------------------------------------


def test_another_unit_is_given_a_part_once_and_never_a_second_lead() -> None:
    course = supported()
    course.give(AddSupport("transport"))
    assert [a.unit for a in course.case.parts] == [TOWN, "transport"]
    assert course.refuse(AddSupport("transport")) == "HAS_A_PART"
    assert course.refuse(AddSupport("gas", AssignmentKind.LEAD)) == "ONE_LEAD"
    assert course.refuse(AddSupport("nobody")) == "NO_SUCH_UNIT"


def test_a_big_matter_is_never_left_without_support_by_a_recall() -> None:
    course = supported()
    part = course.part(SUPPORT)
    assert course.refuse(Recall(part.id, "派错")) == "SUPPORT_NEEDED"
    course.give(AddSupport("transport"))
    course.give(Recall(part.id, "派错"))
    assert [a.unit for a in course.case.parts] == ["transport"]
    assert course.refuse(Recall(course.case.lead.id, "派错")) == "LEAD_NEEDS_SUCCESSOR"


def test_a_returned_part_goes_to_the_next_candidate_or_is_waived_by_rule() -> None:
    course = supported()
    course.give(Return(course.part(SUPPORT).id, ReturnReason.NOT_OUR_DUTY, "清单第3项"))
    assert course.case.parts == ()
    assert course.case.waiver == "WAIVED_NO_CANDIDATE"


# ---- whistle ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "at", "report_by"),
    [
        (WhistleKind.ENFORCEMENT, "2026-03-13T16:00", "2026-03-16T11:00"),
        (WhistleKind.EMERGENCY, "2026-10-02T03:10", "2026-10-02T03:40"),
        (WhistleKind.KEY_ISSUE, "2026-03-13T16:00", "2026-03-18T00:00"),
    ],
)
def test_a_department_reports_in_by_the_kind_of_the_whistle(kind: WhistleKind, at: str, report_by: str) -> None:
    course = supported(at)
    course.give(BlowWhistle(kind, ("city-management",), "占道"), by=actor(Role.TOWNSHIP, TOWN))
    whistled = course.last(TicketWhistled)
    assert (whistled.unit, whistled.by, whistled.report_by) == ("city-management", TOWN, local(report_by))


def whistled(kind: WhistleKind = WhistleKind.ENFORCEMENT) -> Course:
    course = supported("2026-03-10T09:00")
    course.give(BlowWhistle(kind, ("city-management",), "占道"), by=actor(Role.TOWNSHIP, TOWN))
    return course


def test_a_silent_department_goes_red_and_the_township_does_not() -> None:
    course = whistled()
    course.wait("2026-03-10T14:30:00.000001")
    red = [e for e in course.all(TicketLightChanged) if e.light is Light.RED]
    assert [(e.unit, e.clock) for e in red] == [("city-management", "REPORT_IN")]
    assert {a.unit: a.light for a in course.case.parts} == {TOWN: Light.GREEN, "city-management": Light.RED}


def test_reporting_in_is_receipt() -> None:
    course = whistled()
    course.give(ReportIn(course.case.whistles[0].id), by=actor(Role.LIAISON, "city-management"))
    share = course.case.live_share("city-management")
    assert share is not None
    assert share.state is AssignmentState.SIGNED
    assert course.last(TicketReportedIn).on_time
    assert course.refuse(ReportIn(course.case.whistles[0].id)) == "ANSWERED_BEFORE"


def test_a_dispute_is_adjudicated_and_stops_the_clock() -> None:
    course = whistled()
    whistle = course.case.whistles[0]
    assert course.refuse(ReportIn(whistle.id, ReportAnswer.DISPUTE)) == "BASIS_NEEDED"
    course.give(ReportIn(whistle.id, ReportAnswer.DISPUTE, "不属本局"))
    assert isinstance(course.stated[-2], TicketReturnRequested)
    assert ClockKey(Clock.REPORT_IN, str(whistle.id)) not in course.timers
    assert ClockKey(Clock.RETURN_DECISION, str(whistle.assignment_id)) in course.timers


def test_an_emergency_is_not_argued_about_first() -> None:
    course = whistled(WhistleKind.EMERGENCY)
    whistle = course.case.whistles[0]
    course.give(ReportIn(whistle.id, ReportAnswer.DISPUTE, "不属本局"))
    assert ClockKey(Clock.REPORT_IN, str(whistle.id)) in course.timers
    course.give(ReportIn(whistle.id, ReportAnswer.ACCEPT))
    assert ClockKey(Clock.REPORT_IN, str(whistle.id)) not in course.timers


def test_whistles_are_for_big_matters_and_each_unit_is_called_once() -> None:
    blow = BlowWhistle(WhistleKind.ENFORCEMENT, ("city-management",), "占道")
    assert Course().refuse(blow) == "NOT_BIG"
    assert whistled().refuse(blow) == "CALLED_TWICE"
    assert supported().refuse(BlowWhistle(WhistleKind.ENFORCEMENT, ("gas", "gas"), "占道")) == "CALLED_TWICE"
    assert whistled().refuse(blow, by=actor(Role.CITIZEN)) == "ROLE_MAY_NOT"


def test_units_that_worked_together_score_each_other_once() -> None:
    course = supported()
    (event,) = course.give(EvaluatePartner(TOWN, "natural-resources", 4))
    assert event == TicketPartnerEvaluated(by=TOWN, unit="natural-resources", score=4, cycle=1)
    assert course.refuse(EvaluatePartner(TOWN, "natural-resources", 5)) == "SCORED_BEFORE"
    assert course.refuse(EvaluatePartner(TOWN, "gas", 5)) == "NOT_PARTNERS"


# ---- danger -----------------------------------------------------------------------------------------------


def test_a_gas_smell_has_the_gas_company_lead_and_the_grid_contain_it_within_half_an_hour() -> None:
    course = urgent()
    disposal = course.part(AssignmentKind.FIRST_DISPOSAL)
    assert (course.case.lead.unit, disposal.unit) == ("gas", GRID_UNIT)
    assert course.clock(Clock.ARRIVAL, disposal.id).due_at == local("2026-03-14T23:50")
    assert course.clock(Clock.FEEDBACK, course.case.lead.id).due_at == local("2026-03-15T01:20")
    assert course.case.due_at == local("2026-03-15T01:20")


def test_a_missed_arrival_at_a_critical_matter_is_level_2_at_once_and_level_3_at_the_hour() -> None:
    course = urgent()
    course.wait("2026-03-15T00:20:00.000001")
    climbed = [(e.level, e.due_at) for e in course.all(TicketEscalated) if e.clock == "ARRIVAL"]
    assert climbed == [(1, local("2026-03-14T23:50")), (2, local("2026-03-14T23:50")), (3, local("2026-03-14T23:50"))]


def test_what_was_taken_back_leaves_the_place_first_disposal_only() -> None:
    listed = org_with(entry("07", DutyKind.TAKEN_BACK))
    course = Course("2026-03-14T23:20", org=listed, urgency=Urgency.U1, category="070101")
    assert [(a.kind, a.unit) for a in course.case.assignments] == [
        (LEAD, "gas"), (AssignmentKind.FIRST_DISPOSAL, GRID_UNIT), (SUPPORT, "natural-resources")
    ]  # fmt: skip


def test_a_sign_by_a_unit_that_has_nothing_to_do_with_it_is_refused() -> None:
    course = supported()
    assert course.refuse(Sign(course.case.lead.id), by=actor(Role.LIAISON, "gas")) == "NOT_YOUR_ASSIGNMENT"
