"""HTTP for dispatchers and agents: suggestions to merge, undoing a merge, and matters that end in intake."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from services.intake import incident_store
from services.intake.contract import refusals
from services.intake.core.numbers import check_ticket_number
from services.intake.forms import SOMETHING, Form, acted, answer, command, guarded, taking
from services.intake.incident_desk import IncidentDesk, Refusal
from services.intake.officers import Actor, actor_of
from shared.acting import acting
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import NotFound
from shared.terms import IncidentId, NotAcceptedReason, SplitReason, TicketId, TransferTarget

DISPATCHERS = ("dispatcher", "command_centre")
AGENTS = ("hotline_agent", *DISPATCHERS)

Line = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), SOMETHING]


def _given_by_people(reason: SplitReason) -> SplitReason:
    if reason is SplitReason.WITHDRAWN:
        raise ValueError("is the citizen's own to give")
    return reason


class SplitForm(Form):
    """Why a merge is undone; the note is told nobody outside."""

    reason: Annotated[SplitReason, AfterValidator(_given_by_people)]
    note: Line | None = None


class MergeForm(Form):
    """Why two tickets are merged, or left apart; the note is told nobody outside. The body may be left out."""

    note: Line | None = None


def _readable_number(number: str) -> str:
    if not check_ticket_number(number):
        raise ValueError("is no ticket number: 20 digits, of which the last checks the others")
    return number


class HandMergeForm(Form):
    """The number of the ticket that is worked on, and why both are about one thing; the note is told nobody outside."""

    into_ticket_no: Annotated[
        str, AfterValidator(_readable_number), Field(json_schema_extra={"pattern": "^[0-9]{20}$"})
    ]
    note: Line


class RefusalForm(Form):
    """Why a matter is not taken on; `second` names another person who agrees."""

    reason: NotAcceptedReason
    basis: Line
    route: Line
    second: Line | None = None


class TransferForm(Form):
    """To whom a whole matter goes."""

    target: TransferTarget


class SuggestionView(BaseModel):
    """Two tickets that may be about one thing; distance in metres, likeness from 0 to 1."""

    suggestion_id: int
    ticket_id: UUID
    ticket_no: str
    into_ticket: UUID
    into_ticket_no: str
    rule: str
    likeness: float
    distance_m: float | None
    suggested_at: datetime
    category: str
    grid: str | None
    received_at: datetime


class IncidentTicketView(BaseModel):
    """One ticket that waits for the main one."""

    ticket_id: UUID
    ticket_no: str
    rule: str
    own_follow_up: bool
    merged_at: datetime
    merged_by: str


class IncidentView(BaseModel):
    """One thing in the world and every ticket about it."""

    incident_id: UUID
    main_ticket: UUID
    main_ticket_no: str
    opened_at: datetime
    category: str
    township: str | None
    grid: str | None
    tickets: list[IncidentTicketView]


class SupplementView(BaseModel):
    """What the citizen added."""

    added_at: datetime
    text: str


def router(database: Database, desk: IncidentDesk, now: Clock) -> APIRouter:
    """The routes, each for its roles."""
    routes = APIRouter()

    async def act(call: Callable[[Transaction], Awaitable[None]]) -> Response:
        return await acted(database, call)

    @routes.get("/v1/merges", response_model=list[SuggestionView], responses=refusals(403, 422, 503))
    async def get_merges(
        request: Request, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        """Suggestions that wait for a dispatcher, in the order they were made; `after` is the last id seen."""
        area = acting().area
        return guarded(request, DISPATCHERS) or answer(
            await incident_store.list_suggestions(database, min(after, incident_store.LARGEST_ID), limit, area)
        )

    @routes.post(
        "/v1/merges/{suggestion_id}/acceptance", status_code=204, responses=refusals(400, 403, 404, 409, 422, 503)
    )
    async def accept_merge(request: Request, suggestion_id: int) -> Response:
        """Merge what was suggested, with a note if there is one."""

        async def call(actor: Actor, form: MergeForm, tx: Transaction) -> None:
            await desk.accept(tx, suggestion_id, form.note, actor, now())

        return await command(database, request, DISPATCHERS, MergeForm, call, MergeForm())

    @routes.post(
        "/v1/merges/{suggestion_id}/refusal", status_code=204, responses=refusals(400, 403, 404, 409, 422, 503)
    )
    async def refuse_merge(request: Request, suggestion_id: int) -> Response:
        """Leave the two tickets as they are, with a note if there is one."""

        async def call(actor: Actor, form: MergeForm, tx: Transaction) -> None:
            await desk.refuse_suggestion(tx, suggestion_id, form.note, actor, now())

        return await command(database, request, DISPATCHERS, MergeForm, call, MergeForm())

    @routes.post(
        "/v1/tickets/{ticket_id}/merge", status_code=204, **taking(HandMergeForm, 400, 403, 404, 409, 422, 503)
    )
    async def merge(request: Request, ticket_id: UUID) -> Response:
        """Merge a ticket into another one, suggested or not, with a reason: it waits for that one and ends with it."""

        async def call(actor: Actor, form: HandMergeForm, tx: Transaction) -> None:
            ticket, area = TicketId(ticket_id), acting().area
            await desk.merge(tx, ticket, form.into_ticket_no, form.note, area, actor, now())

        return await command(database, request, DISPATCHERS, HandMergeForm, call)

    @routes.post("/v1/tickets/{ticket_id}/split", status_code=204, **taking(SplitForm, 400, 403, 404, 409, 422, 503))
    async def split(request: Request, ticket_id: UUID) -> Response:
        """Undo a merge, with a reason: the ticket is as if it had never been merged."""

        async def call(actor: Actor, form: SplitForm, tx: Transaction) -> None:
            await desk.split(tx, TicketId(ticket_id), form.reason, form.note, actor, now())

        return await command(database, request, DISPATCHERS, SplitForm, call)

    @routes.get("/v1/incidents/{incident_id}", response_model=IncidentView, responses=refusals(403, 404, 503))
    async def get_incident(request: Request, incident_id: UUID) -> Response:
        """An incident with every ticket about it."""
        if refused := guarded(request, DISPATCHERS):
            return refused
        view = await incident_store.read_incident(database, IncidentId(incident_id))
        if view is None:
            raise NotFound(f"no incident {incident_id}")
        return answer(view)

    @routes.post(
        "/v1/tickets/{ticket_id}/refusal", status_code=204, **taking(RefusalForm, 400, 403, 404, 409, 422, 503)
    )
    async def refuse(request: Request, ticket_id: UUID) -> Response:
        """Do not take a matter on; the citizen is told why, and which other way is open."""

        async def call(actor: Actor, form: RefusalForm, tx: Transaction) -> None:
            refusal = Refusal(form.reason, form.basis, form.route, form.second)
            await desk.refuse(tx, TicketId(ticket_id), refusal, actor, now())

        return await command(database, request, AGENTS, RefusalForm, call)

    @routes.post(
        "/v1/tickets/{ticket_id}/transfer", status_code=204, **taking(TransferForm, 400, 403, 404, 409, 422, 503)
    )
    async def transfer(request: Request, ticket_id: UUID) -> Response:
        """Hand a whole matter on to somebody outside."""

        async def call(actor: Actor, form: TransferForm, tx: Transaction) -> None:
            await desk.transfer(tx, TicketId(ticket_id), form.target, now())

        return await command(database, request, AGENTS, TransferForm, call)

    @routes.get(
        "/v1/tickets/{ticket_id}/supplements", response_model=list[SupplementView], responses=refusals(403, 422, 503)
    )
    async def get_supplements(request: Request, ticket_id: UUID, purpose: Line) -> Response:
        """What the citizen added, for a stated purpose; who looked is written down."""
        if refused := guarded(request, AGENTS):
            return refused
        async with database.transaction() as tx:
            found = await desk.supplements(tx, TicketId(ticket_id), actor_of(request), purpose, now())
        return answer(found, headers={"Cache-Control": "no-store"})

    return routes
