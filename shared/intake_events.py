"""Events of what intake finds out after a matter came in: one incident, a repeat, a lead, and the citizen's next words.

As in `shared.events`, none holds a name, a phone, an address or anybody's words; supplements and leads stay in intake.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from shared.event import Event as Event
from shared.terms import (
    IncidentId,
    ItemId,
    LeadId,
    LeadKind,
    NotAcceptedReason,
    SessionId,
    SessionKind,
    SplitReason,
    TicketId,
    TransferTarget,
    Urgency,
)


class TicketMerged(Event):
    """The ticket is about what another one is about 并单: that one (`into`) is worked on, this one waits for it.

    Counts and urgency are the incident's. With `own_follow_up` its own citizen is asked in the end; without it the
    citizen is the other ticket's, who asked again.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.merged.v1"
    incident_id: IncidentId
    into: TicketId
    rule: str
    reporters: int
    mass: bool
    urgency: Urgency
    own_follow_up: bool = True


class TicketSplit(Event):
    """The merging was undone 拆单: from here on the ticket is as if it had never been merged."""

    type: ClassVar[str] = "org.griddispatch.ticket.split.v1"
    incident_id: IncidentId
    reason: SplitReason


class IncidentRecounted(Event):
    """Stated of an incident's main ticket whenever another one joined or left: how many there are now.

    `reporters` are different people of the last day. `supervise` is the level of supervision that their number asks
    for, 0 for none. Urgency and mass hold for the incident as it is now.
    """

    type: ClassVar[str] = "org.griddispatch.incident.recounted.v1"
    incident_id: IncidentId
    tickets: int
    reporters: int
    mass: bool
    urgency: Urgency
    supervise: int = 0


class TicketHastened(Event):
    """The citizen asked again while the ticket is open 催办. `count` are days on which this happened; no clock moves.

    A ticket that was closed meanwhile takes it as a wish to reopen.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.hastened.v1"
    count: int


class ReopenRequested(Event):
    """The citizen came back with the matter soon after it was closed; `by` is the ticket that says so, if one does."""

    type: ClassVar[str] = "org.griddispatch.ticket.reopen-requested.v1"
    by: TicketId | None = None
    closed_at: datetime


class TicketSupplemented(Event):
    """The citizen added something 补充; the words are in intake's vault."""

    type: ClassVar[str] = "org.griddispatch.ticket.supplemented.v1"
    supplement_id: UUID


class WithdrawalRequested(Event):
    """The citizen takes the matter back 撤回; whoever works on it ends it."""

    type: ClassVar[str] = "org.griddispatch.ticket.withdrawal-requested.v1"


class TicketNotAccepted(Event):
    """The matter is not taken on 不予受理. By which `rule`, or null when a person decided so.

    The ground and the other way that is open are for the citizen, who reads them with number and code.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.not-accepted.v1"
    ticket_no: str
    source: str
    reason: NotAcceptedReason
    rule: str | None = None
    exercise: bool = False


class TicketTransferred(Event):
    """The whole matter went to somebody outside the system."""

    type: ClassVar[str] = "org.griddispatch.ticket.transferred.v1"
    ticket_no: str
    source: str
    target: TransferTarget
    exercise: bool = False


class TicketRouted(Event):
    """The ticket ended here: what it held is a sensitive lead now 专线移送. Nothing but the lead's id is told."""

    type: ClassVar[str] = "org.griddispatch.ticket.routed.v1"
    lead_id: LeadId


class LeadCreated(Event):
    """A sensitive lead 问题线索 was recorded; the story is the lead's own, not its ticket's."""

    type: ClassVar[str] = "org.griddispatch.lead.created.v1"
    lead_id: LeadId
    kind: LeadKind


class SessionClosed(Event):
    """People were listened to, and everything they said has an end: answered, promised by a day, or a ticket.

    The story is the session's own. `heads` is how many came.
    """

    type: ClassVar[str] = "org.griddispatch.session.closed.v1"
    session_id: SessionId
    kind: SessionKind
    unit: str
    held_at: datetime
    township: str | None = None
    village: str | None = None
    grid: str | None = None
    heads: int = 0
    items: int
    answered: int
    committed: int
    ticketed: int


class CommitmentMade(Event):
    """A unit promised, face to face, to see to something by a day 承诺; told in the story of its session."""

    type: ClassVar[str] = "org.griddispatch.commitment.made.v1"
    item_id: ItemId
    unit: str
    due_on: date


class CommitmentKept(Event):
    """What was promised was done 兑现."""

    type: ClassVar[str] = "org.griddispatch.commitment.kept.v1"
    item_id: ItemId
    unit: str
    due_on: date


class CommitmentMissed(Event):
    """The day went by 逾期: what was promised is a ticket (`became`) now, with the clocks of every ticket."""

    type: ClassVar[str] = "org.griddispatch.commitment.missed.v1"
    item_id: ItemId
    unit: str
    due_on: date
    became: TicketId


class TicketWordsErased(Event):
    """What the citizen said, and who they are, was erased for good 删除, as two people agreed.

    Whoever keeps words of this ticket's citizen erases them too; facts and figures stay. Stated once more for every
    such agreement.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.words-erased.v1"


INTAKE_EVENT_TYPES = frozenset(
    model.type
    for model in (
        TicketMerged, TicketSplit, IncidentRecounted, TicketHastened, ReopenRequested, TicketSupplemented,
        WithdrawalRequested, TicketNotAccepted, TicketTransferred, TicketRouted, LeadCreated,
        SessionClosed, CommitmentMade, CommitmentKept, CommitmentMissed, TicketWordsErased,
    )
)  # fmt: skip
"""The names of these types: intake states them all, on `tickets-intake`."""
