"""HTTP of the lead desk: for those who record leads, those who confirm them, and the body that follows them up."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from services.intake import lead_store
from services.intake.contract import refusals
from services.intake.core.leads import LeadRole, SubjectLevel
from services.intake.doors import Refusal
from services.intake.forms import SOMETHING, Form, answer, command, read_form, taking
from services.intake.leads import Leads, Recorded
from services.intake.officers import Actor, actor_of
from shared.acting import acting
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import NotFound
from shared.permissions import must_see
from shared.problems import problem
from shared.terms import LeadId, LeadKind, Urgency

CONFIRMERS = (LeadRole.LEAD_OFFICER.value,)
FOLLOWERS = (LeadRole.DISCIPLINE_OFFICER.value, LeadRole.POLICE_OFFICER.value)
RECORDERS = (LeadRole.RECORDER.value, LeadRole.AGENT.value)

Words = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), SOMETHING]
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True), SOMETHING]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]


class LeadForm(Form):
    """A lead as somebody writes it down; `implicit` was hinted at in a talk, not said."""

    kind: LeadKind
    level: SubjectLevel
    text: Words
    township: Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")] | None = None
    village: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")] | None = None
    implicit: bool = False
    urgency: Urgency = Urgency.U3


class ConfirmForm(Form):
    """What a person says a lead is about, and whom; `urgency` is what its words said unless it is given."""

    kind: LeadKind
    level: SubjectLevel
    urgency: Urgency | None = None


class NoteForm(Form):
    """What is added to a lead."""

    text: Words


class OutcomeForm(Form):
    """What came of it, as far as that is told."""

    outcome: Line | None = None


class VisitForm(Form):
    """Who is to call, in private."""

    officer: Id
    unit: Id


class LeadRow(BaseModel):
    """A lead in a list: nothing of what it says."""

    lead_id: UUID
    kind: LeadKind
    state: str
    recorded_at: datetime


class OverdueLead(LeadRow):
    """A lead that nobody took in hand in time; the body that was to, and by when."""

    target: str
    take_over_by: datetime
    escalated_at: datetime


def router(database: Database, leads: Leads, now: Clock, on_received: Callable[[], None]) -> APIRouter:
    """The routes. Whoever has no role here is told that there is nothing.

    `on_received` is called when a ticket waits for triage again.
    """
    routes = APIRouter(prefix="/v1/leads")

    @routes.post("", status_code=201, **taking(LeadForm, 400, 404, 422, 503))
    async def post_lead(request: Request) -> Response:
        """Write a lead down: it goes to its body at once."""
        actor = known(request, RECORDERS)
        try:
            form = await read_form(request, LeadForm)
        except Refusal as refusal:
            return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
        must_see(acting().actor, form.village or form.township or leads.county)
        recorded = Recorded(form.kind, form.level, form.text, form.township, form.village, form.implicit, form.urgency)
        async with database.transaction() as tx:
            lead_id = await leads.record(tx, recorded, actor, now())
        return answer({"lead_id": lead_id}, 201)

    @routes.get("", response_model=list[LeadRow], responses=refusals(404, 503))
    async def get_leads(request: Request) -> Response:
        """Suspicions for those who confirm, a body's own leads for its officers, the newest first."""
        actor = known(request, (*CONFIRMERS, *FOLLOWERS))
        if actor.role in CONFIRMERS:
            return answer(
                [{"lead_id": lead_id} for lead_id in await lead_store.list_suspected(database, 200, acting().area)]
            )
        return answer(await lead_store.list_of_target(database, actor.unit or "", now(), 200))

    @routes.get("/counts", responses=refusals(404, 503))
    async def get_counts(request: Request) -> Response:
        """How many leads a body has of each kind; null for few."""
        actor = known(request, FOLLOWERS)
        return answer(dict(await leads.counts(database, actor.unit or "")))

    @routes.get("/overdue", response_model=list[OverdueLead], responses=refusals(404, 503))
    async def get_overdue(request: Request) -> Response:
        """Leads that their body has not taken in hand in time: for the body above, and for those who confirm."""
        actor = known(request, (*CONFIRMERS, *FOLLOWERS))
        body = None if actor.role in CONFIRMERS else actor.unit or ""
        return answer(await lead_store.list_escalated(database, body, 200))

    @routes.get("/{lead_id}", responses=refusals(404, 422, 503))
    async def get_lead(request: Request, lead_id: UUID, purpose: Annotated[Line, Query()]) -> Response:
        """What a lead says, for a stated purpose; who looked is written down."""
        actor = known(request, (*CONFIRMERS, *FOLLOWERS, *RECORDERS))
        async with database.transaction() as tx:
            view = await leads.read(tx, LeadId(lead_id), actor, purpose, now())
        return answer(view, headers={"Cache-Control": "no-store"})

    @routes.post("/{lead_id}/confirmation", status_code=204, **taking(ConfirmForm, 400, 404, 422, 503))
    async def confirm(request: Request, lead_id: UUID) -> Response:
        """It is a lead: all its ticket held moves here, and it goes to its body."""

        async def call(actor: Actor, form: ConfirmForm, tx: Transaction) -> None:
            await leads.confirm(tx, LeadId(lead_id), actor, form.kind, form.level, now(), form.urgency)

        return await command(database, request, (known(request, CONFIRMERS).role,), ConfirmForm, call)

    @routes.post("/{lead_id}/dismissal", status_code=204, responses=refusals(404, 503))
    async def dismiss(request: Request, lead_id: UUID) -> Response:
        """It is none: the ticket goes to triage again."""
        actor = known(request, CONFIRMERS)
        async with database.transaction() as tx:
            await leads.dismiss(tx, LeadId(lead_id), actor, now())
        on_received()
        return Response(status_code=204)

    @routes.post("/{lead_id}/receipt", status_code=204, **taking(OutcomeForm, 400, 404, 409, 422, 503))
    async def receive(request: Request, lead_id: UUID) -> Response:
        """The body has it in hand, and may say what came of it."""

        async def call(actor: Actor, form: OutcomeForm, tx: Transaction) -> None:
            await leads.take(tx, LeadId(lead_id), actor, now(), form.outcome)

        return await command(database, request, (known(request, FOLLOWERS).role,), OutcomeForm, call)

    @routes.post("/{lead_id}/return", responses=refusals(404, 409, 503))
    async def give_back(request: Request, lead_id: UUID) -> Response:
        """It is none after all: what was said becomes an ordinary ticket, and this is its id."""
        actor = known(request, FOLLOWERS)
        async with database.transaction() as tx:
            ticket_id = await leads.give_back(tx, LeadId(lead_id), actor, now())
        return answer({"ticket_id": ticket_id})

    @routes.post("/{lead_id}/notes", status_code=204, **taking(NoteForm, 400, 404, 422, 503))
    async def add(request: Request, lead_id: UUID) -> Response:
        """Whoever recorded it adds something."""

        async def call(actor: Actor, form: NoteForm, tx: Transaction) -> None:
            await leads.add(tx, LeadId(lead_id), actor, form.text, now())

        return await command(database, request, (known(request, RECORDERS).role,), NoteForm, call)

    @routes.post("/{lead_id}/visit", status_code=204, **taking(VisitForm, 400, 404, 422, 503))
    async def visit(request: Request, lead_id: UUID) -> Response:
        """Name the officer who calls on whoever said it, from outside the village."""

        async def call(actor: Actor, form: VisitForm, tx: Transaction) -> None:
            await leads.name_visitor(tx, LeadId(lead_id), actor, form.officer, form.unit)

        return await command(database, request, (known(request, FOLLOWERS).role,), VisitForm, call)

    return routes


def known(request: Request, roles: tuple[str, ...]) -> Actor:
    """Who asks, in one of these roles. Raises NotFound for everybody else: there is nothing to see."""
    actor = actor_of(request)
    if actor.role not in roles:
        raise NotFound("nothing here")
    return actor
