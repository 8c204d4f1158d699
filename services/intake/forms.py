"""Commands over HTTP: who may give them, and their small JSON bodies, read like a report, whole and strictly."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.intake.bodies import expect, has_body, whole_body
from services.intake.contract import refusals
from services.intake.doors import Refusal
from services.intake.officers import Actor, actor_of
from shared.database import Database, Transaction
from shared.errors import Malformed
from shared.openapi import SAID
from shared.problems import problem, problems_of
from shared.strict_json import DEFAULT_LIMITS, Document, read_json

WITHIN_S = 20.0
SOMETHING: Final = Field(json_schema_extra={"pattern": SAID})
"""Of a text that is stripped and must not be empty: what its schema says of that."""

M = TypeVar("M", bound="Form")


class Form(BaseModel):
    """The body of a command: nothing beside its fields is read over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def taking(model: type[Form], *statuses: int) -> dict[str, Any]:
    """What the OpenAPI document says of a route whose body is such a form, and which refuses under these statuses."""
    body = {"required": True, "content": {"application/json": {"schema": model.model_json_schema()}}}
    return {"responses": refusals(*statuses), "openapi_extra": {"requestBody": body}}


async def read_form(request: Request, model: type[M]) -> M:
    """The body as a form. Raises Refusal with every problem."""
    expect(request, ("application/json",))
    body = await whole_body(request, DEFAULT_LIMITS.max_bytes, WITHIN_S)
    document = _document(body)
    try:
        # As JSON and strictly: a number is no day, and "yes" is no decision.
        form = model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        found = (*document.problems, *problems_of(error))
        raise Refusal(422, "rejected", "The input is not acceptable.", found) from error
    if document.problems:
        raise Refusal(422, "rejected", "The input is not acceptable.", document.problems)
    return form


def guarded(request: Request, roles: tuple[str, ...]) -> Response | None:
    """The refusal of a caller who has none of these roles."""
    if actor_of(request).role in roles:
        return None
    return problem(403, "forbidden", f"This is for {' or '.join(roles)}.")


async def acted(database: Database, call: Callable[[Transaction], Awaitable[object]]) -> Response:
    """Run a command that has nothing to answer."""
    async with database.transaction() as tx:
        await call(tx)
    return Response(status_code=204)


async def command(
    database: Database, request: Request, roles: tuple[str, ...], model: type[M],
    call: Callable[[Actor, M, Transaction], Awaitable[object]], without: M | None = None,
) -> Response:  # fmt: skip
    """Run a command with a body for callers in one of these roles; `without` stands for a body that was left out."""
    if refused := guarded(request, roles):
        return refused
    try:
        form = without if without is not None and not has_body(request) else await read_form(request, model)
    except Refusal as refusal:
        return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
    return await acted(database, lambda tx: call(actor_of(request), form, tx))


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer; the database's own kind of UUID is no stranger."""
    return Response(orjson.dumps(body, default=str), status, headers, media_type="application/json")


def _document(body: bytes) -> Document:
    try:
        return read_json(body)
    except Malformed as error:
        status = 413 if error.code == "body_too_large" else 400
        raise Refusal(status, error.code, "The body cannot be read.", error.problems) from error
