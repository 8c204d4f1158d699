"""HTTP of intake: hand a matter in, one or many; see how it stands; read its words, with the view logged."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field

from services.intake import bulk, store
from services.intake.bodies import expect, idempotency_key, traceparent, whole_body
from services.intake.contract import REPORT_BODY, MatterView, TicketAccepted, TicketView, encode, refusals
from services.intake.doors import Doors, Refusal
from services.intake.officers import STRANGER, actor_of
from services.intake.privacy import Privacy
from services.intake.receive import Accepted, Hastened, InFlight, Received, Refused, Replayed
from shared import ndjson
from shared.acting import acting
from shared.actors import EVERYWHERE, Forbidden
from shared.clock import Clock
from shared.connections import LINES
from shared.errors import NotFound, Problem, Rejected
from shared.gathering import Gathering
from shared.problems import RETRY_AFTER_S, problem
from shared.terms import TicketId


def _said(text: str) -> str:
    if not text.isprintable() or text.isspace():
        raise ValueError("must hold printable characters")
    return text


Said = Annotated[str, Query(), Field(min_length=1, max_length=200), AfterValidator(_said)]


def router(doors: Doors, privacy: Privacy, now: Clock) -> APIRouter:
    """The routes of `--only api`."""
    routes = APIRouter()
    posts = Gathering(partial(doors.receive, door="http"))

    @routes.post(
        "/v1/tickets",
        status_code=201,
        response_model=TicketAccepted,
        responses=refusals(400, 408, 409, 413, 415, 422, 503),
        openapi_extra=REPORT_BODY,
    )
    async def post_ticket(request: Request) -> Response:
        """Hand in one matter. It needs an `Idempotency-Key`, or an `external_id`; 201 means it is durable."""
        try:
            expect(request, ("application/json",))
            key = idempotency_key(request)
            body = await whole_body(request, doors.limits.max_bytes, doors.receipt_s)
            incoming = doors.read(body, key, traceparent(request), "http")
            received = await posts.ask(incoming)
        except Refusal as refusal:
            return _refused(refusal)
        except InFlight as error:
            return problem(409, "in_flight", f"{error}; ask again.", headers={"Retry-After": RETRY_AFTER_S})
        return _created(received)

    @routes.post(
        "/v1/tickets/bulk",
        **ndjson.documented("A report as its own route takes it, as JSON.", refusals(415), typed=True),
    )
    async def post_bulk(request: Request) -> Response:
        """Hand in many: one report a line, each with its `external_id`; one result a line, in order.

        Results are sent while lines still arrive: a client that sends very much reads meanwhile.
        """
        try:
            expect(request, LINES)
        except Refusal as refusal:
            return _refused(refusal)
        return bulk.respond(request, doors)

    @routes.get("/v1/tickets/{ticket_id}", response_model=TicketView, responses=refusals(404, 422, 503))
    async def get_ticket(ticket_id: UUID) -> Response:
        """How a matter stands, without anything personal."""
        view = await store.read_ticket(doors.database, TicketId(ticket_id))
        if view is None:
            raise NotFound(f"no ticket {ticket_id}")
        return _json(view)

    @routes.get("/v1/tickets/{ticket_id}/explanation", responses=refusals(404, 422, 503))
    async def get_explanation(ticket_id: UUID) -> Response:
        """Why it was triaged as it was: the rules that fired, in order, with what they saw; empty before triage."""
        explanation = await store.read_explanation(doors.database, TicketId(ticket_id))
        if explanation is None:
            raise NotFound(f"no ticket {ticket_id}")
        return Response(explanation, media_type="application/json")

    @routes.get(
        "/v1/tickets/{ticket_id}/matter", response_model=MatterView, responses=refusals(403, 404, 409, 422, 503)
    )
    async def get_matter(request: Request, ticket_id: UUID, purpose: Said, viewer: Said | None = None) -> Response:
        """The original words and the identity, for a stated purpose; who looked is written down.

        `viewer` is heeded only where nobody has to say who they are. Of a confidential matter or a report
        of a wrong they are shown once, after a second person agreed.
        """
        actor = actor_of(request)
        if actor != STRANGER and (viewer is None or acting().area != EVERYWHERE):
            viewer = actor.name
        if viewer is None:
            raise Rejected(Problem("viewer", "missing", "say who looks"))
        try:
            async with doors.database.transaction() as tx:
                words = await privacy.unlock(tx, TicketId(ticket_id), actor, viewer, purpose, now())
        except Forbidden as error:
            return problem(403, error.reason, str(error))
        return _json({"ticket_id": ticket_id, **words}, headers={"Cache-Control": "no-store"})

    return routes


def _created(received: Received) -> Response:
    if isinstance(received, Refused):
        return problem(422, received.problems[0].code, "The report was not taken.", received.problems)
    assert isinstance(received, Accepted | Replayed)
    receipt = received.receipt
    headers = {"Location": f"/v1/tickets/{receipt.ticket_id}"}
    if isinstance(received, Replayed):
        headers["Idempotent-Replay"] = "true"
    body: dict[str, object] = {
        "ticket_id": receipt.ticket_id,
        "ticket_no": receipt.ticket_no,
        "query_code": receipt.query_code,
        "received_at": receipt.received_at,
        "state": "RECEIVED",
    }
    if isinstance(received, Hastened):
        body["hastened"] = True
    return _json(body, 201, headers)


def _refused(refusal: Refusal) -> Response:
    return problem(refusal.status, refusal.code, refusal.title, refusal.problems)


def _json(body: dict[str, object], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(body), status, headers, media_type="application/json")
