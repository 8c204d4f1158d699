"""HTTP of dispatch: the tickets, the assignments and their commands, and why each decision fell as it did."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.dispatch import store
from services.dispatch.core import lifecycle
from services.dispatch.core.case import PUBLIC_STATES, AssignmentState, Case, TicketState
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.story import Refused
from services.dispatch.core.triggers import CheckIn, Command, Contact, Resolve, Return, Sign
from services.dispatch.core.views import queue_line, ticket_view
from services.dispatch.decisions import Cause, Decider, Ruling
from services.dispatch.places import Places
from shared import ndjson
from shared.database import Database
from shared.errors import Conflict, NotFound, Problem, Rejected, Unavailable
from shared.problems import problem
from shared.terms import AssignmentId, ReturnReason, TicketId

Text = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(lambda text: _storable(text))]
Handler = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(lambda text: _storable(text))]


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("NUL and lone surrogates are not text")
    return text


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignBody(_Body):
    """Confirm receipt."""

    handler: Handler | None = None


class ContactBody(_Body):
    """The citizen was spoken with, by this handler."""

    handler: Handler


class CheckInBody(_Body):
    """On site; the place (WGS 84 degrees) is compared with the grid and not kept."""

    handler: Handler
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)


class ResolveBody(_Body):
    """The result."""

    action: str = Field(pattern=r"^[A-Z][A-Z_]{1,39}$")
    reply: Text
    note: Annotated[str, Field(max_length=4000), AfterValidator(_storable)] = ""


class ReturnBody(_Body):
    """Hand the assignment back."""

    reason: ReturnReason
    basis: Text


Body = SignBody | ContactBody | CheckInBody | ResolveBody | ReturnBody
BODIES: dict[str, type[Body]] = {
    "sign": SignBody, "contact": ContactBody, "check-in": CheckInBody, "resolve": ResolveBody, "return": ReturnBody,
}  # fmt: skip
CommandName = Literal["sign", "contact", "check-in", "resolve", "return"]


class BulkLine(_Body):
    """One command of a bulk body: which, on what, for which version of its ticket."""

    command: CommandName
    assignment_id: AssignmentId
    version: int = Field(ge=1, le=2**31 - 1)
    body: dict[str, Any] = Field(default_factory=dict)


_LINE = TypeAdapter(BulkLine)


class Commands:
    """Commands over HTTP: one, or many in one transaction."""

    def __init__(self, database: Database, decider: Decider, places: Places) -> None:
        self._database = database
        self._decider = decider
        self._places = places

    async def run(self, asked: Sequence[tuple[AssignmentId, int, CommandName, Body]]) -> list[Ruling]:
        """Decide all of them in one transaction; a ruling each, in order. Raises Unavailable."""
        tickets = await store.tickets_of(self._database, [assignment_id for assignment_id, *_ in asked])
        rulings: list[Ruling] = [Ruling(None, NotFound("no such assignment"))] * len(asked)
        waiting = [(n, tickets[a[0]], a) for n, a in enumerate(asked) if a[0] in tickets]
        while waiting:
            # One command per ticket and round: each ruling belongs to exactly one command.
            this_round = {ticket_id: (n, a) for n, ticket_id, a in reversed(waiting)}
            async with self._database.transaction() as tx:
                causes = {t: [self._cause(a)] for t, (_, a) in this_round.items()}
                decided = await self._decider.decide(tx, causes)
            for ticket_id, (n, _) in this_round.items():
                rulings[n] = decided[ticket_id]
            done = {n for n, _ in this_round.values()}
            waiting = [entry for entry in waiting if entry[0] not in done]
        return rulings

    def _cause(self, asked: tuple[AssignmentId, int, CommandName, Body]) -> Cause:
        assignment_id, version, name, body = asked
        return Cause(self._command(assignment_id, body), f"command:{name}", expected_version=version)

    def _command(self, assignment_id: AssignmentId, body: Body) -> Command:
        match body:
            case SignBody():
                return Sign(assignment_id, body.handler)
            case ContactBody():
                return Contact(assignment_id, body.handler)
            case CheckInBody():
                return CheckIn(assignment_id, body.handler, self._places.find(body.lon, body.lat))
            case ResolveBody():
                return Resolve(assignment_id, body.action, body.reply, body.note)
            case ReturnBody():
                return Return(assignment_id, body.reason, body.basis)


def router(database: Database, commands: Commands) -> APIRouter:
    """Every route of dispatch but the health ones."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/tickets/{ticket_id}")
    async def get_ticket(ticket_id: UUID, response: Response) -> dict[str, Any]:
        """The public state of a ticket with its assignments; `ETag` is the version commands must name."""
        async with database.transaction() as tx:
            case = (await store.read_cases(tx, [TicketId(ticket_id)])).get(TicketId(ticket_id))
        if case is None:
            raise NotFound(str(ticket_id))
        response.headers["ETag"] = f'"{case.version}"'
        return ticket_view(case)

    @routes.get("/tickets/{ticket_id}/explanation")
    async def get_explanation(ticket_id: UUID) -> list[dict[str, Any]]:
        """Why: every decision on the ticket, with the rules that fired and the values they saw."""
        rows = await store.read_decisions(database, TicketId(ticket_id))
        if not rows:
            raise NotFound(str(ticket_id))
        return [dict(row) for row in rows]

    @routes.get("/assignments")
    async def list_assignments(
        unit: Annotated[str | None, Query(max_length=80)] = None,
        state: AssignmentState | None = None,
        after: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Open assignments, the nearest deadline first; `next` is where the following page begins."""
        found = await store.list_open(database, unit, state, _read_place(after), limit)
        items = [queue_line(case, assignment_id) for assignment_id, case in found]
        following = f"{items[-1]['due_at'].isoformat()},{items[-1]['id']}" if len(items) == limit else None
        return {"assignments": items, "next": following}

    @routes.get("/overview")
    async def get_overview() -> dict[str, Any]:
        """Open tickets by state and light."""
        return {"open": await store.overview(database), "unwatched": await store.unwatched(database, 100)}

    @routes.get("/lifecycle")
    async def get_lifecycle() -> dict[str, Any]:
        """Both state machines, as the code has them."""
        return lifecycle_view()

    def command(name: CommandName, model: type[Body]) -> None:
        async def run(
            assignment_id: UUID, request: Request, if_match: Annotated[str | None, Header(max_length=20)] = None
        ) -> JSONResponse:
            version = _read_version(if_match)
            if version is None:
                return problem(428, "if-match-missing", "Name the version you saw: If-Match.")
            body = _read_body(model, await _limited_body(request))
            (ruling,) = await commands.run([(AssignmentId(assignment_id), version, name, body)])
            return _answer(ruling)

        run.__doc__ = model.__doc__
        schema = {"content": {"application/json": {"schema": model.model_json_schema()}}, "required": True}
        path = f"/assignments/{{assignment_id}}/{name}"
        extra = {"requestBody": schema}
        routes.add_api_route(path, run, methods=["POST"], name=name, openapi_extra=extra, response_model=None)

    for name, model in BODIES.items():
        command(name, model)  # type: ignore[arg-type]

    @routes.post("/commands", response_model=None)
    async def bulk(request: Request) -> Response:
        """Many commands, NDJSON: `{"command", "assignment_id", "version", "body"}` a line, one result a line."""

        async def settle(lines: Sequence[ndjson.Line]) -> list[dict[str, Any]]:
            return await _settle(commands, lines)

        return ndjson.respond(request, settle)

    return routes


def lifecycle_view() -> dict[str, Any]:
    """The transition tables as lists of edges."""
    return {
        "ticket": {
            "states": {state.value: PUBLIC_STATES[state] for state in TicketState},
            "transitions": _edges(lifecycle.TICKET_TRANSITIONS),
        },
        "assignment": {
            "states": [state.value for state in AssignmentState],
            "transitions": _edges(lifecycle.ASSIGNMENT_TRANSITIONS),
        },
    }


def _edges(table: Any) -> list[dict[str, Any]]:
    return [
        {"from": before, "to": after, "trigger": edge.trigger, "roles": edge.roles}
        for (before, after), edge in table.items()
    ]


def _answer(ruling: Ruling) -> JSONResponse:
    match ruling.error:
        case None if ruling.case is not None:
            view = _brief(ruling.case)
            return JSONResponse(view, headers={"ETag": f'"{ruling.case.version}"'})
        case Refused() as refused:
            return problem(
                409, refused.code, str(refused), current_version=ruling.case.version if ruling.case else None
            )
        case IllegalTransition() as illegal:
            return problem(
                409, "illegal-transition", str(illegal), current_version=ruling.case.version if ruling.case else None
            )
        case error:
            raise error or NotFound("nothing was decided")


def _brief(case: Case) -> dict[str, Any]:
    return {
        "ticket_id": str(case.ticket_id),
        "version": case.version,
        "state": case.state,
        "due_at": case.due_at.isoformat(),
    }


async def _settle(commands: Commands, lines: Sequence[ndjson.Line]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = [{}] * len(lines)
    asked: list[tuple[int, tuple[AssignmentId, int, CommandName, Body]]] = []
    for n, line in enumerate(lines):
        try:
            asked.append((n, _read_line(line)))
        except Rejected as error:
            found = [{"field": p.field, "code": p.code, "message": p.message} for p in error.problems]
            answers[n] = {"status": 413 if line.body is None else 422, "problems": found}
    try:
        rulings = await commands.run([a for _, a in asked]) if asked else []
    except Unavailable:
        rulings = [Ruling(None, Unavailable("try again"))] * len(asked)
    for (n, _), ruling in zip(asked, rulings, strict=True):
        answers[n] = _line_answer(ruling)
    return answers


def _line_answer(ruling: Ruling) -> dict[str, Any]:
    match ruling.error:
        case None if ruling.case is not None:
            return {"status": 200, **_brief(ruling.case)}
        case NotFound():
            return {"status": 404}
        case Unavailable():
            return {"status": 503}
        case Conflict() as conflict:
            return {"status": 409, "code": "conflict", "current_version": conflict.current_version}
        case Refused() as refused:
            return {
                "status": 409,
                "code": refused.code,
                "current_version": ruling.case.version if ruling.case else None,
            }
        case _:
            return {"status": 409, "code": "illegal-transition", "message": str(ruling.error)}


def _read_line(line: ndjson.Line) -> tuple[AssignmentId, int, CommandName, Body]:
    if line.body is None:
        raise Rejected(Problem("", "too_large", f"a line has at most {ndjson.LINE_LIMIT} bytes"))
    try:
        asked = _LINE.validate_json(line.body)
        return asked.assignment_id, asked.version, asked.command, BODIES[asked.command].model_validate(asked.body)
    except ValidationError as error:
        raise Rejected(*_problems(error)) from error


def _read_body(model: type[Body], body: bytes) -> Body:
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise Rejected(*_problems(error)) from error


def _problems(error: ValidationError) -> list[Problem]:
    return [Problem(".".join(str(p) for p in e["loc"]), e["type"], e["msg"]) for e in error.errors(include_url=False)]


async def _limited_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > ndjson.LINE_LIMIT:
            raise Rejected(Problem("", "too_large", f"a body has at most {ndjson.LINE_LIMIT} bytes"))
    return body


def _read_version(if_match: str | None) -> int | None:
    text = (if_match or "").strip().strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _read_place(after: str | None) -> tuple[datetime, UUID]:
    if after is None:
        return datetime.min.replace(tzinfo=UTC), UUID(int=0)
    due_at, _, assignment_id = after.replace(" ", "+").partition(",")
    try:
        place = datetime.fromisoformat(due_at), UUID(assignment_id)
    except ValueError as error:
        raise Rejected(Problem("after", "malformed", "not a place in this list")) from error
    if place[0].tzinfo is None:
        raise Rejected(Problem("after", "malformed", "not a place in this list"))
    return place
