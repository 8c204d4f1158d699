"""HTTP of following up: the published draw, tasks of agents, and links that are good for one thing."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.notify import desk_store
from services.notify.api import answered
from services.notify.core.followup import Answer, RecordedBy
from services.notify.core.links import Purpose
from services.notify.core.measures import MONTH
from services.notify.core.reply_view import MOST_WORDS
from services.notify.core.sampling import LOTS
from services.notify.desk import Desk, DeskRefused
from services.notify.desk_store import Task
from services.notify.officers import AGENTS, Role, somebody
from shared.acting import acting
from shared.database import Database
from shared.moments import WHOLE
from shared.problems import problem
from shared.terms import Satisfaction, TicketId

Cycle = Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]
PathCycle = Annotated[int, Path(ge=0, le=2**31 - 1)]


class Body(BaseModel):
    """A body with the fields it names and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ClaimBody(Body):
    """How many tasks an agent wants."""

    limit: Annotated[int, Field(ge=1, le=50), WHOLE] = 1


class CheckBody(Body):
    """What an agent found on the spot: whether it is as the patrol said."""

    confirmed: bool


class LinkBody(Body):
    """Which follow-up a link is for, and what it is good for."""

    cycle: Cycle
    purpose: Annotated[Purpose, Field(strict=False)] = Purpose.ANSWER


class TokenBody(Body):
    """What a link carries; in the body, so that no log of addresses holds it."""

    token: Annotated[str, Field(min_length=1, max_length=64)]


class AnswerByLinkBody(TokenBody):
    """The citizen's judgement, through a link."""

    contacted: bool
    solved: bool
    satisfaction: Annotated[Satisfaction, Field(strict=False)]
    service: Annotated[Satisfaction | None, Field(strict=False)] = None
    truthful: bool | None = None
    words: Annotated[str, Field(max_length=MOST_WORDS)] = ""


def router(database: Database, desk: Desk) -> APIRouter:
    """The routes of the follow-up desk."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/sampling/{period}")
    async def get_sampling(
        period: Annotated[str, Path(pattern=MONTH)],
        after_unit: str = "",
        after_nth: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
    ) -> dict[str, Any]:
        """The seed, the shares and every draw of a period, so that anybody can draw again.

        A lot is the first 8 bytes of SHA-256 over seed and ticket id, as a whole number, times `lots`, divided by 2^64.
        """
        desk.rules.span_of(period)
        draws, sums = await desk_store.list_draws(database, period, (after_unit, after_nth), limit)
        sampling = desk.rules.sampling
        return {
            "period": period, "seed": desk.rules.practice.calls.seed, "lots": LOTS,
            "shares": {
                "call": sampling.small_call_share, "consult": sampling.consult_check_share,
                "patrol": sampling.patrol_check_share,
            },
            "calls_least": sampling.small_calls_least, "always": sorted(sampling.always), "units": sums, "draws": draws,
        }  # fmt: skip

    @routes.get("/follow-up-tasks")
    async def list_tasks(request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> dict[str, Any]:
        """What is to be done now, the oldest first."""
        somebody(request, *AGENTS, Role.SUPERVISOR)
        return {"tasks": [task_view(task) for task in await desk_store.list_tasks(database, limit, acting().area)]}

    @routes.post("/follow-up-tasks/claim")
    async def claim(request: Request, body: ClaimBody) -> dict[str, Any]:
        """Take tasks for a while. Nobody gets one that their own unit handled, or one within or around it."""
        by, role = somebody(request, *AGENTS)
        async with database.transaction() as tx:
            tasks = await desk.claim(tx, by, body.limit, acting().area, dedicated=role is Role.DEDICATED_AGENT)
        return {"tasks": [task_view(task) for task in tasks]}

    @routes.post("/follow-up-tasks/{ticket_id}/{cycle}/missed", response_model=None)
    async def miss(request: Request, ticket_id: UUID, cycle: PathCycle) -> dict[str, Any] | JSONResponse:
        """Nobody answered the call; the task comes back when the citizen is asked the next time."""
        by, _ = somebody(request, *AGENTS)
        try:
            async with database.transaction() as tx:
                await desk.miss(tx, (TicketId(ticket_id), cycle), by)
        except DeskRefused as error:
            return _refused(error)
        return {"ticket_id": str(ticket_id), "cycle": cycle}

    @routes.post("/follow-up-tasks/{ticket_id}/{cycle}/checked", response_model=None)
    async def check(
        request: Request, ticket_id: UUID, cycle: PathCycle, body: CheckBody
    ) -> dict[str, Any] | JSONResponse:
        """Somebody of another unit looked at what a patrol had fixed."""
        by, _ = somebody(request, *AGENTS)
        try:
            async with database.transaction() as tx:
                await desk.finish_check(tx, (TicketId(ticket_id), cycle), by, confirmed=body.confirmed)
        except DeskRefused as error:
            return _refused(error)
        return {"ticket_id": str(ticket_id), "cycle": cycle, "confirmed": body.confirmed}

    @routes.post("/followups/{ticket_id}/links", status_code=201, response_model=None)
    async def make_link(request: Request, ticket_id: UUID, body: LinkBody) -> dict[str, Any] | JSONResponse:
        """A token for a link in a message. It is shown this once; only its hash is kept."""
        somebody(request, *AGENTS)
        try:
            async with database.transaction() as tx:
                token, expires_at = await desk.make_link(tx, (TicketId(ticket_id), body.cycle), body.purpose)
        except DeskRefused as error:
            return _refused(error)
        return {"token": token, "purpose": body.purpose, "expires_at": expires_at}

    @routes.get("/followups/{ticket_id}/words")
    async def get_words(ticket_id: UUID) -> dict[str, Any]:
        """What the citizen wrote beside their answers; every look is written down."""
        return {"ticket_id": str(ticket_id), "words": await desk.words_of(database, TicketId(ticket_id))}

    @routes.post("/links/answer")
    async def answer_by_link(body: AnswerByLinkBody) -> JSONResponse:
        """The citizen's judgement. The same again is answered the same; a token that is no good is not found."""
        answer = Answer(
            body.contacted, body.solved, body.satisfaction, RecordedBy.CITIZEN, body.service, body.truthful
        )  # fmt: skip
        async with database.transaction() as tx:
            return answered(await desk.answer_by_link(tx, body.token, answer, body.words.strip()))

    @routes.post("/links/reopen", status_code=202)
    async def reopen_by_link(body: TokenBody) -> dict[str, Any]:
        """The citizen comes back with a matter that was closed."""
        async with database.transaction() as tx:
            link = await desk.reopen_by_link(tx, body.token)
        return {"ticket_id": str(link.ticket_id), "cycle": link.cycle, "asked_at": link.used_at}

    return routes


def task_view(task: Task) -> dict[str, Any]:
    """A task as HTTP shows it; nothing in it says who the citizen is."""
    lease: datetime | None = task.lease_until
    return {
        "ticket_id": str(task.ticket_id), "cycle": task.cycle, "way": task.way, "ticket_no": task.ticket_no,
        "unit": task.unit, "dedicated": task.dedicated, "made_at": task.made_at, "missed": task.missed,
        "agent": task.agent, "lease_until": lease,
    }  # fmt: skip


def _refused(error: DeskRefused) -> JSONResponse:
    return problem(409, error.code.lower().replace("_", "-"), str(error))
