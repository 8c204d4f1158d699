"""NDJSON over HTTP: lines in as they arrive, in batches, under a size limit; one result line out for each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse

MEDIA_TYPE = "application/x-ndjson"
LINE_LIMIT = 64 * 1024
BATCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the body: its number from 1, and its bytes, or None where it was longer than allowed."""

    number: int
    body: bytes | None


async def batches(
    chunks: AsyncIterator[bytes], *, limit: int = LINE_LIMIT, size: int = BATCH
) -> AsyncIterator[list[Line]]:
    """Lines in batches of at most `size`, handed on as soon as a chunk has brought some; blank lines are left out.

    A line beyond `limit` bytes is not kept in memory: it comes as Line(number, None) and the rest goes on.
    """
    number, rest, over = 0, b"", False
    ready: list[Line] = []
    async for chunk in chunks:
        *whole, rest_of_chunk = chunk.split(b"\n")
        for piece in whole:
            number += 1
            body = rest + piece
            rest = b""
            if over or len(body) > limit:
                ready.append(Line(number, None))
            elif body.strip():
                ready.append(Line(number, body))
            over = False
            if len(ready) >= size:
                yield ready
                ready = []
        rest += rest_of_chunk
        if len(rest) > limit:
            rest, over = b"", True
        if ready:
            yield ready
            ready = []
    if over or rest.strip():
        yield [Line(number + 1, None if over else rest)]


def respond(
    request: Request, settle: Callable[[Sequence[Line]], Awaitable[Sequence[dict[str, Any]]]], *, size: int = BATCH
) -> StreamingResponse:
    """Answer each batch of lines as `settle` says: one object a line, in order, with its `line` number."""

    async def results() -> AsyncIterator[bytes]:
        async for lines in batches(request.stream(), size=size):
            answers = await settle(lines)
            yield b"".join(
                orjson.dumps({"line": line.number, **answer}, option=orjson.OPT_APPEND_NEWLINE)
                for line, answer in zip(lines, answers, strict=True)
            )

    return StreamingResponse(results(), media_type=MEDIA_TYPE)
