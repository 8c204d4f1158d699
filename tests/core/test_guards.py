"""Guards on every path by which work reaches a unit, each shown to refuse."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec import structs

from services.dispatch.core.actors import Role
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.requests import RequestKind, WorkRequest, judge_request
from services.dispatch.core.story import Refused
from services.dispatch.core.triggers import (
    AddSupport,
    ApproveHang,
    Contact,
    Designate,
    PassAudit,
    ProposeHang,
    Redispatch,
    Rework,
    Sign,
    SubDispatch,
    Trigger,
)
from shared.joint_events import GuardRefused, TicketHung
from shared.terms import AssignmentKind, MatterSize, Urgency
from tests.core.course import (
    BIG,
    BOOK,
    GRID_UNIT,
    ORG,
    TOWN,
    VILLAGE,
    Course,
    actor,
    deployment,
    entry,
    local,
    org_with,
    supported,
)

ON = local("2026-03-10T09:00").date()


def request(*targets: str, kind: RequestKind = RequestKind.TASK, enforces: bool = False) -> WorkRequest:
    return WorkRequest(kind, "market", "200101", targets or (TOWN,), enforces)


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        (DutyKind.BASIC, None),
        (DutyKind.COOPERATE, None),
        (DutyKind.TAKEN_BACK, "DUTY_LIST_VIOLATION"),
    ],
)
def test_a_department_pushes_down_only_what_the_duty_list_holds(listed: DutyKind, code: str | None) -> None:
    (found,) = judge_request(request(), "market", BOOK, org_with(entry("20", listed)), ON)
    assert found.verdict.code == code
    assert (found.refused is None) == (code is None)


def test_what_no_list_holds_is_not_pushed_down_either() -> None:
    (found,) = judge_request(request(), "market", BOOK, org_with(entry("01", DutyKind.BASIC)), ON)
    assert found.refused == GuardRefused(
        code="DUTY_LIST_VIOLATION", unit="market", target=TOWN, category="200101", rule="TASK_DUTY_UNLISTED"
    )


def test_a_unified_deployment_lets_it_pass_and_is_kept() -> None:
    listed = org_with(entry("20", DutyKind.TAKEN_BACK), deployments=(deployment("20"),))
    (found,) = judge_request(request(), "market", BOOK, listed, ON)
    assert (found.verdict.code, found.verdict.deployment) == (None, "D-2026-01")


def test_a_daily_ledger_of_fourteen_townships_is_refused_for_each() -> None:
    towns = tuple(sorted(unit for unit in ORG.units if unit.startswith("township:")))
    listed = org_with(entry("01", DutyKind.BASIC))
    found = judge_request(request(*towns, kind=RequestKind.LEDGER), "market", BOOK, listed, ON)
    assert {v.refused.rule if v.refused else "" for v in found} == {"LEDGER_DUTY_UNLISTED"}
    assert len(found) == len(towns)


def test_a_county_department_may_ask_another_one() -> None:
    (found,) = judge_request(request("gas"), "market", BOOK, org_with(entry("20", DutyKind.TAKEN_BACK)), ON)
    assert found.verdict.code is None


@pytest.mark.parametrize(
    ("support", "code"),
    [
        ({}, "ENTRUSTMENT_WITHOUT_SUPPORT"),
        ({"funding_yuan": 10_000}, "ENTRUSTMENT_WITHOUT_SUPPORT"),  # without an end
        ({"until": ON}, "ENTRUSTMENT_WITHOUT_SUPPORT"),  # with nothing
        ({"staff": 2, "until": ON - timedelta(days=1)}, "ENTRUSTMENT_WITHOUT_SUPPORT"),  # over
        ({"staff": 2, "until": ON}, None),
        ({"funding_yuan": 10_000, "until": date(2026, 12, 31)}, None),
    ],
)
def test_what_is_entrusted_brings_money_or_people_and_an_end(support: dict[str, Any], code: str | None) -> None:
    asked = replace(request(kind=RequestKind.ENTRUSTMENT), **support)
    (found,) = judge_request(asked, "market", BOOK, org_with(entry("20", DutyKind.BASIC)), ON)
    assert found.verdict.code == code
    assert (found.refused.rule if found.refused else None) == ("ENTRUSTMENT_SUPPORT_AND_END_NEEDED" if code else None)
    task = replace(asked, kind=RequestKind.TASK)
    (found,) = judge_request(task, "market", BOOK, org_with(entry("20", DutyKind.BASIC)), ON)
    assert found.verdict.code is None, "only what is entrusted needs support"


def test_no_support_buys_what_the_duty_list_forbids() -> None:
    asked = replace(request(kind=RequestKind.ENTRUSTMENT), funding_yuan=10**6, staff=9, until=date(2026, 12, 31))
    (found,) = judge_request(asked, "market", BOOK, org_with(entry("20", DutyKind.TAKEN_BACK)), ON)
    assert found.verdict.code == "DUTY_LIST_VIOLATION"


@pytest.mark.parametrize("listed", [*DutyKind, None])
@pytest.mark.parametrize("target", [GRID_UNIT, VILLAGE])
def test_an_enforcement_penalty_never_goes_to_a_grid_or_village(listed: DutyKind | None, target: str) -> None:
    entries = (entry("20", listed),) if listed else ()
    area = org_with(*entries, deployments=(deployment("20"),))
    (found,) = judge_request(request(target, enforces=True), "market", BOOK, area, ON)
    assert found.verdict.code == "ENFORCEMENT_NOT_TO_GRID"


def test_a_grid_inherits_its_townships_list_without_enforcement() -> None:
    area = org_with(entry("20", DutyKind.BASIC, enforcement=True))
    grid, town = judge_request(request(GRID_UNIT, TOWN), "market", BOOK, area, ON)
    assert (grid.verdict.code, town.verdict.code) == ("ENFORCEMENT_NOT_TO_GRID", None)


# ---- on a ticket ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [Redispatch(TOWN, "属地"), Designate(TOWN, "属地"), AddSupport(TOWN, AssignmentKind.VISIT)]
)
def test_a_cooperating_township_is_not_made_to_lead_by_any_path(command: Trigger) -> None:
    course = Course(category=BIG, org=org_with(entry("18", DutyKind.COOPERATE), entry("01", DutyKind.BASIC)))
    assert course.refuse(AddSupport(TOWN)) == "HAS_A_PART"
    assert course.refuse(command) in ("DUTY_LIST_VIOLATION", "HAS_A_PART")
    with pytest.raises(Refused) as refusal:
        course.give(Designate(TOWN, "属地"))
    assert refusal.value.event == GuardRefused(
        code="DUTY_LIST_VIOLATION", unit="command-centre", target=TOWN, category=BIG, rule="DUTY_COOPERATE"
    )


def test_a_small_matter_that_is_not_its_grids_duty_is_big_and_the_explanation_says_who_was_refused() -> None:
    course = Course(org=org_with(entry("15", DutyKind.COOPERATE)))
    assert (course.case.size, course.case.lead.unit) == (MatterSize.BIG, "city-management")
    assert course.why[1:3] == [
        f"CANDIDATE_REFUSED unit={GRID_UNIT} code=DUTY_LIST_VIOLATION rule=DUTY_COOPERATE",
        "SIZE_BIG_NOT_FOR_ITS_PLACE",
    ]


def test_a_small_matter_of_the_townships_own_duty_stays_in_its_grid() -> None:
    course = Course(org=org_with(entry("15", DutyKind.BASIC)))
    assert (course.case.size, course.case.lead.unit, course.case.lead.list_version) == (
        MatterSize.SMALL, GRID_UNIT, "2026.1"
    )  # fmt: skip


def test_opening_never_fails_however_much_is_refused() -> None:
    course = Course(org=org_with(entry("15", DutyKind.TAKEN_BACK)), complained_about="city-management")
    assert course.case.lead.unit == "command-centre"
    assert sum("CANDIDATE_REFUSED" in why for why in course.why) >= 3


@pytest.mark.parametrize(
    ("complained_about", "lead"),
    [("city-management", "township:990101001"), (TOWN, "city-management"), (VILLAGE, "city-management")],
)
def test_nobody_complained_about_or_below_gets_the_matter(complained_about: str, lead: str) -> None:
    course = Course(complained_about=complained_about, place_level="VILLAGE", grid=None, village=None)
    assert course.case.lead.unit == lead
    assert course.refuse(Designate(complained_about, "指定")) in ("CONFLICT_OF_INTEREST", "SAME_UNIT")
    assert all(a.unit != complained_about for a in course.case.assignments)


def test_a_unit_without_anybody_there_is_answered_for_by_the_one_above() -> None:
    unit = replace(ORG.units["city-management"], has_liaison=False)
    course = Course(org=replace(ORG, units={**ORG.units, unit.id: unit}), place_level="VILLAGE", grid=None)
    assert course.case.lead.unit == "command-centre"
    assert "UNIT_ABSENT unit=city-management answered_by=command-centre" in course.why


# ---- passing on -------------------------------------------------------------------------------------------


def township_leads() -> Course:
    course = Course(category=BIG)
    course.give(Redispatch(TOWN, "属地"))
    return course


def test_a_unit_passes_on_only_to_one_below_it() -> None:
    course = township_leads()
    assert course.refuse(SubDispatch(course.case.lead.id, "gas")) == "NOT_BELOW"
    course.give(SubDispatch(course.case.lead.id, VILLAGE), by=actor(Role.TOWNSHIP, TOWN))
    assert course.case.lead.unit == VILLAGE
    assert sum(a.is_live and a.kind is AssignmentKind.LEAD for a in course.case.assignments) == 1


def test_the_third_forward_by_a_level_that_did_nothing_is_refused_and_counts() -> None:
    course = township_leads()
    course.case = structs.replace(course.case, forwards={"TOWNSHIP": 2})
    command = SubDispatch(course.case.lead.id, VILLAGE)
    with pytest.raises(Refused) as refusal:
        course.give(command)
    assert refusal.value.code == "FORWARD_WITHOUT_ACTION"
    assert isinstance(refusal.value.event, GuardRefused)
    assert refusal.value.event.rule == "FORWARDS_AT_MOST"
    course.give(Sign(course.case.lead.id))
    course.give(Contact(course.case.lead.id, "w"))
    course.give(command)
    assert course.case.lead.unit == VILLAGE


def test_a_township_that_is_not_able_to_do_it_coordinates_only() -> None:
    unable = entry("18", DutyKind.COOPERATE)._replace(is_capable=False)
    course = Course("2026-03-09T10:00", org=org_with(unable), category=BIG)
    kinds = {share.kind for share in course.case.parts if share.unit.startswith(("township:", "village:", "grid:"))}
    assert AssignmentKind.SUPPORT not in kinds
    assert any("rule=DUTY_WITHOUT_CAPABILITY" in line for line in course.why)


# ---- own work and two persons -----------------------------------------------------------------------------


def to_audit() -> Course:
    strict = replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset({MatterSize.SMALL})))
    course = Course(category=BIG, book=strict)
    course.work()
    course.resolve()
    return course


@pytest.mark.parametrize("command", [PassAudit(), Rework("无照片")])
def test_nobody_verifies_his_own_work(command: Trigger) -> None:
    course = to_audit()
    assert course.refuse(command, by=actor(Role.AUDITOR, None, "worker-7")) == "OWN_WORK"
    assert course.refuse(command, by=actor(Role.AUDITOR, "natural-resources", "else")) == "OWN_WORK"
    course.give(command, by=actor(Role.AUDITOR, "command-centre", "auditor-1"))


def test_hanging_takes_two_persons() -> None:
    course = supported()
    proposal = ProposeHang("FUNDS", "housing", "明年列入预算", "会议纪要2026-3", 60)
    assert course.refuse(proposal) == "PERSON_NEEDED"
    course.give(proposal, by=actor(Role.COMMAND_CENTRE, None, "leader-1"))
    assert course.refuse(ApproveHang(), by=actor(Role.COMMAND_CENTRE, None, "leader-1")) == "SECOND_PERSON_NEEDED"
    assert course.refuse(ApproveHang()) == "PERSON_NEEDED"
    course.give(ApproveHang(), by=actor(Role.COMMAND_CENTRE, None, "leader-2"))
    assert course.last(TicketHung).owner == "housing"


def test_urgency_decides_whether_a_place_may_contain_what_was_taken_back() -> None:
    area = org_with(entry("07", DutyKind.TAKEN_BACK))
    for urgency, code in ((Urgency.U1, None), (Urgency.U3, "DUTY_LIST_VIOLATION")):
        course = Course(category="070101", urgency=urgency, org=area, grid=None, village=None, township=None)
        command = AddSupport(TOWN, AssignmentKind.FIRST_DISPOSAL)
        if code is None:
            course.give(command)
        else:
            assert course.refuse(command) == code
