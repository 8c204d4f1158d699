"""Queues are in the order of deadlines, but for what was raised: by the citizen's need, or by asking again."""

from datetime import timedelta

from services.dispatch.core.triggers import Hasten
from services.dispatch.core.views import snapshot, ticket_view
from tests.core.course import BIG, Course

STEP = timedelta(hours=24)
"""Of the default pack."""


def test_an_ordinary_matter_stands_where_its_deadline_is() -> None:
    case = Course().case
    assert case.queue_at == case.due_at


def test_somebody_in_difficulty_stands_a_step_up_and_is_due_when_everybody_is() -> None:
    ordinary, pressing = Course(category=BIG).case, Course(category=BIG, vulnerable=True).case
    assert pressing.due_at == ordinary.due_at
    assert pressing.queue_at == ordinary.queue_at - STEP


def test_each_hastening_that_counts_is_a_step_up_and_no_deadline_moves() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    due_at, places = course.case.due_at, []
    for at in ("2026-03-09T11:00", "2026-03-09T12:00", "2026-03-10T09:00"):
        course.give(Hasten(), at)
        places.append(course.case.queue_at)
    assert places == [due_at - STEP, due_at - STEP, due_at - 2 * STEP]
    assert course.case.due_at == due_at


def test_need_and_hastening_come_together_and_the_place_moves_with_the_deadline() -> None:
    course = Course("2026-03-10T09:15", vulnerable=True)
    course.give(Hasten(), "2026-03-10T10:00")
    course.wait("2026-03-11T00:00:01")  # it missed its day, and is big
    assert course.case.queue_at == course.case.due_at - 2 * STEP


def test_others_see_the_place_and_not_why() -> None:
    course = Course(vulnerable=True)
    assert snapshot(course.case).queue_at == course.case.queue_at
    assert not {"vulnerable", "raised"} & ticket_view(course.case).keys()
