"""What others may see: a ticket's snapshot for `tickets-state`, the ticket in full, a queue's line, the lifecycle."""

from typing import Any

import msgspec
from msgspec import Struct

from services.dispatch.core.actors import ROLE_NAMES
from services.dispatch.core.case import Assignment, Case
from services.dispatch.core.lifecycle import (
    ASSIGNMENT_ROWS,
    ASSIGNMENT_STATES,
    FINAL_ASSIGNMENT_STATES,
    FINAL_TICKET_STATES,
    PUBLIC_STATES,
    TICKET_ROWS,
    TICKET_STATES,
    Transition,
)
from shared.snapshot import TicketSnapshot
from shared.terms import AssignmentId, AssignmentKind


def snapshot(case: Case) -> TicketSnapshot:
    """The latest public state of a ticket."""
    return TicketSnapshot(
        ticket_id=case.ticket_id, ticket_no=case.ticket_no, version=case.version, state=case.state.value,
        public_state=PUBLIC_STATES[case.state], ticket_type=case.ticket_type, category=case.category,
        urgency=case.urgency, size=case.size, county=case.county, township=case.township, grid=case.grid,
        unit=case.lead.unit if case.was_assigned else None,
        supporting=tuple(dict.fromkeys(part.unit for part in case.parts)), cycle=case.cycle,
        light=case.light, level=case.level, accepted_at=case.accepted_at,
        due_at=case.due_at, closed_at=case.closed_at, exercise=case.exercise, queue_at=case.queue_at,
    )  # fmt: skip


def ticket_view(case: Case) -> dict[str, Any]:
    """What anyone entitled to a ticket sees of it here, as JSON has it; no citizen's data is in this service.

    Assignments stand in the order they were made, the live lead last. That its citizen is in difficulty is for asking
    them, and shown to nobody; where it stands in queues shows only that it was raised.
    """
    shares = sorted(case.assignments, key=_is_live_lead)
    shown = {name: value for name, value in _whole(case).items() if name not in ("vulnerable", "raised")}
    return shown | {"assignments": [_whole(a) for a in shares], "public_state": PUBLIC_STATES[case.state]}


def _is_live_lead(share: Assignment) -> bool:
    return share.is_live and share.kind is AssignmentKind.LEAD


def _whole(value: Struct) -> dict[str, Any]:
    """Every field, also those with their default value."""
    return {name: msgspec.to_builtins(getattr(value, name)) for name in value.__struct_fields__}


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
        "light": case.light if share.kind is AssignmentKind.LEAD else share.light, "level": case.level,
        "grid": case.grid, "village": case.village, "township": case.township, "county": case.county,
        "hastens": case.hastens,
    }  # fmt: skip


def lifecycle_view() -> dict[str, Any]:
    """Both state machines as the code has them, with names in Chinese and English."""
    return {
        "ticket": {
            "states": {
                state.value: {
                    "zh": names.zh, "en": names.en, "public": names.public, "final": state in FINAL_TICKET_STATES,
                }
                for state, names in TICKET_STATES.items()
            },
            "transitions": [edge for row in TICKET_ROWS for edge in _edges(row)],
        },
        "assignment": {
            "states": {
                state.value: {"zh": names.zh, "en": names.en, "final": state in FINAL_ASSIGNMENT_STATES}
                for state, names in ASSIGNMENT_STATES.items()
            },
            "transitions": [edge for row in ASSIGNMENT_ROWS for edge in _edges(row)],
        },
        "roles": {role.value: {"zh": zh, "en": en} for role, (zh, en) in ROLE_NAMES.items()},
    }  # fmt: skip


def _edges(row: Transition) -> list[dict[str, Any]]:
    shared = {
        "row": row.row, "to": row.after, "trigger": row.trigger, "zh": row.zh, "en": row.en, "roles": row.roles,
        "guards": row.guards, "starts": row.starts, "stops": row.stops, "owner": row.owner,
    }  # fmt: skip
    return [{"from": before, **shared} for before in row.before]
