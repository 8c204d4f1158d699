"""What citizens and incidents ask of a ticket through the other services."""

from datetime import datetime

import pytest
from msgspec.structs import replace

from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.story import Clock, ClockKey
from services.dispatch.core.triggers import AskInfo, PassAudit
from services.dispatch.core.wish import Wish
from shared.events import TicketClosed, TicketEscalated, TicketEvaluated, TicketReopened
from shared.intake_events import (
    IncidentRecounted,
    ReopenRequested,
    TicketHastened,
    TicketNotAccepted,
    TicketSplit,
    TicketSupplemented,
    WithdrawalRequested,
)
from shared.joint_events import TicketHastenNoted, TicketUrgencyChanged, TicketWithdrawn, WishPassedOver
from shared.notify_events import ReopenAsked
from shared.terms import FollowUpOutcome, IncidentId, NotAcceptedReason, Satisfaction, SplitReason, Urgency
from tests.builders import ticket
from tests.core.course import BIG, Course, local

SATISFIED = TicketEvaluated(
    cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=True, satisfaction=Satisfaction.SATISFIED
)


def recounted(reporters: int, urgency: Urgency, supervise: int = 0) -> IncidentRecounted:
    return IncidentRecounted(
        incident_id=IncidentId(ticket(9)), tickets=reporters, reporters=reporters, mass=reporters >= 5,
        urgency=urgency, supervise=supervise,
    )  # fmt: skip


def closed() -> Course:
    """A small matter, solved and judged good on the morning of 10 March."""
    course = Course("2026-03-10T09:15")
    course.work()
    course.resolve()
    if course.case.state is TicketState.RESOLVED:
        course.give(PassAudit())
    course.give(SATISFIED)
    assert course.case.state is TicketState.CLOSED
    return course


def test_hastening_is_counted_and_moves_no_deadline() -> None:
    course = Course("2026-03-10T09:15")
    before = (course.case.due_at, dict(course.timers))
    course.give(TicketHastened(count=1), "2026-03-10T10:00")
    assert course.last(TicketHastenNoted).hastens == 1
    assert (course.case.due_at, course.timers) == before


def test_hastening_what_is_closed_meanwhile_reopens_it() -> None:
    course = closed()
    course.give(TicketHastened(count=2), "2026-03-11T09:00")
    assert (course.case.state, course.last(TicketReopened).cycle) == (TicketState.DISPATCHED, 2)


def test_the_citizens_supplement_ends_the_wait_for_it() -> None:
    course = Course("2026-03-09T10:00", category=BIG)
    course.give(AskInfo("哪一栋楼?"), "2026-03-09T14:00")
    course.give(TicketSupplemented(supplement_id=ticket(7)), "2026-03-10T14:00")
    assert course.case.state is TicketState.DISPATCHED
    assert course.case.due_at == local("2026-03-18T00:00")


def test_a_withdrawal_ends_the_matter_and_all_its_clocks() -> None:
    course = Course("2026-03-10T09:15")
    course.give(WithdrawalRequested(), "2026-03-10T10:00")
    assert course.case.state is TicketState.WITHDRAWN
    assert course.last(TicketWithdrawn).cycle == 1
    assert course.last(TicketClosed).cycle == 1
    assert course.timers == {}


@pytest.mark.parametrize(
    "wish", [ReopenRequested(by=ticket(8), closed_at=local("2026-03-10T12:00")), ReopenAsked(cycle=1)]
)
def test_who_comes_back_in_time_has_the_matter_reopened(wish: Wish) -> None:
    course = closed()
    course.give(wish, "2026-03-20T10:00")
    assert course.case.state is TicketState.DISPATCHED
    assert ClockKey(Clock.RESOLVE) in course.timers


def untouched(course: Course, wish: Wish, at: str) -> Case:
    """The case after a wish that must change nothing but say why."""
    before, stated = course.case, len(course.stated)
    course.give(wish, at)
    assert len(course.stated) == stated
    assert course.case == before
    return course.case


@pytest.mark.parametrize(
    ("wish", "at", "code"),
    [
        (ReopenAsked(cycle=1), "2026-03-26T10:00", "REOPEN_TOO_LATE"),
        (WithdrawalRequested(), "2026-03-11T10:00", "NOT_OPEN"),
        (
            TicketNotAccepted(ticket_no="1", source="s", reason=NotAcceptedReason.NO_SUBSTANCE),
            "2026-03-11T10:00",
            "NOT_OPEN",
        ),
        (
            TicketSplit(incident_id=IncidentId(ticket(9)), reason=SplitReason.OTHER_MATTER),
            "2026-03-11T10:00",
            "NOT_MERGED",
        ),
    ],
)
def test_a_wish_that_comes_too_late_changes_nothing_and_says_why(wish: Wish, at: str, code: str) -> None:
    course = closed()
    course.wait(at)
    before = course.case
    course.give(wish)
    assert course.case == replace(before, version=before.version + 1)
    name = wish.type.removeprefix("org.griddispatch.").removesuffix(".v1")
    assert course.last(WishPassedOver) == WishPassedOver(wish=name, code=code)
    assert course.why[-1] == f"WISH_PASSED_OVER code={code} wish={name}"


@pytest.mark.parametrize("news", [TicketSupplemented(supplement_id=ticket(7)), recounted(6, Urgency.U2)])
def test_news_about_a_closed_matter_is_no_wish_and_changes_nothing(news: Wish) -> None:
    untouched(closed(), news, "2026-03-11T10:00")


def test_an_urgent_matter_is_not_withdrawn() -> None:
    course = Course("2026-03-10T09:15", urgency=Urgency.U2)
    course.give(WithdrawalRequested(), "2026-03-10T09:30")
    assert course.last(WishPassedOver).code == "TOO_URGENT"
    assert course.case.state is TicketState.DISPATCHED


def test_many_reporters_make_the_matter_urgent_and_bring_it_higher() -> None:
    course = Course("2026-03-10T09:15")
    due_at: datetime = course.case.due_at
    course.give(recounted(6, Urgency.U2), "2026-03-10T10:45")
    assert course.last(TicketUrgencyChanged).urgency is Urgency.U2
    assert course.case.due_at <= due_at
    course.give(recounted(10, Urgency.U2, supervise=2), "2026-03-10T11:00")
    assert (course.last(TicketEscalated).clock, course.case.level) == ("INCIDENT", 2)


def test_fewer_reporters_take_nothing_back() -> None:
    course = Course("2026-03-10T09:15", urgency=Urgency.U2)
    course.give(recounted(1, Urgency.U3), "2026-03-10T10:00")
    assert course.case.urgency is Urgency.U2
