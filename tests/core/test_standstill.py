"""Force majeure, by an order of the county: clocks of the area stand still, and deadlines move by what they stood."""

from dataclasses import replace
from datetime import date

import pytest

from services.dispatch.core.case import Case
from services.dispatch.core.org import Org
from services.dispatch.core.sheets import Validity
from services.dispatch.core.standstill import concerns, ordered
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import AskInfo, Rework, Sign, SupplyInfo
from shared.events import TicketEvaluated
from shared.joint_events import TicketDeadlineRecounted
from shared.terms import AssignmentKind, FollowUpOutcome, MatterSize, Satisfaction, Urgency
from tests.core.course import BIG, BOOK, ORG, Course, local, supported

FLOOD = Standstill("FM-2026-01", "县应急〔2026〕3号", ("990101001",), Validity(date(2026, 3, 11), date(2026, 3, 12)))
"""Wednesday and Thursday."""


def flooded(order: Standstill = FLOOD) -> Org:
    return replace(ORG, standstills=(order,))


def order(course: Course, told: Standstill = FLOOD) -> None:
    """Let the order reach a ticket in hand, with its clocks as they run."""
    course.give(ordered(told, BOOK.calendar, tuple(course.timers.values())))


def test_a_big_matter_is_due_by_as_many_working_days_later_as_the_clocks_stood_still() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    assert course.case.due_at == local("2026-03-17T00:00")
    order(course)
    assert course.case.due_at == course.case.lead.due_at == local("2026-03-19T00:00")
    assert course.clock(Clock.RESOLVE).due_at == local("2026-03-19T00:00")
    assert "STOOD_STILL order=FM-2026-01 until=2026-03-12T16:00:00+00:00" in course.why
    assert {said.clock for said in course.all(TicketDeadlineRecounted)} >= {"RESOLVE"}


def test_what_comes_in_during_the_order_or_before_it_is_given_the_time_at_once() -> None:
    during = Course("2026-03-11T10:00", org=flooded())
    assert (during.case.size, during.case.due_at) == (MatterSize.SMALL, local("2026-03-14T00:00"))
    before = Course("2026-03-09T10:00", org=flooded(), category=BIG)
    assert before.case.due_at == local("2026-03-19T00:00")
    after = Course("2026-03-13T10:00", org=flooded())
    assert after.case.due_at == local("2026-03-14T00:00")


def test_an_urgent_matter_stands_still_to_the_microsecond_and_a_critical_one_never() -> None:
    urgent = Course("2026-03-10T22:00", org=flooded(), urgency=Urgency.U2, category="070101", ticket_type="HELP")
    assert urgent.case.due_at == local("2026-03-13T22:00"), "24 hours, 48 of which do not count"
    critical = Course("2026-03-10T23:00", org=flooded(), urgency=Urgency.U1, category="070101", ticket_type="HELP")
    assert critical.case.due_at == local("2026-03-11T01:00")


def test_the_clocks_of_single_steps_and_of_supporting_units_stand_still_too() -> None:
    course = supported("2026-03-10T17:00")
    part = course.part(AssignmentKind.SUPPORT)
    lead = course.case.lead
    assert (lead.sign_by, part.due_at) == (local("2026-03-11T12:00"), local("2026-03-14T00:00"))
    order(course)
    assert course.case.lead.sign_by == local("2026-03-13T12:00")
    assert course.clock(Clock.SIGN, lead.id).due_at == local("2026-03-13T12:00")
    assert course.part(AssignmentKind.SUPPORT).due_at == local("2026-03-18T00:00")
    assert course.clock(Clock.PART, part.id).due_at == local("2026-03-18T00:00")
    course.wait("2026-03-13T11:00")
    assert course.case.lead.signed_at is None, "nobody is deemed to have signed under water"


def test_a_part_that_is_due_with_its_ticket_moves_with_it() -> None:
    urgent = supported("2026-03-10T22:00", urgency=Urgency.U2)
    part = urgent.part(AssignmentKind.SUPPORT)
    assert part.due_at == urgent.case.due_at
    order(urgent)
    assert urgent.part(AssignmentKind.SUPPORT).due_at == urgent.case.due_at == local("2026-03-13T22:00")
    assert urgent.clock(Clock.PART, part.id).due_at == local("2026-03-13T22:00")


def test_the_same_order_moves_a_ticket_once() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    order(course)
    before, said = course.case, len(course.stated)
    order(course)
    assert (course.case, len(course.stated)) == (before, said)
    assert not concerns(FLOOD, before, BOOK.calendar)


@pytest.mark.parametrize(
    ("townships", "changes", "is_concerned"),
    [
        (("990101001",), {}, True), (("*",), {}, True), (("990101100",), {}, False),
        (("990101001",), {"urgency": Urgency.U1}, False),
    ],
)  # fmt: skip
def test_an_order_concerns_what_is_in_hand_in_its_area(
    townships: tuple[str, ...], changes: dict[str, Urgency], is_concerned: bool
) -> None:
    def case_of(at: str) -> Case:
        return Course(at, category=BIG, urgency=changes.get("urgency", Urgency.U3)).case

    told = FLOOD._replace(townships=townships)
    assert concerns(told, case_of("2026-03-11T00:30"), BOOK.calendar) is is_concerned
    assert not concerns(told, case_of("2026-03-13T00:30"), BOOK.calendar)


def test_a_deadline_that_had_passed_when_the_order_began_stays_a_breach() -> None:
    course = Course("2026-03-09T10:00")
    course.give(Sign(course.case.lead.id))
    course.wait("2026-03-10T09:00")
    missed = course.case.due_at
    assert course.case.size is MatterSize.BIG and course.case.light.value == "RED"
    order(course)
    assert (course.case.light.value, course.case.due_at > missed) == ("RED", True), "the deadline of the big one moves"


# ---- what was not in hand when the order came -------------------------------------------------------------

NO = TicketEvaluated(cycle=1, outcome=FollowUpOutcome.ANSWERED, solved=False, satisfaction=Satisfaction.DISSATISFIED)
LOOKED_AT = replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset()))


def test_what_was_handed_in_and_is_sent_back_is_given_what_is_left_of_the_order() -> None:
    dry, wet = (Course("2026-03-10T09:15", book=LOOKED_AT) for _ in range(2))
    for course in (dry, wet):
        course.work()
        course.resolve()
    wet.org = flooded()  # the order is heard while its result lies with the auditor
    for course in (dry, wet):
        course.give(Rework("缺照片"), "2026-03-11T10:00")
    assert dry.case.due_at == local("2026-03-12T00:00")
    assert (wet.case.due_at, wet.case.standstills) == (local("2026-03-14T00:00"), (FLOOD.id,))


def test_an_order_that_is_over_gives_nothing_to_what_is_sent_back_after_it() -> None:
    course = Course("2026-03-10T09:15", book=LOOKED_AT)
    course.work()
    course.resolve()
    course.org = flooded()
    course.give(Rework("缺照片"), "2026-03-13T10:00")
    assert (course.case.due_at, course.case.standstills) == (local("2026-03-14T00:00"), ())


def test_a_pause_and_an_order_do_not_give_the_same_day_twice() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    course.give(AskInfo("哪一段?"), "2026-03-10T10:00")
    course.org = flooded()
    course.give(SupplyInfo(), "2026-03-12T10:00")
    # Two days of opening time passed while the citizen was asked, and what is left of Thursday is one more.
    assert course.case.due_at == local("2026-03-20T00:00")


def test_a_round_that_begins_during_the_order_is_given_its_time() -> None:
    course = Course("2026-03-10T09:15", org=flooded())
    course.work()
    course.resolve()
    course.give(NO, "2026-03-11T10:00")
    assert (course.case.cycle, course.case.due_at) == (2, local("2026-03-14T00:00"))
    assert course.case.standstills == (FLOOD.id,)
