"""The Open311 GeoReport v2 door: the world's civic apps list services, hand matters in and see how they stand."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, QueryParams

from services.intake import open311_store
from services.intake.bodies import expect, whole_body
from services.intake.core.open311_form import UnknownService, in_terms_of_the_form
from services.intake.core.open311_query import ById, Search, cursor_of, read_search
from services.intake.core.open311_view import Shown
from services.intake.doors import Doors, Refusal
from services.intake.open311_contract import LIST_PARAMETERS, REQUEST_FORM, answers
from services.intake.open311_desk import PATH, Desk, Open311, not_found
from services.intake.open311_xml import MEDIA_TYPES, Document, Format
from services.intake.receive import InFlight, Received, Refused, Replayed
from shared.clock import Clock
from shared.errors import Problem, Rejected, Unavailable
from shared.problems import RETRY_AFTER_S

_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store"}


class _Told(APIRoute):
    """A route whose every refusal is an Open311 list of errors, in the format that was asked for."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """The handler, with its refusals turned into answers."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return _refused(
                    request, 400 if refusal.status == 422 else refusal.status, refusal.title, refusal.problems
                )
            except UnknownService as error:
                return _refused(request, 404, "", error.problems)
            except Rejected as error:
                return _refused(request, 400, "", error.problems)
            except InFlight:
                return _refused(request, 409, "The same request is just being received: send it again in a moment.")
            except Unavailable:
                return _refused(request, 503, "Not available now: send the same request again.")

        return told


def router(doors: Doors, open311: Open311, now: Clock) -> APIRouter:
    """The routes of GeoReport v2, and the service discovery."""
    routes = APIRouter(prefix=PATH, route_class=_Told, default_response_class=Response, tags=["open311"])
    desk = Desk(doors, open311, now)

    @routes.get("/discovery.{fmt}", responses=answers(404))
    async def get_discovery(fmt: str, request: Request) -> Response:
        """Where this interface is, and in which formats."""
        return _answer(request, Document("discovery", desk.discovery(request)), headers=_NO_STORE)

    @routes.get("/services.{fmt}", responses=answers(400, 404))
    async def get_services(fmt: str, request: Request) -> Response:
        """Everything that can be reported."""
        desk.check_jurisdiction(request.query_params)
        return _answer(request, Document("services", [service.document for service in open311.catalogue.values()]))

    @routes.get("/services/{service_code}.{fmt}", responses=answers(400, 404))
    async def get_service(service_code: str, fmt: str, request: Request) -> Response:
        """What a service asks for."""
        desk.check_jurisdiction(request.query_params)
        if (service := open311.catalogue.get(service_code)) is None:
            raise UnknownService
        return _answer(request, Document("service_definition", service.definition))

    @routes.post(
        "/requests.{fmt}", status_code=201, responses=answers(400, 403, 404, 413, 415, 503), openapi_extra=REQUEST_FORM
    )
    async def post_request(fmt: str, request: Request) -> Response:
        """Hand in a matter; 201 means it is durable, and its ticket number is the service_request_id."""
        form = _form_of(request)
        expect(request, (_FORM,))
        received = await desk.post(request, await whole_body(request, doors.limits.max_bytes, doors.receipt_s))
        return _created(request, form, received)

    @routes.get("/requests.{fmt}", responses=answers(400, 404, 503), openapi_extra=LIST_PARAMETERS)
    async def get_requests(fmt: str, request: Request) -> Response:
        """Tickets by their numbers, or those that fit, the newest first; a Link header leads to the next page."""
        desk.check_jurisdiction(request.query_params)
        search = read_search(_values(request.query_params), now())
        tickets = await desk.find(search)
        return _answer(request, desk.requests(tickets), headers=_link(request, search, tickets))

    @routes.get("/requests/{service_request_id}.{fmt}", responses=answers(400, 404, 503))
    async def get_request(service_request_id: str, fmt: str, request: Request) -> Response:
        """How one ticket stands."""
        desk.check_jurisdiction(request.query_params)
        tickets = await desk.find(read_search({"service_request_id": [service_request_id]}, now()))
        if not tickets:
            raise not_found("service_request_id")
        return _answer(request, desk.requests(tickets))

    @routes.get("/tokens/{token}.{fmt}", responses=answers(400, 404, 503))
    async def get_token(token: str, fmt: str, request: Request) -> Response:
        """The number of a ticket known by its id; posting answers with the number at once, so few will ask."""
        desk.check_jurisdiction(request.query_params)
        number = await open311_store.read_number(doors.database, _token(token))
        if number is None:
            raise not_found("token")
        return _answer(request, Document("service_requests", [{"service_request_id": number, "token": token}]))

    return routes


def _form_of(request: Request) -> Format:
    """The format by the address's ending. Raises Refusal for one that is not offered."""
    try:
        return Format(request.path_params["fmt"])
    except ValueError as error:
        raise Refusal(404, "format", "There is .xml and .json, nothing else.") from error


def _answer(
    request: Request, document: Document, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    form = _form_of(request)
    return Response(document.encode(form), status, headers, media_type=MEDIA_TYPES[form])


def _created(request: Request, form: Format, received: Received) -> Response:
    if isinstance(received, Refused):
        raise Refusal(400, received.problems[0].code, "The request was not taken.", received.problems)
    receipt = received.receipt
    headers = _NO_STORE | {"Location": f"{PATH}/requests/{receipt.ticket_no}.{form.value}"}
    if isinstance(received, Replayed):
        headers |= {"Idempotent-Replay": "true"}
    notice = f"已受理，查询码 {receipt.query_code} / Accepted, query code {receipt.query_code}"
    body = {"service_request_id": receipt.ticket_no, "service_notice": notice, "account_id": None}
    return _answer(request, Document("service_requests", [body]), 201, headers)


def _refused(request: Request, status: int, title: str, problems: tuple[Problem, ...] = ()) -> Response:
    told = [_sentence(in_terms_of_the_form(problem)) for problem in problems] or [title]
    document = Document("errors", [{"code": status, "description": sentence} for sentence in dict.fromkeys(told)])
    form = Format.JSON if request.path_params.get("fmt") == Format.JSON else Format.XML
    headers = {"Retry-After": RETRY_AFTER_S} if status in (409, 503) else None
    return Response(document.encode(form), status, headers, media_type=MEDIA_TYPES[form])


def _sentence(problem: Problem) -> str:
    return f"{problem.field} {problem.message}".strip()


def _token(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise not_found("token") from error


def _values(parameters: QueryParams | FormData) -> dict[str, list[Any]]:
    return {name: parameters.getlist(name) for name in parameters}


def _link(request: Request, search: ById | Search, tickets: list[Shown]) -> dict[str, str]:
    """Where the next page is, if this one is full."""
    if isinstance(search, ById) or len(tickets) < search.limit:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("after", "page")]
    after = cursor_of(tickets[-1].received_at, tickets[-1].ticket_id)
    return {"Link": f'<{request.url.path}?{urlencode([*kept, ("after", after)])}>; rel="next"'}
