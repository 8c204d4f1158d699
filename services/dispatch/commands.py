"""Commands over HTTP: their names and bodies, who gives them, and carrying them out, one or many in a transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import Request
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from uuid_utils.compat import uuid7

from services.dispatch import store
from services.dispatch.core import triggers as t
from services.dispatch.core.actors import Actor, Role
from services.dispatch.core.fields import Person
from services.dispatch.core.triggers import CheckIn, Command, OnAssignment
from services.dispatch.decisions import Decider, Ruling
from services.dispatch.hands import Cause
from services.dispatch.places import Places
from shared.access import actor_of as asking_of
from shared.actors import Forbidden
from shared.database import Database
from shared.errors import NotFound, Problem, Rejected
from shared.events import Draft
from shared.identity import ANYBODY
from shared.joint_events import GuardRefused
from shared.problems import problems_of
from shared.sections import CLOSED
from shared.terms import AssignmentId, TicketId

ROLES_OF_PROGRAMS: Final[Mapping[str, Role]] = {"hotline": Role.HOTLINE_AGENT, "unit_system": Role.HANDLER}
"""Whose part a program with an API key plays."""

TARGET: Final = "assignment_id"
Degrees = Annotated[float | None, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class CheckInBody:
    """On site; the place (WGS 84 degrees) is compared with the grid and not kept."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED
    handler: Person
    lon: Annotated[float | None, Field(ge=-180, le=180, allow_inf_nan=False)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90, allow_inf_nan=False)] = None


ON_ASSIGNMENTS: Final[Mapping[str, type[Command]]] = {
    "sign": t.Sign, "name-handler": t.NameHandler, "contact": t.Contact, "check-in": t.CheckIn,
    "report-stage": t.ReportStage, "report-first-disposal": t.ReportFirstDisposal, "resolve": t.Resolve,
    "sub-dispatch": t.SubDispatch, "return": t.Return, "grant-return": t.GrantReturn, "refuse-return": t.RefuseReturn,
    "recall": t.Recall, "convert-size": t.ConvertSize, "assess": t.Assess,
}  # fmt: skip
"""Commands on one unit's share, by the name in their path."""

ON_TICKETS: Final[Mapping[str, type[Command]]] = {
    "pass-audit": t.PassAudit, "rework": t.Rework, "redispatch": t.Redispatch, "designate": t.Designate,
    "ask-info": t.AskInfo, "supply-info": t.SupplyInfo, "ask-extension": t.AskExtension,
    "grant-extension": t.GrantExtension, "refuse-extension": t.RefuseExtension, "propose-hang": t.ProposeHang,
    "approve-hang": t.ApproveHang, "unhang": t.Unhang, "mark-complex": t.MarkComplex,
    "change-urgency": t.ChangeUrgency, "confirm-category": t.ConfirmCategory, "make-plan": t.MakePlan,
    "hold-meeting": t.HoldMeeting, "add-support": t.AddSupport, "waive-support": t.WaiveSupport,
    "blow-whistle": t.BlowWhistle, "report-in": t.ReportIn, "evaluate-partner": t.EvaluatePartner,
    "hasten": t.Hasten, "supervise": t.Supervise, "withdraw": t.Withdraw, "reopen": t.Reopen,
    "answer": t.Answer, "call-back": t.ReportCallBack,
}  # fmt: skip
"""Commands on a whole ticket, by the name in their path."""

NAMES: Final = {**ON_ASSIGNMENTS, **ON_TICKETS}


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as somebody gave it: on what, for which version of its ticket, by whom."""

    name: str
    version: int
    command: Command
    actor: Actor | None = None
    ticket_id: TicketId | None = None
    """None where the assignment says which."""
    traceparent: str | None = None


class Reader:
    """Reads bodies into commands; every fault is named by its field."""

    def __init__(self, places: Places) -> None:
        self._places = places

    @cached_property
    def _adapters(self) -> Mapping[type[object], TypeAdapter[Any]]:
        return {model: TypeAdapter(model) for model in (*NAMES.values(), CheckInBody)}

    def schema(self, name: str) -> dict[str, Any]:
        """The JSON Schema of a command's body."""
        model = NAMES[name]
        schema: dict[str, Any] = self._adapters[CheckInBody if model is CheckIn else model].json_schema()
        if issubclass(model, OnAssignment):
            schema.get("properties", {}).pop(TARGET, None)
            schema["required"] = [field for field in schema.get("required", []) if field != TARGET]
        return schema

    def read(self, name: str, body: object, assignment_id: UUID | None) -> Command:
        """The command. Raises Rejected with every problem."""
        model = NAMES[name]
        if not isinstance(body, dict):
            raise Rejected(Problem("", "not_an_object", "the body must be an object"))
        if issubclass(model, OnAssignment) and TARGET in body:
            raise Rejected(Problem(TARGET, "unexpected", "the path says which assignment it is"))
        try:
            if model is CheckIn:
                return self._check_in(body, assignment_id)
            target = {TARGET: assignment_id} if issubclass(model, OnAssignment) else {}
            command: Command = self._adapters[model].validate_python(body | target)
        except ValidationError as error:
            raise Rejected(*problems_of(error)) from error
        return command

    def _check_in(self, body: Mapping[str, Any], assignment_id: UUID | None) -> CheckIn:
        read: CheckInBody = self._adapters[CheckInBody].validate_python(body)
        assert assignment_id is not None
        return CheckIn(AssignmentId(assignment_id), read.handler, self._places.find(read.lon, read.lat))


def actor_of(request: Request) -> Actor | None:
    """Who gives the commands of this request, in the terms of the core.

    Where anybody may be anybody and nobody is named, the least role that may give a command is assumed.
    Raises Forbidden for a role that gives no commands.
    """
    asking = asking_of(request)
    if asking.role == ANYBODY:
        return None
    role = ROLES_OF_PROGRAMS.get(asking.role, asking.role)
    if role not in set(Role) - {Role.SYSTEM}:
        raise Forbidden("no-commands", f"The role {asking.role!r} gives no commands.")
    return Actor(Role(role), asking.unit, asking.person or asking.client)


class Commands:
    """Carries commands out."""

    def __init__(self, database: Database, decider: Decider, places: Places) -> None:
        self._database = database
        self._decider = decider
        self.reader = Reader(places)

    @property
    def decider(self) -> Decider:
        """What decides them."""
        return self._decider

    async def run(self, asked: Sequence[Asked]) -> list[Ruling]:
        """Decide all of them in one transaction; a ruling each, in order. Raises Unavailable."""
        found = await self._tickets(asked)
        rulings: list[Ruling] = [Ruling(None, NotFound("no such assignment"))] * len(asked)
        waiting = [(n, ticket_id, a) for n, (ticket_id, a) in enumerate(zip(found, asked, strict=True)) if ticket_id]
        while waiting:
            # One command per ticket and round: each ruling belongs to exactly one command.
            this_round = {ticket_id: (n, a) for n, ticket_id, a in reversed(waiting)}
            async with self._database.transaction() as tx:
                causes = {ticket_id: [_cause(a)] for ticket_id, (_, a) in this_round.items()}
                decided = await self._decider.decide(tx, causes)
            for ticket_id, (n, _) in this_round.items():
                rulings[n] = decided[ticket_id]
            done = {n for n, _ in this_round.values()}
            waiting = [entry for entry in waiting if entry[0] not in done]
        return rulings

    async def state_refusals(self, refused: Sequence[GuardRefused]) -> None:
        """State what was refused of a request beside any ticket, and keep it for the burden report. Raises Unavailable.

        The story is the request's own.
        """
        now, story = self._decider.now(), TicketId(uuid7())
        async with self._database.transaction() as tx:
            await store.add_refusals(tx, [store.refusal_row(event, None, now) for event in refused])
            versions = await self._decider.ledger.lock(tx, [story])
            drafts = [Draft(story, event, now, "command:work-request") for event in refused]
            await self._decider.ledger.append(tx, versions, drafts)

    async def _tickets(self, asked: Sequence[Asked]) -> list[TicketId | None]:
        """The ticket of each command, None where there is no such assignment."""
        wanted = [a.command.assignment_id for a in asked if isinstance(a.command, OnAssignment)]
        known = await store.tickets_of(self._database, wanted) if wanted else {}
        return [
            known.get(a.command.assignment_id) if isinstance(a.command, OnAssignment) else a.ticket_id for a in asked
        ]


def _cause(asked: Asked) -> Cause:
    return Cause(asked.command, f"command:{asked.name}", asked.traceparent, asked.version, asked.actor)
