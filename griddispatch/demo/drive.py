"""A run whose services stand: the loops of everyone who takes part, side by side, until it is over."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import httpx

from griddispatch.demo.actors import Citizens, Workers
from griddispatch.demo.county import County
from griddispatch.demo.exchange import Answer, get_json, post_lines
from griddispatch.demo.feed import Feed
from griddispatch.demo.hours import feed_seconds
from griddispatch.demo.matters import Matters
from griddispatch.demo.rates import read_rates
from griddispatch.demo.records import Reader
from griddispatch.demo.report import NOBODY, Setting, find_faults, make_report
from griddispatch.demo.show import Frame, Show
from griddispatch.demo.stack import PORTS, Stack
from griddispatch.demo.watch import Watch
from shared.clock import FastClock, utc_now
from shared.topics import DISPATCH, INTAKE, NOTIFY, STATE, dead_letters_of
from shared.wake import pause

OBSERVED = (INTAKE, DISPATCH, NOTIFY, STATE, *(dead_letters_of(service) for service in PORTS))
TICK_S = 0.1
BATCH = 250
IN_FLIGHT = 3
"""Requests of workers, or of citizens, at a time."""
AGAIN_S = 0.3
LOOK_S = 0.5
QUIET_S = 1.0
QUIET_LIMIT_S = 20.0
PATIENCE_S = 240.0
LONGEST_STORY = timedelta(days=12)
"""By then, in simulated time, nearly every story is over."""

T = TypeVar("T")


@dataclass(frozen=True)
class Terms:
    """What the run is about: how many matters, how fast, whether it ends by itself, what chance is seeded by."""

    name: str
    tickets: int
    rate: float | None
    once: bool
    seed: int

    def limit_s(self, speed: float) -> float:
        """How long a run that ends by itself may take, in real seconds."""
        patience = PATIENCE_S + self.tickets / 100
        return feed_seconds(self.tickets, self.rate) + max(patience, LONGEST_STORY.total_seconds() / speed)


@dataclass(frozen=True)
class Ending:
    """The report, and what is wrong."""

    report: dict[str, Any]
    faults: list[str]


class Drive:
    """Feed, workers, citizens and the observer of one run, on one clock."""

    def __init__(
        self, terms: Terms, stack: Stack, clock: FastClock, matters: Matters, county: County, show: Show,
        client: httpx.AsyncClient,
    ) -> None:  # fmt: skip
        self.stopping = asyncio.Event()
        self._terms, self._stack, self._clock, self._show, self._client = terms, stack, clock, show, client
        self._notes = matters.notes
        self._feed = Feed(client, stack.url("intake"), matters.lines(terms.name, terms.tickets), terms.rate)
        self._taken = self._feed.taken
        self._watch = Watch(clock)
        self._workers = Workers(terms.seed, county.centres, self._taken.number_of)
        self._citizens = Citizens(terms.seed, self._taken.number_of)
        listeners = (self._watch.see, self._workers.see, self._citizens.see)
        self._reader = Reader(stack.bootstrap, OBSERVED, listeners)
        self._records = 0
        self._rate = 0.0

    @property
    def troubles(self) -> Counter[str]:
        """What the actors ran into, and how often."""
        return self._workers.troubles + self._citizens.troubles

    @property
    def months(self) -> list[str]:
        """The assessment months in which anything may have been judged."""
        return self._watch.judgements.months

    @property
    def is_fed(self) -> bool:
        """Whether every matter was sent and answered, or given up."""
        return self._taken.is_over

    async def run(self) -> None:
        """Take part until `stopping` is set, by a signal or because the run is over.

        Raises an ExceptionGroup around LaunchError when a service ends, ReaderFailed when Kafka does.
        """
        await self._reader.start()
        try:
            async with asyncio.TaskGroup() as group:
                feed = group.create_task(self._feed.run(), name="feed")
                for loop in (self._read, self._work, self._answer, self._guard, self._look, self._await_end):
                    group.create_task(loop(), name=loop.__name__.strip("_"))
                await self.stopping.wait()
                feed.cancel()
            await self._come_to_rest()
        finally:
            await self._reader.stop()

    async def ending(self, seconds: float) -> Ending:
        """The report and what is wrong, as things are now."""
        try:
            unwatched = (await get_json(self._client, f"{self._stack.url('dispatch')}/v1/overview"))["unwatched"]
            unanswered = list[str]()
        except httpx.HTTPError as error:
            unwatched, unanswered = [], [f"dispatch did not say which clocks run: {error!r}"]
        shown = NOBODY
        try:
            shown = await read_rates(self._client, self._stack.url("notify"), self._watch.judgements.months)
        except httpx.HTTPError as error:
            unanswered.append(f"notify did not say what it counted: {error!r}")
        verdict = self._watch.judge(self._taken.accepted, self._taken.twins)
        setting = Setting(self._stack.broker, self._stack.database, self._clock.speed, self._notes)
        report = make_report(self._taken, self._watch, verdict, setting, seconds, shown)
        return Ending(report, find_faults(report, self._taken, verdict, unwatched, self._reader.lag) + unanswered)

    async def _read(self) -> None:
        while not self.stopping.is_set():
            self._records += await self._reader.poll()

    async def _work(self) -> None:
        url = f"{self._stack.url('dispatch')}/v1/commands"
        workers = self._workers
        await self._rounds(url, workers.due, workers.line, workers.settle)

    async def _answer(self) -> None:
        url = f"{self._stack.url('notify')}/v1/followups/answers"
        citizens = self._citizens
        await self._rounds(url, citizens.due, citizens.line, citizens.settle)

    async def _rounds(
        self,
        url: str,
        due: Callable[[float, int], list[T]],
        line: Callable[[T], bytes],
        settle: Callable[[T, Answer, float, float], None],
    ) -> None:
        """Every tick: send what is due, in a few requests at once, and settle each with its answer."""
        while not self.stopping.is_set():
            began = time.monotonic()
            entries = due(self._now(), BATCH * IN_FLIGHT)
            shares = [entries[at : at + BATCH] for at in range(0, len(entries), BATCH)]
            sent = (post_lines(self._client, url, [line(entry) for entry in share]) for share in shares)
            for share, answers in zip(shares, await asyncio.gather(*sent), strict=True):
                now = self._now()
                for entry, answer in zip(share, answers, strict=True):
                    settle(entry, answer, now, now + AGAIN_S * self._clock.speed)
            await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began)))

    async def _guard(self) -> None:
        while not self.stopping.is_set():
            self._stack.check()
            await pause(self.stopping, LOOK_S)

    async def _look(self) -> None:
        while not self.stopping.is_set():
            before, at = self._records, time.monotonic()
            await pause(self.stopping, LOOK_S)
            rate = (self._records - before) / (time.monotonic() - at)
            self._rate = 0.7 * self._rate + 0.3 * rate
            counts = {**self._watch.counts, "dead": len(self._watch.dead)}
            taken = self._taken
            self._show.update(
                Frame(
                    self._clock(), taken.sent, len(taken.accepted), self._terms.tickets, counts, self._rate,
                    self._reader.lag,
                )
            )  # fmt: skip

    async def _await_end(self) -> None:
        began = time.monotonic()
        while not self.stopping.is_set() and not self._is_over():
            await pause(self.stopping, LOOK_S)
            if self._terms.once and time.monotonic() - began > self._terms.limit_s(self._clock.speed):
                self._show.say("the time is up: what is still open waits on its clocks")
                break
        if self._terms.once:
            self.stopping.set()
        elif not self.stopping.is_set():
            self._show.say("every ticket is closed; everything goes on running until Ctrl-C")

    def _is_over(self) -> bool:
        tickets = self._taken.accepted.values()
        return self._taken.is_over and self._watch.is_closed(tickets)

    async def _come_to_rest(self) -> None:
        """Read until nothing comes any more; clocks that go on ticking for open tickets are not waited for."""
        give_up_at = time.monotonic() + QUIET_LIMIT_S
        quiet_since = time.monotonic()
        while time.monotonic() < give_up_at and time.monotonic() - quiet_since < QUIET_S:
            if await self._reader.poll():
                quiet_since = time.monotonic()
            elif not self._is_over():
                return

    def _now(self) -> float:
        return self._clock().timestamp()

    async def wait_for_clock(self) -> None:
        """Wait until the simulated clock has reached its beginning."""
        await asyncio.sleep(max(0.0, (self._clock.real - utc_now()).total_seconds()))
