"""One run of the bench: the stack up, one scenario after another, the stack down; what fails is told."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg

from griddispatch import data
from griddispatch.bench.doors import bulk, inbound, single, sustained
from griddispatch.bench.figures import Figure, unmeasured
from griddispatch.bench.floor import floor
from griddispatch.bench.http import NoAnswer
from griddispatch.bench.listed import listed
from griddispatch.bench.lives import lives, webhooks
from griddispatch.bench.machine import Machine, this_machine
from griddispatch.bench.micro import ROUNDS, micro
from griddispatch.bench.pace import spike, steady
from griddispatch.bench.quiet import Surroundings
from griddispatch.bench.rated import rates
from griddispatch.bench.sharing import sharing
from griddispatch.bench.site import Scale, Site, Stalled, morning_clock
from griddispatch.bench.standing import cold, memory, rest
from griddispatch.bench.stored import growth, reads, timers
from griddispatch.bench.subscribers import deliveries
from griddispatch.bench.watching import watchers
from griddispatch.demo.matters import read_matters
from griddispatch.demo.records import ReaderFailed
from griddispatch.demo.stack import Stack, new_home
from griddispatch.embedded import LaunchError
from shared.clock import utc_now
from shared.errors import Unavailable

Scenario = Callable[[Site, Scale], Awaitable[list[Figure]]]

SCENARIOS: dict[str, Scenario] = {
    "idle": rest, "floor": floor, "lives": lives, "bulk": bulk, "single": single, "kafka": inbound, "steady": steady,
    "spike": spike, "sustained": sustained, "timers": timers, "growth": growth, "reading": reads, "rates": rates,
    "open311": listed, "watchers": watchers, "memory": memory, "webhooks": webhooks, "deliveries": deliveries,
    "cold": cold, "sharing": sharing,
}  # fmt: skip
"""In the order they are played: what comes later finds fuller tables."""
SCENARIO_S = 900.0
MANY = {"HTTP_PER_ADDRESS": "2000"}
"""This one machine plays those of many: the guard that counts the connections of an address must not stop it."""
FAILURES = (
    Stalled, NoAnswer, LaunchError, Unavailable, ReaderFailed, OSError, asyncpg.PostgresError, TimeoutError,
)  # fmt: skip
"""What may end a scenario early; anything else is a fault of the bench."""


@dataclass(frozen=True)
class Results:
    """What a run found, on which machine and parts. `troubles` are scenarios that could not be played to their end."""

    at: datetime
    machine: Machine
    database: str
    broker: str
    is_quick: bool
    figures: tuple[Figure, ...]
    troubles: tuple[str, ...] = ()
    disturbances: tuple[str, ...] = ()
    """What others did to scenarios while they ran."""

    @property
    def is_valid(self) -> bool:
        """Whether the figures say something of the product, and not of whoever else was at work."""
        return self.machine.is_quiet and not self.disturbances


async def run(
    scale: Scale, wanted: Collection[str], say: Callable[[str], None], *, quick: bool = False, apache: bool = False,
    home: Path | None = None,
) -> Results:  # fmt: skip
    """Play the wanted scenarios; logs go to `home`, or below the present folder.

    Raises LaunchError and Unavailable when the stack does not come up.
    """
    machine, at = this_machine(), utc_now()
    say(str(machine))
    figures, troubles = list(micro(ROUNDS if quick else 5 * ROUNDS)) if "micro" in wanted else [], list[str]()
    played = [name for name in SCENARIOS if name in wanted]
    if not played:
        return Results(at, machine, "", "", quick, tuple(figures))
    stack = Stack(
        new_home(home, f"bench-{at:%Y%m%d-%H%M%S}-{os.getpid()}"), keeps_data=False, apache=apache, settings=MANY
    )
    around = Surroundings()
    async with under_watch(stack, say) as observed:
        for name in played:
            say(f"{name} …")
            with around.around(name, lambda: stack.pids):
                figures += await play(name, observed.minded(SCENARIOS[name], scale), troubles)
    figures += around.figures()
    disturbances = tuple(around.disturbances())
    return Results(at, machine, stack.database, stack.broker, quick, tuple(figures), tuple(troubles), disturbances)


@dataclass(frozen=True)
class Observed:
    """A site, and who watches its topics."""

    site: Site
    watching: "asyncio.Task[None]"

    async def minded(self, scenario: Scenario, scale: Scale) -> list[Figure]:
        """A scenario under a deadline, if the observer still watches."""
        if self.watching.done():
            self.watching.result()
        async with asyncio.timeout(SCENARIO_S):
            return await scenario(self.site, scale)


@contextlib.asynccontextmanager
async def under_watch(stack: Stack, say: Callable[[str], None]) -> AsyncIterator[Observed]:
    """The stack up and observed inside the block; down after it. Raises LaunchError and Unavailable."""
    try:
        await stack.start_stores()
        clock = morning_clock()
        await stack.start_services(clock)
        admin = await asyncpg.connect(stack.admin_dsn, timeout=10)
        site = Site(stack, clock, read_matters(data.find(data.MATTERS), {}, None), admin)
        watching = asyncio.create_task(site.watch(), name="observer")
        try:
            yield Observed(site, watching)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError, ReaderFailed):  # every scenario since was told so
                await watching
            await admin.close(timeout=10)
    finally:
        for complaint in await stack.stop():
            say(complaint)


async def play(name: str, scenario: Awaitable[list[Figure]], troubles: list[str]) -> list[Figure]:
    """The figures of a scenario; one that fails counts as not measured and is named in `troubles`."""
    try:
        return await scenario
    except* FAILURES as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        troubles.append(f"{name}: {error}")
    return [unmeasured(name, troubles[-1])]
