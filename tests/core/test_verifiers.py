"""What came back so often that a person looks at its result is accepted by another person each time."""

import pytest

from services.dispatch.core.actors import Role
from services.dispatch.core.case import TicketState
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Refused
from services.dispatch.core.triggers import Contact, PassAudit, Rework
from shared.events import TicketEvaluated
from shared.joint_events import GuardRefused
from shared.terms import FollowUpOutcome, Satisfaction
from tests.builders import ticket, triaged
from tests.core.course import BOOK, ORG, Course, actor

FIRST, SECOND, NOBODY = (actor(Role.AUDITOR, None, person) for person in ("auditor-1", "auditor-2", None))
NO = TicketEvaluated(
    cycle=1, outcome=FollowUpOutcome.ANSWERED, solved=False, satisfaction=Satisfaction.DISSATISFIED
)  # fmt: skip


def handed_in(course: Course) -> Course:
    for part in course.case.parts:
        course.work(part)
        course.resolve(part)
    course.work()
    course.resolve()
    assert course.case.state is TicketState.RESOLVED
    return course


def third() -> Course:
    """The third ticket on a matter."""
    return handed_in(Course("2026-03-10T09:15", repeats_90d=2))


def test_who_accepted_it_is_kept() -> None:
    course = third()
    course.give(PassAudit(), by=FIRST)
    assert course.case.verifiers == ("auditor-1",)


def test_after_a_citizen_said_no_somebody_else_accepts_it() -> None:
    course = third()
    course.give(PassAudit(), by=FIRST)
    course.give(NO)
    handed_in(course)
    assert course.refuse(PassAudit(), by=FIRST) == "VERIFIED_BEFORE"
    assert course.refuse(PassAudit(), by=NOBODY) == "PERSON_NEEDED"
    course.give(PassAudit(), by=SECOND)
    assert course.case.verifiers == ("auditor-1", "auditor-2")


def test_the_refusal_enters_the_burden_report() -> None:
    course = third()
    course.give(PassAudit(), by=FIRST)
    course.give(NO)
    handed_in(course)
    with pytest.raises(Refused) as refusal:
        course.give(PassAudit(), by=FIRST)
    event = refusal.value.event
    assert isinstance(event, GuardRefused) and event.rule == "ANOTHER_VERIFIER"


def test_who_sent_it_back_may_accept_what_was_mended() -> None:
    course = third()
    course.give(Rework("缺照片"), by=FIRST)
    lead = course.case.lead
    course.give(Contact(lead.id, "worker-7"))
    course.resolve()
    course.give(PassAudit(), by=FIRST)
    assert course.case.state is TicketState.FOLLOWING_UP


def test_those_of_the_earlier_ticket_come_along() -> None:
    decision = open_case(ticket(2), triaged(repeats_90d=3), BOOK, ORG, Course().now, ("auditor-1",))
    assert (decision.case.verifiers, decision.case.by_person) == (("auditor-1",), True)


def test_what_came_once_is_accepted_by_rule() -> None:
    course = Course()
    course.work()
    course.resolve()
    assert (course.case.state, course.case.verifiers) == (TicketState.FOLLOWING_UP, ())
