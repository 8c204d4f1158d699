"""Every figure of a dispatch pack does something: what another figure changes, one by one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.deadlines import parse_limit
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.rulebook import Rulebook, load_rulebook
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import AskExtension, GrantExtension, Hasten, Redispatch, RefuseExtension
from shared.events import TicketEscalated
from shared.joint_events import TicketHastenNoted
from tests.builders import calendar, categories, pack
from tests.core.course import BIG, BOOK, TOWN, Course, actor, entry, local, org_with, urgent

CENTRE = actor(Role.COMMAND_CENTRE)


def book_with(section: str, key: str, value: object) -> Rulebook:
    """The default pack with one figure changed, read as it is read."""
    source = pack()
    source[section][key] = value
    return load_rulebook(source, categories(), calendar())


def test_a_step_up_a_queue_is_as_long_as_the_pack_says() -> None:
    near = Course(vulnerable=True, book=book_with("supervision", "queue_step", "30 min")).case
    assert near.queue_at == near.due_at - timedelta(minutes=30)


def test_a_doubtful_size_is_looked_at_for_as_long_as_the_pack_says() -> None:
    changed = book_with("sizing", "review_within", "2 WH")
    course = Course("2026-03-10T09:15", category=BIG, org=org_with(entry("18", DutyKind.BASIC)), book=changed)
    assert course.clock(Clock.SIZE).due_at == local("2026-03-10T11:15")


def test_so_many_hastens_a_day_are_counted_as_the_pack_says() -> None:
    for book, counted in (
        (BOOK, [True, False, False]),
        (book_with("supervision", "hastens_counted_per_day", 2), [True, True, False]),
    ):
        course = Course(book=book)
        for _ in range(3):
            course.give(Hasten())
        assert [said.counted for said in course.all(TicketHastenNoted)] == counted
        course.give(Hasten(), "2026-03-11T10:00")
        assert course.last(TicketHastenNoted).counted, "a new day"


def test_more_time_is_asked_for_as_often_as_the_pack_says() -> None:
    once = Course("2026-03-09T10:00", category=BIG)
    twice = Course("2026-03-09T10:00", category=BIG, book=book_with("extension", "times", 2))
    for course in (once, twice):
        course.give(AskExtension("1 WD", "缺料"))
        assert course.refuse(AskExtension("1 WD", "再等")) == "EXTENDED_BEFORE", "the first is not decided yet"
        course.give(GrantExtension(), by=CENTRE)
    assert once.refuse(AskExtension("1 WD", "再等")) == "EXTENDED_BEFORE"
    twice.give(AskExtension("1 WD", "再等"))
    twice.give(RefuseExtension("不行"), by=CENTRE)
    assert twice.refuse(AskExtension("1 WD", "三次")) == "EXTENDED_BEFORE"


@pytest.mark.parametrize(("span", "level_3_at"), [("60 min", "2026-03-15T00:20"), ("2 NH", "2026-03-15T01:20")])
def test_where_nobody_came_to_a_critical_matter_the_last_level_is_reached_so_long_after_the_order(
    span: str, level_3_at: str
) -> None:
    course = urgent(book=book_with("supervision", "critical_arrival_level_3", span))
    course.wait(level_3_at)
    assert [e.level for e in course.all(TicketEscalated) if e.clock == "ARRIVAL"] == [1, 2]
    course.wait(f"{level_3_at}:01")
    assert [e.level for e in course.all(TicketEscalated) if e.clock == "ARRIVAL"] == [1, 2, 3]


def test_where_the_pack_says_so_not_even_a_township_is_told_to_enforce() -> None:
    listed = org_with(entry("15", DutyKind.BASIC))
    allowed = Course(org=listed)
    allowed.give(Redispatch(TOWN, "查处", enforces=True))
    assert allowed.case.lead.unit == TOWN
    narrow = Course(org=listed, book=book_with("duties", "enforcement_levels", []))
    assert narrow.refuse(Redispatch(TOWN, "查处", enforces=True)) == "ENFORCEMENT_NOT_TO_GRID"


def test_the_times_for_taking_on_and_for_dispatching_are_one_span_for_the_first_unit() -> None:
    source = pack()
    source["timers"]["accept"]["SMALL"] = "1 NH"
    source["timers"]["accept"]["BIG"] = "1 NH"
    short = load_rulebook(source, categories(), calendar())
    assert (BOOK.assigned_within["SMALL"], short.assigned_within["SMALL"]) == (
        parse_limit("125 min").time, parse_limit("65 min").time,  # type: ignore[union-attr]
    )  # fmt: skip


def test_the_audit_of_what_came_up_often_follows_the_figure_of_the_pack() -> None:
    late = replace(BOOK, repeats=replace(BOOK.repeats, supervise_from=4, complex_from=6))
    assert not Course(repeats_90d=2, book=late).case.by_person
    assert Course(repeats_90d=3, book=late).case.by_person
