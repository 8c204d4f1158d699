"""What can move a case: events from the other services, commands from people, and clocks that ran out."""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from services.dispatch.core.story import Clock
from shared.events import TicketEvaluated, TicketTriaged
from shared.terms import AssignmentId, ReturnReason


@dataclass(frozen=True, slots=True)
class Sign:
    """The unit confirms receipt; `handler` is the person who will do it, if known yet."""

    assignment_id: AssignmentId
    handler: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """The handler has spoken with the citizen."""

    assignment_id: AssignmentId
    handler: str


@dataclass(frozen=True, slots=True)
class CheckIn:
    """The handler is on site; `grids` are those that hold the place, None when no place was given."""

    assignment_id: AssignmentId
    handler: str
    grids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Resolve:
    """The result: what was done, and the reply the citizen may read. Both stay out of events."""

    assignment_id: AssignmentId
    action: str
    reply: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """The unit hands the assignment back, with a reason and its basis."""

    assignment_id: AssignmentId
    reason: ReturnReason
    basis: str


class TimerDue(Struct, frozen=True):
    """A clock has reached its next step."""

    clock: Clock
    cycle: int
    step: str
    limit: str
    started_at: datetime
    due_at: datetime


Command = Sign | Contact | CheckIn | Resolve | Return
Trigger = TicketTriaged | TicketEvaluated | TimerDue | Command
