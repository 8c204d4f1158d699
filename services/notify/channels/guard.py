"""Connecting only to where it is allowed: a name is looked up, judged, and connected to at that very address."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from services.notify.core.target import NOWHERE_SPECIAL, Place, judge_found

CONNECT_S = 5.0
MOST_ADDRESSES = 3

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, best first; raises OSError when there are none."""


LOOKING = 32
"""Names looked up at once: the system may take long for one, and no other is to wait for it."""


class Names:
    """Asks the system, in threads of its own: others' work does not wait for a name that nobody answers for."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKING, thread_name_prefix="names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host, best first. Raises OSError."""
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """Judges every connection anew, so that a name that changes its mind gains nothing."""

    def __init__(self, loopback: Collection[Place] = NOWHERE_SPECIAL, resolve: Resolve | None = None) -> None:
        """`loopback` names the places of this machine that are allowed."""
        self.loopback = frozenset(loopback)
        self._resolve = resolve or Names()
        self._looking: dict[Place, asyncio.Task[Sequence[str]]] = {}

    async def find(self, host: str, port: int) -> Sequence[str]:
        """The addresses to connect to, best first. Raises TargetRefused, OSError, or TimeoutError after CONNECT_S."""
        async with asyncio.timeout(CONNECT_S):
            found = await asyncio.shield(self._look(host, port))
        judge_found(host, port, found, self.loopback)
        return found[:MOST_ADDRESSES]

    def _look(self, host: str, port: int) -> asyncio.Task[Sequence[str]]:
        """One question at a time about a name: one that nobody answers costs one thread, however many ask."""
        place = (host, port)
        if place not in self._looking:
            asked = self._looking[place] = asyncio.create_task(self._ask(host, port), name=f"name:{host}")
            asked.add_done_callback(lambda done: self._forget(place, done))
        return self._looking[place]

    async def _ask(self, host: str, port: int) -> Sequence[str]:
        return await self._resolve(host, port)

    def _forget(self, place: Place, done: asyncio.Task[Sequence[str]]) -> None:
        del self._looking[place]
        if not done.cancelled():
            done.exception()  # whoever still waits is told; nobody may be waiting any more
