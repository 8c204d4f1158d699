"""Speaks HTTP by hand, as no client library would, and reads what comes back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PATIENCE_S = 15.0
SILENCE_S = 2.0
GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer on a connection, whether another followed, and whether the server closed it."""

    status: int
    head: str
    body: bytes
    another: bool
    closed: bool


async def say(base: str, parts: Sequence[bytes], *, wait_for_end: bool = False) -> Answer:
    """Send the parts one after another and read what comes; status 0 when nothing did.

    With `wait_for_end` what follows the first answer is waited for: until the server closes, or has fallen silent.
    """
    at = urlsplit(base)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        for part in parts:
            writer.write(part)
            try:
                await writer.drain()
            except ConnectionError:  # told before it was all said; the answer may be there all the same
                break
        return await _read(reader, wait_for_end)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, wait_for_end: bool) -> Answer:
    came, closed = b"", False
    try:
        async with asyncio.timeout(PATIENCE_S) as patience:
            while wait_for_end or not _is_whole(came := came.removeprefix(GO_AHEAD)):
                piece = await reader.read(65_536)
                if not piece:
                    closed = True
                    break
                came += piece
                if wait_for_end and _is_whole(came):
                    patience.reschedule(asyncio.get_running_loop().time() + SILENCE_S)
    except TimeoutError:
        closed = False
    except ConnectionError:
        closed = True
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
