"""A case: what dispatch knows of one ticket, and each unit's share of it, as frozen values.

They are typed structs and not dataclasses: a case is made and remade several times in every decision, and a struct of
thirty fields costs a fiftieth of a frozen dataclass to make. It is stored as the JSON it encodes to, without what has
its default value.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from services.dispatch.core.extent import Extent
from shared.terms import (
    AssignmentId,
    AssignmentKind,
    Channel,
    CloseReason,
    Light,
    MatterSize,
    ReportAnswer,
    ReturnReason,
    TicketId,
    TicketType,
    TransferTarget,
    Urgency,
    WhistleKind,
)


class TicketState(StrEnum):
    """Where a ticket stands; `lifecycle` names each in Chinese and English. Some are intake's alone."""

    REGISTERED = "REGISTERED"
    NEED_INFO = "NEED_INFO"
    ACCEPTED = "ACCEPTED"
    DISPATCHED = "DISPATCHED"
    HUNG = "HUNG"
    RESOLVED = "RESOLVED"
    FOLLOWING_UP = "FOLLOWING_UP"
    CLOSED = "CLOSED"
    ANSWERED = "ANSWERED"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    TRANSFERRED = "TRANSFERRED"
    ROUTED = "ROUTED"
    MERGED = "MERGED"
    WITHDRAWN = "WITHDRAWN"
    ARCHIVED = "ARCHIVED"


class AssignmentState(StrEnum):
    """Where one unit's share stands; `lifecycle` names each in Chinese and English."""

    PENDING_SIGN = "PENDING_SIGN"
    SIGNED = "SIGNED"
    HANDLING = "HANDLING"
    SUBMITTED = "SUBMITTED"
    REWORK = "REWORK"
    RETURN_REQUESTED = "RETURN_REQUESTED"
    ACCEPTED_RESULT = "ACCEPTED_RESULT"
    RETURNED = "RETURNED"
    RECALLED = "RECALLED"
    WAIVED = "WAIVED"


class Assignment(Struct, frozen=True, omit_defaults=True):
    """One unit's share of a ticket. `ended_at` is None while it is live.

    `list_version` and `deployment` are what the duty-list guard went by when it let the unit have it.
    """

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
    first_disposed_at: datetime | None = None
    stage_reported_at: datetime | None = None
    submitted_at: datetime | None = None
    ended_at: datetime | None = None
    return_reason: ReturnReason | None = None
    return_asked_at: datetime | None = None
    return_refused: bool = False
    light: Light = Light.GREEN
    list_version: str | None = None
    deployment: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether the unit still answers for it."""
        return self.ended_at is None

    @property
    def is_open(self) -> bool:
        """Whether its work is still to be done: live, and nothing handed in."""
        return self.ended_at is None and self.state is not AssignmentState.SUBMITTED


class Extension(Struct, frozen=True, omit_defaults=True):
    """More time was asked for (延期), until `until`; decided when `granted` is not None."""

    asked_at: datetime
    until: datetime
    granted: bool | None = None
    limit: str | None = None


class Hang(Struct, frozen=True, omit_defaults=True):
    """A matter put off with a plan (挂账): who proposed and who approved it, and when it is looked at again."""

    ground: str
    owner: str
    record: str
    review_days: int
    proposed_by: str
    approved_by: str | None = None
    hung_at: datetime | None = None
    review_at: datetime | None = None


class StoodStill(Struct, frozen=True, omit_defaults=True, tag="stood_still"):
    """The citizen's clock stood still, and after it at least so much was left."""

    paused_at: datetime
    resumed_at: datetime
    least: str | None = None


class PutOff(Struct, frozen=True, tag="put_off"):
    """The citizen's deadline was put off by so much."""

    limit: str


class Whistle(Struct, frozen=True, omit_defaults=True):
    """One department called to the spot (吹哨), with its answer. `assignment_id` is the department's part."""

    id: UUID
    kind: WhistleKind
    by: str
    unit: str
    assignment_id: AssignmentId
    at: datetime
    report_by: datetime
    answer: ReportAnswer | None = None
    answered_at: datetime | None = None


class PlanPart(Struct, frozen=True):
    """One part of a joint plan: a code of the work, who owns it, by when."""

    work: str
    owner: str
    due_on: date


class PartnerScore(Struct, frozen=True):
    """What one unit says of another it worked with (双考核)."""

    by: str
    unit: str
    score: int


class ParkedClock(Struct, frozen=True):
    """A clock as it stood when its ticket was put aside; fields as of the running clock."""

    clock: str
    subject: str
    cycle: int
    step: str
    fire_at: datetime
    limit: str
    started_at: datetime
    due_at: datetime


class Merge(Struct, frozen=True, omit_defaults=True):
    """The ticket waits for another one (并单): for which, and what its units and clocks were when that began.

    Until intake has said so in an event of its own (`is_said`), only triage has; the other ticket knows nothing yet.
    `state` is where it stood, `supplied_at` when its citizen answered what it had waited for there.
    """

    into: TicketId
    own_follow_up: bool = True
    is_said: bool = False
    shares: tuple[Assignment, ...] = ()
    parked: tuple[ParkedClock, ...] = ()
    state: TicketState = TicketState.DISPATCHED
    previous_state: TicketState | None = TicketState.ACCEPTED
    supplied_at: datetime | None = None


class CallBack(Struct, frozen=True, omit_defaults=True):
    """A critical matter went to another line: somebody finds out by `due_at` whether help came; when it had come."""

    target: TransferTarget
    due_at: datetime
    helped_at: datetime | None = None


class Case(Struct, frozen=True, omit_defaults=True):
    """One ticket. `version` is how far its story in this service has come; `due_at` is the citizen's deadline.

    `clocks` says which clocks run, and at which instant each does something next; `escalated` what was stated of this
    cycle, so that a clock that is set anew repeats nothing. `forwards` counts by level how often work was passed on
    without an action. `own_due_at` is its own deadline while an earlier one of a ticket that waits for it counts.
    `moves` is what moved the deadline in this cycle, in order, so that it can be counted again. `levels_up` says how
    far above the usual it is led, `case_class` that it is a city-management case, `by_person` that no rule audits it,
    `standstills` by which orders its clocks stood still, `raised` by how much earlier than due it stands in queues,
    `verifiers` which persons accepted results on the matter, those of earlier tickets on it too, `knowledge` the
    entry by which it was answered directly, `call_back` what is to be found out since it went to another line.
    """

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
    clocks: dict[str, datetime] = {}
    escalated: tuple[str, ...] = ()
    is_complex: bool = False
    first_limit: str | None = None
    confidence: float | None = None
    auto_category: str | None = None
    least_urgency: Urgency = Urgency.U3
    complained_about: str | None = None
    paused_at: datetime | None = None
    info_asked_at: datetime | None = None
    extension: Extension | None = None
    hang: Hang | None = None
    hangs: int = 0
    whistles: tuple[Whistle, ...] = ()
    plan: tuple[PlanPart, ...] = ()
    met_at: datetime | None = None
    waiver: str | None = None
    scores: tuple[PartnerScore, ...] = ()
    hastens: int = 0
    hastened_on: date | None = None
    forwards: dict[str, int] = {}
    repeat: bool = False
    merge: Merge | None = None
    own_due_at: datetime | None = None
    moves: tuple[StoodStill | PutOff, ...] = ()
    vulnerable: bool = False
    extent: Extent | None = None
    levels_up: int = 0
    case_class: str | None = None
    by_person: bool = False
    extensions: int = 0
    hastens_today: int = 0
    standstills: tuple[str, ...] = ()
    raised: timedelta = timedelta()
    verifiers: tuple[str, ...] = ()
    knowledge: str | None = None
    call_back: CallBack | None = None

    @property
    def queue_at(self) -> datetime:
        """Its place in a queue of tickets, the earliest first."""
        return self.due_at - self.raised

    @property
    def lead(self) -> Assignment:
        """The lead of the present cycle: the live one, or the last that was. Raises LookupError if there is none."""
        for assignment in reversed(self.assignments):
            if assignment.kind is AssignmentKind.LEAD:
                return assignment
        raise LookupError(f"ticket {self.ticket_id} has no lead")

    @property
    def was_assigned(self) -> bool:
        """Whether there is or was a lead; a ticket that was merged at once has none."""
        return any(assignment.kind is AssignmentKind.LEAD for assignment in self.assignments)

    @property
    def parts(self) -> tuple[Assignment, ...]:
        """The live assignments beside the lead."""
        return tuple(a for a in self.assignments if a.kind is not AssignmentKind.LEAD and a.is_live)

    @property
    def is_contained(self) -> bool:
        """Whether somebody reported the first disposal, or came to the spot to lead."""
        return any(a.first_disposed_at or (a.kind is AssignmentKind.LEAD and a.checked_in_at) for a in self.assignments)

    def assignment(self, assignment_id: AssignmentId) -> Assignment | None:
        """The assignment of that id, or None."""
        return next((a for a in self.assignments if a.id == assignment_id), None)

    def live_share(self, unit: str) -> Assignment | None:
        """The unit's live assignment, or None."""
        return next((a for a in self.assignments if a.unit == unit and a.is_live), None)

    def with_assignment(self, changed: Assignment) -> "Case":
        """The case with this assignment put in the place of its former self, or added at the end."""
        kept = tuple(changed if a.id == changed.id else a for a in self.assignments)
        return replace(self, assignments=kept if changed in kept else (*kept, changed))
