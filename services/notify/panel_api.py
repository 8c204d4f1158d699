"""HTTP of exclusions: a unit asks, a panel decides, a supervisor looks again."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from services.notify import desk_store
from services.notify.core.panel import Exclusion, ExclusionState, PanelRefused
from services.notify.officers import Role, somebody
from services.notify.panel import Panel
from shared.acting import acting
from shared.database import Database, Transaction
from shared.problems import problem
from shared.terms import ExclusionReason, TicketId

PathCycle = Annotated[int, Path(ge=0, le=2**31 - 1)]
_NOT_ALLOWED = ("OWN_UNIT", "SAME_PERSON", "NOT_YOURS")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RequestBody(_Body):
    """Why, and the ids of what shows it."""

    reason: Annotated[ExclusionReason, Field(strict=False)]
    evidence: Annotated[list[Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,80}$")]], Field(max_length=20)]


class VoteBody(_Body):
    """A panel member's word."""

    grant: bool


class CheckBody(_Body):
    """What a supervisor found."""

    upheld: bool


def router(database: Database, panel: Panel) -> APIRouter:
    """The routes of exclusions."""
    routes = APIRouter(prefix="/v1/exclusions")

    @routes.get("")
    async def list_exclusions(
        state: ExclusionState | None = None, unit: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """Requests, the latest first."""
        found = await desk_store.list_exclusions(database, state or "", unit, limit, acting().area)
        return {"exclusions": [exclusion_view(e) for e in found]}

    @routes.post("/{ticket_id}/{cycle}", response_model=None)
    async def ask(request: Request, ticket_id: UUID, cycle: PathCycle, body: RequestBody) -> JSONResponse:
        """The unit asks to leave a judgement out of its rates. The same again is the same request."""
        by, _ = somebody(request, Role.LIAISON)
        key, evidence = (TicketId(ticket_id), cycle), tuple(body.evidence)
        return await _answer(database, lambda tx: panel.ask(tx, key, by, body.reason, evidence))

    @routes.post("/{ticket_id}/{cycle}/votes", response_model=None)
    async def vote(request: Request, ticket_id: UUID, cycle: PathCycle, body: VoteBody) -> JSONResponse:
        """A panel member speaks."""
        by, _ = somebody(request, Role.PANEL_MEMBER)
        return await _answer(database, lambda tx: panel.vote(tx, (TicketId(ticket_id), cycle), by, grant=body.grant))

    @routes.post("/{ticket_id}/{cycle}/checks", response_model=None)
    async def check_exclusion(request: Request, ticket_id: UUID, cycle: PathCycle, body: CheckBody) -> JSONResponse:
        """A supervisor looks at a sampled one again."""
        by, _ = somebody(request, Role.SUPERVISOR)
        return await _answer(database, lambda tx: panel.check(tx, (TicketId(ticket_id), cycle), by, upheld=body.upheld))

    return routes


async def _answer(database: Database, step: Callable[[Transaction], Awaitable[Exclusion]]) -> JSONResponse:
    try:
        async with database.transaction() as tx:
            return JSONResponse(_with_votes(await step(tx)))
    except PanelRefused as error:
        status = 403 if error.code in _NOT_ALLOWED else 422 if error.code == "EVIDENCE_NEEDED" else 409
        return problem(status, error.code.lower().replace("_", "-"), str(error))


def exclusion_view(exclusion: Exclusion) -> dict[str, Any]:
    """A request as HTTP shows it."""
    return {
        "ticket_id": str(exclusion.ticket_id), "cycle": exclusion.cycle, "unit": exclusion.unit,
        "reason": exclusion.reason, "evidence": list(exclusion.evidence), "asked_at": exclusion.asked_at.isoformat(),
        "decide_by": exclusion.decide_by.isoformat(), "state": exclusion.state, "sampled": exclusion.sampled,
    }  # fmt: skip


def _with_votes(exclusion: Exclusion) -> dict[str, Any]:
    grants = sum(vote.grant for vote in exclusion.votes)
    return exclusion_view(exclusion) | {"grants": grants, "refusals": len(exclusion.votes) - grants}
