"""The bulk door: NDJSON in, one result line out for each, both while the other side is still at it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response

from services.intake.doors import Doors, Refusal
from services.intake.receive import Accepted, Incoming, InFlight, Received, Refused, Replayed
from shared import ndjson
from shared.errors import Problem, Unavailable
from shared.ndjson import Line

BREATH = 100
"""After reading so many lines others get a turn."""

Answer = dict[str, Any]


def respond(request: Request, doors: Doors) -> Response:
    """Settle the lines of the request in batches, as they arrive."""

    async def settled(lines: Sequence[Line]) -> list[Answer]:
        return await settle(doors, lines)

    return ndjson.respond(
        request, settled, limit=doors.limits.max_bytes, size=doors.bulk_batch, silence_s=doors.silence_s
    )


async def settle(doors: Doors, lines: Sequence[Line]) -> list[Answer]:
    """One answer a line, in order: the good ones in one transaction, the bad ones with their problems."""
    read: list[Incoming | Answer] = []
    for start in range(0, len(lines), BREATH):
        read += [_read(doors, line) for line in lines[start : start + BREATH]]
        await asyncio.sleep(0)
    good = [entry for entry in read if isinstance(entry, Incoming)]
    answers = iter(await _receive(doors, good))
    return [next(answers) if isinstance(entry, Incoming) else entry for entry in read]


def _read(doors: Doors, line: Line) -> Incoming | Answer:
    if line.body is None:
        return _refusal(413, "body_too_large", f"the line is larger than {doors.limits.max_bytes} bytes")
    try:
        return doors.read(line.body, None, None, "bulk")
    except Refusal as refusal:
        return _answer(refusal.status, refusal.code, refusal.problems)


async def _receive(doors: Doors, reports: Sequence[Incoming]) -> list[Answer]:
    if not reports:
        return []
    try:
        answers = await doors.receive(reports, "bulk")
    except InFlight as error:
        return [_refusal(409, "in_flight", str(error))] * len(reports)
    except Unavailable:
        sentence = "not available now; the outcome is unknown: repeat the line"
        return [_refusal(503, "unavailable", sentence)] * len(reports)
    return [_outcome(answer) for answer in answers]


def _outcome(received: Received) -> Answer:
    match received:
        case Refused(problems):
            return _answer(422, problems[0].code, problems)
        case Accepted(receipt) | Replayed(receipt):
            return {
                "status": 201,
                "ticket_id": receipt.ticket_id,
                "ticket_no": receipt.ticket_no,
                "query_code": receipt.query_code,
                "received_at": receipt.received_at,
                "replayed": isinstance(received, Replayed),
            }


def _refusal(status: int, code: str, sentence: str) -> Answer:
    return _answer(status, code, (Problem("", code, sentence),))


def _answer(status: int, code: str, problems: Sequence[Problem]) -> Answer:
    listed = [{"field": p.field, "code": p.code, "message": p.message} for p in problems]
    return {"status": status, "code": code, "problems": listed}
