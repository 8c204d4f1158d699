"""Answers to commands, one by one and for many lines of NDJSON at once."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.dispatch.commands import NAMES, ON_ASSIGNMENTS, Asked, Commands
from services.dispatch.core.actors import Actor
from services.dispatch.core.case import Case
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.story import Refused
from services.dispatch.core.triggers import OnAssignment
from services.dispatch.decisions import Ruling
from shared import ndjson
from shared.access import access_of
from shared.actors import Forbidden
from shared.edge import sound_line
from shared.errors import Conflict, NotFound, Problem, Rejected, Unavailable
from shared.openapi import route_name
from shared.problems import problem, problems_of
from shared.strict_json import Limits
from shared.terms import AssignmentId, TicketId


class BulkLine(BaseModel):
    """One command of a bulk body: which, on which assignment or ticket, for which version of the ticket."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    command: Annotated[str, Field(max_length=40)]
    assignment_id: AssignmentId | None = None
    ticket_id: TicketId | None = None
    version: int = Field(ge=1, le=2**31 - 1)
    body: dict[str, Any] = Field(default_factory=dict)


_LINE = TypeAdapter(BulkLine)
LINE_LIMITS = Limits(ndjson.LINE_LIMIT)


def answer(ruling: Ruling) -> JSONResponse:
    """A ruling over HTTP. Raises what the error handlers answer."""
    case, error = ruling.case, ruling.error
    if error is None and case is not None:
        return JSONResponse(_brief(case), headers={"ETag": f'"{case.version}"'})
    if isinstance(error, Refused | IllegalTransition):
        code = error.code if isinstance(error, Refused) else "illegal-transition"
        return problem(409, code, str(error), current_version=case.version if case else None)
    raise error or NotFound("nothing was decided")


def _brief(case: Case) -> dict[str, Any]:
    return {
        "ticket_id": str(case.ticket_id),
        "version": case.version,
        "state": case.state,
        "due_at": case.due_at.isoformat(),
    }


async def settle(
    commands: Commands, lines: Sequence[ndjson.Line], actor: Actor | None, request: Request
) -> list[dict[str, Any]]:
    """Carry out every line that can be read, each as if it had come by the command's own route; an answer for each."""
    answers: list[dict[str, Any]] = [{}] * len(lines)
    asked: list[tuple[int, Asked]] = []
    for n, line in enumerate(lines):
        try:
            one = _read_line(line, commands, actor)
            await _check(one, request)
            asked.append((n, one))
        except (Forbidden, NotFound) as refusal:
            answers[n] = {"status": 404} if isinstance(refusal, NotFound) else {"status": 403, "code": "forbidden"}
        except Unavailable:
            answers[n] = {"status": 503}
        except Rejected as error:
            found = [{"field": p.field, "code": p.code, "message": p.message} for p in error.problems]
            answers[n] = {"status": 413 if line.body is None else 422, "problems": found}
    try:
        rulings = await commands.run([a for _, a in asked]) if asked else []
    except Unavailable:
        rulings = [Ruling(None, Unavailable("try again"))] * len(asked)
    for (n, _), ruling in zip(asked, rulings, strict=True):
        answers[n] = _line_answer(ruling)
    return answers


async def _check(asked: Asked, request: Request) -> None:
    """Raises Forbidden for a command that the caller may not give, NotFound for what is not theirs to see."""
    things: dict[str, object] = {"ticket_id": asked.ticket_id}
    if isinstance(asked.command, OnAssignment):
        things = {"assignment_id": asked.command.assignment_id}
    await access_of(request).check_line(request, route_name(asked.name), things)


def _line_answer(ruling: Ruling) -> dict[str, Any]:
    version = ruling.case.version if ruling.case else None
    match ruling.error:
        case None if ruling.case is not None:
            return {"status": 200, **_brief(ruling.case)}
        case NotFound():
            return {"status": 404}
        case Unavailable():
            return {"status": 503}
        case Conflict() as conflict:
            return {"status": 409, "code": "conflict", "current_version": conflict.current_version}
        case Refused() as refused:
            return {"status": 409, "code": refused.code, "current_version": version}
        case _:
            return {"status": 409, "code": "illegal-transition", "message": str(ruling.error)}


def _read_line(line: ndjson.Line, commands: Commands, actor: Actor | None) -> Asked:
    if line.body is None:
        raise Rejected(Problem("", "too_large", f"a line has at most {ndjson.LINE_LIMIT} bytes"))
    try:
        read = _LINE.validate_json(sound_line(line.body, LINE_LIMITS))
    except ValidationError as error:
        raise Rejected(*problems_of(error)) from error
    if read.command not in NAMES:
        raise Rejected(Problem("command", "unknown", "no command has this name"))
    on_assignment = read.command in ON_ASSIGNMENTS
    wanted = "assignment_id" if on_assignment else "ticket_id"
    if getattr(read, wanted) is None:
        raise Rejected(Problem(wanted, "missing", f"this command is on {wanted.removesuffix('_id')}"))
    command = commands.reader.read(read.command, read.body, read.assignment_id)
    return Asked(read.command, read.version, command, actor, read.ticket_id)


def read_json(body: bytes) -> object:
    """A body as JSON, an empty one as no fields. Raises Rejected."""
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise Rejected(Problem("", "json_invalid", "the body is not JSON")) from error
