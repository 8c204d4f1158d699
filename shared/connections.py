"""The threshold: how long a request may take to come in, how large its head may be, and how many may stand here."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, ClassVar, Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RETRY_AFTER_S = "2"
UNGUARDED = frozenset(("/livez", "/readyz", "/metrics"))
"""Who asks whether we live is answered also when nobody else is."""

LINES: Final = ("application/x-ndjson", "application/ndjson")
BY_LINES: Final = frozenset(("/v1/tickets/bulk", "/v1/commands", "/v1/followups/answers"))
"""The doors that read lines while they come: there, and nowhere else, a body of lines may be as long as it likes and
take as long as it likes. Their reader bounds a line, and watches for silence."""
_LINES = tuple(kind.encode() for kind in LINES)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Seconds for the head and for the whole of a request; bytes and fields of a head; connections, requests at once.

    `per_address` does not count this machine's own addresses: a proxy beside us brings everybody's connections.
    """

    head_s: float = 10.0
    receipt_s: float = 20.0
    head_bytes: int = 32 * 1024
    head_fields: int = 100
    per_address: int = 100
    connections: int = 2_000
    requests: int = 512
    counts_loopback: bool = False


@dataclass
class Gate:
    """Who stands at the door now: connections by address, and requests that are not answered yet."""

    limits: Thresholds = field(default_factory=Thresholds)
    connections: int = 0
    requests: int = 0
    _by_address: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> None:
        """A connection is there."""
        self.connections += 1
        self._by_address[address] += 1

    def leave(self, address: str) -> None:
        """It has gone. An address that has none left is forgotten."""
        self.connections -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def refusal(self, address: str) -> int:
        """The status for a request over a connection too many: 429 for one address's, 503 for everybody's; else 0."""
        counted = self.limits.counts_loopback or not _is_own(address)
        if counted and self._by_address[address] > self.limits.per_address:
            return HTTPStatus.TOO_MANY_REQUESTS
        return HTTPStatus.SERVICE_UNAVAILABLE if self.connections > self.limits.connections else 0

    @property
    def is_full(self) -> bool:
        """Whether as many requests are in work as may be."""
        return self.requests >= self.limits.requests


def _is_own(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a socket of the file system has no address
        return True


_WORDS = {
    400: ("bad-request", "This is not a request that can be read."),
    408: ("timeout", "The request did not come within its time."),
    429: ("too-many-connections", "Too many connections from one address."),
    431: ("head-too-large", "The head of the request is too large."),
    503: ("overloaded", "Too much is asked at once: come again."),
}


def refusal_document(status: int) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A problem document for what is refused before any application sees it, and its headers."""
    code, title = _WORDS[status]
    body = json.dumps({"type": f"urn:griddispatch:problem:{code}", "title": title, "status": status}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if status in (429, 503):
        headers.append((b"retry-after", RETRY_AFTER_S.encode()))
    return body, headers


class Refuse:
    """An ASGI application that answers everything with one refusal."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, headers = refusal_document(self._status)
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Watched(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for what comes in, which it lacks, and with a bound for heads and callers."""

    gate: ClassVar[Gate]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limits = self.gate.limits
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head = True
        self._raw_head = self._head_size = 0
        self._refused = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, and wait for its first request no longer than for any other's head."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.gate.enter(self._address)
        self._watch(self._limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._unwatch()
        self.gate.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless this is a head that does not end."""
        started_in_head = self._in_head
        super().data_received(data)
        if not (started_in_head and self._in_head) or self.transport.is_closing():
            return
        self._raw_head += len(data)
        if self._raw_head > self._limits.head_bytes:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """A request begins: its head is due."""
        super().on_message_begin()
        self._in_head, self._head_size = True, 0
        self._watch(self._limits.head_s)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep count; what is beyond the limit is not kept."""
        self._head_size += len(name) + len(value) + 4
        if self._head_size > self._limits.head_bytes or len(self.headers) >= self._limits.head_fields:
            self._refused = 431
            return
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its body is due; who may not come in is told so by an application that does nothing else."""
        self._in_head, self._raw_head = False, 0
        path = self.url.partition(b"?")[0].decode("latin-1")
        self._watch(0 if path in BY_LINES and self._has_lines() else self._limits.receipt_s)
        is_sound = self.parser.get_http_version() in ("1.0", "1.1") and not self._has_wrong_host()
        refused = self._refused or (0 if is_sound else 400)
        if not refused and path not in UNGUARDED:
            refused = self.gate.refusal(self._address)
        if refused or len(self.url) > self._limits.head_bytes:
            self.app = Refuse(refused or 431)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is here."""
        self._unwatch()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; in the form of every other refusal."""
        self._unwatch()
        self._write(400)

    def _has_wrong_host(self) -> bool:
        hosts = sum(name == b"host" for name, _ in self.headers)
        return hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1")

    def _has_lines(self) -> bool:
        return any(name == b"content-type" and value.lower().startswith(_LINES) for name, value in self.headers)

    def _watch(self, seconds: float) -> None:
        self._unwatch()
        if seconds:
            self._deadline = self.loop.call_later(seconds, self._refuse, 408)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        """Give up a request that is still coming in; the application that waits for it is told that nobody is there."""
        self._unwatch()
        cycle = self.cycle
        working = cycle is not None and not cycle.response_complete
        if working:
            cycle.disconnected = True
            cycle.message_event.set()
        if working and cycle.response_started:
            self.transport.close()
        else:
            self._write(status)

    def _write(self, status: int) -> None:
        if self.transport.is_closing():
            return
        body, headers = refusal_document(status)
        line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(line + head + b"\r\n" + body)
        self.transport.close()


def watched_by(gate: Gate) -> type[Watched]:
    """The protocol for a server whose connections this gate counts."""

    class AtThisGate(Watched):
        pass

    AtThisGate.gate = gate
    return AtThisGate
