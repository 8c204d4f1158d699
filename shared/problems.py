"""Errors over HTTP: application/problem+json (RFC 9457), never a 500 for bad input."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from shared.errors import CannotOpen, Conflict, NotFound, Problem, Rejected, Unavailable
from shared.strict_json import label
from shared.telemetry import log

RETRY_AFTER_S = "2"


def problem(
    status: int, code: str, title: str, problems: Sequence[Problem] = (), headers: dict[str, str] | None = None,
    **extra: object,
) -> JSONResponse:  # fmt: skip
    """A problem document; `problems` names every field that is wrong."""
    body: dict[str, object] = {"type": f"urn:griddispatch:problem:{code}", "title": title, "status": status, **extra}
    if problems:
        body["problems"] = [{"field": p.field, "code": p.code, "message": p.message} for p in problems]
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def problems_of(error: ValidationError) -> list[Problem]:
    """What a model found wrong, field by field. Names are the sender's own words, and shown as such."""
    return _named(error.errors(include_url=False, include_input=False, include_context=False))


def _named(found: Iterable[Mapping[str, Any]], skipped: int = 0) -> list[Problem]:
    return [Problem(".".join(label(str(p)) for p in e["loc"][skipped:]), e["type"], e["msg"]) for e in found]


def install(app: FastAPI) -> None:
    """Answer every kind of error of this product with a problem document."""

    @app.exception_handler(Rejected)
    async def rejected(request: Request, error: Rejected) -> JSONResponse:
        return problem(422, "rejected", "The input is not acceptable.", error.problems)

    @app.exception_handler(Conflict)
    async def conflict(request: Request, error: Conflict) -> JSONResponse:
        extra: dict[str, object] = {"reason": error.reason} if error.reason else {}
        return problem(409, "conflict", str(error), (), None, current_version=error.current_version, **extra)

    @app.exception_handler(NotFound)
    async def not_found(request: Request, error: NotFound) -> JSONResponse:
        return problem(404, "not-found", "There is nothing by that name here.")

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> JSONResponse:
        title = "Not available now; the outcome is unknown: repeat with the same key."
        return problem(503, "unavailable", title, headers={"Retry-After": RETRY_AFTER_S})

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, "rejected", "The input is not acceptable.", _named(error.errors(), skipped=1))

    @app.exception_handler(CannotOpen)
    async def cannot_open(request: Request, error: CannotOpen) -> JSONResponse:
        log.error("cannot_open", error=str(error))
        return problem(503, "cannot-open", "It is kept, but no key at hand opens it; the operator was told.")

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, "http", str(error.detail), headers=headers)
