"""A case: what dispatch knows of one ticket, and each unit's share of it, as frozen values.

They are typed structs and not dataclasses: a case is made and remade several times in every decision, and a struct of
thirty fields costs a fiftieth of a frozen dataclass to make. It is stored as the JSON it encodes to.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from shared.terms import (
    AssignmentId,
    AssignmentKind,
    Channel,
    CloseReason,
    Light,
    MatterSize,
    TicketId,
    TicketType,
    Urgency,
)


class TicketState(StrEnum):
    """Where a ticket stands; the Chinese names are those people see."""

    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    RESOLVED = "RESOLVED"
    FOLLOWING_UP = "FOLLOWING_UP"
    CLOSED = "CLOSED"


PUBLIC_STATES = {
    TicketState.ACCEPTED: "已受理",
    TicketState.DISPATCHED: "办理中",
    TicketState.RESOLVED: "已办结",
    TicketState.FOLLOWING_UP: "待评价",
    TicketState.CLOSED: "已结案",
}


class AssignmentState(StrEnum):
    """Where one unit's share stands: 待签收 已签收 办理中 已反馈 审核通过 退单."""

    PENDING_SIGN = "PENDING_SIGN"
    SIGNED = "SIGNED"
    HANDLING = "HANDLING"
    SUBMITTED = "SUBMITTED"
    ACCEPTED_RESULT = "ACCEPTED_RESULT"
    RETURNED = "RETURNED"


class Assignment(Struct, frozen=True):
    """One unit's share of a ticket. `ended_at` is None while it is live."""

    id: AssignmentId
    kind: AssignmentKind
    unit: str
    state: AssignmentState
    previous_state: AssignmentState | None
    cycle: int
    assigned_at: datetime
    sign_by: datetime
    due_at: datetime
    designated: bool = False
    handler: str | None = None
    signed_at: datetime | None = None
    contacted_at: datetime | None = None
    checked_in_at: datetime | None = None
    submitted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the unit still answers for it."""
        return self.ended_at is None


class Case(Struct, frozen=True):
    """One ticket. `version` is how far its story in this service has come; `due_at` is the citizen's deadline."""

    ticket_id: TicketId
    version: int
    ticket_no: str
    source: str
    channel: Channel
    state: TicketState
    previous_state: TicketState | None
    ticket_type: TicketType
    category: str
    urgency: Urgency
    size: MatterSize
    limit: str
    county: str
    township: str | None
    village: str | None
    grid: str | None
    accepted_at: datetime
    started_at: datetime
    due_at: datetime
    cycle: int
    light: Light
    level: int
    redispatches: int
    reopens: int
    exercise: bool
    confidential: bool
    closed_at: datetime | None
    close_reason: CloseReason | None
    rule_pack: str
    assignments: tuple[Assignment, ...] = ()

    @property
    def lead(self) -> Assignment:
        """The lead of the present cycle: the live one, or the last that was. Raises LookupError if there is none."""
        for assignment in reversed(self.assignments):
            if assignment.kind is AssignmentKind.LEAD:
                return assignment
        raise LookupError(f"ticket {self.ticket_id} has no lead")

    def assignment(self, assignment_id: AssignmentId) -> Assignment | None:
        """The assignment of that id, or None."""
        return next((a for a in self.assignments if a.id == assignment_id), None)

    def with_assignment(self, changed: Assignment) -> "Case":
        """The case with this assignment put in the place of its former self, or added at the end."""
        kept = tuple(changed if a.id == changed.id else a for a in self.assignments)
        return replace(self, assignments=kept if changed in kept else (*kept, changed))
