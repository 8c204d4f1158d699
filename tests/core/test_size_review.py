"""What a township could do and no list calls small: a person has some minutes to make it small, or it stays big."""

from typing import Any
from uuid import UUID

import pytest

from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import ConfirmCategory
from shared.events import TicketEscalated
from shared.joint_events import TicketCategoryConfirmed
from shared.terms import MatterSize, Urgency
from tests.core.course import BIG, GRID_UNIT, TOWN, Course, entry, local, org_with

BASIC = org_with(entry("18", DutyKind.BASIC))
"""The township may lead what the list of small matters has not."""
SMALL = ConfirmCategory(BIG, small=True)


def doubtful(at: str = "2026-03-10T09:15", **changes: Any) -> Course:
    return Course(at, category=BIG, **({"org": BASIC} | changes))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-03-10T09:15", "2026-03-10T09:25"), ("2026-03-10T11:55", "2026-03-10T13:35"),
        ("2026-03-13T17:25", "2026-03-16T08:35"), ("2026-03-14T20:00", "2026-03-16T08:40"),
    ],
)  # fmt: skip
def test_it_is_at_work_as_big_and_looked_at_for_ten_minutes_of_opening_time(at: str, until: str) -> None:
    course = doubtful(at)
    assert (course.case.size, course.case.state) == (MatterSize.BIG, TicketState.DISPATCHED)
    assert course.clock(Clock.SIZE).due_at == local(until)


@pytest.mark.parametrize(
    "changes",
    [
        {"org": org_with(entry("18", DutyKind.COOPERATE))}, {"org": org_with()}, {"grid": None, "place_level": "VILLAGE"},
        {"confidence": 0.1}, {"confidential": True}, {"ticket_type": "REPORT"}, {"urgency": Urgency.U1},
        {"reporters": 5}, {"repeats_30d": 2}, {"repeats_90d": 4}, {"levels_up": 1, "repeat_of": UUID(int=5)},
        {"complained_about": TOWN}, {"involved_units": 2},
    ],
)  # fmt: skip
def test_what_a_rule_calls_big_or_its_place_may_not_lead_is_in_no_doubt(changes: dict[str, Any]) -> None:
    assert not doubtful(**changes).case.clocks.keys() & {"SIZE"}


def test_what_is_small_is_in_no_doubt() -> None:
    course = Course(org=org_with(entry("15", DutyKind.BASIC)))
    assert (course.case.size, "SIZE" in course.case.clocks) == (MatterSize.SMALL, False)


def test_a_person_makes_it_small_and_its_place_leads_alone_with_the_limit_of_a_small_matter() -> None:
    course = doubtful()
    first = course.case.lead
    course.give(SMALL, "2026-03-10T09:25")
    case = course.case
    assert (case.size, case.lead.unit, case.due_at) == (MatterSize.SMALL, GRID_UNIT, local("2026-03-11T00:00"))
    assert case.parts == ()
    former = case.assignment(first.id)
    assert former is not None and former.state is AssignmentState.RECALLED
    assert {key.clock for key in course.timers} == {Clock.SIGN, Clock.CONTACT, Clock.RESOLVE}
    assert course.clock(Clock.RESOLVE).due_at == local("2026-03-11T00:00")
    assert course.last(TicketCategoryConfirmed).size is MatterSize.SMALL


def test_undecided_it_stays_big_and_nobody_is_blamed() -> None:
    course = doubtful()
    before = course.case.due_at
    course.wait("2026-03-10T09:25")
    assert "SIZE" in course.case.clocks, "the deadline itself is in time"
    course.wait("2026-03-10T09:25:01")
    assert "SIZE_BIG_UNDECIDED" in course.why
    assert (course.case.size, course.case.due_at, course.all(TicketEscalated)) == (MatterSize.BIG, before, [])
    assert course.refuse(SMALL) == "NOT_IN_REVIEW"


def test_a_confirmed_category_that_is_not_called_small_ends_the_doubt() -> None:
    course = doubtful()
    course.give(ConfirmCategory(BIG))
    assert ("SIZE" in course.case.clocks, course.case.size) == (False, MatterSize.BIG)
    assert course.last(TicketCategoryConfirmed).size is None


def test_nobody_makes_small_what_is_in_no_doubt() -> None:
    assert Course(category=BIG).refuse(SMALL) == "NOT_IN_REVIEW"
    assert Course().refuse(ConfirmCategory("150101", small=True)) == "NOT_IN_REVIEW"
