"""One endpoint's way out over HTTP/1.1: to the address that was judged, never redirected, bounded in time and size.

A client of our own, because it must connect to the very address that was judged, must know whether anything left before
it failed, and has a receiver's whole queue to carry.
"""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httptools

from services.notify.channels.base import SEND_S, WORKERS
from services.notify.channels.guard import CONNECT_S, Guard
from services.notify.core.target import Target, TargetRefused

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024
IDLE_S = 2.0
"""Idle connections are dropped before usual servers drop them: a request sent into a closing one ends in doubt."""


class NotSent(Exception):
    """Certainly nothing has arrived."""


class InDoubt(Exception):
    """It left, and nobody knows whether it arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A receiver's answer; `body` is its beginning, at most MAX_BODY_BYTES."""

    status: int
    retry_after: str | None
    body: bytes


class HttpClient:
    """Posts to one target, on few connections that are kept for a moment. No cookies, no proxies, no unpacking."""

    def __init__(self, target: Target, guard: Guard, *, send_s: float = SEND_S) -> None:
        self._target = target
        self._guard = guard
        self._send_s = send_s
        self._idle: list[_Connection] = []
        self._tls = ssl.create_default_context() if target.scheme == "https" else None

    async def send(
        self, body: bytes, headers: Sequence[tuple[str, str]], *, path: str | None = None, method: str = "POST"
    ) -> Answer:
        """Send one request and read its answer. Raises NotSent or InDoubt; ends within `send_s`."""
        request = self._write(method, path or self._target.path, headers, body)
        deadline = asyncio.get_running_loop().time() + self._send_s
        connection = self._take_idle() or await self._connect()
        try:
            async with asyncio.timeout_at(deadline):
                return await connection.ask(request)
        except TimeoutError:
            begun = connection.answer_so_far()
            if begun is None:
                raise InDoubt("no answer in time") from None
            return begun
        finally:
            self._put_back(connection)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def rest(self) -> bool:
        """Close the connections that have been idle for too long; whether none is left."""
        oldest = asyncio.get_running_loop().time() - IDLE_S
        for connection in self._idle:
            if connection.idle_since <= oldest:
                connection.close()
        self._idle = [connection for connection in self._idle if connection.is_open]
        return not self._idle

    async def _connect(self) -> "_Connection":
        host, port = self._target.host, self._target.port
        loop = asyncio.get_running_loop()
        trouble: Exception = OSError("no address")
        try:
            addresses = await self._guard.find(host, port)
        except (OSError, TimeoutError) as error:
            raise NotSent(f"{type(error).__name__} when looking the host up") from error
        except TargetRefused as refused:
            raise NotSent(str(refused)) from refused
        for address in addresses:
            try:
                async with asyncio.timeout(min(CONNECT_S, self._send_s) / len(addresses)):
                    _, connection = await loop.create_connection(
                        _Connection, address, port, ssl=self._tls, server_hostname=host if self._tls else None
                    )
                    return connection
            except (OSError, TimeoutError) as error:
                trouble = error
        raise NotSent(f"{type(trouble).__name__} when connecting") from trouble

    def _write(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1", f"host: {self._target.authority}", "user-agent: griddispatch",
            "accept-encoding: identity", f"content-length: {len(body)}", *(f"{name}: {text}" for name, text in headers),
        ]  # fmt: skip
        if not all(line.isprintable() for line in lines):
            raise NotSent("a header would not fit on its line")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body

    def _take_idle(self) -> "_Connection | None":
        freshest = asyncio.get_running_loop().time() - IDLE_S
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and connection.idle_since > freshest:
                return connection
            connection.close()
        return None

    def _put_back(self, connection: "_Connection") -> None:
        if connection.may_serve_again and len(self._idle) < WORKERS:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()


class _Connection(asyncio.Protocol):
    """One connection; reads one answer at a time. What comes unasked closes it."""

    def __init__(self) -> None:
        self.idle_since = 0.0
        self.is_open = False
        self.may_serve_again = False
        self._transport: Any = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._asked_wait: str | None = None
        self._retry_after: str | None = None
        self._body: list[bytes] = []
        self._begin()

    async def ask(self, request: bytes) -> Answer:
        """Write `request` and wait for its answer. Raises InDoubt when there will be none."""
        self._begin()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiter

    def answer_so_far(self) -> Answer | None:
        """The status that came, with what there is of its body; None before the head is complete."""
        return Answer(self._status, self._retry_after, b"".join(self._body)) if self._status else None

    def close(self) -> None:
        """Close, at once."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        if self._waiter is None or self._waiter.done():
            self.close()
            return
        self._taken += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end("unreadable answer")
        if self._taken > (MAX_BODY_BYTES if self._status else MAX_HEAD_BYTES):
            self._end("endless head")

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side went away."""
        self.is_open = self.may_serve_again = False
        self._end(type(exc).__name__ if exc else "closed without an answer")

    # What the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        if name.lower() == b"retry-after":
            self._asked_wait = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is complete; a 1xx is followed by another."""
        status = self._parser.get_status_code()
        if status == 101 or status >= 200:
            self._status, self._retry_after, self._taken = status, self._asked_wait, 0

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._status and self._waiter is not None and not self._waiter.done():
            self.may_serve_again = self._parser.should_keep_alive()
            self._end("")

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._taken = 0
        self._asked_wait = None
        self._retry_after = None
        self._body = []
        self.may_serve_again = False

    def _end(self, trouble: str) -> None:
        if self._waiter is None or self._waiter.done():
            return
        answer = self.answer_so_far()
        if answer is not None:
            self._waiter.set_result(answer)
        else:
            self._waiter.set_exception(InDoubt(trouble))
