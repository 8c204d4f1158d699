"""Every event: one frozen model per type and version, and the envelope that carries it.

No event holds a name, a phone, an address or a citizen's words: only ids, codes and times.
Adding an optional field is free; anything else is a new class with the next version beside the old.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from msgspec import Struct

from shared import ending_events, intake_events, joint_events, notify_events
from shared.event import Event as Event
from shared.event_ids import NAMESPACE as NAMESPACE
from shared.event_ids import event_id as event_id
from shared.event_ids import name_based as name_based
from shared.terms import (
    AssignmentId,
    AssignmentKind,
    Channel,
    CloseReason,
    FollowUpOutcome,
    IncidentId,
    Light,
    MatterSize,
    PlaceLevel,
    ReturnReason,
    Satisfaction,
    SessionId,
    Source,
    TicketId,
    TicketType,
    Urgency,
)

# ---- intake -----------------------------------------------------------------------------------------------


class TicketReceived(Event):
    """A matter was accepted durably."""

    type: ClassVar[str] = "org.griddispatch.ticket.received.v1"
    ticket_no: str
    source: str
    channel: Channel
    reported_at: datetime | None = None
    exercise: bool = False


class TicketTriaged(Event):
    """What the matter is and where: type, category, urgency, place. Clocks run from `accepted_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.triaged.v1"
    ticket_no: str
    source: str
    channel: Channel
    accepted_at: datetime
    ticket_type: TicketType
    category: str
    urgency: Urgency
    confidence: float
    place_level: PlaceLevel
    county: str
    township: str | None = None
    village: str | None = None
    grid: str | None = None
    also_grids: tuple[str, ...] = ()
    confidential: bool = False
    exercise: bool = False
    complained_about: str | None = None
    rules: tuple[str, ...] = ()
    rule_pack: str = ""
    repeat_of: TicketId | None = None
    repeats_30d: int = 0
    repeats_90d: int = 0
    levels_up: int = 0
    incident_id: IncidentId | None = None
    merged_into: TicketId | None = None
    reporters: int = 1
    mass: bool = False
    hidden: bool = False
    session_id: SessionId | None = None
    self_fixed_by: str | None = None
    answered_by: str | None = None
    vulnerable: bool = False
    involved_units: int = 0
    involved_grids: int = 0
    households: int = 0
    people: int = 0
    money_yuan: int = 0
    effort_minutes: int = 0


# ---- dispatch ---------------------------------------------------------------------------------------------


class TicketAssigned(Event):
    """A unit must do its part by `due_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.assigned.v1"
    ticket_no: str
    assignment_id: AssignmentId
    kind: AssignmentKind
    unit: str
    ticket_type: TicketType
    category: str
    urgency: Urgency
    size: MatterSize
    township: str | None = None
    grid: str | None = None
    cycle: int
    accepted_at: datetime
    due_at: datetime
    sign_by: datetime
    designated: bool = False
    exercise: bool = False
    repeat: bool = False
    rules: tuple[str, ...] = ()
    rule_pack: str = ""


class TicketRedispatched(TicketAssigned):
    """After a return the ticket went to another unit; the citizen's deadline stands."""

    type: ClassVar[str] = "org.griddispatch.ticket.redispatched.v1"
    replaces: AssignmentId


class TicketSigned(Event):
    """The unit confirmed receipt, or is deemed to have (`deemed`) by the clock; only then the rest is told."""

    type: ClassVar[str] = "org.griddispatch.ticket.signed.v1"
    assignment_id: AssignmentId
    unit: str
    deemed: bool = False
    ticket_no: str = ""
    sign_by: datetime | None = None
    urgency: Urgency | None = None
    exercise: bool = False


class TicketContacted(Event):
    """The handler spoke with the citizen."""

    type: ClassVar[str] = "org.griddispatch.ticket.contacted.v1"
    assignment_id: AssignmentId
    unit: str
    first: bool


class TicketCheckedIn(Event):
    """The handler is on site; outside the grid is flagged, not refused."""

    type: ClassVar[str] = "org.griddispatch.ticket.checked-in.v1"
    assignment_id: AssignmentId
    unit: str
    in_grid: bool | None = None


class TicketReturned(Event):
    """A unit handed its assignment back, with a reason."""

    type: ClassVar[str] = "org.griddispatch.ticket.returned.v1"
    assignment_id: AssignmentId
    unit: str
    reason: ReturnReason


class TicketLightChanged(Event):
    """A clock came near (YELLOW) or passed (RED) its deadline."""

    type: ClassVar[str] = "org.griddispatch.ticket.light-changed.v1"
    assignment_id: AssignmentId
    unit: str
    light: Light
    clock: str
    cycle: int
    due_at: datetime


class TicketReminded(Event):
    """A deadline comes near enough to say so, before any light changes.

    `person` is the grid's worker who has it in hand or is accountable, by staff number; without one the unit is meant.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.reminded.v1"
    assignment_id: AssignmentId
    unit: str
    clock: str
    cycle: int
    due_at: datetime
    ticket_no: str = ""
    urgency: Urgency | None = None
    exercise: bool = False
    person: str | None = None


class TicketEscalated(Event):
    """A missed deadline went up one level of supervision (督办): exactly once per clock, cycle and level."""

    type: ClassVar[str] = "org.griddispatch.ticket.escalated.v1"
    ticket_no: str
    assignment_id: AssignmentId
    unit: str
    clock: str
    cycle: int
    level: int
    to: str
    due_at: datetime
    notify_at: datetime | None = None
    urgency: Urgency | None = None
    exercise: bool = False


class TicketConverted(Event):
    """A small matter that missed its day became a big one; the breach is kept."""

    type: ClassVar[str] = "org.griddispatch.ticket.converted.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    due_at: datetime


class TicketResolved(Event):
    """The lead unit handed in its result."""

    type: ClassVar[str] = "org.griddispatch.ticket.resolved.v1"
    assignment_id: AssignmentId
    unit: str
    action: str
    cycle: int
    on_time: bool
    charged_to: str | None = None


class TicketAudited(Event):
    """The result passed its audit; now the citizen is asked, unless no follow-up is due."""

    type: ClassVar[str] = "org.griddispatch.ticket.audited.v1"
    ticket_no: str
    source: str
    assignment_id: AssignmentId
    unit: str
    cycle: int
    follow_up: bool
    automatic: bool = True
    exercise: bool = False
    vulnerable: bool = False


class TicketClosed(Event):
    """The loop is closed."""

    type: ClassVar[str] = "org.griddispatch.ticket.closed.v1"
    reason: CloseReason
    cycle: int
    solved: bool | None = None


class TicketReopened(Event):
    """The citizen said no: the ticket is handled again under a new deadline."""

    type: ClassVar[str] = "org.griddispatch.ticket.reopened.v1"
    cycle: int
    due_at: datetime


# ---- notify -----------------------------------------------------------------------------------------------


class FollowUpAsked(Event):
    """The citizen was asked, for the `attempt`-th time in this cycle."""

    type: ClassVar[str] = "org.griddispatch.followup.asked.v1"
    cycle: int
    attempt: int


class TicketEvaluated(Event):
    """The citizen's judgement, or that nobody could be reached."""

    type: ClassVar[str] = "org.griddispatch.ticket.evaluated.v1"
    cycle: int
    outcome: FollowUpOutcome
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    service: Satisfaction | None = None
    truthful: bool | None = None


class NotificationDelivered(Event):
    """A message reached its receiver."""

    type: ClassVar[str] = "org.griddispatch.notification.delivered.v1"
    notification_id: UUID
    template: str
    recipient: str
    channel: str
    attempts: int


class NotificationFailed(Event):
    """A message was given up after its last attempt; it is listed and alarmed."""

    type: ClassVar[str] = "org.griddispatch.notification.failed.v1"
    notification_id: UUID
    template: str
    recipient: str
    channel: str
    attempts: int
    reason: str


class UnrecognisedEvent(Event):
    """A type that this release does not know: it counts for order and is otherwise left alone."""

    type: ClassVar[str] = ""
    name: str = ""


class UnreadEvent(Event):
    """An event whose body its reader has no use for: it counts for order, and was not looked into."""


UNREAD = UnreadEvent()


def _concrete(root: type[Event]) -> Iterator[type[Event]]:
    for model in root.__subclasses__():
        if model.type:
            yield model
        yield from _concrete(model)


_HOMES = (ending_events, intake_events, joint_events, notify_events)
"""Where the other models stand: what is imported here is known below."""

EVENT_TYPES: dict[str, type[Event]] = {model.type: model for home in _HOMES for model in _concrete(home.Event)}
"""Every event model by its type name."""

INTAKE_TYPES = intake_events.INTAKE_EVENT_TYPES | {TicketReceived.type, TicketTriaged.type}
"""The types that intake states."""

NOTIFY_TYPES = notify_events.NOTIFY_EVENT_TYPES | {
    FollowUpAsked.type, TicketEvaluated.type, NotificationDelivered.type, NotificationFailed.type,
}  # fmt: skip
"""The types that notify states."""


class Draft(Struct, frozen=True):
    """An event about to be stated; the ledger gives it its version."""

    ticket_id: TicketId
    event: Event
    time: datetime
    caused_by: str | None = None
    traceparent: str | None = None


class Envelope(Struct, frozen=True):
    """An event with its place in its ticket's story: (epoch, version). `version` is dense per (source, ticket), from 1;
    a source restored to an earlier point goes on from there in the next epoch."""

    id: UUID
    source: Source
    ticket_id: TicketId
    version: int
    time: datetime
    event: Event
    caused_by: str | None = None
    traceparent: str | None = None
    epoch: int = 0
