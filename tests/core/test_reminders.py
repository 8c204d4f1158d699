"""Whom a reminder names: the worker of the grid who has it in hand, by staff number; nobody's name, and no one else."""

from dataclasses import replace
from datetime import date

from services.dispatch.core.roster import Worker, WorkerRole, Workers
from services.dispatch.core.sheets import Validity
from services.dispatch.core.triggers import Contact, Sign
from shared.events import TicketReminded
from tests.core.course import BIG, GRID_UNIT, ORG, Course

GRID = GRID_UNIT.partition(":")[2]
UNTIL_THE_TENTH = Validity(date(2026, 1, 1), date(2026, 3, 10))
STAFFED = replace(
    ORG,
    workers=Workers.of([
        Worker("W1-01", WorkerRole.WORKER, GRID, UNTIL_THE_TENTH), Worker("L1-01", WorkerRole.LEADER, GRID),
        Worker("W1-02", WorkerRole.WORKER, GRID, Validity(date(2026, 3, 11), date(2026, 12, 31))),
    ]),
)  # fmt: skip
EVENING = "2026-03-10T17:30"
"""Accepted after the cut-off: due the next day, and reminded of that in its morning."""


def reminded(course: Course) -> list[tuple[str, str | None]]:
    """Which unit and which person were reminded until the next morning."""
    course.wait("2026-03-11T09:00")
    return [(e.unit, e.person) for e in course.all(TicketReminded)]


def signed(by: str) -> Course:
    """A street lamp that somebody signed for."""
    course = Course(EVENING, org=STAFFED)
    course.give(Sign(course.case.lead.id, by))
    course.give(Contact(course.case.lead.id, by))
    return course


def test_the_worker_who_signed_is_reminded_and_before_that_who_is_accountable() -> None:
    assert reminded(signed("L1-01")) == [(GRID_UNIT, "L1-01")]
    unsigned = Course(EVENING, org=STAFFED)
    assert reminded(unsigned) == [(GRID_UNIT, "W1-02")], "of that day, not of the day it came in"


def test_a_handler_whom_the_area_does_not_know_is_named_in_no_event() -> None:
    course = signed("某某某")
    assert reminded(course) == [(GRID_UNIT, None)]
    assert not any("某某某" in event.model_dump_json() for event in course.stated)


def test_a_worker_who_left_meanwhile_is_not_reminded() -> None:
    assert reminded(signed("W1-01")) == [(GRID_UNIT, None)]


def test_where_nobody_is_accountable_the_unit_is_reminded() -> None:
    leaderless = replace(ORG, workers=Workers.of([Worker("L1-01", WorkerRole.LEADER, GRID)]))
    for org in (ORG, leaderless):
        course = Course(EVENING)
        course.org = org
        assert reminded(course) == [(GRID_UNIT, None)]


def test_a_department_is_reminded_as_a_unit() -> None:
    course = Course("2026-03-09T10:00", org=STAFFED, category=BIG)
    course.wait("2026-03-13T09:00")
    assert {(e.unit, e.person) for e in course.all(TicketReminded)} == {("natural-resources", None)}
