"""Answering directly: what an answer is the end of, what it is not, and what follows when it was none."""

from typing import Any

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.story import Clock
from services.dispatch.core.triggers import Answer, Contact, Hasten, Reopen, Sign
from shared.ending_events import TicketAnswered
from shared.events import TicketAssigned, TicketEvaluated, TicketReopened
from shared.intake_events import ReopenRequested, WithdrawalRequested
from shared.joint_events import TicketRecalled, WishPassedOver
from shared.terms import FollowUpOutcome, Satisfaction
from tests.core.course import Course, actor, local

ENTRY = "K-2026-0031"
ANSWER = Answer(ENTRY, "带身份证和户口簿，周六也办")


def asked(at: str | None = "2026-03-09T11:00", **changes: Any) -> Course:
    """A policy question; with `answered_by` one that was answered in the call."""
    return Course(at, **({"ticket_type": "CONSULT", "category": "200101"} | changes))


def said(*, solved: bool, cycle: int = 1) -> TicketEvaluated:
    """What a citizen who is asked about the answer says."""
    word = Satisfaction.SATISFIED if solved else Satisfaction.DISSATISFIED
    return TicketEvaluated(
        cycle=cycle, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=solved, satisfaction=word
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["CONSULT", "SUGGESTION", "PRAISE"])
def test_what_is_answered_in_the_call_ends_there_and_no_unit_hears_of_it(kind: str) -> None:
    course = asked(ticket_type=kind, answered_by=ENTRY)
    (told,) = course.stated
    assert isinstance(told, TicketAnswered)
    assert (told.knowledge, told.unit, told.cycle) == (ENTRY, "command-centre", 1)
    assert (course.case.state, course.case.closed_at) == (TicketState.ANSWERED, local("2026-03-09T11:00"))
    assert (course.case.assignments, course.timers) == ((), {})


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"ticket_type": "COMPLAINT"}, "NOT_ANSWERABLE"), ({"ticket_type": "REPORT"}, "NOT_ANSWERABLE"),
     ({"urgency": "U2"}, "TOO_URGENT_TO_ANSWER"), ({"urgency": "U1"}, "TOO_URGENT_TO_ANSWER")],
)  # fmt: skip
def test_what_an_answer_does_not_settle_goes_its_usual_way(changes: dict[str, Any], code: str) -> None:
    course = asked(answered_by=ENTRY, **changes)
    assert course.case.state is TicketState.DISPATCHED
    assert f"ANSWER_NOT_ENOUGH code={code} knowledge={ENTRY}" in course.why
    assert course.all(TicketAssigned)


def test_an_agent_answers_later_and_whoever_has_it_is_recalled() -> None:
    course = asked()
    course.give(Sign(course.case.lead.id, "worker-7"))
    course.give(ANSWER, "2026-03-09T11:20", by=actor(Role.HOTLINE_AGENT, person="agent-3"))
    assert course.case.state is TicketState.ANSWERED
    assert course.last(TicketAnswered).knowledge == course.case.knowledge == ENTRY
    assert [a.state for a in course.case.assignments] == [AssignmentState.RECALLED]
    assert course.last(TicketRecalled).unit == course.case.assignments[0].unit
    assert course.timers == {}


def test_the_words_of_the_answer_are_kept_apart_from_its_event() -> None:
    course = asked()
    decision = course.give(ANSWER)
    assert all("身份证" not in event.model_dump_json() for event in decision)


def test_once_a_unit_has_begun_it_is_the_unit_that_answers() -> None:
    course = asked()
    course.give(Sign(course.case.lead.id, "worker-7"))
    course.give(Contact(course.case.lead.id, "worker-7"))
    assert course.refuse(ANSWER) == "UNIT_HAS_BEGUN"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"ticket_type": "HELP"}, "NOT_ANSWERABLE"), ({"urgency": "U2"}, "TOO_URGENT_TO_ANSWER")],
)
def test_a_complaint_or_an_urgent_matter_is_not_answered_away(changes: dict[str, Any], code: str) -> None:
    assert asked(**changes).refuse(ANSWER) == code


@pytest.mark.parametrize("role", [Role.CITIZEN, Role.HANDLER, Role.LIAISON, Role.DISPATCHER])
def test_only_the_hotline_answers_directly(role: Role) -> None:
    assert asked().refuse(ANSWER, by=actor(role)) == "ROLE_MAY_NOT"


def test_what_has_ended_is_not_answered_again() -> None:
    course = asked()
    course.give(ANSWER)
    assert course.refuse(ANSWER) == "NOT_DISPATCHED"
    assert course.refuse(Hasten()) == "NOT_OPEN"


@pytest.mark.parametrize(
    "word", [said(solved=True), TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE)], ids=["yes", "silence"]
)
def test_an_answer_stands_when_its_citizen_agrees_or_is_not_reached(word: TicketEvaluated) -> None:
    course = asked(answered_by=ENTRY)
    before = course.case
    assert course.give(word, "2026-03-10T10:00") == []
    assert course.case == before
    assert course.why[-1] == f"ANSWER_STANDS outcome={word.outcome}"


def test_a_citizen_for_whom_it_was_no_answer_has_the_matter_handled_within_its_whole_limit() -> None:
    course = asked(answered_by=ENTRY)
    course.give(said(solved=False), "2026-03-12T10:00")
    assert (course.case.state, course.case.cycle, course.case.closed_at) == (TicketState.DISPATCHED, 2, None)
    assert course.case.due_at == course.last(TicketReopened).due_at == local("2026-03-17T00:00"), "2 WD from Thursday"
    assert course.last(TicketAssigned).cycle == 2
    assert course.clock(Clock.RESOLVE).started_at == local("2026-03-12T10:00")


@pytest.mark.parametrize("before_dispatch", [True, False])
def test_the_citizen_may_come_back_for_fifteen_days_and_no_longer(before_dispatch: bool) -> None:
    course = asked(answered_by=ENTRY if before_dispatch else None)
    if not before_dispatch:
        course.give(ANSWER)
    late = asked(answered_by=ENTRY)
    course.give(Reopen("没答到点子上"), "2026-03-24T23:00")
    assert (course.case.state, course.case.cycle) == (TicketState.DISPATCHED, 2)
    assert late.refuse(Reopen("没答到点子上"), "2026-03-25T09:00") == "REOPEN_TOO_LATE"


def test_through_the_other_services_it_comes_back_just_so() -> None:
    course = asked(answered_by=ENTRY)
    course.give(ReopenRequested(closed_at=course.now), "2026-03-10T09:00")
    assert (course.case.state, course.case.cycle) == (TicketState.DISPATCHED, 2)
    course.give(WithdrawalRequested())
    assert (course.case.state, course.case.cycle) == (TicketState.WITHDRAWN, 2)


def test_a_word_on_an_answer_that_was_taken_back_comes_too_late() -> None:
    course = asked(answered_by=ENTRY)
    course.give(Reopen("没答到点子上"))
    assert course.give(said(solved=False)) == []
    assert course.case.cycle == 2


def test_after_it_was_taken_on_a_word_is_one_on_the_work() -> None:
    course = asked(answered_by=ENTRY)
    course.give(Reopen("没答到点子上"))
    course.work()
    course.resolve()
    course.give(said(solved=True, cycle=2))
    assert course.case.state is TicketState.CLOSED
    assert not course.all(WishPassedOver)
