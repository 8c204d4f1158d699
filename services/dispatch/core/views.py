"""What others may see of a case: the snapshot for `tickets-state`, the ticket in full, a line of a unit's queue."""

from typing import Any

import msgspec

from services.dispatch.core.case import PUBLIC_STATES, Case
from shared.events import TicketSnapshot
from shared.terms import AssignmentId


def snapshot(case: Case) -> TicketSnapshot:
    """The latest public state of a ticket."""
    return TicketSnapshot(
        ticket_id=case.ticket_id, ticket_no=case.ticket_no, version=case.version, state=case.state.value,
        public_state=PUBLIC_STATES[case.state], ticket_type=case.ticket_type, category=case.category,
        urgency=case.urgency, size=case.size, county=case.county, township=case.township, grid=case.grid,
        unit=case.lead.unit, cycle=case.cycle, light=case.light, level=case.level, accepted_at=case.accepted_at,
        due_at=case.due_at, closed_at=case.closed_at, exercise=case.exercise,
    )  # fmt: skip


def ticket_view(case: Case) -> dict[str, Any]:
    """What anyone entitled to a ticket sees of it here, as JSON has it; no citizen's data is in this service."""
    view: dict[str, Any] = msgspec.to_builtins(case)
    return view | {"public_state": PUBLIC_STATES[case.state]}


def queue_line(case: Case, assignment_id: AssignmentId) -> dict[str, Any]:
    """One of a ticket's assignments as its unit's queue shows it. Raises LookupError for an assignment of another."""
    share = case.assignment(assignment_id)
    if share is None:
        raise LookupError(f"ticket {case.ticket_id} has no assignment {assignment_id}")
    return {
        "id": share.id, "ticket_id": case.ticket_id, "ticket_no": case.ticket_no, "version": case.version,
        "kind": share.kind, "unit": share.unit, "state": share.state, "cycle": share.cycle,
        "assigned_at": share.assigned_at, "sign_by": share.sign_by, "due_at": share.due_at, "ticket_state": case.state,
        "ticket_type": case.ticket_type, "category": case.category, "urgency": case.urgency, "size": case.size,
        "light": case.light, "level": case.level, "grid": case.grid,
    }  # fmt: skip
