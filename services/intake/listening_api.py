"""HTTP of listening: sessions and what is brought up in them, promises and their days, and what comes up most."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, StringConstraints
from uuid_utils.compat import uuid7

from services.intake import listening_store
from services.intake.bodies import expect, whole_body
from services.intake.contract import refusals
from services.intake.core.listening import OVERSEERS, RECORDERS, may_read
from services.intake.core.repeats import LOCAL
from services.intake.doors import Refusal
from services.intake.forms import SOMETHING, WITHIN_S, Form, answer, guarded, read_form, taking
from services.intake.incident_store import sealed_of
from services.intake.listening import Listening
from services.intake.listening_forms import ItemForm, PromiseForm, SaidForm, SessionForm, TicketForm
from services.intake.listening_table import TABLE_BODY, import_table
from services.intake.officers import Actor, actor_of
from services.intake.vault import Vault
from shared.acting import acting
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Malformed, NotFound
from shared.moments import Day, Instant
from shared.problems import problem
from shared.terms import ItemId, SessionId, SessionKind

TABLE_LIMIT = 1024 * 1024
READERS = (*RECORDERS, *OVERSEERS)
_LAST = UUID(int=2**128 - 1)
_FIRST = UUID(int=0)
_FAR = datetime(2101, 1, 1, tzinfo=UTC)

Limit = Annotated[int, Query(ge=1, le=200)]
Unit = Annotated[str, Query(max_length=64)]
Purpose = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), SOMETHING, Query()]
M = TypeVar("M", bound=Form)


class SessionRow(BaseModel):
    """A session in a list: how much was brought up, and how much of it is open."""

    id: UUID
    kind: SessionKind
    unit: str
    external_id: str
    held_at: datetime
    township: str | None
    village: str | None
    grid: str | None
    heads: int
    recorded_at: datetime
    closed_at: datetime | None
    items: int
    open: int


class CommitmentRow(BaseModel):
    """A promise that is neither kept nor missed yet."""

    id: UUID
    session_id: UUID
    due_on: date
    theme: str | None
    unit: str
    kind: SessionKind
    township: str | None
    village: str | None
    overdue: bool


def router(database: Database, listening: Listening, vault: Vault, now: Clock) -> APIRouter:
    """The routes. Those who record see their own unit's sessions, those who oversee all of their area."""
    routes = APIRouter(prefix="/v1/listening")
    _add_lists(routes, database, vault, now)
    _add_steps(routes, database, listening, now)

    @routes.post("/sessions", status_code=201, **taking(SessionForm, 400, 403, 404, 422, 503))
    async def post_session(request: Request) -> Response:
        """Record a session; the same `external_id` of the same unit again is the same session."""

        async def call(actor: Actor, form: SessionForm, tx: Transaction) -> dict[str, object]:
            session = form.session(SessionId(UUID(bytes=uuid7().bytes)))
            session_id, is_new = await listening.open(tx, session, form.external_id, form.words(), actor, now())
            return {"session_id": session_id, "replayed": not is_new}

        return await _told(database, request, SessionForm, call, 201)

    @routes.post("/sessions/table", responses=refusals(400, 403, 413, 415), openapi_extra=TABLE_BODY)
    async def post_table(request: Request) -> Response:
        """Hand in a spreadsheet as `text/csv`: a line for everything brought up, a result for every session."""
        if refused := guarded(request, RECORDERS):
            return refused
        try:
            expect(request, ("text/csv",))
            body = await whole_body(request, TABLE_LIMIT, WITHIN_S)
            return answer(await import_table(database, listening, body, actor_of(request), now()))
        except Refusal as refusal:
            return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
        except Malformed as error:
            return problem(400, error.code, "The table cannot be read.", error.problems)

    @routes.post("/sessions/{session_id}/items", status_code=201, **taking(ItemForm, 400, 403, 404, 409, 422, 503))
    async def post_item(request: Request, session_id: UUID) -> Response:
        """Write down what somebody brought up."""

        async def call(actor: Actor, form: ItemForm, tx: Transaction) -> dict[str, object]:
            return {"item_id": await listening.add(tx, SessionId(session_id), form.told(), actor, now())}

        return await _told(database, request, ItemForm, call, 201)

    @routes.post("/sessions/{session_id}/closing", status_code=204, responses=refusals(403, 404, 409, 503))
    async def close_session(request: Request, session_id: UUID) -> Response:
        """Close a session: refused while anything brought up in it is open."""
        if refused := guarded(request, RECORDERS):
            return refused
        async with database.transaction() as tx:
            await listening.close(tx, SessionId(session_id), actor_of(request), now())
        return Response(status_code=204)

    return routes


def _add_steps(routes: APIRouter, database: Database, listening: Listening, now: Clock) -> None:
    """How something that was brought up comes to an end, and how its words are read."""

    @routes.post("/items/{item_id}/answer", status_code=204, **taking(SaidForm, 400, 403, 404, 409, 422, 503))
    async def answer_item(request: Request, item_id: UUID) -> Response:
        """It was answered on the spot."""

        async def call(actor: Actor, form: SaidForm, tx: Transaction) -> None:
            await listening.answer(tx, ItemId(item_id), form.text, actor, now())

        return await _told(database, request, SaidForm, call)

    @routes.post("/items/{item_id}/commitment", status_code=204, **taking(PromiseForm, 400, 403, 404, 409, 422, 503))
    async def commit_item(request: Request, item_id: UUID) -> Response:
        """It was promised by a day; when the day goes by it becomes a ticket."""

        async def call(actor: Actor, form: PromiseForm, tx: Transaction) -> None:
            await listening.commit(tx, ItemId(item_id), form.text, form.due_on, actor, now())

        return await _told(database, request, PromiseForm, call)

    @routes.post("/items/{item_id}/fulfilment", status_code=204, **taking(SaidForm, 400, 403, 404, 409, 422, 503))
    async def fulfil_item(request: Request, item_id: UUID) -> Response:
        """What was promised is done."""

        async def call(actor: Actor, form: SaidForm, tx: Transaction) -> None:
            await listening.fulfil(tx, ItemId(item_id), form.text, actor, now())

        return await _told(database, request, SaidForm, call)

    @routes.post("/items/{item_id}/ticket", status_code=201, **taking(TicketForm, 400, 403, 404, 409, 422, 503))
    async def ticket_item(request: Request, item_id: UUID) -> Response:
        """It becomes a ticket; the number and the code are for whoever brought it up."""

        async def call(actor: Actor, form: TicketForm, tx: Transaction) -> dict[str, object]:
            receipt = await listening.make_ticket(tx, ItemId(item_id), form.self_fixed, actor, now())
            return {
                "ticket_id": receipt.ticket_id, "ticket_no": receipt.ticket_no, "query_code": receipt.query_code,
                "received_at": receipt.received_at,
            }  # fmt: skip

        return await _told(database, request, TicketForm, call, 201)

    @routes.get("/items/{item_id}/words", responses=refusals(403, 404, 422, 503))
    async def get_item_words(request: Request, item_id: UUID, purpose: Purpose) -> Response:
        """What was said on either side, for a stated purpose; who looked is written down."""
        if refused := guarded(request, READERS):
            return refused
        async with database.transaction() as tx:
            words = await listening.read(tx, ItemId(item_id), actor_of(request), purpose, now())
        return answer(words, headers={"Cache-Control": "no-store"})


def _add_lists(routes: APIRouter, database: Database, vault: Vault, now: Clock) -> None:
    """What there is in the caller's area, page by page: each goes on after the last row of the one before."""

    @routes.get("/sessions", response_model=list[SessionRow], responses=refusals(403, 422, 503))
    async def list_sessions(
        request: Request, unit: Unit | None = None, open_only: bool = False, limit: Limit = 50,
        before: Instant = _FAR, before_id: UUID = _LAST,
    ) -> Response:  # fmt: skip
        """Sessions, the newest first; `before` and `before_id` are `held_at` and `id` of the last one seen."""
        if refused := guarded(request, READERS):
            return refused
        wanted, area = _unit_of(actor_of(request), unit), acting().area
        return answer(
            _rows(await listening_store.list_sessions(database, wanted, (before, before_id), open_only, limit, area))
        )

    @routes.get("/sessions/{session_id}", responses=refusals(403, 404, 503))
    async def get_session(request: Request, session_id: UUID) -> Response:
        """A session with its topic and place, and how everything brought up in it stands."""
        if refused := guarded(request, READERS):
            return refused
        actor, row = actor_of(request), await listening_store.read_session(database, SessionId(session_id))
        if row is None or not may_read(actor.role, actor.unit, row["unit"]):
            raise NotFound(f"no session {session_id}")
        topic = await listening_store.read_topic(database, SessionId(session_id))
        words = vault.open(topic["id"], sealed_of(topic)) if topic is not None and topic["sealed"] else None
        items = _rows(await listening_store.list_items(database, SessionId(session_id)))
        told = {"topic": words.title if words else None, "place": words.address if words else None, "items": items}
        return answer({**dict(row), **told}, headers={"Cache-Control": "no-store"})

    @routes.get("/commitments", response_model=list[CommitmentRow], responses=refusals(403, 422, 503))
    async def list_commitments(
        request: Request, unit: Unit | None = None, overdue: bool = False, limit: Limit = 50,
        after: Day = date.min, after_id: UUID = _FIRST,
    ) -> Response:  # fmt: skip
        """Promises by their day, the nearest first; `after` and `after_id` are `due_on` and `id` of the last seen."""
        if refused := guarded(request, READERS):
            return refused
        today = now().astimezone(LOCAL).date()
        until = today - timedelta(days=1) if overdue else date(2101, 1, 1)
        wanted, area = _unit_of(actor_of(request), unit), acting().area
        rows = await listening_store.list_commitments(database, wanted, (after, after_id), until, limit, area)
        return answer([{**row, "overdue": row["due_on"] < today} for row in _rows(rows)])

    @routes.get("/themes", responses=refusals(403, 422, 503))
    async def list_themes(request: Request, since: Instant, until: Instant) -> Response:
        """What was brought up most, by kind of session and theme."""
        if refused := guarded(request, OVERSEERS):
            return refused
        return answer(_rows(await listening_store.count_themes(database, since, until, acting().area)))


async def _told(
    database: Database, request: Request, model: type[M],
    call: Callable[[Actor, M, Transaction], Awaitable[dict[str, object] | None]], status: int = 204,
) -> Response:  # fmt: skip
    """Run a command with a body for those who record, and answer what it says."""
    if refused := guarded(request, RECORDERS):
        return refused
    try:
        form = await read_form(request, model)
    except Refusal as refusal:
        return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
    async with database.transaction() as tx:
        told = await call(actor_of(request), form, tx)
    return Response(status_code=204) if told is None else answer(told, status, {"Cache-Control": "no-store"})


def _unit_of(actor: Actor, asked: str | None) -> str | None:
    """Whose sessions are listed: those of the unit asked for, else one's own; all for those who may see all."""
    if may_read(actor.role, actor.unit, asked or ""):
        return asked
    if asked is not None and not may_read(actor.role, actor.unit, asked):
        raise NotFound("no such unit")
    return actor.unit or ""


def _rows(rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
