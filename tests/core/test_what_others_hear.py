"""What tickets of one incident tell each other, a second look at lost clocks, and the views that leave the core."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import TypeAdapter, ValidationError

from services.dispatch.core.case import Case, Merge, TicketState
from services.dispatch.core.family_words import ChildJoined, ChildLeft, MainEnded, MainResolved
from services.dispatch.core.fields import Text
from services.dispatch.core.incidents import answer_to_child, sequels, word_to_children
from services.dispatch.core.story import Clock, ClockKey, ClockLost
from services.dispatch.core.views import queue_line, snapshot, ticket_view
from shared.terms import AssignmentId, AssignmentKind
from tests.builders import TUESDAY_MORNING, ticket
from tests.core.course import Course, supported

ALONE = Course().case


def waits(into: int, *, said: bool = True) -> Case:
    """It waits for the n-th ticket; intake has said so, or triage alone."""
    return replace(ALONE, state=TicketState.MERGED, merge=Merge(ticket(into), is_said=said))


JOINED = ChildJoined(ALONE.ticket_id, ALONE.due_at, True)
LEFT = ChildLeft(ALONE.due_at)


@pytest.mark.parametrize(
    ("before", "after", "heard", "told"),
    [
        (ALONE, waits(9), None, [(ticket(9), JOINED)]),
        (None, waits(9), None, [(ticket(9), JOINED)]),
        (waits(9, said=False), waits(9), None, [(ticket(9), JOINED)]),
        (waits(9, said=False), waits(9, said=False), None, []),
        (waits(9), ALONE, None, [(ticket(9), LEFT)]),
        (waits(9), ALONE, MainEnded(ticket(9)), []),
        (waits(9), waits(8), None, [(ticket(9), LEFT), (ticket(8), JOINED)]),
        (waits(9), waits(9), None, []),
        (ALONE, ALONE, None, []),
    ],
)
def test_the_other_ticket_hears_who_joins_and_who_leaves(
    before: Case | None, after: Case, heard: MainEnded | None, told: list[Any]
) -> None:
    assert sequels(before, after, heard) == told


def test_those_who_wait_hear_how_it_ended_and_once() -> None:
    closed = replace(ALONE, state=TicketState.CLOSED, closed_at=TUESDAY_MORNING)
    withdrawn = replace(ALONE, state=TicketState.WITHDRAWN, closed_at=TUESDAY_MORNING)
    assert word_to_children(ALONE, closed) == MainResolved(ALONE.ticket_id, ALONE.lead.unit)
    assert word_to_children(None, withdrawn) == answer_to_child(withdrawn) == MainEnded(ALONE.ticket_id)
    assert word_to_children(closed, closed) is word_to_children(ALONE, ALONE) is answer_to_child(ALONE) is None


def test_a_ticket_in_hand_gets_its_lost_clock_back_and_no_other_does() -> None:
    course = Course()
    course.case = replace(course.case, clocks={})
    course.timers.clear()
    course.give(ClockLost())
    assert course.timers.keys() == {ClockKey(Clock.RESOLVE)}
    course.case = replace(course.case, state=TicketState.RESOLVED)
    assert course.give(ClockLost()) == []


def test_a_word_to_a_ticket_that_no_longer_waits_changes_nothing() -> None:
    course = Course()
    before = course.case
    course.give(MainResolved(ticket(9), "transport"))
    course.give(MainEnded(ticket(9)))
    assert (course.case, course.why[-1]) == (before, "WAITS_NO_LONGER")


def test_the_views_show_the_live_lead_last_and_every_field() -> None:
    case = supported().case
    view = ticket_view(case)
    assert view["assignments"][-1]["kind"] == AssignmentKind.LEAD and view["moves"] == ()
    assert snapshot(case).unit == case.lead.unit
    assert snapshot(waits(9)).state == "MERGED"
    line = queue_line(case, case.lead.id)
    assert (line["id"], line["ticket_no"]) == (case.lead.id, case.ticket_no)
    with pytest.raises(LookupError):
        queue_line(case, AssignmentId(ticket(5)))


@pytest.mark.parametrize("text", ["a\x00", "\ud800", "", "x" * 4001])
def test_what_cannot_be_stored_is_no_text(text: str) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(Text)
    assert adapter.validate_python("路灯") == "路灯"
    with pytest.raises(ValidationError):
        adapter.validate_python(text)


@pytest.mark.parametrize("own_follow_up", [True, False])
def test_who_asks_again_about_a_closed_matter_reopens_it_if_it_still_may_be(own_follow_up: bool) -> None:
    course = Course()
    course.case = replace(
        course.case, state=TicketState.CLOSED, previous_state=TicketState.FOLLOWING_UP, closed_at=course.now, clocks={},
        assignments=tuple(replace(share, ended_at=course.now) for share in course.case.assignments),
    )  # fmt: skip
    closed = course.case
    course.give(ChildJoined(ticket(7), closed.due_at, own_follow_up))
    assert (course.case.state is TicketState.DISPATCHED) is not own_follow_up
    course.case, course.now = closed, course.now + timedelta(days=99)
    course.give(ChildJoined(ticket(7), closed.due_at, own_follow_up))
    assert course.case == closed, "too late: it stays closed"
