"""What the OpenAPI document says about the bodies that the doors read and write by themselves."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, TypeAdapter

from services.intake.core.progress import PublicState
from services.intake.core.report import NewTicket, Reporter, Scalar
from shared.terms import PlaceLevel, TicketType, Urgency


def encode(body: dict[str, Any]) -> bytes:
    """An answer as JSON. The database's own kind of UUID is no stranger."""
    return orjson.dumps(body, default=_text_of_id)


def _text_of_id(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


class TicketAccepted(BaseModel):
    """A matter is durable; `query_code` is for asking about it without an account."""

    ticket_id: UUID
    ticket_no: str
    query_code: str
    received_at: datetime
    state: Literal["RECEIVED"]


class TicketView(BaseModel):
    """How a matter stands; what triage says is null until it has looked."""

    ticket_id: UUID
    ticket_no: str
    state: Literal["RECEIVED", "TRIAGED"]
    public_state: PublicState
    received_at: datetime
    triaged_at: datetime | None
    ticket_type: TicketType | None
    category: str | None
    urgency: Urgency | None
    place_level: PlaceLevel | None
    township: str | None
    village: str | None
    grid: str | None
    exercise: bool
    updated_at: datetime


class MatterView(BaseModel):
    """The original words, and who reported."""

    ticket_id: UUID
    title: str | None
    text: str
    address: str | None
    reporter: Reporter | None
    extensions: dict[str, Scalar]


class ProblemItem(BaseModel):
    """One thing that is wrong."""

    field: str
    code: str
    message: str


class ProblemView(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    problems: list[ProblemItem] = []


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The statuses under which a route refuses, each with a problem document."""
    document = {"schema": ProblemView.model_json_schema(ref_template="#/components/schemas/{model}")}
    document["schema"].pop("$defs", None)
    document["schema"]["properties"]["problems"]["items"] = ProblemItem.model_json_schema()
    return {
        status: {"description": "Refused.", "content": {"application/problem+json": document}} for status in statuses
    }


def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report, whole in itself."""
    schema = TypeAdapter(NewTicket).json_schema()
    schema["properties"]["reported_at"] = {"type": ["string", "null"], "format": "date-time", "default": None}
    return {key: value for key, value in _resolved(schema, schema.get("$defs", {})).items() if key != "$defs"}


def _resolved(part: Any, definitions: dict[str, Any]) -> Any:
    """`part` with every reference replaced by what it refers to: inside OpenAPI they would lead nowhere."""
    if isinstance(part, list):
        return [_resolved(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        named = definitions[part["$ref"].rpartition("/")[2]]
        part = {**named, **{key: value for key, value in part.items() if key != "$ref"}}
    return {key: value if key == "$defs" else _resolved(value, definitions) for key, value in part.items()}


_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_SCHEMA = report_schema()

REPORT_BODY: dict[str, Any] = {
    "parameters": [_KEY],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}},
}
