"""What can move a case: events from the other services, commands from people, and clocks that ran out.

A command's fields are what the HTTP body holds, with their bounds; who gives it stands beside it, in the actor.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

from msgspec import Struct
from pydantic import ConfigDict, Field

from services.dispatch.core.command_bases import OnAssignment as OnAssignment
from services.dispatch.core.command_bases import OnTicket as OnTicket
from services.dispatch.core.family_words import FamilyWord, PutAside
from services.dispatch.core.fields import (
    Code,
    KnowledgeId,
    LimitSpelling,
    OptionalText,
    Person,
    RecordId,
    Text,
    UnitId,
)
from services.dispatch.core.nature_commands import Assess as Assess
from services.dispatch.core.nature_commands import ChangeUrgency as ChangeUrgency
from services.dispatch.core.nature_commands import ConfirmCategory as ConfirmCategory
from services.dispatch.core.nature_commands import ConvertSize as ConvertSize
from services.dispatch.core.nature_commands import MarkComplex as MarkComplex
from services.dispatch.core.story import ArchiveDue, Clock, ClockLost, NoticeCame, StandstillOrdered
from services.dispatch.core.wish import Wish
from shared.events import TicketEvaluated, TicketTriaged
from shared.sections import CLOSED
from shared.terms import (
    AssignmentId,
    AssignmentKind,
    ReportAnswer,
    ReturnFinding,
    ReturnReason,
    WhistleKind,
)

# ---- handling ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sign(OnAssignment):
    """Confirm receipt (签收); `handler` is the person who will do it, if known yet."""

    handler: Person | None = None


@dataclass(frozen=True, slots=True)
class NameHandler(OnAssignment):
    """Name the person who does the work (承办人)."""

    handler: Person


@dataclass(frozen=True, slots=True)
class Contact(OnAssignment):
    """The handler has spoken with the citizen (先行联系)."""

    handler: Person


@dataclass(frozen=True, slots=True)
class CheckIn(OnAssignment):
    """The handler is on site (到场); `grids` are those that hold the place, None when no place was given."""

    handler: Person
    grids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ReportStage(OnAssignment):
    """How far it has come (阶段性反馈)."""

    report: Text


@dataclass(frozen=True, slots=True)
class ReportFirstDisposal(OnAssignment):
    """The danger is contained (先行处置完成)."""

    report: Text


@dataclass(frozen=True, slots=True)
class Resolve(OnAssignment):
    """The result (办理反馈): an action code, the reply the citizen may read, a note for the house, evidence ids.

    An action that has the citizen come in person needs its legal basis.
    """

    action: Code
    reply: Text
    note: OptionalText = ""
    evidence: Annotated[tuple[UUID, ...], Field(max_length=50)] = ()
    legal_basis: OptionalText = ""


@dataclass(frozen=True, slots=True)
class SubDispatch(OnAssignment):
    """Pass the assignment on to a unit below (下派)."""

    unit: UnitId
    enforces: bool = False


# ---- audit ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PassAudit(OnTicket):
    """The result is accepted (办结审核)."""


@dataclass(frozen=True, slots=True)
class Rework(OnTicket):
    """The result is sent back (返工)."""

    reason: Text


# ---- returns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Return(OnAssignment):
    """Ask to hand the assignment back (申请退单), with a reason, its basis, and perhaps whose it is."""

    reason: ReturnReason
    basis: Text
    proposed_unit: UnitId | None = None


@dataclass(frozen=True, slots=True)
class GrantReturn(OnAssignment):
    """Let the unit hand it back; `unit` leads next, or whom the rules name."""

    decision: Text
    unit: UnitId | None = None


@dataclass(frozen=True, slots=True)
class RefuseReturn(OnAssignment):
    """The unit goes on (驳回退单); a finding counts against it."""

    decision: Text
    finding: ReturnFinding | None = None


@dataclass(frozen=True, slots=True)
class Recall(OnAssignment):
    """Take a part back (收回): it was given in error."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Redispatch(OnTicket):
    """Give the lead to another unit (二次派单)."""

    unit: UnitId
    reason: Text
    enforces: bool = False


@dataclass(frozen=True, slots=True)
class Designate(OnTicket):
    """Give the lead to a unit that cannot return it (指定承办)."""

    unit: UnitId
    reason: Text


# ---- pauses and time --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskInfo(OnTicket):
    """Ask the citizen for what is missing (要求补充): once, and the deadline stands still."""

    question: Text


@dataclass(frozen=True, slots=True)
class SupplyInfo(OnTicket):
    """The citizen has answered (补充); the words themselves are intake's."""


@dataclass(frozen=True, slots=True)
class AskExtension(OnTicket):
    """Ask for more time (申请延期): `limit` more, as `3 WD` or `12 NH`, from the present deadline on."""

    limit: LimitSpelling
    reason: Text


@dataclass(frozen=True, slots=True)
class GrantExtension(OnTicket):
    """Put the deadline off as asked."""


@dataclass(frozen=True, slots=True)
class RefuseExtension(OnTicket):
    """Let the deadline stand."""

    reason: Text


@dataclass(frozen=True, slots=True)
class ProposeHang(OnTicket):
    """Propose to let the matter wait (挂账): ground, plan, owner, the record of the decision, days to the review."""

    ground: Code
    owner: UnitId
    plan: Text
    record: RecordId
    review_days: Annotated[int, Field(ge=1, le=366)]


@dataclass(frozen=True, slots=True)
class ApproveHang(OnTicket):
    """Approve what another person proposed; from now on the matter waits."""


@dataclass(frozen=True, slots=True)
class Unhang(OnTicket):
    """Handle a waiting matter again."""


# ---- joint handling ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """One part of a plan."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    work: Code
    owner: UnitId
    due_on: date


@dataclass(frozen=True, slots=True)
class MakePlan(OnTicket):
    """The joint plan (联动方案): parts, owners, dates; the citizen is told."""

    parts: Annotated[tuple[PlannedPart, ...], Field(min_length=1, max_length=30)]
    summary: Text


@dataclass(frozen=True, slots=True)
class HoldMeeting(OnTicket):
    """The units met (会商); the minutes become a precedent of the category."""

    minutes: Text


@dataclass(frozen=True, slots=True)
class AddSupport(OnTicket):
    """Give another unit a part (增加协办)."""

    unit: UnitId
    kind: AssignmentKind = AssignmentKind.SUPPORT
    enforces: bool = False


@dataclass(frozen=True, slots=True)
class WaiveSupport(OnTicket):
    """Do without a part, or without any (免办): only the command centre, with a reason."""

    reason: Text
    assignment_id: AssignmentId | None = None


@dataclass(frozen=True, slots=True)
class BlowWhistle(OnTicket):
    """Call departments to the spot (吹哨)."""

    kind: WhistleKind
    units: Annotated[tuple[UnitId, ...], Field(min_length=1, max_length=10)]
    basis: Text


@dataclass(frozen=True, slots=True)
class ReportIn(OnTicket):
    """A department answers the whistle (报到)."""

    whistle_id: UUID
    answer: ReportAnswer = ReportAnswer.ACCEPT
    basis: OptionalText = ""


@dataclass(frozen=True, slots=True)
class EvaluatePartner(OnTicket):
    """Score a unit one worked with (双考核), 1 to 5."""

    by: UnitId
    unit: UnitId
    score: Annotated[int, Field(ge=1, le=5)]


@dataclass(frozen=True, slots=True)
class Hasten(OnTicket):
    """Ask for speed (催办); no clock is set anew."""


@dataclass(frozen=True, slots=True)
class Supervise(OnTicket):
    """Supervise formally (督办), at level 1 to 3."""

    level: Annotated[int, Field(ge=1, le=3)]
    reason: Text


@dataclass(frozen=True, slots=True)
class Withdraw(OnTicket):
    """The citizen takes the matter back (撤回)."""


@dataclass(frozen=True, slots=True)
class Reopen(OnTicket):
    """The citizen or a supervisor has a closed matter handled again (重办)."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Answer(OnTicket):
    """Answer a question directly (直接答复), before a unit begins: by which entry, and in which words."""

    knowledge: KnowledgeId
    reply: Text


@dataclass(frozen=True, slots=True)
class ReportCallBack(OnTicket):
    """Say whether help came (回访核实), where a critical matter was handed to another line: `note` is what was heard.

    While it did not, the clock goes on.
    """

    note: Text
    helped: bool = False


class TimerDue(Struct, frozen=True):
    """A clock has reached its next step, at `fire_at`."""

    clock: Clock
    cycle: int
    step: str
    fire_at: datetime
    limit: str
    started_at: datetime
    due_at: datetime
    subject: str = ""


HandlingCommand: TypeAlias = (
    Sign | NameHandler | Contact | CheckIn | ReportStage | ReportFirstDisposal | Resolve | SubDispatch
)
AuditCommand: TypeAlias = PassAudit | Rework
ReturnCommand: TypeAlias = Return | GrantReturn | RefuseReturn | Recall | Redispatch | Designate
TimeCommand: TypeAlias = AskInfo | SupplyInfo | AskExtension | GrantExtension | RefuseExtension
HangCommand: TypeAlias = ProposeHang | ApproveHang | Unhang
NatureCommand: TypeAlias = ConvertSize | Assess | MarkComplex | ChangeUrgency | ConfirmCategory
JointCommand: TypeAlias = MakePlan | HoldMeeting | AddSupport | WaiveSupport | BlowWhistle | ReportIn | EvaluatePartner
SupervisionCommand: TypeAlias = Hasten | Supervise | Withdraw | Reopen
Command: TypeAlias = (
    HandlingCommand | AuditCommand | ReturnCommand | TimeCommand | HangCommand | NatureCommand | JointCommand
    | SupervisionCommand | Answer | ReportCallBack
)  # fmt: skip
Trigger: TypeAlias = (
    TicketTriaged
    | TicketEvaluated
    | TimerDue
    | ClockLost
    | ArchiveDue
    | NoticeCame
    | StandstillOrdered
    | Wish
    | PutAside
    | FamilyWord
    | Command
)
