"""The test's webhook receiver: writes down every request, and answers as it is told."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

from tests.chaos.checker.evidence import Delivery

LOOPBACK = "127.0.0.1"


@dataclass
class Manners:
    """How the receiver behaves now: its status, how long it waits first, or that it breaks off without an answer."""

    status: int = 200
    wait_s: float = 0.0
    break_off: bool = False
    first_refused: int = 0
    """So many further requests are answered with 500 first."""


@dataclass
class Receiver:
    """Listens on a port of its own; `log` has every request whole."""

    manners: Manners = field(default_factory=Manners)
    log: list[Delivery] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def place(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, LOOPBACK, 0, limit=2**22)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="receiver")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                pairs = (line.partition(": ") for line in head.strip().split("\r\n")[1:])
                headers = {name.lower(): text for name, _, text in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                if not await self._answer(headers, body, writer):
                    break
        writer.transport.abort()

    async def _answer(self, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter) -> bool:
        manners = self.manners
        status = manners.status
        if manners.first_refused:
            manners.first_refused -= 1
            status = 500
        self.log.append(
            Delivery(
                at=time.time(), place=self.place, id=headers.get("webhook-id", ""),
                timestamp=headers.get("webhook-timestamp", ""), signature=headers.get("webhook-signature", ""),
                body=body, status=status,
            )
        )  # fmt: skip
        await asyncio.sleep(manners.wait_s)
        if manners.break_off:
            return False
        writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        return True
