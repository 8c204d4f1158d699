"""NDJSON over HTTP, streamed both ways: lines in as they arrive, under a size limit; one result line out for each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from shared.telemetry import log

MEDIA_TYPE = "application/x-ndjson"
LINE_LIMIT = 64 * 1024
BATCH = 500
SILENCE_S = 30.0
"""How long either side may leave the other waiting."""

Answer = Mapping[str, Any]
TOO_LATE: Answer = {
    "status": 408,
    "code": "timeout",
    "problems": [{"field": "", "code": "timeout", "message": "the rest of the body did not come"}],
}


def documented(
    line: str, refusals: Mapping[int | str, dict[str, Any]] | None = None, *, typed: bool = False
) -> dict[str, Any]:
    """What the OpenAPI document says of a route that answers lines; `line` describes one.

    No lines at all will do, but where the media type must be said (`typed`).
    """
    lines = {MEDIA_TYPE: {"schema": {"type": "string", "description": "One result a line, in the order of the lines."}}}
    body = {MEDIA_TYPE: {"schema": {"type": "string", "description": f"One a line: {line}"}}}
    return {
        "response_class": Response,
        "responses": {200: {"description": "A result for every line.", "content": lines}, **(refusals or {})},
        "openapi_extra": {"requestBody": {"required": typed, "content": body}},
    }


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the body: its number from 1, and its bytes, or None where it was longer than allowed."""

    number: int
    body: bytes | None


class Silence(Exception):
    """The client stopped sending before the end."""


async def batches(
    chunks: AsyncIterator[bytes], *, limit: int = LINE_LIMIT, size: int = BATCH
) -> AsyncIterator[list[Line]]:
    """Lines in batches of at most `size`, handed on as soon as a chunk has brought some; blank lines are left out.

    A line beyond `limit` bytes is not kept in memory: it comes as Line(number, None) and the rest goes on.
    """
    number, rest, over = 0, b"", False
    ready: list[Line] = []
    async for chunk in chunks:
        *whole, tail = chunk.split(b"\n")
        for piece in whole:
            number += 1
            body, rest = rest + piece, b""
            if over or len(body) > limit:
                ready.append(Line(number, None))
            elif body.strip():
                ready.append(Line(number, body))
            over = False
            if len(ready) >= size:
                yield ready
                ready = []
        rest += tail
        if len(rest) > limit:
            rest, over = b"", True
        if ready:
            yield ready
            ready = []
    if over or rest.strip():
        yield [Line(number + 1, None if over else rest)]


def respond(
    request: Request,
    settle: Callable[[Sequence[Line]], Awaitable[Sequence[Answer]]],
    *,
    limit: int = LINE_LIMIT,
    size: int = BATCH,
    silence_s: float = SILENCE_S,
) -> Response:
    """Answer each batch of lines as `settle` says: one object a line, in order, with its `line` number."""

    async def results() -> AsyncIterator[bytes]:
        last = 0
        try:
            async for lines in batches(_arriving(request, silence_s), limit=limit, size=size):
                last = lines[-1].number
                yield _encode(lines, await settle(lines))
        except Silence:
            yield _encode([Line(last + 1, None)], [TOO_LATE])

    return Duplex(results(), silence_s)


class Duplex(Response):
    """A body that is sent while the request's body is still being read.

    Not a StreamingResponse: that one listens for a disconnect meanwhile and swallows pieces of the request. A client
    that does not read on for `silence_s` is given up; what was settled by then stays settled.
    """

    def __init__(self, chunks: AsyncIterator[bytes], silence_s: float = SILENCE_S) -> None:
        self._chunks = chunks
        self._silence_s = silence_s
        self.status_code = 200
        self.background = None
        self.raw_headers = [(b"content-type", MEDIA_TYPE.encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for chunk in self._chunks:
                async with asyncio.timeout(self._silence_s):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            log.warning("bulk_results_not_read", within_s=self._silence_s)
            return
        except ClientDisconnect:
            log.info("bulk_client_left")
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _arriving(request: Request, silence_s: float) -> AsyncIterator[bytes]:
    chunks = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(silence_s):
                chunk = await anext(chunks, None)
        except TimeoutError as error:
            raise Silence from error
        if chunk is None:
            return
        yield chunk


def _encode(lines: Sequence[Line], answers: Sequence[Answer]) -> bytes:
    return b"".join(
        orjson.dumps({"line": line.number, **answer}, default=str, option=orjson.OPT_APPEND_NEWLINE)
        for line, answer in zip(lines, answers, strict=True)
    )
