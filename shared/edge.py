"""What a request must be before a route sees it: not packed, no control characters, JSON that has one meaning."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.connections import BY_LINES, LINES, UNGUARDED, Gate
from shared.errors import Malformed, Problem, Rejected
from shared.problems import RETRY_AFTER_S, problem
from shared.strict_json import Limits, cleaned

JSON: Final = "application/json"
_WITH_BODY = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, slots=True)
class Bodies:
    """What an application leaves to the edge: bodies of at most so much JSON; doors of lines read theirs themselves.

    `unread` says at which paths a body of another kind is taken, or its very bytes count: it is only counted here.
    """

    limits: Limits = field(default_factory=Limits)
    receipt_s: float = 20.0
    unread: Mapping[str, str] = field(default_factory=dict)


class Edge:
    """ASGI middleware: refuses what is too much or has two meanings, with problem documents.

    With `bodies` every JSON body is read strictly here and handed on whole; without, the routes do so themselves.
    Health is answered however much is asked.
    """

    def __init__(self, app: ASGIApp, gate: Gate, bodies: Bodies | None) -> None:
        self._app = app
        self._gate = gate
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNGUARDED:
            await self._app(scope, receive, send)
        elif self._gate.is_full:
            await _overloaded()(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A request counts until its answer begins: streams without an end hold no place."""
        self._gate.requests += 1
        counted = True

        async def told(message: Message) -> None:
            nonlocal counted
            if counted and message["type"] == "http.response.start":
                counted = False
                self._gate.requests -= 1
            await send(message)

        try:
            await self._checked(scope, receive, told)
        finally:
            if counted:
                self._gate.requests -= 1

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_address(scope)
            headers = dict(scope["headers"])
            _check_packing(headers)
            if self._bodies is not None and scope["method"] in _WITH_BODY and _has_body(headers):
                receive = await self._read(self._bodies, scope["path"], headers, receive)
        except _Refused as refused:
            await refused.response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _read(self, bodies: Bodies, path: str, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """What hands the body on. Raises _Refused for one that is no JSON, or no form, or too much, or too late."""
        media_type, _, parameters = headers.get(b"content-type", b"").decode("latin-1").lower().partition(";")
        if path in BY_LINES and media_type.strip() in LINES:
            return receive
        body = await _whole(bodies, receive)
        if path in bodies.unread:
            _check_media_type(bodies.unread[path], media_type.strip(), parameters.strip())
        elif body:
            _check_media_type(JSON, media_type.strip() or JSON, parameters.strip())
            body = _sound(body, bodies.limits)
        return _hand_on(body, receive)


def _overloaded() -> Response:
    headers = {"Retry-After": RETRY_AFTER_S, "Connection": "close"}
    return problem(503, "overloaded", "Too much is asked at once: come again.", headers=headers)


def _check_address(scope: Scope) -> None:
    query = scope.get("query_string", b"")
    said = unquote_to_bytes(query).decode("utf-8", "replace") if b"%" in query else ""
    if _FORBIDDEN.search(scope["path"]) or _FORBIDDEN.search(said):
        raise _Refused(problem(400, "forbidden-character", "The address holds a control character."))


def _check_packing(headers: dict[bytes, bytes]) -> None:
    """What is counted must be what is read."""
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise _Refused(problem(415, "content-encoding", "The body must not be compressed."))


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""


def _check_media_type(wanted: str, media_type: str, parameters: str) -> None:
    if media_type != wanted or parameters not in ("", "charset=utf-8", 'charset="utf-8"'):
        raise _Refused(problem(415, "media-type", f"The body must be {wanted} in UTF-8."))


async def _whole(bodies: Bodies, receive: Receive) -> bytes:
    """The body, counted while it comes in: a stated length may lie."""
    chunks: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(bodies.receipt_s):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Refused(problem(400, "body-cut-off", "The body ended early."))
                chunks.append(message.get("body", b""))
                size, more = size + len(chunks[-1]), message.get("more_body", False)
                if size > bodies.limits.max_bytes:
                    title = f"The body is larger than {bodies.limits.max_bytes} bytes."
                    raise _Refused(problem(413, "body-too-large", title, headers={"Connection": "close"}))
    except TimeoutError as error:
        title = f"The body did not come within {bodies.receipt_s:g} seconds."
        raise _Refused(problem(408, "timeout", title, headers={"Connection": "close"})) from error
    return b"".join(chunks)


def _sound(body: bytes, limits: Limits) -> bytes:
    try:
        return cleaned(body, limits)
    except Malformed as error:
        raise _Refused(problem(400, error.code, "The body cannot be read.", error.problems)) from error
    except Rejected as error:
        raise _Refused(problem(422, "rejected", "The input is not acceptable.", error.problems)) from error


def _hand_on(body: bytes, receive: Receive) -> Receive:
    """The body once, then whatever else the server has to tell."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def handed_on() -> Message:
        return waiting.pop() if waiting else await receive()

    return handed_on


def sound_line(body: bytes, limits: Limits) -> bytes:
    """A line of NDJSON as other readers may have it. Raises Rejected with every problem."""
    try:
        return cleaned(body, limits)
    except Malformed as error:
        raise Rejected(Problem("", error.code, error.problems[0].message)) from error
