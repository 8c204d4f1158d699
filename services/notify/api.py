"""HTTP of notify: the citizen's answers, how follow-ups stand, and what became of every message."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from services.notify import store
from services.notify.core.followup import Answer, Ended, FollowUp, RecordedBy
from services.notify.followups import FollowUps, OwnUnit, Reply
from services.notify.officers import actor_of
from services.notify.store import Key
from shared import ndjson
from shared.access import access_of
from shared.actors import Forbidden
from shared.database import Database
from shared.edge import sound_line
from shared.errors import NotFound, Problem, Rejected, Unavailable
from shared.moments import WHOLE
from shared.problems import problem, problems_of
from shared.strict_json import Limits
from shared.terms import Satisfaction, TicketId

ENDED = "follow-up-ended"
OWN_UNIT = "own-unit"


class AnswerBody(BaseModel):
    """The citizen's judgement of one cycle. Only the citizen, or the agent who asked, can record it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    cycle: Annotated[int, Field(ge=0, le=2**31 - 1), WHOLE]
    contacted: bool
    solved: bool
    satisfaction: Satisfaction
    recorded_by: RecordedBy
    service: Satisfaction | None = None
    truthful: bool | None = None

    def answer(self) -> Answer:
        """The judgement itself."""
        return Answer(
            self.contacted, self.solved, self.satisfaction, self.recorded_by, self.service, self.truthful
        )  # fmt: skip


class AnswerLine(AnswerBody):
    """One answer of many."""

    ticket_id: UUID


B = TypeVar("B", bound=AnswerBody)

_BODY = TypeAdapter(AnswerBody)
_LINE = TypeAdapter(AnswerLine)
LINE_LIMITS = Limits(ndjson.LINE_LIMIT)


def router(database: Database, follow_ups: FollowUps) -> APIRouter:
    """Every route of notify but the health ones."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/followups/{ticket_id}")
    async def get_follow_ups(ticket_id: UUID) -> dict[str, Any]:
        """How asking about a ticket stands, cycle by cycle."""
        found = await store.follow_ups_of(database, TicketId(ticket_id))
        if not found:
            raise NotFound(str(ticket_id))
        return {"ticket_id": str(ticket_id), "follow_ups": [follow_up_view(f) for f in found]}

    @routes.post(
        "/followups/answers",
        response_model=None,
        **ndjson.documented("An answer as its own route takes it, with its `ticket_id`, as JSON."),
    )
    async def post_answers(request: Request) -> Response:
        """Many answers, NDJSON: one a line, each with its `ticket_id`; one result a line."""

        async def settle(lines: Sequence[ndjson.Line]) -> list[dict[str, Any]]:
            return await _settle(database, follow_ups, lines, request)

        return ndjson.respond(request, settle)

    @routes.post("/followups/{ticket_id}/answers", openapi_extra=_body_schema(AnswerBody, "application/json"))
    async def post_answer(ticket_id: UUID, request: Request) -> JSONResponse:
        """Record an answer. The same again is answered the same; another one, or one too late, is refused."""
        body = _read(_BODY, await _limited_body(request))
        key, by_unit = (TicketId(ticket_id), body.cycle), actor_of(request).unit
        (reply,) = await _take(database, follow_ups, [(key, body.answer())], by_unit)
        return answered(reply)

    @routes.get("/notifications")
    async def list_notifications(ticket_id: Annotated[UUID, Query()]) -> dict[str, Any]:
        """Every message about a ticket, with every attempt to deliver it."""
        return {"notifications": await store.list_messages(database, TicketId(ticket_id))}

    return routes


def answered(reply: Reply) -> JSONResponse:
    """What became of one answer. Raises NotFound."""
    match reply:
        case FollowUp():
            return JSONResponse(follow_up_view(reply))
        case Ended():
            standing = follow_up_view(reply.follow_up)
            return problem(409, ENDED, "The follow-up has ended, and not with this answer.", follow_up=standing)
        case OwnUnit():
            return problem(403, OWN_UNIT, "Whoever handled a matter does not write its citizen's judgement down.")
        case NotFound():
            raise reply


def follow_up_view(follow_up: FollowUp) -> dict[str, Any]:
    """A follow-up as HTTP shows it."""
    answer = follow_up.answer
    return {
        "ticket_id": str(follow_up.ticket_id),
        "cycle": follow_up.cycle,
        "state": follow_up.state,
        "attempts": follow_up.attempts,
        "opened_at": follow_up.opened_at.isoformat(),
        "next_at": follow_up.next_at.isoformat() if follow_up.next_at else None,
        "ended_at": follow_up.ended_at.isoformat() if follow_up.ended_at else None,
        "contacted": answer.contacted if answer else None,
        "solved": answer.solved if answer else None,
        "satisfaction": answer.satisfaction if answer else None,
        "recorded_by": answer.recorded_by if answer else None,
        "service": answer.service if answer else None,
        "truthful": answer.truthful if answer else None,
    }


async def _take(
    database: Database, follow_ups: FollowUps, answers: Sequence[tuple[Key, Answer]], by_unit: str
) -> list[Reply]:
    async with database.transaction() as tx:
        return await follow_ups.take(tx, answers, by_unit)


async def _settle(
    database: Database, follow_ups: FollowUps, lines: Sequence[ndjson.Line], request: Request
) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = [{}] * len(lines)
    asked: dict[int, tuple[Key, Answer]] = {}
    for n, line in enumerate(lines):
        try:
            body = _read_line(line)
            await access_of(request).check_line(request, "post_answer", {"ticket_id": body.ticket_id})
        except NotFound:
            results[n] = {"status": 404, "ticket_id": str(body.ticket_id), "cycle": body.cycle}
        except Forbidden:
            results[n] = {"status": 403, "code": "forbidden", "ticket_id": str(body.ticket_id), "cycle": body.cycle}
        except Unavailable:
            results[n] = {"status": 503, "ticket_id": str(body.ticket_id)}
        except Rejected as error:
            found = [{"field": p.field, "code": p.code, "message": p.message} for p in error.problems]
            results[n] = {"status": 413 if line.body is None else 422, "problems": found}
        else:
            asked[n] = ((TicketId(body.ticket_id), body.cycle), body.answer())
    try:
        replies = await _take(database, follow_ups, list(asked.values()), actor_of(request).unit) if asked else []
    except Unavailable:
        return [results[n] or {"status": 503, "ticket_id": str(asked[n][0][0])} for n in range(len(lines))]
    for (n, (key, _)), reply in zip(asked.items(), replies, strict=True):
        results[n] = _line_result(key, reply)
    return results


def _line_result(key: Key, reply: Reply) -> dict[str, Any]:
    match reply:
        case FollowUp():
            return {"status": 200, **follow_up_view(reply)}
        case Ended():
            return {"status": 409, "code": ENDED, **follow_up_view(reply.follow_up)}
        case OwnUnit():
            return {"status": 403, "code": OWN_UNIT, "ticket_id": str(key[0]), "cycle": key[1]}
        case NotFound():
            return {"status": 404, "ticket_id": str(key[0]), "cycle": key[1]}


def _read_line(line: ndjson.Line) -> AnswerLine:
    if line.body is None:
        raise Rejected(Problem("", "too_large", f"a line has at most {ndjson.LINE_LIMIT} bytes"))
    return _read(_LINE, sound_line(line.body, LINE_LIMITS))


def _read(model: TypeAdapter[B], body: bytes) -> B:
    try:
        return model.validate_json(body)
    except ValidationError as error:
        raise Rejected(*problems_of(error)) from error


async def _limited_body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > ndjson.LINE_LIMIT:
            raise HTTPException(413, f"A body has at most {ndjson.LINE_LIMIT} bytes.")
    return body


def _body_schema(model: type[BaseModel], media_type: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": model.model_json_schema()}}}}
