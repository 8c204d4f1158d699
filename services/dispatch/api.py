"""HTTP of dispatch: the tickets, the assignments and their commands, and why each decision fell as it did."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from services.dispatch import store
from services.dispatch.bulk import answer, read_json, settle
from services.dispatch.commands import NAMES, ON_ASSIGNMENTS, Asked, Commands, actor_of
from services.dispatch.core.case import AssignmentState, Case
from services.dispatch.core.requests import WorkRequest, judge_request
from services.dispatch.core.views import lifecycle_view, queue_line, ticket_view
from services.dispatch.core.whistle_shares import shares_view
from services.dispatch.open_work import UNWATCHED_SHOWN, look_over
from shared import ndjson
from shared.acting import acting
from shared.database import Database
from shared.errors import NotFound, Problem, Rejected
from shared.moments import Day
from shared.openapi import DEMANDED
from shared.permissions import must_be_near
from shared.problems import problem
from shared.recent import Recent
from shared.terms import AssignmentId, TicketId
from shared.tracing import trace_of

__all__ = ["Commands", "router"]

_VERSION: dict[str, Any] = {"pattern": r'^"?[0-9]{1,9}"?$', DEMANDED: True}
Month = Annotated[str, Query(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
IfMatch = Annotated[str | None, Header(max_length=20, json_schema_extra=_VERSION)]
"""Not to be left out; the commands say so themselves, with 428."""


def router(database: Database, commands: Commands) -> APIRouter:
    """Every route of dispatch but the health ones."""
    routes = APIRouter(prefix="/v1")

    async def overview_of(area: str) -> dict[str, Any]:
        work = await look_over(database, area)
        tickets = [{"state": s, "light": light, "tickets": n} for (s, light), n in sorted(work.tickets.items())]
        return {"open": tickets, "unwatched": work.unwatched[:UNWATCHED_SHOWN]}

    overview = Recent(overview_of)

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
        """Why: every decision on the ticket, with the rules that fired, what they saw, and whom they refused."""
        rows = await store.read_decisions(database, TicketId(ticket_id))
        if not rows:
            raise NotFound(str(ticket_id))
        return [{**row, "refused_alternatives": _refused(row["explanation"])} for row in map(dict, rows)]

    @routes.get("/tickets/{ticket_id}/notes")
    async def get_notes(ticket_id: UUID) -> list[dict[str, Any]]:
        """People's words on the ticket's steps: bases, reasons, plans, minutes."""
        return [dict(row) for row in await store.read_notes(database, TicketId(ticket_id))]

    @routes.get("/assignments")
    async def list_assignments(
        unit: Annotated[str | None, Query(max_length=80)] = None,
        state: AssignmentState | None = None,
        after: Annotated[str | None, Query(max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Open assignments by deadline, what was raised so much earlier; `next` is where the following page begins."""
        found = await store.list_open(database, unit, state, read_place(after), limit, acting().area)
        items = [queue_line(case, assignment_id) for assignment_id, case in found]
        following = _place_of(*found[-1]) if len(found) == limit else None
        return {"assignments": items, "next": following}

    @routes.get("/overview")
    async def get_overview() -> dict[str, Any]:
        """Open tickets by state and light; where much is open, as of a moment ago."""
        return await overview.of(acting().area)

    @routes.get("/lifecycle")
    async def get_lifecycle() -> dict[str, Any]:
        """Both state machines, as the code has them."""
        return lifecycle_view()

    @routes.get("/burden")
    async def get_burden(since: Day | None = None, until: Day | None = None) -> dict[str, Any]:
        """Refused push-downs by month, unit, code and rule, from `since` to before `until`."""
        calendar = commands.decider.book.calendar
        for name, day in (("since", since), ("until", until)):
            if day is not None and not 1900 <= day.year <= 2200:
                raise Rejected(Problem(name, "out_of_range", "must be in a year between 1900 and 2200"))
        first = calendar.at(since, time()) if since else datetime.min.replace(tzinfo=UTC)
        last = calendar.at(until, time()) if until else datetime.max.replace(tzinfo=UTC)
        area, county = acting().area, commands.decider.org.county
        return {"refusals": await store.burden(database, first, last, calendar.zone.key, area, county)}

    @routes.get("/whistle-shares")
    async def get_whistle_shares(month: Month) -> dict[str, Any]:
        """On how many of a month's tickets each township blew the whistle, and where that is too few or too many."""
        book = commands.decider.book
        first = date.fromisoformat(f"{month}-01")
        following = (first + timedelta(days=31)).replace(day=1)
        since, until = book.calendar.at(first, time()), book.calendar.at(following, time())
        counts = await store.whistle_counts(database, since, until, acting().area)
        return {"month": month, "townships": shares_view(counts, book.joint)}

    @routes.get("/precedents")
    async def list_precedents(
        category: Annotated[str, Query(pattern=r"^([0-9]{2}){1,3}$")], limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> dict[str, Any]:
        """What was decided before on matters of a category: minutes, decisions on returns; the latest first.

        A category stands for all below it. Of confidential matters nothing is shown.
        """
        return {"precedents": await store.precedents(database, category, acting().area, limit)}

    @routes.post("/work-requests", response_model=None)
    async def post_work_request(asked: WorkRequest, request: Request) -> Response:
        """May a department ask this of townships, beside any ticket: a task, a report, a ledger, an entrustment?"""
        decider, actor = commands.decider, actor_of(request)
        on = decider.book.calendar.local(decider.now()).date()
        unit = actor.unit if actor and actor.unit else asked.unit
        must_be_near(acting().actor, decider.org.county)
        verdicts = judge_request(asked, unit, decider.book, decider.org, on)
        refused = [v.refused for v in verdicts if v.refused is not None]
        answers = [v.as_json() for v in verdicts]
        if refused:
            await commands.state_refusals(refused)
            return problem(409, refused[0].code, "The duty lists do not allow this.", targets=answers)
        return JSONResponse({"targets": answers})

    _add_commands(routes, commands)

    @routes.post("/commands", response_model=None, **ndjson.documented("A command with what it is on, as JSON."))
    async def bulk(request: Request) -> Response:
        """Many commands, NDJSON, one a line with its result: command, assignment_id or ticket_id, version, body."""
        actor = actor_of(request)

        async def settle_lines(lines: Sequence[ndjson.Line]) -> list[dict[str, Any]]:
            return await settle(commands, lines, actor, request)

        return ndjson.respond(request, settle_lines)

    return routes


def _add_commands(routes: APIRouter, commands: Commands) -> None:
    """A route for each command, under the assignment or the ticket it is on."""

    async def carry_out(name: str, target: UUID, request: Request, if_match: str | None) -> JSONResponse:
        version = _read_version(if_match)
        if version is None:
            return problem(428, "if-match-missing", "Name the version you saw: If-Match.")
        body = read_json(await _limited_body(request))
        on_assignment = name in ON_ASSIGNMENTS
        given = commands.reader.read(name, body, target if on_assignment else None)
        ticket_id = None if on_assignment else TicketId(target)
        trace = trace_of(request.headers.get("traceparent"))
        (ruling,) = await commands.run([Asked(name, version, given, actor_of(request), ticket_id, trace)])
        return answer(ruling)

    def on_assignment(name: str) -> Callable[..., Awaitable[JSONResponse]]:
        async def run(assignment_id: UUID, request: Request, if_match: IfMatch = None) -> JSONResponse:
            return await carry_out(name, assignment_id, request, if_match)

        return run

    def on_ticket(name: str) -> Callable[..., Awaitable[JSONResponse]]:
        async def run(ticket_id: UUID, request: Request, if_match: IfMatch = None) -> JSONResponse:
            return await carry_out(name, ticket_id, request, if_match)

        return run

    for name, model in NAMES.items():
        is_share = name in ON_ASSIGNMENTS
        run = on_assignment(name) if is_share else on_ticket(name)
        run.__doc__ = model.__doc__
        path = f"/assignments/{{assignment_id}}/{name}" if is_share else f"/tickets/{{ticket_id}}/{name}"
        schema = {"content": {"application/json": {"schema": commands.reader.schema(name)}}, "required": True}
        extra = {"requestBody": schema}
        routes.add_api_route(path, run, methods=["POST"], name=name, openapi_extra=extra, response_model=None)


def _refused(explanation: Sequence[str]) -> list[str]:
    """What was considered and refused by a guard."""
    return [
        reason.removeprefix("CANDIDATE_REFUSED ") for reason in explanation if reason.startswith("CANDIDATE_REFUSED")
    ]


async def _limited_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > ndjson.LINE_LIMIT:
            raise Rejected(Problem("", "too_large", f"a body has at most {ndjson.LINE_LIMIT} bytes"))
    return body


def _place_of(assignment_id: AssignmentId, case: Case) -> str:
    """Where a queue goes on behind this assignment."""
    share = case.assignment(assignment_id)
    assert share is not None, "it was found by its case"
    return f"{(share.due_at - case.raised).isoformat()},{assignment_id}"


def _read_version(if_match: str | None) -> int | None:
    text = (if_match or "").strip().strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def read_place(after: str | None) -> tuple[datetime, UUID]:
    """Where a page begins, as `next` of the one before says it. Raises Rejected."""
    if after is None:
        return datetime.min.replace(tzinfo=UTC), UUID(int=0)
    queue_at, _, found_id = after.replace(" ", "+").partition(",")
    try:
        instant, found = datetime.fromisoformat(queue_at), UUID(found_id)
        if instant.tzinfo is None:
            raise ValueError("no zone")
        return instant.astimezone(UTC), found  # at the end of the calendar it may have no counterpart in UTC
    except (ValueError, OverflowError) as error:
        raise Rejected(Problem("after", "malformed", "not a place in this list")) from error
