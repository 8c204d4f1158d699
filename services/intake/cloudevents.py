"""The door for CloudEvents over HTTP, binary, structured and batched; inside is the report of every other door."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response

from services.intake.bodies import expect, traceparent, whole_body
from services.intake.contract import TicketAccepted, encode, refusals, report_schema
from services.intake.core.cloudevents import CloudEvent, InvalidEvent, read_binary, read_structured
from services.intake.doors import Doors, Refusal
from services.intake.receive import Accepted, Incoming, InFlight, Received, Refused, Replayed
from shared import telemetry
from shared.errors import Malformed, Problem, Unavailable
from shared.problems import RETRY_AFTER_S, problem
from shared.strict_json import Document, JsonValue, Limits, read_json
from shared.tracing import trace_of

DOOR = "events"
BINARY = "application/json"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

MAX_EVENTS = 1000
"""Events that one batch may hold."""

_BATCH_BODIES = 16
"""A batch may be as large as so many of the largest single bodies."""

_BREATH = 100
_MANY_PROBLEMS = 100
"""From so many problems on some may not have been listed: then no event of the batch can be trusted."""

_INDEX = re.compile(r"\[(\d+)\]")

_KNOWN: dict[int | str, dict[str, Any]] = {200: {"description": "Known already, or the results of a batch."}}

Answer = dict[str, Any]


def router(doors: Doors) -> APIRouter:
    """The route of the CloudEvents door."""
    routes = APIRouter()

    @routes.post(
        "/v1/events",
        status_code=201,
        response_model=TicketAccepted,
        responses=_KNOWN | refusals(400, 408, 409, 413, 415, 422, 503),
        openapi_extra=_BODY,
    )
    async def post_events(request: Request) -> Response:
        """Hand in a report as an event, or many in a batch.

        201 for a new ticket, 200 for one known already; a batch answers 200 with one result an event, in order.
        """
        try:
            media_type = expect(request, (BINARY, STRUCTURED, BATCH))
            if media_type == BATCH:
                return await _batch(request, doors)
            incoming = await _single(request, doors, media_type)
            (received,) = await doors.receive([incoming], DOOR)
        except Refusal as refusal:
            return problem(refusal.status, refusal.code, refusal.title, refusal.problems)
        except InFlight as error:
            return problem(409, "in_flight", f"{error}; ask again.", headers={"Retry-After": RETRY_AFTER_S})
        return _told(received)

    return routes


async def _single(request: Request, doors: Doors, media_type: str) -> Incoming:
    body = await whole_body(request, doors.limits.max_bytes, doors.receipt_s)
    try:
        if media_type == BINARY:
            headers = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw)
            event = read_binary(headers, body)
        else:
            event = read_structured(_sound(body, doors.limits))
    except InvalidEvent as error:
        raise _invalid(error.problems) from error
    return _incoming(event, doors, traceparent(request))


async def _batch(request: Request, doors: Doors) -> Response:
    limits = replace(
        doors.limits, max_bytes=doors.limits.max_bytes * _BATCH_BODIES, max_keys=doors.limits.max_keys * MAX_EVENTS
    )
    body = await whole_body(request, limits.max_bytes, doors.receipt_s)
    events, broken = _events(body, limits)
    read: list[Incoming | Answer] = []
    for index, event in enumerate(events):
        read.append(_read(event, broken[index], doors))
        if index % _BREATH == 0:
            await asyncio.sleep(0)
    good = [entry for entry in read if isinstance(entry, Incoming)]
    settled = iter([answer for start in range(0, len(good), doors.bulk_batch)
                    for answer in await _receive(doors, good[start : start + doors.bulk_batch])])  # fmt: skip
    answers = [next(settled) if isinstance(entry, Incoming) else entry for entry in read]
    return _json([{"index": index, **answer} for index, answer in enumerate(answers)], 200)


def _events(body: bytes, limits: Limits) -> tuple[list[JsonValue], Mapping[int, list[Problem]]]:
    """The events of a batch, and what the JSON itself has wrong inside each. Raises Refusal for the whole."""
    document = _document(body, limits)
    if not isinstance(document.value, list):
        raise _invalid((Problem("", "not_a_list", "must be a list of events"),))
    if len(document.value) > MAX_EVENTS:
        raise Refusal(413, "too_many_events", f"The batch holds more than {MAX_EVENTS} events.")
    broken: defaultdict[int, list[Problem]] = defaultdict(list)
    for fault in document.problems:
        place = _INDEX.match(fault.field)
        if place is None or len(document.problems) >= _MANY_PROBLEMS:
            raise _invalid(document.problems)
        broken[int(place[1])].append(Problem(fault.field[place.end() :].lstrip("."), fault.code, fault.message))
    return document.value, broken


def _read(event: JsonValue, broken: Sequence[Problem], doors: Doors) -> Incoming | Answer:
    """One event of a batch: a report, or why not."""
    try:
        if broken:
            raise _invalid(tuple(broken))
        return _incoming(read_structured(event), doors, None)
    except InvalidEvent as error:
        return _answer(_invalid(error.problems))
    except Refusal as refusal:
        return _answer(refusal)


def _incoming(event: CloudEvent, doors: Doors, trace: str | None) -> Incoming:
    """The report inside an event, known by its external id, or else by the event's source and id. Raises Refusal."""
    if not event.is_json:
        raise _counted(Refusal(415, "media_type", "The event's data must be JSON."))
    if event.data is None:
        raise _invalid((Problem("data", "missing", "is required"),))
    incoming = doors.read(event.data, event.key, trace_of(event.extensions.get("traceparent")) or trace, DOOR)
    return incoming if incoming.ticket.external_id is None else replace(incoming, idempotency_key=None)


async def _receive(doors: Doors, reports: Sequence[Incoming]) -> list[Answer]:
    try:
        return [_outcome(received) for received in await doors.receive(reports, DOOR)]
    except InFlight as error:
        refusal = Refusal(409, "in_flight", str(error))
    except Unavailable:
        refusal = Refusal(503, "unavailable", "not available now; the outcome is unknown: send the event again")
    return [_answer(refusal)] * len(reports)


def _outcome(received: Received) -> Answer:
    match received:
        case Refused(problems):
            return _answer(Refusal(422, problems[0].code, "The report was not taken.", problems))
        case Accepted() | Replayed():
            return {"status": 200 if isinstance(received, Replayed) else 201, **_receipt(received)}


def _told(received: Received) -> Response:
    match received:
        case Refused(problems):
            return problem(422, problems[0].code, "The report was not taken.", problems)
        case Accepted(receipt) | Replayed(receipt):
            headers = {"Location": f"/v1/tickets/{receipt.ticket_id}"}
            if isinstance(received, Accepted):
                return _json(_receipt(received), 201, headers)
            return _json(_receipt(received), 200, headers | {"Idempotent-Replay": "true"})


def _receipt(received: Accepted | Replayed) -> Answer:
    receipt = received.receipt
    return {
        "ticket_id": receipt.ticket_id,
        "ticket_no": receipt.ticket_no,
        "query_code": receipt.query_code,
        "received_at": receipt.received_at,
        "state": "RECEIVED",
    }


def _sound(body: bytes, limits: Limits) -> JsonValue:
    document = _document(body, limits)
    if document.problems:
        raise _invalid(document.problems)
    return document.value


def _document(body: bytes, limits: Limits) -> Document:
    try:
        return read_json(body, limits)
    except Malformed as error:
        status = 413 if error.code == "body_too_large" else 400
        raise _counted(Refusal(status, error.code, "The body cannot be read.", error.problems)) from error


def _invalid(problems: tuple[Problem, ...]) -> Refusal:
    return _counted(Refusal(400, "invalid_event", "The event is not a CloudEvent that can be taken.", problems))


def _counted(refusal: Refusal) -> Refusal:
    telemetry.REPORTS_REJECTED.labels(door=DOOR).inc()
    return refusal


def _answer(refusal: Refusal) -> Answer:
    problems = refusal.problems or (Problem("", refusal.code, refusal.title),)
    listed = [{"field": p.field, "code": p.code, "message": p.message} for p in problems]
    return {"status": refusal.status, "code": refusal.code, "problems": listed}


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(body), status, headers, media_type="application/json")


_REPORT = report_schema()
_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"}, "id": _TEXT, "source": _TEXT, "type": _TEXT, "subject": _TEXT,
        "time": {"type": "string", "format": "date-time"}, "datacontenttype": _TEXT, "data": _REPORT,
    },
}  # fmt: skip
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            BINARY: {"schema": _REPORT},
            STRUCTURED: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": MAX_EVENTS}},
        },
    },
}
