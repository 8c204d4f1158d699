"""Putting tickets away: only what ended, only when nobody can bring it back, and then for good."""

from dataclasses import replace
from datetime import timedelta

from services.dispatch.core.case import TicketState
from services.dispatch.core.story import ArchiveDue
from services.dispatch.core.triggers import Reopen
from shared.ending_events import TicketArchived
from shared.intake_events import TicketHastened
from shared.joint_events import WishPassedOver
from tests.core.course import BOOK, TICK, Course

SOON = replace(BOOK, archive=replace(BOOK.archive, after_days=30))


def answered() -> Course:
    """A question that was answered in the call, in a county that puts tickets away after thirty days."""
    return Course("2026-03-09T11:00", book=SOON, ticket_type="CONSULT", answered_by="K-1")


def test_a_ticket_is_put_away_once_its_time_is_over_and_not_before() -> None:
    course = answered()
    course.now += timedelta(days=30) - TICK
    assert course.give(ArchiveDue()) == []
    assert course.why[-1] == "ARCHIVE_TOO_EARLY state=ANSWERED"
    course.now += TICK
    course.give(ArchiveDue())
    assert course.last(TicketArchived).ended_as == "ANSWERED"
    assert (course.case.state, course.case.previous_state) == (TicketState.ARCHIVED, TicketState.ANSWERED)
    assert course.case.closed_at is not None


def test_what_is_in_hand_is_never_put_away() -> None:
    course = Course("2026-03-09T11:00", book=SOON)
    before = course.case
    course.now += timedelta(days=4000)
    assert course.give(ArchiveDue()) == []
    assert course.case == before


def test_it_is_put_away_once() -> None:
    course = answered()
    course.now += timedelta(days=30)
    course.give(ArchiveDue())
    assert course.give(ArchiveDue()) == []
    assert len(course.all(TicketArchived)) == 1


def test_what_is_put_away_cannot_be_brought_back() -> None:
    course = answered()
    course.now += timedelta(days=30)
    course.give(ArchiveDue())
    assert course.refuse(Reopen("再看看")) == "NOT_CLOSED"
    course.give(TicketHastened(count=1))
    assert course.last(WishPassedOver).code == "NOT_CLOSED"
    assert course.case.state is TicketState.ARCHIVED
