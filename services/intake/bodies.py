"""What every HTTP door asks of a request before it reads a report: kind, size, key and trace."""

import asyncio
import re

from fastapi import Request
from starlette.requests import ClientDisconnect

from services.intake.doors import Refusal
from shared.errors import Problem
from shared.tracing import trace_of

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def expect(request: Request, media_types: tuple[str, ...]) -> str:
    """The body's media type, one of these. Refuses others, and packed bodies: what is counted must be what is read."""
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    media_type, charset = media_type.strip().lower(), parameters.strip().lower()
    if media_type not in media_types or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise Refusal(415, "media_type", f"The body must be {' or '.join(media_types)} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(415, "content_encoding", "The body must not be compressed.")
    return media_type


def has_body(request: Request) -> bool:
    """Whether a body comes with the request, of whatever length it says."""
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key, if there is one. Raises Refusal for one that cannot be used."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        reason = Problem("Idempotency-Key", "bad_form", "must be given once, with 1 to 255 visible ASCII characters")
        raise Refusal(400, "idempotency_key_invalid", "The Idempotency-Key cannot be used.", (reason,))
    return keys[0]


def traceparent(request: Request) -> str | None:
    """The caller's trace, if it is one."""
    return trace_of(request.headers.get("traceparent"))


async def whole_body(request: Request, limit: int, within_s: float) -> bytes:
    """The body, counted while it comes in: a stated length may lie. Raises Refusal for too much, or too late."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(within_s):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise Refusal(413, "body_too_large", f"The body is larger than {limit} bytes.")
                chunks.append(chunk)
    except TimeoutError as error:
        raise Refusal(408, "timeout", f"The body did not come within {within_s:g} seconds.") from error
    except ClientDisconnect as error:
        raise Refusal(400, "body_cut_off", "The body ended early.") from error
    return b"".join(chunks)
