"""How far a matter reaches: figures said at the door or found on the spot make it big, or complex; who leads then."""

from dataclasses import replace
from typing import Any

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import TicketState
from services.dispatch.core.deadlines import parse_limit
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import Assess, ChangeUrgency, ConfirmCategory, MarkComplex, Rework
from services.intake.core.reach import reach_of
from shared.events import TicketEscalated, TicketResolved
from shared.joint_events import TicketAssessed, TicketFoundBig, TicketFoundComplex
from shared.terms import Channel, ComplexMark, ConversionReason, MatterSize, Urgency
from tests.core.course import BIG, BOOK, GRID_UNIT, ORG, TOWN, Course, actor, entry, local, org_with

CENTRE = ORG.command_centre


# ---- at the door ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "small", "big", "rule"),
    [
        ("involved_units", 1, 2, "SIZE_BIG_UNITS count=2"),
        ("involved_grids", 1, 2, "SIZE_BIG_GRIDS count=2"),
        ("households", 2, 3, "SIZE_BIG_HOUSEHOLDS count=3"),
        ("people", 9, 10, "SIZE_BIG_PEOPLE count=10"),
        ("money_yuan", 2000, 2001, "SIZE_BIG_MONEY yuan=2001"),
        ("effort_minutes", 240, 241, "SIZE_BIG_EFFORT minutes=241"),
    ],
)
def test_a_figure_of_the_report_makes_a_matter_big_from_the_number_of_the_pack_on(
    figure: str, small: int, big: int, rule: str
) -> None:
    below: dict[str, Any] = {figure: small}
    beyond: dict[str, Any] = {figure: big}
    assert Course(**below).case.size is MatterSize.SMALL
    course = Course(**beyond)
    assert (course.case.size, course.why[0]) == (MatterSize.BIG, rule)


def test_a_pack_with_other_figures_decides_otherwise() -> None:
    book = replace(BOOK, sizing=replace(BOOK.sizing, households_from=4, effort_at_most=parse_limit("1 WH")))
    assert Course(book=book, households=3).case.size is MatterSize.SMALL
    assert Course(book=book, effort_minutes=61).case.size is MatterSize.BIG


def test_a_place_on_a_townships_border_is_in_several_grids_and_one_on_any_other_border_in_one() -> None:
    assert Course(also_grids=("990101001001002",)).case.size is MatterSize.SMALL
    course = Course(also_grids=("990101002001001",))
    assert (course.case.size, course.why[0]) == (MatterSize.BIG, "SIZE_BIG_GRIDS count=2")


def test_what_four_units_owe_is_complex_and_the_command_centre_designates() -> None:
    course = Course("2026-03-09T10:00", category=BIG, involved_units=4)
    assert (course.case.is_complex, course.case.due_at) == (True, local("2026-03-31T00:00"))
    assert course.case.lead.unit == CENTRE
    assert "LEAD_COMMAND_CENTRE_COMPLEX count=4" in course.why
    assert course.clock(Clock.MEETING).due_at == local("2026-03-12T00:00")
    over_the_festival = Course("2026-02-06T10:00", category=BIG, involved_units=4)
    assert over_the_festival.case.due_at == local("2026-03-06T00:00")


@pytest.mark.parametrize("value", [0, -3, 2.5, True, "many", "-3", "", "99999999999", None])
def test_an_extension_that_is_no_figure_says_nothing(value: Any) -> None:
    assert reach_of({"households": value}) == {}


def test_extensions_are_figures_as_numbers_or_as_text() -> None:
    said: dict[str, Any] = {"households": 3, "people": "12", "money_yuan": 5000.0, "component_id": "7"}
    assert reach_of(said) == {"households": 3, "people": 12, "money_yuan": 5000}


# ---- on the spot ------------------------------------------------------------------------------------------


def test_what_the_grid_worker_finds_makes_a_small_matter_big_without_a_breach() -> None:
    course = Course("2026-03-10T09:15")
    course.give(Assess(course.case.lead.id, households=3, people=7), "2026-03-10T15:30")
    said = course.last(TicketAssessed)
    assert (said.unit, said.households, said.people, said.money_yuan) == (GRID_UNIT, 3, 7, 0)
    found = course.last(TicketFoundBig)
    assert (found.reason, found.due_at) == (ConversionReason.BEYOND_A_DAY, local("2026-03-18T00:00"))
    assert course.case.size is MatterSize.BIG
    assert "SIZE_BIG_HOUSEHOLDS count=3" in course.why


def test_figures_within_what_may_be_small_are_kept_and_change_nothing() -> None:
    course = Course("2026-03-10T09:15")
    before = course.case.due_at
    course.give(Assess(course.case.lead.id, households=2))
    assert (course.case.size, course.case.due_at, course.why[-1]) == (MatterSize.SMALL, before, "ASSESSED")
    course.give(Assess(course.case.lead.id, money_yuan=900))
    assert course.case.extent is not None
    assert (course.case.extent.households, course.case.extent.money_yuan) == (2, 900)


def test_three_units_found_on_the_spot_make_it_big_and_complex_at_once() -> None:
    course = Course("2026-03-09T10:00")
    course.give(Assess(course.case.lead.id, units=3))
    assert (course.case.size, course.case.is_complex) == (MatterSize.BIG, True)
    assert course.last(TicketFoundComplex).due_at == local("2026-03-31T00:00")


def test_a_mark_makes_it_complex_where_the_pack_knows_it() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    course.give(Assess(course.case.lead.id, marks=(ComplexMark.CROSS_COUNTY,)))
    assert "FOUND_COMPLEX mark=CROSS_COUNTY" in course.why
    narrow = replace(BOOK, sizing=replace(BOOK.sizing, complex_marks=(ComplexMark.HISTORICAL,)))
    other = Course("2026-03-09T10:00", category=BIG, book=narrow)
    assert other.refuse(Assess(other.case.lead.id, marks=(ComplexMark.CROSS_COUNTY,))) == "NO_SUCH_MARK"
    assert other.refuse(MarkComplex("认定")) == "NO_SUCH_MARK"
    other.give(MarkComplex("历史遗留", ComplexMark.HISTORICAL))
    assert other.case.is_complex


def test_nothing_found_is_nothing_to_tell_and_only_what_is_in_hand_is_assessed() -> None:
    course = Course()
    assert course.refuse(Assess(course.case.lead.id)) == "NOTHING_ASSESSED"
    assert course.refuse(Assess(course.case.lead.id, units=2), by=actor(Role.CITIZEN)) == "ROLE_MAY_NOT"
    course.work()
    course.resolve()
    assert course.refuse(Assess(course.case.lead.id, units=2)) == "ASSIGNMENT_ENDED"


def test_a_category_that_a_person_confirms_does_not_forget_how_far_the_matter_reaches() -> None:
    course = Course(confidence=0.1, households=5)
    course.give(ConfirmCategory("150101"))
    assert course.case.size is MatterSize.BIG


# ---- coming back ------------------------------------------------------------------------------------------


def test_what_came_back_is_led_one_level_above_its_place() -> None:
    course = Course(repeat_of="00000000-0000-0000-0000-000000000005", levels_up=1)
    assert (course.case.size, course.case.lead.unit) == (MatterSize.BIG, TOWN)
    assert f"LEAD_LEVELS_UP levels=1 instead_of={GRID_UNIT} unit={TOWN}" in course.why


def test_where_the_township_may_not_lead_it_goes_to_the_department_and_a_departments_matter_to_the_centre() -> None:
    came_back: dict[str, Any] = {"repeat_of": "00000000-0000-0000-0000-000000000005", "levels_up": 1}
    cooperates = org_with(entry("15", DutyKind.COOPERATE))
    usual = Course(org=cooperates).case.lead.unit
    assert usual not in (TOWN, CENTRE)
    assert Course(org=cooperates, **came_back).case.lead.unit == CENTRE
    assert Course(category=BIG, **came_back).case.lead.unit == CENTRE
    about_the_town = Course(complained_about=TOWN, **came_back)
    assert about_the_town.case.lead.unit not in (TOWN, GRID_UNIT)


def test_two_levels_up_is_above_the_township() -> None:
    course = Course(levels_up=2)
    assert (
        course.case.lead.unit == Course(category="150101", org=org_with(entry("15", DutyKind.COOPERATE))).case.lead.unit
    )


@pytest.mark.parametrize(("before", "supervised", "is_complex"), [(1, False, False), (2, True, False), (4, True, True)])
def test_what_comes_up_again_and_again_is_supervised_and_at_last_complex(
    before: int, supervised: bool, is_complex: bool
) -> None:
    course = Course("2026-03-09T10:00", repeats_90d=before)
    assert (1 in [e.level for e in course.all(TicketEscalated) if e.clock == "REPEATS"]) is supervised
    assert (course.case.level, course.case.is_complex) == (int(supervised), is_complex)
    assert (Clock.MEETING in {key.clock for key in course.timers}) is is_complex
    course.work()
    for part in course.case.parts:
        course.give(Assess(part.id, people=1))
    course.resolve()
    assert course.all(TicketResolved)
    assert (course.case.state is TicketState.RESOLVED) is supervised, "a person looks at what came up so often"
    if supervised:
        course.give(Rework("没有修好"), by=actor(Role.AUDITOR, person="auditor-1"))
        assert course.case.state is TicketState.DISPATCHED


# ---- city-management cases --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "category", "accepted", "due"),
    [
        ("X50", "140101", "2026-03-10T16:30", "2026-03-11T11:30"),
        ("X52", "140102", "2026-03-10T12:30", "2026-03-10T15:30"),
        ("X53", "140102", "2026-03-10T06:00", "2026-03-10T10:30"),
        ("X55", "140103", "2026-03-10T08:30", "2026-03-10T17:30"),
    ],
)
def test_what_a_patrol_finds_has_the_limit_of_its_class_and_the_township_does_it(
    row: str, category: str, accepted: str, due: str
) -> None:
    basic = org_with(entry("14", DutyKind.BASIC))
    course = Course(accepted, org=basic, channel=Channel.GRID_PATROL, category=category)
    assert (course.case.size, course.case.due_at, course.case.lead.unit) == (MatterSize.UNSIZED, local(due), TOWN), row
    assert course.why[0].startswith("SIZE_CITY_CASE case_class=WH") and not course.case.parts
    course.wait(due)
    course.wait(local(due).replace(second=1))
    assert course.case.light.value == "RED" and course.case.size is MatterSize.UNSIZED, "it never turns big"


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": Channel.PHONE}, {"urgency": Urgency.U2}, {"confidential": True}, {"confidence": 0.1},
        {"ticket_type": "REPORT"}, {"category": "010101"},
    ],
)  # fmt: skip
def test_what_a_citizen_says_what_is_urgent_secret_unsure_or_of_no_class_is_no_case(changes: dict[str, Any]) -> None:
    matter: dict[str, Any] = {"channel": Channel.SENSOR, "category": "140101"}
    assert Course(**matter).case.case_class == "WH4"
    assert Course(**(matter | changes)).case.case_class is None


def test_a_patrols_find_whose_category_a_person_confirms_becomes_a_case() -> None:
    course = Course("2026-03-10T09:00", channel=Channel.GRID_PATROL, confidence=0.1, category=BIG)
    course.give(ConfirmCategory("140101"), "2026-03-10T09:10")
    assert (course.case.case_class, course.case.due_at) == ("WH4", local("2026-03-10T14:30"))


def test_a_case_that_turns_critical_is_big_and_the_danger_is_contained_first() -> None:
    course = Course("2026-03-10T09:00", channel=Channel.GRID_PATROL, category="140101")
    course.give(ChangeUrgency(Urgency.U1, "起火"))
    assert (course.case.size, course.case.case_class) == (MatterSize.BIG, None)
    assert course.case.due_at == local("2026-03-10T11:00")


# ---- late -------------------------------------------------------------------------------------------------


def test_what_waited_longer_than_it_may_for_its_first_unit_says_so() -> None:
    at: dict[str, Any] = {"accepted_at": local("2026-03-10T09:15")}
    assert not any(line.startswith("DISPATCHED_LATE") for line in Course("2026-03-10T11:20", **at).why)
    assert any(line.startswith("DISPATCHED_LATE") for line in Course("2026-03-10T11:20:01", **at).why)
    urgent = Course("2026-03-10T09:50:01", urgency=Urgency.U2, **at)
    assert any(line.startswith("DISPATCHED_LATE") for line in urgent.why)
