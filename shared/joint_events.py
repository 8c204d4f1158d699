"""Events of what goes beyond the plain loop: parts, pauses, returns, whistles, hanging, supervision, guards.

All are stated by dispatch. As in `shared.events`, none holds a name, an address or anybody's words.
"""

from datetime import datetime
from typing import ClassVar

from shared.event import Event as Event
from shared.terms import (
    AssignmentId,
    AssignmentKind,
    ComplexMark,
    ConversionReason,
    MatterSize,
    ReportAnswer,
    ReturnFinding,
    ReturnReason,
    TakeUpReason,
    TicketId,
    TicketType,
    Urgency,
    WhistleKind,
)


class TicketHandlerNamed(Event):
    """The unit named the person who does the work."""

    type: ClassVar[str] = "org.griddispatch.ticket.handler-named.v1"
    assignment_id: AssignmentId
    unit: str


class TicketStageReported(Event):
    """The unit said how far it has come, before the result."""

    type: ClassVar[str] = "org.griddispatch.ticket.stage-reported.v1"
    assignment_id: AssignmentId
    unit: str
    first: bool


class TicketFirstDisposed(Event):
    """The danger is contained; only now may duty be disputed."""

    type: ClassVar[str] = "org.griddispatch.ticket.first-disposed.v1"
    assignment_id: AssignmentId
    unit: str


class TicketPartSubmitted(Event):
    """A unit that does not lead handed in its part."""

    type: ClassVar[str] = "org.griddispatch.ticket.part-submitted.v1"
    assignment_id: AssignmentId
    unit: str
    kind: AssignmentKind
    action: str
    cycle: int
    on_time: bool


class TicketReworked(Event):
    """The auditor sent the result back: it is handled on, by `due_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.reworked.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    due_at: datetime


class TicketInfoRequested(Event):
    """The citizen was asked for what is missing; until `answer_by` the deadline stands still."""

    type: ClassVar[str] = "org.griddispatch.ticket.info-requested.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    answer_by: datetime


class TicketInfoSupplied(Event):
    """The pause is over, with an answer or without; the deadline moved to `due_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.info-supplied.v1"
    cycle: int
    answered: bool
    due_at: datetime


class TicketReturnRequested(Event):
    """A unit asks to hand its assignment back; its own deadline goes on."""

    type: ClassVar[str] = "org.griddispatch.ticket.return-requested.v1"
    assignment_id: AssignmentId
    unit: str
    reason: ReturnReason
    decide_by: datetime


class TicketReturnRefused(Event):
    """The unit must go on; what was found about its request counts."""

    type: ClassVar[str] = "org.griddispatch.ticket.return-refused.v1"
    assignment_id: AssignmentId
    unit: str
    finding: ReturnFinding | None = None


class TicketRecalled(Event):
    """An assignment was taken back by the centre; it does not count against the unit."""

    type: ClassVar[str] = "org.griddispatch.ticket.recalled.v1"
    assignment_id: AssignmentId
    unit: str
    kind: AssignmentKind


class TicketExtensionRequested(Event):
    """The lead asks for time until `until`; undecided by `decide_by` it is refused."""

    type: ClassVar[str] = "org.griddispatch.ticket.extension-requested.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    until: datetime
    decide_by: datetime


class TicketExtended(Event):
    """The deadline was put off, once, with a reason the citizen is told."""

    type: ClassVar[str] = "org.griddispatch.ticket.extended.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    due_at: datetime


class TicketDeadlineRecounted(Event):
    """A holiday notice came late: the deadline of this clock is what it would have been had it been known."""

    type: ClassVar[str] = "org.griddispatch.ticket.deadline-recounted.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    due_at: datetime
    clock: str = "RESOLVE"


class TicketExtensionRefused(Event):
    """The deadline stands; `expired` when nobody decided in time."""

    type: ClassVar[str] = "org.griddispatch.ticket.extension-refused.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    expired: bool = False


class TicketHangProposed(Event):
    """Somebody proposed to let the matter wait; nothing changes until another person approves."""

    type: ClassVar[str] = "org.griddispatch.ticket.hang-proposed.v1"
    cycle: int
    ground: str
    owner: str


class TicketHung(Event):
    """It cannot be solved now: it waits under an owner and a plan, and is looked at again at `review_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.hung.v1"
    cycle: int
    ground: str
    owner: str
    review_at: datetime


class TicketHangTold(Event):
    """The citizen is due to hear how a waiting matter stands."""

    type: ClassVar[str] = "org.griddispatch.ticket.hang-told.v1"
    cycle: int
    review_at: datetime


class TicketUnhung(Event):
    """A waiting matter is handled again, by `due_at`; `automatic` at its review date."""

    type: ClassVar[str] = "org.griddispatch.ticket.unhung.v1"
    cycle: int
    due_at: datetime
    automatic: bool = False


class TicketFoundBig(Event):
    """A small matter turned out big before its day was over: no breach, a new deadline."""

    type: ClassVar[str] = "org.griddispatch.ticket.found-big.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    reason: ConversionReason
    due_at: datetime


class TicketAssessed(Event):
    """What was found on the spot; 0 where nobody looked."""

    type: ClassVar[str] = "org.griddispatch.ticket.assessed.v1"
    assignment_id: AssignmentId
    unit: str
    cycle: int
    involved_units: int
    involved_grids: int
    households: int
    people: int
    money_yuan: int
    effort_minutes: int
    marks: tuple[ComplexMark, ...]


class TicketFoundComplex(Event):
    """A big matter is complex (疑难): units meet, and the deadline is `due_at`."""

    type: ClassVar[str] = "org.griddispatch.ticket.found-complex.v1"
    cycle: int
    due_at: datetime


class TicketUrgencyChanged(Event):
    """The urgency was raised or lowered; a deadline only ever comes nearer by it."""

    type: ClassVar[str] = "org.griddispatch.ticket.urgency-changed.v1"
    urgency: Urgency
    previous: Urgency
    cycle: int
    due_at: datetime


class TicketCategoryConfirmed(Event):
    """A person chose the category; the machine's choice stands beside it. `size` where the person made it small."""

    type: ClassVar[str] = "org.griddispatch.ticket.category-confirmed.v1"
    category: str
    auto_category: str
    confidence: float | None = None
    size: MatterSize | None = None


class TicketWhistled(Event):
    """A township calls a department to the spot; it reports in by `report_by`."""

    type: ClassVar[str] = "org.griddispatch.ticket.whistled.v1"
    assignment_id: AssignmentId
    unit: str
    kind: WhistleKind
    by: str
    cycle: int
    report_by: datetime


class TicketReportedIn(Event):
    """The department answered the whistle."""

    type: ClassVar[str] = "org.griddispatch.ticket.reported-in.v1"
    assignment_id: AssignmentId
    unit: str
    kind: WhistleKind
    answer: ReportAnswer
    on_time: bool


class TicketPlanned(Event):
    """The joint plan is made: its parts, owners and dates are kept by dispatch."""

    type: ClassVar[str] = "org.griddispatch.ticket.planned.v1"
    cycle: int
    parts: int
    on_time: bool


class TicketMeetingHeld(Event):
    """The units met on a complex matter; the minutes are kept by dispatch."""

    type: ClassVar[str] = "org.griddispatch.ticket.meeting-held.v1"
    cycle: int
    on_time: bool


class TicketSupportWaived(Event):
    """A support part, or the need for any (no `assignment_id`), was waived with a reason."""

    type: ClassVar[str] = "org.griddispatch.ticket.support-waived.v1"
    assignment_id: AssignmentId | None = None
    unit: str | None = None
    cycle: int
    reason: str


class TicketPartnerEvaluated(Event):
    """A unit scored another one it worked with (双考核), from 1 to 5."""

    type: ClassVar[str] = "org.griddispatch.ticket.partner-evaluated.v1"
    by: str
    unit: str
    score: int
    cycle: int


class TicketHastenNoted(Event):
    """Somebody asked for speed; no clock is set anew. `counted` is at most once a day."""

    type: ClassVar[str] = "org.griddispatch.ticket.hasten-noted.v1"
    cycle: int
    hastens: int
    counted: bool


class TicketWithdrawn(Event):
    """The citizen took the matter back."""

    type: ClassVar[str] = "org.griddispatch.ticket.withdrawn.v1"
    cycle: int


class TicketPutAside(Event):
    """The ticket is not worked on by itself 已并单: what is done about `into` is done about it.

    Its own deadline stands meanwhile, and counts for the ticket that is worked on if it is the earlier one.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.put-aside.v1"
    ticket_no: str
    into: TicketId
    cycle: int
    ticket_type: TicketType
    category: str
    urgency: Urgency
    size: MatterSize
    township: str | None = None
    grid: str | None = None
    accepted_at: datetime
    due_at: datetime
    exercise: bool = False


class TicketTakenUp(Event):
    """A ticket that was put aside is worked on by itself again, with its clocks as if it had never been merged."""

    type: ClassVar[str] = "org.griddispatch.ticket.taken-up.v1"
    reason: TakeUpReason
    cycle: int
    due_at: datetime


class TicketResolvedWith(Event):
    """The ticket that this one waited for was closed, so it is resolved too; `unit` led that one.

    The work counts once, for `into`; its own citizen is asked all the same.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.resolved-with.v1"
    into: TicketId
    assignment_id: AssignmentId
    unit: str
    cycle: int


class IncidentDeadlineSet(Event):
    """The deadline of a ticket that others wait for moved: it is the earliest of theirs and its own."""

    type: ClassVar[str] = "org.griddispatch.incident.deadline-set.v1"
    cycle: int
    due_at: datetime


class WishPassedOver(Event):
    """What was asked through another service, or decided there, could not be done any more; nothing else changed."""

    type: ClassVar[str] = "org.griddispatch.ticket.wish-passed-over.v1"
    wish: str
    code: str


class GuardRefused(Event):
    """Work was to go where it must not: who wanted that (`unit`), of what, and the rule that said no; of work asked
    beside any ticket the story is the request's own."""

    type: ClassVar[str] = "org.griddispatch.guard.refused.v1"
    code: str
    unit: str
    target: str | None = None
    category: str
    rule: str
