"""HTTP of privacy: masked contacts and relay calls for handlers; views, exports, erasures for officers."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from services.intake import privacy_store
from services.intake.contract import refusals
from services.intake.core.privacy import APPROVERS, ERASE, HANDLERS, UNLOCK, UNLOCKERS
from services.intake.doors import Refusal
from services.intake.forms import SOMETHING, Form, answer, guarded, read_form, taking
from services.intake.officers import Actor, actor_of
from services.intake.privacy import Privacy
from shared.acting import acting
from shared.actors import Forbidden
from shared.clock import Clock
from shared.database import Database
from shared.moments import Instant
from shared.pending_acts import PendingAct
from shared.problems import problem
from shared.terms import ItemId, TicketId

OFFICERS = ("privacy_officer",)
BLOCKERS = ("dispatcher", "command_centre", "privacy_officer")
_FAR = datetime(2101, 1, 1, tzinfo=UTC)
_NEWEST = 2**62
"""Beyond every id of a view."""

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), SOMETHING]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
M = TypeVar("M", bound=Form)


class PurposeForm(Form):
    """What for, or why."""

    purpose: Line


class BlockForm(Form):
    """Who has an interest in the matter: a unit, with all below it, or a person, or both."""

    unit: Id | None = None
    person: Id | None = None


class SettleForm(Form):
    """Whether the second person agrees."""

    granted: bool


class ExportForm(PurposeForm):
    """Of whom: the telephone they called from. In the body, so that no log of addresses holds it."""

    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+\- ]{5,32}$")]


class Addition(BaseModel):
    """What the citizen added later."""

    added_at: datetime
    text: str


class WordsView(BaseModel):
    """What was said, and of who said it as much as a handler may see; of a confidential matter neither."""

    ticket_id: UUID
    confidential: bool
    title: str | None
    text: str | None
    supplements: list[Addition]
    name: str | None
    phone: str | None
    may_call: bool


class ViewRow(BaseModel):
    """Who looked at what, when and what for."""

    kind: str
    subject: UUID
    viewer: str
    purpose: str
    viewed_at: datetime
    id: int


class ActView(BaseModel):
    """What waits for a second person, or was settled."""

    act_id: UUID
    act: str
    subject: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: str


def router(database: Database, privacy: Privacy, now: Clock) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1")
    _add_contacts(routes, database, privacy, now)
    _add_acts(routes, database, privacy, now)
    _add_items(routes, database, privacy, now)
    _add_officers(routes, database, privacy, now)
    return routes


def _add_contacts(routes: APIRouter, database: Database, privacy: Privacy, now: Clock) -> None:
    """Getting in touch with whoever reported a matter."""

    @routes.post("/tickets/{ticket_id}/contact", **taking(PurposeForm, 400, 403, 404, 422, 503))
    async def see_contact(request: Request, ticket_id: UUID) -> Response:
        """The reporter's masked name and number, for a stated purpose; a confidential one is not shown at all."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return _shown(await privacy.contact(tx, TicketId(ticket_id), actor, form.purpose, now()))

        return await _told(request, (*HANDLERS, *UNLOCKERS), PurposeForm, call)

    @routes.post("/tickets/{ticket_id}/words", response_model=WordsView, **taking(PurposeForm, 400, 403, 404, 422, 503))
    async def see_words(request: Request, ticket_id: UUID) -> Response:
        """What was said, for the unit that has the matter in hand: names and numbers masked, without the address."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return _shown(await privacy.words(tx, TicketId(ticket_id), actor, form.purpose, now()))

        return await _told(request, HANDLERS, PurposeForm, call)

    @routes.post("/tickets/{ticket_id}/relay-call", **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def call_reporter(request: Request, ticket_id: UUID) -> Response:
        """A relay number that leads to the reporter for a while; whoever calls never sees the reporter's own."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            return _shown({"number": await privacy.call(database, TicketId(ticket_id), actor, form.purpose, now())})

        return await _told(request, (*HANDLERS, *UNLOCKERS), PurposeForm, call)


def _add_acts(routes: APIRouter, database: Database, privacy: Privacy, now: Clock) -> None:
    """What is asked for and done about one matter's words."""

    @routes.post("/tickets/{ticket_id}/unlocking", status_code=202, **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def ask_unlocking(request: Request, ticket_id: UUID) -> Response:
        """Ask a second person to let the words of a confidential matter be read, once and for this purpose."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return _act(await privacy.ask(tx, UNLOCK, TicketId(ticket_id), actor, form.purpose, now()), 202)

        return await _told(request, UNLOCKERS, PurposeForm, call)

    @routes.post("/tickets/{ticket_id}/blocks", status_code=204, **taking(BlockForm, 400, 403, 404, 422, 503))
    async def block_view(request: Request, ticket_id: UUID) -> Response:
        """Keep a unit or a person with an interest in the matter from seeing it."""

        async def call(actor: Actor, form: BlockForm) -> Response:
            async with database.transaction() as tx:
                await privacy.block(tx, TicketId(ticket_id), form.unit, form.person, actor, now())
            return Response(status_code=204)

        return await _told(request, BLOCKERS, BlockForm, call)

    @routes.post("/tickets/{ticket_id}/erasing", status_code=202, **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def ask_erasure(request: Request, ticket_id: UUID) -> Response:
        """Ask a second person to agree that a matter's words are forgotten for good."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return _act(await privacy.ask(tx, ERASE, TicketId(ticket_id), actor, form.purpose, now()), 202)

        return await _told(request, OFFICERS, PurposeForm, call)

    @routes.post("/tickets/{ticket_id}/erasure", **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def erase_matter(request: Request, ticket_id: UUID) -> Response:
        """Forget a matter's words for good, as two people agreed."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return answer({"erased": await privacy.erase(tx, TicketId(ticket_id), actor, form.purpose, now())})

        return await _told(request, OFFICERS, PurposeForm, call)


def _add_items(routes: APIRouter, database: Database, privacy: Privacy, now: Clock) -> None:
    """What is asked for and done about the words of something that was brought up in a session."""
    path = "/listening/items/{item_id}"

    @routes.post(f"{path}/erasing", status_code=202, **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def ask_item_erasure(request: Request, item_id: UUID) -> Response:
        """Ask a second person to agree that what was said about something brought up in a session is forgotten."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return _act(await privacy.ask_item(tx, ItemId(item_id), actor, form.purpose, now()), 202)

        return await _told(request, OFFICERS, PurposeForm, call)

    @routes.post(f"{path}/erasure", **taking(PurposeForm, 400, 403, 404, 409, 422, 503))
    async def erase_item(request: Request, item_id: UUID) -> Response:
        """Forget for good what was said about it on either side, as two people agreed; a promise keeps its day."""

        async def call(actor: Actor, form: PurposeForm) -> Response:
            async with database.transaction() as tx:
                return answer({"erased": await privacy.erase_item(tx, ItemId(item_id), actor, form.purpose, now())})

        return await _told(request, OFFICERS, PurposeForm, call)


def _add_officers(routes: APIRouter, database: Database, privacy: Privacy, now: Clock) -> None:
    """What the privacy officer watches over."""

    @routes.get("/privacy/acts", response_model=list[ActView], responses=refusals(403, 503))
    async def list_acts(request: Request) -> Response:
        """What waits for a second person, the oldest first."""
        if refused := guarded(request, APPROVERS):
            return refused
        return _shown([_view(act) for act in await privacy.waiting(database, actor_of(request), now())])

    @routes.post("/privacy/acts/{act_id}/settlement", **taking(SettleForm, 400, 403, 404, 409, 422, 503))
    async def settle_act(request: Request, act_id: UUID) -> Response:
        """Agree or not, as the second person."""

        async def call(actor: Actor, form: SettleForm) -> Response:
            async with database.transaction() as tx:
                return _act(await privacy.settle(tx, act_id, actor, form.granted, now()), 200)

        return await _told(request, APPROVERS, SettleForm, call)

    @routes.get("/privacy/views", response_model=list[ViewRow], responses=refusals(403, 422, 503))
    async def list_views(
        request: Request, subject: UUID | None = None, viewer: Annotated[str, Query(max_length=128)] | None = None,
        before: Instant = _FAR, before_kind: Annotated[str, Query(max_length=16)] = "~",
        before_id: int = _NEWEST, limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:  # fmt: skip
        """Who looked, by ticket, lead or item, or by viewer, the latest first; go on with the last row's values."""
        if refused := guarded(request, OFFICERS):
            return refused
        if subject is None and viewer is None:
            return problem(422, "rejected", "A subject or a viewer must be named.")
        cursor, area = (before, before_kind, min(max(before_id, 0), _NEWEST)), acting().area
        found = await privacy_store.list_views(database, subject, viewer, cursor, limit, area)
        return _shown([dict(row) for row in found])

    @routes.post("/privacy/exports", **taking(ExportForm, 400, 403, 422, 503))
    async def export_subject(request: Request) -> Response:
        """Everything kept of one person, here and at notify, for that person, who asked for it.

        Leads are no part of it: nobody may learn from an export that there is one.
        """

        async def call(actor: Actor, form: ExportForm) -> Response:
            return _shown(await privacy.export(database, form.phone, actor, form.purpose, now()))

        return await _told(request, OFFICERS, ExportForm, call)


async def _told(
    request: Request, roles: tuple[str, ...], model: type[M], call: Callable[[Actor, M], Awaitable[Response]]
) -> Response:
    if refused := guarded(request, roles):
        return refused
    try:
        return await call(actor_of(request), await read_form(request, model))
    except Refusal as refusal:
        return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
    except Forbidden as error:
        return problem(403, error.reason, str(error))


def _act(act: PendingAct, status: int) -> Response:
    return answer(_view(act), status, {"Cache-Control": "no-store"})


def _view(act: PendingAct) -> dict[str, object]:
    return {
        "act_id": act.id, "act": act.act, "subject": act.subject, "asked_by": act.asked_by, "asked_at": act.asked_at,
        "expires_at": act.expires_at, "state": act.state,
    }  # fmt: skip


def _shown(body: dict[str, object] | Sequence[object]) -> Response:
    return answer(body, headers={"Cache-Control": "no-store"})
