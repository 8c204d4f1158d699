"""A client for load: HTTP/1.1 over kept connections, one request at a time on each, and little work a request."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlsplit

import httptools

ANSWER_S = 30.0
CONNECT_S = 5.0

Answer = tuple[int, bytes]
"""Status and body."""


class NoAnswer(Exception):
    """The service hung up, or did not answer in time."""


class _Connection(asyncio.Protocol):
    """One kept connection; its owner asks nothing new before the answer is there."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body: list[bytes] = []
        self._waiting: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of asyncio's class

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(str(error))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()  # the other side is about to
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result((self._parser.get_status_code(), b"".join(self._body)))
        # A parser is good for one answer after a chunked one; a new one costs a microsecond.
        self._parser, self._body = httptools.HttpResponseParser(self), []

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._fail("the connection was closed")

    def _fail(self, why: str) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswer(why))

    async def ask(self, request: bytes) -> Answer:
        if self._transport is None:
            raise NoAnswer("the connection was closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._waiting
        except TimeoutError as error:
            self.close()
            raise NoAnswer(f"no answer within {ANSWER_S:g} s") from error

    @property
    def is_open(self) -> bool:
        """Whether something can be asked here."""
        return self._transport is not None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


class LoadClient:
    """So many connections to one service, taken in turn; one that was closed is opened anew.

    An async context manager.
    """

    def __init__(self, base: str, connections: int) -> None:
        place = urlsplit(base)
        self._host, self._port = place.hostname or "", place.port or 80
        self._count = connections
        self._free: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
        self._all: list[_Connection] = []

    async def __aenter__(self) -> Self:
        for _ in range(self._count):
            self._free.put_nowait(await self._connect())
        return self

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(CONNECT_S):
                _, connection = await asyncio.get_running_loop().create_connection(_Connection, self._host, self._port)
        except OSError as error:  # a deadline that passed is one too
            raise NoAnswer(f"no connection: {error!r}") from error
        self._all = [one for one in self._all if one.is_open] if len(self._all) > 2 * self._count else self._all
        self._all.append(connection)
        return connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._all:
            connection.close()

    async def post(
        self, path: str, body: bytes, content_type: str = "application/json", headers: Sequence[str] = ()
    ) -> Answer:
        """Send a body on the next free connection. Raises NoAnswer."""
        return await self._ask(request("POST", path, self._host, body, content_type, headers))

    async def get(self, path: str) -> Answer:
        """Read something on the next free connection. Raises NoAnswer."""
        return await self._ask(request("GET", path, self._host))

    async def _ask(self, wire: bytes) -> Answer:
        connection = await self._free.get()
        try:
            if not connection.is_open:
                connection = await self._connect()
            return await connection.ask(wire)
        finally:
            self._free.put_nowait(connection)


def request(
    method: str, path: str, host: str, body: bytes = b"", content_type: str = "", headers: Sequence[str] = ()
) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", *headers]
    if method == "POST":
        lines += [f"content-type: {content_type}", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
