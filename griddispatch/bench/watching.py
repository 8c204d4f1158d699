"""Five hundred watchers of the console's stream: what they cost dispatch, and how long a change takes to reach them."""

import asyncio
import re
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from griddispatch.bench.doors import WITHIN_S
from griddispatch.bench.figures import Figure, most, percentile
from griddispatch.bench.http import CONNECT_S, request
from griddispatch.bench.pace import paced, waits
from griddispatch.bench.site import Scale, Site, Stalled
from shared.database import named_queries

EVENTS_PER_S = 50.0
QUIET_S = 1.5
STREAM = "/v1/stream"
_MARK = b"event: ticket\n"
_MISSED = b"event: missed\n"
_TICKET = re.compile(rb"event: ticket\ndata: ([^\n]*)\n\n")
_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")


class Watcher(asyncio.Protocol):
    """One who watches: counts the tickets told of, and notes when; with `keeps`, what was told."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.times: list[float] = []
        self.counts: list[int] = []
        """How many tickets were told of up to each of `times`."""
        self.kept = bytearray()
        self.is_watching = self.is_gone = self.has_missed = False
        self._keeps = keeps
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of asyncio's class
        self._transport.write(request("GET", STREAM, "localhost"))

    def data_received(self, data: bytes) -> None:
        self.is_watching |= data.startswith(b"HTTP/1.1 200 ")
        joined = self._rest + data
        self._rest = joined[1 - len(_MARK) :]  # too short to hold a whole mark, so that none is counted twice
        self.has_missed |= _MISSED in joined
        if told := joined.count(_MARK):
            self.times.append(time.time())
            self.counts.append((self.counts[-1] if self.counts else 0) + told)
        if self._keeps:
            self.kept += data

    def connection_lost(self, error: Exception | None) -> None:
        self.is_gone = True

    @property
    def told(self) -> int:
        """How many tickets it was told of."""
        return self.counts[-1] if self.counts else 0

    def arrivals(self, last: int) -> list[float]:
        """When it was told of each of the last so many tickets."""
        first = self.told - last
        return [self.times[bisect_left(self.counts, n)] for n in range(first + 1, self.told + 1)]

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def watchers(site: Site, scale: Scale) -> list[Figure]:
    """Fifty tickets a second with nobody watching, and again with everybody."""
    meter = site.meter()
    await waits(site, await paced(site, EVENTS_PER_S, scale.watched_s))
    unwatched = meter.spent()
    async with watching(site.stack.url("dispatch"), scale.watchers) as everybody:
        meter, before = site.meter(), everybody[0].told
        posts = await paced(site, EVENTS_PER_S, scale.watched_s)
        await waits(site, posts)
        watched = meter.spent()
        await site.until(lambda: everybody[0].told - before >= len(posts), WITHIN_S, "every ticket was told of")
        await _until_quiet(everybody)
        told = everybody[0].told - before
    if any(one.is_gone or one.has_missed for one in everybody):
        raise Stalled("a watcher was sent away, or missed something")
    late = await lateness(site, everybody, told)
    own, base = (spent.cpu_s["dispatch"] / spent.wall_s * 100 for spent in (watched, unwatched))
    name = f"{scale.watchers} watchers"
    return [
        Figure(
            name, "told of", told / (max(post.due for post in posts) - min(post.due for post in posts)), "changes/s"
        ),
        Figure(name, "dispatch with nobody watching", base, "% of a core"),
        Figure(name, "dispatch with everybody watching", own, "% of a core"),
        Figure(name, "what the watchers cost dispatch", max(0.0, own - base), "% of a core", most(10)),
        Figure(name, "commit → frame p50", percentile(late, 0.5), "s"),
        Figure(name, "commit → frame p99", percentile(late, 0.99), "s", most(1.0)),
    ]


@asynccontextmanager
async def watching(base: str, count: int) -> AsyncIterator[list[Watcher]]:
    """So many watchers, the first of whom keeps what it is told. Raises Stalled when one is not let in."""
    loop, place, everybody = asyncio.get_running_loop(), urlsplit(base), list[Watcher]()
    try:
        for n in range(count):
            one = Watcher(keeps=not n)
            async with asyncio.timeout(CONNECT_S):
                await loop.create_connection(partial(_same, one), place.hostname or "", place.port or 80)
            everybody.append(one)
        deadline = time.monotonic() + WITHIN_S
        while not all(one.is_watching for one in everybody):
            if time.monotonic() > deadline or any(one.is_gone for one in everybody):
                raise Stalled(f"{sum(not one.is_watching for one in everybody)} of {count} watchers were not let in")
            await asyncio.sleep(0.05)
        await _until_quiet(everybody)
        yield everybody
    finally:
        for one in everybody:
            one.close()


def _same(watcher: Watcher) -> Watcher:
    return watcher


async def _until_quiet(everybody: Sequence[Watcher]) -> None:
    """Until nobody has been told of anything for a while; under load there is always somebody, so not for ever."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if max((one.times[-1] for one in everybody if one.times), default=0.0) < time.time() - QUIET_S:
            return
        await asyncio.sleep(0.1)
    raise Stalled("the stream did not come to rest")


async def lateness(site: Site, everybody: Sequence[Watcher], told: int) -> list[float]:
    """Seconds from the record of each change in the ledger to its frame, at every watcher, for the last `told` changes.

    All are told the same in the same order, so only the first one's frames have to be read.
    """
    frames = [orjson.loads(found) for found in _TICKET.findall(everybody[0].kept)[-told:]]
    ids = [UUID(frame["ticket_id"]) for frame in frames]
    rows = await site.admin.fetch(_SQL["recorded"], ids, timeout=60)
    at = {(str(row["ticket_id"]), row["version"]): row["at"] for row in rows}
    stated = [at.get((frame["ticket_id"], frame["version"])) for frame in frames]
    pairs = (pair for one in everybody for pair in zip(one.arrivals(told), stated, strict=True))
    return [arrived - recorded for arrived, recorded in pairs if recorded is not None]
