"""Connecting only to where it is allowed: a name is looked up, judged, and connected to at that very address."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence

from services.notify.core.target import NOWHERE_SPECIAL, Place, judge_found

CONNECT_S = 5.0
MOST_ADDRESSES = 3

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, best first; raises OSError when there are none."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """Ask the system."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """Judges every connection anew, so that a name that changes its mind gains nothing."""

    def __init__(self, loopback: Collection[Place] = NOWHERE_SPECIAL, resolve: Resolve = look_up) -> None:
        """`loopback` names the places of this machine that are allowed."""
        self.loopback = frozenset(loopback)
        self._resolve = resolve

    async def find(self, host: str, port: int) -> Sequence[str]:
        """The addresses to connect to, best first. Raises TargetRefused, OSError, or TimeoutError after CONNECT_S."""
        async with asyncio.timeout(CONNECT_S):
            found = await self._resolve(host, port)
        judge_found(host, port, found, self.loopback)
        return found[:MOST_ADDRESSES]
