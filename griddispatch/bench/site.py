"""What is measured: the demo's stack on a clock that runs as clocks do, and an observer of its topics."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from itertools import count

import asyncpg
import orjson

from griddispatch.bench.machine import Meter
from griddispatch.demo.hours import FIRST_SHIFT
from griddispatch.demo.matters import Matters
from griddispatch.demo.records import Reader, Sighting
from griddispatch.demo.stack import PORTS, Stack
from griddispatch.demo.watch import ASKED, ASSIGNED, CLOSED
from shared.clock import FastClock, utc_now
from shared.events import NotificationDelivered
from shared.terms import AssignmentKind, Source
from shared.topics import DISPATCH, NOTIFY

POLL_S = 0.02
DELIVERED = NotificationDelivered.type.encode()
_DISPATCH = Source.DISPATCH.value.encode()


class Stalled(Exception):
    """What was waited for did not come in time; the text says how far it came."""


@dataclass(frozen=True)
class Scale:
    """How much of everything: a full run, or a quick one. The goals are the same for both."""

    tickets: int = 6000
    rounds: int = 5
    idle_s: float = 10.0
    sustained: int = 200_000
    steady_s: float = 40.0
    spike_s: float = 60.0
    calm_s: float = 60.0
    timers: int = 100_000
    stored: tuple[int, ...] = (100_000, 1_000_000)
    reads: int = 200
    lives: int = 4000
    watchers: int = 500
    watched_s: float = 20.0
    shared_s: float = 20.0
    settle_s: float = 8.0
    queued: int = 1_000_000
    queued_s: float = 20.0
    rated: int = 1_000_000
    listed: int = 1_000_000


QUICK = Scale(
    tickets=1200, rounds=2, idle_s=3.0, sustained=2400, steady_s=6.0, spike_s=4.0, calm_s=5.0, timers=5_000,
    stored=(20_000,), reads=30, lives=400, watched_s=5.0, shared_s=3.0, settle_s=2.0, queued=50_000,
    queued_s=5.0, rated=20_000, listed=20_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lead:
    """The first lead of a ticket: its part, and how large the matter was found to be."""

    assignment_id: str
    size: str


@dataclass
class Seen:
    """What the topics told, by ticket id as bytes; instants are real seconds since 1970."""

    assigned_at: dict[bytes, float] = field(default_factory=dict)
    leads: dict[bytes, Lead] = field(default_factory=dict)
    versions: dict[bytes, int] = field(default_factory=dict)
    asked: dict[bytes, int] = field(default_factory=dict)
    closed: set[bytes] = field(default_factory=set)
    told: set[bytes] = field(default_factory=set)
    deliveries: int = 0

    def see(self, seen: Sighting) -> None:
        """Take one record down."""
        if seen.source == _DISPATCH and seen.version:
            self.versions[seen.ticket] = max(seen.version, self.versions.get(seen.ticket, 0))
        if seen.type == ASSIGNED and seen.ticket not in self.assigned_at:
            facts = orjson.loads(seen.value)
            if facts["kind"] == AssignmentKind.LEAD:
                self.leads[seen.ticket] = Lead(facts["assignment_id"], facts["size"])
                self.assigned_at[seen.ticket] = seen.stamp_ms / 1000
        elif seen.type == DELIVERED:
            self.deliveries += 1
            self.told.add(seen.ticket)
        elif seen.type == ASKED:
            self.asked[seen.ticket] = orjson.loads(seen.value)["cycle"]
        elif seen.type == CLOSED:
            self.closed.add(seen.ticket)


class Site:
    """The running product, its matters, and what is seen of it. `admin` is a connection as the database's owner."""

    def __init__(self, stack: Stack, clock: FastClock, matters: Matters, admin: "asyncpg.Connection[asyncpg.Record]"):
        self.stack, self.clock, self.admin = stack, clock, admin
        self.seen = Seen()
        self.rates: dict[str, float] = {}
        """Figures that later scenarios compare theirs with, by name."""
        self.alone: Matters | None = None
        """Those matters that one unit handles alone, once that was found out."""
        self._reader = Reader(stack.bootstrap, (DISPATCH, NOTIFY), (self.seen.see,))
        self._matters = matters
        self._runs = count(1)

    async def watch(self) -> None:
        """Read the topics until cancelled."""
        try:
            await self._reader.start()
            while True:
                await self._reader.poll()
                await asyncio.sleep(0)
        finally:
            await self._reader.stop()

    def lines(self, tickets: int, among: Matters | None = None) -> list[tuple[str, bytes]]:
        """So many new matters: external id and report; made of those `among` which to choose."""
        return list((among or self._matters).lines(f"bench{next(self._runs)}", tickets))

    @property
    def reports(self) -> Sequence[object]:
        """The different matters there are, in their order, before they come again."""
        return self._matters.reports

    def some(self, wanted: Sequence[bool]) -> Matters:
        """Those of the different matters that are wanted."""
        return Matters(tuple(report for report, is_so in zip(self._matters.reports, wanted, strict=True) if is_so))

    def meter(self) -> Meter:
        """Measures every part from now on."""
        return Meter(self.stack.pids)

    async def until(self, done: Callable[[], bool], within_s: float, what: str) -> None:
        """Wait for something seen. Raises Stalled, or LaunchError when a service has ended."""
        deadline = time.monotonic() + within_s
        while not done():
            self.stack.check()
            if time.monotonic() > deadline:
                raise Stalled(f"not within {within_s:g} s: {what}")
            await asyncio.sleep(POLL_S)

    async def until_assigned(self, tickets: Collection[bytes], within_s: float) -> float:
        """Wait until all have a lead; the instant the last one got it."""
        found, wanted = self.seen.assigned_at, set(tickets)
        await self.until(lambda: found.keys() >= wanted, within_s, f"{len(tickets)} tickets assigned")
        return max(found[ticket] for ticket in tickets)


def morning_clock() -> FastClock:
    """A clock as fast as real that shows a working morning now: the product's hours must not depend on ours."""
    return FastClock((FIRST_SHIFT + timedelta(hours=1)).astimezone(UTC), utc_now(), 1.0)


def services(mapping: Mapping[str, float]) -> Iterator[float]:
    """The values of the three services."""
    return (mapping[service] for service in PORTS)
