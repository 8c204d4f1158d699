"""The published table against what is really done: every step of it is taken by some command, word, clock or opening."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from services.dispatch.core import triggers as t
from services.dispatch.core.actors import Role
from services.dispatch.core.case import Assignment, AssignmentState, TicketState
from services.dispatch.core.family_words import MainResolved
from services.dispatch.core.lifecycle import (
    ASSIGNMENT_ROWS,
    ASSIGNMENT_TRANSITIONS,
    FINAL_TICKET_STATES,
    TICKET_ROWS,
    TICKET_TRANSITIONS,
    UNFINISHED,
)
from services.dispatch.core.story import ArchiveDue
from services.dispatch.core.wish import Wish
from shared.events import EVENT_TYPES, INTAKE_TYPES, TicketEvaluated
from shared.intake_events import (
    TicketNotAccepted,
    TicketRouted,
    TicketSplit,
    TicketTransferred,
    WithdrawalRequested,
)
from shared.terms import (
    AssignmentKind,
    FollowUpOutcome,
    IncidentId,
    LeadId,
    NotAcceptedReason,
    ReturnReason,
    Satisfaction,
    SplitReason,
    TransferTarget,
    Urgency,
)
from tests.builders import ticket
from tests.core.course import BOOK, Course, actor, supported

S, A = TicketState, AssignmentState
STRICT = replace(
    BOOK, returns=replace(BOOK.returns, auto_grant=False), audit=replace(BOOK.audit, automatic_for=frozenset())
)
"""Results and returns wait for a person."""
Act = Callable[[Course], object]
SPLIT: Final = TicketSplit(incident_id=IncidentId(ticket(9)), reason=SplitReason.OTHER_MATTER)


def said(course: Course, *, solved: bool) -> TicketEvaluated:
    """The citizen's word on the present round."""
    word = Satisfaction.SATISFIED if solved else Satisfaction.DISSATISFIED
    return TicketEvaluated(
        cycle=course.case.cycle, outcome=FollowUpOutcome.ANSWERED, solved=solved, satisfaction=word
    )  # fmt: skip


def hang(course: Course) -> None:
    """Two persons put it off."""
    plan = t.ProposeHang("FUNDS", "housing", "方案", "纪要", 60)
    course.give(plan, by=actor(Role.COMMAND_CENTRE, person="leader-1"))
    course.give(t.ApproveHang(), by=actor(Role.COMMAND_CENTRE, person="leader-2"))


def finish(course: Course) -> None:
    """The lead hands in its result."""
    course.work()
    course.resolve()


def audited(course: Course) -> None:
    """… and an auditor accepts it."""
    finish(course)
    course.give(t.PassAudit(), by=actor(Role.AUDITOR, person="auditor-1"))


def closed(course: Course) -> None:
    """… and the citizen agrees."""
    audited(course)
    course.give(said(course, solved=True))


def answered(course: Course) -> None:
    """The hotline answers."""
    course.give(t.Answer("K-1", "周六也办"))


ENDINGS: Final[dict[TicketState, Wish]] = {
    S.NOT_ACCEPTED: TicketNotAccepted(ticket_no="1", source="s", reason=NotAcceptedReason.NO_SUBSTANCE),
    S.TRANSFERRED: TicketTransferred(ticket_no="1", source="s", target=TransferTarget.POLICE_110),
    S.ROUTED: TicketRouted(lead_id=LeadId(ticket(8))),
    S.WITHDRAWN: WithdrawalRequested(),
}
"""How a ticket ends by a word of intake, from wherever it stands."""

STANDING: Final[dict[TicketState, Act]] = {
    S.DISPATCHED: lambda c: None,
    S.NEED_INFO: lambda c: c.give(t.AskInfo("哪一栋楼?")),
    S.HUNG: hang,
    S.RESOLVED: finish,
    S.FOLLOWING_UP: audited,
    S.MERGED: lambda c: c.merge(),
    S.CLOSED: closed,
    S.ANSWERED: answered,
    **{state: lambda c, word=word: c.give(word) for state, word in ENDINGS.items()},  # type: ignore[misc]
}
"""How a question comes to stand in a state."""


@dataclass(frozen=True)
class Path:
    """What is done, and every state that the ticket goes through by it; the first is where it stood before."""

    states: tuple[TicketState | None, ...]
    act: Act
    matter: dict[str, Any]


def path(*states: TicketState | None, act: Act, **matter: Any) -> Path:
    """A path; `matter` is what the question is like."""
    return Path(states, act, matter)


CRITICAL: Final[dict[str, Any]] = {"urgency": Urgency.U1}
PATHS: Final = (
    path(None, S.ACCEPTED, S.DISPATCHED, act=lambda c: None),
    path(None, S.ACCEPTED, S.MERGED, act=lambda c: None, merged_into=ticket(9)),
    path(None, S.ACCEPTED, S.ANSWERED, act=lambda c: None, answered_by="K-1"),
    path(S.DISPATCHED, S.NEED_INFO, act=STANDING[S.NEED_INFO]),
    path(S.NEED_INFO, S.DISPATCHED, act=lambda c: c.give(t.SupplyInfo())),
    path(S.DISPATCHED, S.HUNG, act=hang),
    path(S.HUNG, S.DISPATCHED, act=lambda c: c.give(t.Unhang())),
    path(S.DISPATCHED, S.DISPATCHED, act=lambda c: c.give(t.Redispatch("transport", "改派"))),
    path(S.DISPATCHED, S.RESOLVED, act=finish),
    path(S.RESOLVED, S.DISPATCHED, act=lambda c: c.give(t.Rework("缺照片"))),
    path(S.RESOLVED, S.FOLLOWING_UP, act=lambda c: c.give(t.PassAudit())),
    path(S.RESOLVED, S.CLOSED, act=lambda c: c.give(t.PassAudit()), exercise=True),
    path(S.FOLLOWING_UP, S.CLOSED, act=lambda c: c.give(said(c, solved=True))),
    path(S.FOLLOWING_UP, S.DISPATCHED, act=lambda c: c.give(said(c, solved=False))),
    path(S.CLOSED, S.DISPATCHED, act=lambda c: c.give(t.Reopen("没解决"))),
    path(S.DISPATCHED, S.ANSWERED, act=answered),
    path(S.ANSWERED, S.ACCEPTED, S.DISPATCHED, act=lambda c: c.give(said(c, solved=False))),
    path(S.MERGED, S.ACCEPTED, S.DISPATCHED, act=lambda c: c.give(SPLIT)),
    path(S.MERGED, S.RESOLVED, S.FOLLOWING_UP, act=lambda c: c.give(MainResolved(ticket(9), "transport"))),
    *(path(state, S.MERGED, act=lambda c: c.merge()) for state in (S.DISPATCHED, S.NEED_INFO, S.HUNG, S.RESOLVED)),
    *(
        path(state, end, act=lambda c, word=word: c.give(word))  # type: ignore[misc]
        for state in UNFINISHED
        for end, word in ENDINGS.items()
    ),
    path(S.TRANSFERRED, S.TRANSFERRED, act=lambda c: c.give(t.ReportCallBack("消防已到场", True)), **CRITICAL),
    *(
        path(state, S.ARCHIVED, act=lambda c: put_away(c))
        for state in sorted(FINAL_TICKET_STATES - {S.ARCHIVED})
    ),
)  # fmt: skip


def put_away(course: Course) -> None:
    """Years later."""
    course.now += timedelta(days=4000)
    course.give(ArchiveDue())


def name_of(one: Path) -> str:
    """How the path is shown."""
    return "-".join(state.value if state else "nothing" for state in one.states)


@pytest.mark.parametrize("one", PATHS, ids=name_of)
def test_a_ticket_goes_that_way(one: Path) -> None:
    course = Course("2026-03-09T10:00", book=STRICT, ticket_type="CONSULT", **one.matter)
    if one.states[0] is not None:
        STANDING[one.states[0]](course)
        assert course.case.state is one.states[0]
    one.act(course)
    assert (course.case.previous_state, course.case.state) == one.states[-2:]


def test_every_step_of_a_ticket_is_taken_by_somebody_and_none_is_missing_from_the_table() -> None:
    taken = {step for one in PATHS for step in zip(one.states, one.states[1:], strict=False)}
    assert taken == set(TICKET_TRANSITIONS)


# ---- shares ---------------------------------------------------------------------------------------------------

Share = Callable[[Course], Assignment]


def lead(course: Course) -> Assignment:
    """The unit that leads."""
    return course.case.lead


def part(course: Course) -> Assignment:
    """The unit that supports, also once it has ended."""
    return next(a for a in course.case.assignments if a.kind is AssignmentKind.SUPPORT)


def asked_back(course: Course, share: Share) -> None:
    """The unit asks to hand it back."""
    course.give(t.Return(share(course).id, ReturnReason.NOT_OUR_DUTY, "依据"))


def stand(course: Course, share: Share, state: AssignmentState) -> None:
    """Bring the share into a state."""
    match state:
        case A.PENDING_SIGN:
            return
        case A.SIGNED:
            course.give(t.Sign(share(course).id))
        case A.HANDLING:
            course.work(share(course))
        case A.RETURN_REQUESTED:
            asked_back(course, share)
        case A.SUBMITTED:
            course.work(share(course))
            course.resolve(share(course))
        case A.REWORK:
            stand(course, share, A.SUBMITTED)
            course.give(t.Rework("缺照片"))
        case _:
            raise AssertionError(f"a share that is {state} has ended")


def test_a_share_is_begun_by_being_given() -> None:
    share = lead(Course())
    assert (share.previous_state, share.state) == (None, A.PENDING_SIGN)


def of_lead(before: AssignmentState, after: AssignmentState, act: Act) -> tuple[object, ...]:
    """A step of the unit that leads."""
    return (lead, before, after, act)


def of_part(before: AssignmentState, after: AssignmentState, act: Act) -> tuple[object, ...]:
    """A step of the unit that supports."""
    return (part, before, after, act)


RECALLABLE: Final = (A.PENDING_SIGN, A.SIGNED, A.HANDLING, A.REWORK, A.RETURN_REQUESTED, A.SUBMITTED)
WAIVABLE: Final = (A.PENDING_SIGN, A.SIGNED, A.HANDLING, A.RETURN_REQUESTED)
RETURNABLE: Final = (A.PENDING_SIGN, A.SIGNED, A.HANDLING)
SHARE_STEPS: Final = (
    of_lead(A.PENDING_SIGN, A.SIGNED, lambda c: c.give(t.Sign(lead(c).id))),
    of_lead(A.SIGNED, A.HANDLING, lambda c: c.give(t.Contact(lead(c).id, "w1"))),
    of_lead(A.REWORK, A.HANDLING, lambda c: c.give(t.Contact(lead(c).id, "w1"))),
    of_lead(A.HANDLING, A.SUBMITTED, lambda c: c.resolve()),
    of_lead(A.SUBMITTED, A.ACCEPTED_RESULT, lambda c: c.give(t.PassAudit())),
    of_lead(A.SUBMITTED, A.REWORK, lambda c: c.give(t.Rework("缺照片"))),
    *(of_lead(state, A.RETURN_REQUESTED, lambda c: asked_back(c, lead)) for state in RETURNABLE),
    of_lead(A.RETURN_REQUESTED, A.RETURNED, lambda c: c.give(t.GrantReturn(c.case.assignments[0].id, "同意"))),
    of_lead(A.RETURN_REQUESTED, A.SIGNED, lambda c: c.give(t.RefuseReturn(lead(c).id, "驳回"))),
    *(of_lead(state, A.RECALLED, lambda c: c.give(WithdrawalRequested())) for state in RECALLABLE),
    *(of_part(state, A.WAIVED, lambda c: c.give(t.WaiveSupport("免办", part(c).id))) for state in WAIVABLE),
)


@pytest.mark.parametrize(("share", "before", "after", "act"), SHARE_STEPS)
def test_a_share_goes_that_way(share: Share, before: AssignmentState, after: AssignmentState, act: Act) -> None:
    course = supported(book=STRICT) if share is part else Course("2026-03-09T10:00", book=STRICT)
    stand(course, share, before)
    identity = share(course).id
    assert share(course).state is before
    act(course)
    found = course.case.assignment(identity)
    assert found is not None
    assert (found.previous_state, found.state) == (before, after)


def test_who_was_handling_it_goes_on_when_the_return_is_refused() -> None:
    course = Course("2026-03-09T10:00", book=STRICT)
    course.work()
    asked_back(course, lead)
    course.give(t.RefuseReturn(lead(course).id, "驳回"))
    assert (lead(course).previous_state, lead(course).state) == (A.RETURN_REQUESTED, A.HANDLING)


def test_every_step_of_a_share_is_taken_by_somebody_and_none_is_missing_from_the_table() -> None:
    taken = {(before, after) for _, before, after, _ in SHARE_STEPS}
    taken |= {(None, A.PENDING_SIGN), (A.RETURN_REQUESTED, A.HANDLING)}
    assert taken == set(ASSIGNMENT_TRANSITIONS)


# ---- names ----------------------------------------------------------------------------------------------------


def test_every_row_names_an_event_that_there_is_and_the_service_that_states_it() -> None:
    stated = {row.trigger for row in (*TICKET_ROWS, *ASSIGNMENT_ROWS)}
    assert {f"org.griddispatch.{name}.v1" for name in stated} <= EVENT_TYPES.keys()
    ours = {row.trigger for row in TICKET_ROWS if row.owner == "intake"}
    assert {f"org.griddispatch.{name}.v1" for name in ours} <= INTAKE_TYPES
