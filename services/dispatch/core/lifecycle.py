"""The two state machines, as one table each: no state moves but through here."""

from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from services.dispatch.core.case import Assignment, AssignmentState, Case, TicketState


@dataclass(frozen=True, slots=True)
class Transition:
    """One legal step: what brings it about, and who may."""

    trigger: str
    roles: tuple[str, ...]


T, A = TicketState, AssignmentState

TICKET_TRANSITIONS: dict[tuple[TicketState | None, TicketState], Transition] = {
    (None, T.ACCEPTED): Transition("triaged", ("system",)),
    (T.ACCEPTED, T.DISPATCHED): Transition("dispatch", ("system", "dispatcher")),
    (T.DISPATCHED, T.RESOLVED): Transition("resolve", ("grid_worker", "handler")),
    (T.RESOLVED, T.FOLLOWING_UP): Transition("audit", ("system", "auditor")),
    # Nobody is asked about a patrol's own find or an exercise.
    (T.RESOLVED, T.CLOSED): Transition("no follow-up due", ("system",)),
    (T.FOLLOWING_UP, T.CLOSED): Transition("evaluated", ("citizen", "follow_up_agent", "system")),
    (T.FOLLOWING_UP, T.DISPATCHED): Transition("reopen", ("citizen", "follow_up_agent")),
}

ASSIGNMENT_TRANSITIONS: dict[tuple[AssignmentState | None, AssignmentState], Transition] = {
    (None, A.PENDING_SIGN): Transition("dispatch", ("system", "dispatcher")),
    (A.PENDING_SIGN, A.SIGNED): Transition("sign", ("liaison", "grid_worker", "system")),
    (A.SIGNED, A.HANDLING): Transition("contact or check in", ("handler", "grid_worker")),
    (A.HANDLING, A.SUBMITTED): Transition("resolve", ("handler", "grid_worker")),
    (A.SUBMITTED, A.ACCEPTED_RESULT): Transition("audit", ("system", "auditor")),
    (A.PENDING_SIGN, A.RETURNED): Transition("return", ("liaison", "grid_worker")),
    (A.SIGNED, A.RETURNED): Transition("return", ("liaison", "grid_worker")),
    (A.HANDLING, A.RETURNED): Transition("return", ("liaison", "grid_worker")),
}

FINAL_TICKET_STATES = frozenset({T.CLOSED})
FINAL_ASSIGNMENT_STATES = frozenset({A.ACCEPTED_RESULT, A.RETURNED})


class IllegalTransition(Exception):
    """The table has no such step."""


def move(case: Case, to: TicketState) -> Case:
    """The case in its next state. Raises IllegalTransition."""
    if (case.state, to) not in TICKET_TRANSITIONS:
        raise IllegalTransition(f"ticket: {case.state} -> {to}")
    return replace(case, state=to, previous_state=case.state)


def step(assignment: Assignment, to: AssignmentState, now: datetime) -> Assignment:
    """The assignment in its next state; a final one ends now. Raises IllegalTransition."""
    if (assignment.state, to) not in ASSIGNMENT_TRANSITIONS:
        raise IllegalTransition(f"assignment: {assignment.state} -> {to}")
    ended = now if to in FINAL_ASSIGNMENT_STATES else None
    return replace(assignment, state=to, previous_state=assignment.state, ended_at=ended)
