"""Speaks HTTP by hand, as no client library would, and reads what comes back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer on a connection, whether another followed, and whether the server closed it."""

    status: int
    head: str
    body: bytes
    another: bool
    closed: bool


async def say(base: str, parts: Sequence[bytes], *, wait_for_close: bool = False) -> Answer:
    """Send the parts one after another and read what comes; status 0 when nothing did."""
    at = urlsplit(base)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        for part in parts:
            writer.write(part)
            try:
                await writer.drain()
            except ConnectionError:  # told before it was all said; the answer may be there all the same
                break
        return await _read(reader, wait_for_close)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, wait_for_close: bool) -> Answer:
    came, closed = b"", False
    try:
        async with asyncio.timeout(PATIENCE_S):
            while wait_for_close or not _is_whole(came):
                piece = await reader.read(65_536)
                if not piece:
                    closed = True
                    break
                came += piece
    except (TimeoutError, ConnectionError):
        closed = False if not isinstance(came, bytes) else closed
    head, _, rest = came.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, "", b"", False, closed)
    length = _length(head)
    return Answer(int(head.split()[1]), head.decode("latin-1"), rest[:length], b"HTTP/1.1 " in rest[length:], closed)


def _is_whole(came: bytes) -> bool:
    head, found, rest = came.partition(b"\r\n\r\n")
    if found and b"transfer-encoding: chunked" in head.lower():
        return rest.endswith(b"0\r\n\r\n")
    return bool(found) and len(rest) >= _length(head)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
