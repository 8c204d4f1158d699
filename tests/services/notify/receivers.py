"""Receivers that behave well and badly, on free ports of this machine: HTTP down to the byte, and a mail server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from services.notify.channels.guard import Guard

Behave = Callable[[asyncio.StreamWriter], Awaitable[None]]


def guard_for(*urls: str) -> Guard:
    """A guard that allows these places of this machine and nothing else of it."""
    parts = [urlsplit(url) for url in urls]
    return Guard({(p.hostname or "", p.port or 0) for p in parts})


def says(answer: bytes) -> Behave:
    """Answers with these very bytes."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


def status(line: str, body: str = "", *headers: str) -> Behave:
    """Answers with a status line, a body and headers, and keeps the connection."""
    head = "\r\n".join([f"HTTP/1.1 {line}", f"content-length: {len(body.encode())}", *headers, "", ""])
    return says(head.encode() + body.encode())


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Tears the connection down."""
    writer.transport.abort()


def drip(answer: bytes, seconds: float = 0.05) -> Behave:
    """Answers byte by byte."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        for place in range(len(answer)):
            writer.write(answer[place : place + 1])
            await writer.drain()
            await asyncio.sleep(seconds)

    return behave


class RawReceiver:
    """Takes requests as bytes; the n-th request gets the n-th behaviour, the last one stays."""

    def __init__(self, *behaviours: Behave) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self._behaviours = list(behaviours)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Receive inside the block; the address to post to."""
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**22)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
                headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append((first, headers, body))
                behave = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
                await behave(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()


class MailServer:
    """Speaks SMTP as told: `replies` by command word, with `.` for the end of a mail; None hangs, "" hangs up."""

    def __init__(self, **replies: str | None) -> None:
        self.said: list[str] = []
        self.mails: list[bytes] = []
        usual = {"GREETING": "220 here", "EHLO": "250-here\r\n250 AUTH PLAIN", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", "END": "250 taken", "AUTH": "235 in"}  # fmt: skip
        self._replies: dict[str, str | None] = {**usual, **replies}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        """Serve inside the block; the port."""
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**22)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._reply(writer, "GREETING")
            while line := (await reader.readline()).decode().strip():
                self.said.append(line)
                word = line.split()[0].upper()
                await self._reply(writer, word)
                if word == "DATA" and str(self._replies["DATA"]).startswith("354"):
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    await self._reply(writer, "END")
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    async def _reply(self, writer: asyncio.StreamWriter, word: str) -> None:
        reply = self._replies.get(word, "500 what")
        if reply is None:
            await asyncio.Event().wait()
        elif not reply:
            writer.transport.abort()
            raise ConnectionAbortedError
        else:
            writer.write(f"{reply}\r\n".encode())
            await writer.drain()


def words(lines: Sequence[str]) -> list[str]:
    """The command words of a conversation."""
    return [line.split()[0].upper() for line in lines]
