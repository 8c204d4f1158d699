"""One run of the demo: start everything, let it happen, say how it went, end everything."""

import asyncio
import os
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from rich.console import Console

from griddispatch import data
from griddispatch.demo.county import County, load_county
from griddispatch.demo.drive import IN_FLIGHT, Drive, Ending, Terms
from griddispatch.demo.exchange import new_client
from griddispatch.demo.feed import SINGLE_IN_FLIGHT
from griddispatch.demo.hours import fitting_speed, morning_clock, night_clock
from griddispatch.demo.interrupt import EXIT_CODE, Interruption
from griddispatch.demo.matters import Matters, moved_in, read_matters
from griddispatch.demo.month import period_of, write_months
from griddispatch.demo.records import ReaderFailed
from griddispatch.demo.show import Show
from griddispatch.demo.stack import PORTS, Stack, new_home
from griddispatch.embedded import LaunchError
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.kafka import TopicMismatch
from shared.migrations import MigrationRefused

TICKETS = 2000
LEAST_LEAD_S = 2.0
LEAD_OVER_STORES = 1.7
"""Services need about so much longer to be ready than the stores did: both measure how fast the machine is just now."""
TROUBLES_SHOWN = 8


class DemoFailed(Exception):
    """The demo could not be run to its end; the text says why and what to do."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line; None: as fits."""

    tickets: int | None = None
    speed: float | None = None
    once: bool = False
    report: Path | None = None
    input: Path | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    rate: float | None = None
    seed: int = 1
    keep: Path | None = None
    by_hand: bool = False


async def run(options: Options, console: Console, began: float) -> int:
    """Run the demo; `began` is the monotonic instant that its seconds count from.

    Exit code 0 when all went well, 1 when something is wrong, 130 when a signal came before its end. Raises
    DemoFailed when it cannot be run, InputError when its input cannot be used. Whatever was
    started has ended when this returns or raises.
    """
    task = asyncio.current_task()
    assert task is not None
    with Interruption(task.cancel) as interruption:
        try:
            return await _run(options, console, began, interruption)
        except (LaunchError, Unavailable, TopicMismatch, MigrationRefused, ReaderFailed, OSError) as error:
            raise DemoFailed(str(error)) from error
        except asyncio.CancelledError:
            return EXIT_CODE


async def _run(options: Options, console: Console, began: float, interruption: Interruption) -> int:
    name = f"{utc_now():%Y%m%d-%H%M%S}-{os.getpid()}"
    if options.by_hand:
        return await _by_hand(
            Stack(new_home(options.keep, name), keeps_data=options.keep is not None), console, interruption
        )
    county = load_county(data.find(data.AREA))
    matters = _matters(options, county)
    tickets = options.tickets or (len(matters.reports) if options.input else TICKETS)
    terms = Terms(name, tickets, options.rate, options.once, options.seed)
    show = Show(console, tickets)
    stack = Stack(new_home(options.keep, name), keeps_data=options.keep is not None)
    try:
        stores_began = time.monotonic()
        await _plainly(stack.start_stores())
        lead_s = max(LEAST_LEAD_S, LEAD_OVER_STORES * (time.monotonic() - stores_began))
        speed = options.speed or fitting_speed(tickets, options.rate)
        clock = night_clock(utc_now() + timedelta(seconds=lead_s), tickets, options.rate, speed)
        await _plainly(stack.start_services(clock))
        async with new_client(SINGLE_IN_FLIGHT + 2 * IN_FLIGHT) as client:
            drive = Drive(terms, stack, clock, matters, county, show, client)
            for line in (
                *_banner(stack, f"{tickets} matters, simulated time ×{speed:g}", clock.shown),
                *stack.notes,
                *matters.notes,
            ):
                show.say(line)
            await drive.wait_for_clock()
            show.say(f"the first matter goes out {time.monotonic() - began:.1f} s after the start")
            interruption.act = drive.stopping.set
            with show:
                await _plainly(drive.run())
            ending = await drive.ending(time.monotonic() - began)
            kept = [f"logs: {stack.home}", *await write_months(stack.dsn("notify"), drive.months, stack.home)]
        return _conclude(options, show, drive, ending, kept, was_interrupted=interruption.has_come)
    finally:
        interruption.ignore()
        for complaint in await stack.stop():
            show.say(complaint)


async def _by_hand(stack: Stack, console: Console, interruption: Interruption) -> int:
    """Stores and services on a working morning, and nobody at work but whoever sits at the keyboard."""
    show = Show(console, 0)
    try:
        await _plainly(stack.start_stores())
        clock = morning_clock(utc_now())
        await _plainly(stack.start_services(clock))
        stopping = asyncio.Event()
        interruption.act = stopping.set
        for line in (*_banner(stack, "a working morning, and nobody at work but you", clock.shown), *stack.notes):
            show.say(line)
        show.say("everything goes on running until Ctrl-C")
        await stopping.wait()
        return 0
    finally:
        interruption.ignore()
        for complaint in await stack.stop():
            show.say(complaint)


def _matters(options: Options, county: County) -> Matters:
    """Our own sample as it is, or a file of the user's, brought into the county."""
    if options.input is None:
        return read_matters(data.find(data.MATTERS), {}, options.tickets)
    return moved_in(read_matters(options.input, options.mapping, options.tickets), county)


def _banner(stack: Stack, what: str, now: datetime) -> list[str]:
    month = f"griddispatch report month --period {period_of(now)} --out month.html --dsn {stack.dsn('notify')}"
    return [
        f"Grid Dispatch demo: {what}",
        *(f"  {service:9} {stack.url(service)}/docs" for service in PORTS),
        f"  console   {stack.url('dispatch')}/console  (grid workers: {stack.url('dispatch')}/tasks)",
        f"  stores    {stack.database}; {stack.broker} at {stack.bootstrap}",
        f"  logs      {stack.home}",
        f"  try       curl {stack.url('dispatch')}/v1/overview",
        f"  on paper  {month}",
    ]


def _conclude(
    options: Options, show: Show, drive: Drive, ending: Ending, kept: Sequence[str], *, was_interrupted: bool
) -> int:
    show.finish(ending.report)
    for trouble, times in drive.troubles.most_common(TROUBLES_SHOWN):
        show.say(f"workers and citizens met {times} ×: {trouble}")
    for line in kept:
        show.say(line)
    if options.report is not None:
        options.report.write_bytes(orjson.dumps(ending.report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if options.once and was_interrupted:
        show.say("interrupted before the end")
        return EXIT_CODE
    if not drive.is_fed:
        return 0
    for fault in ending.faults:
        show.say(f"WRONG: {fault}")
    return 1 if ending.faults else 0


async def _plainly(awaitable: Awaitable[None]) -> None:
    """Await; of a group of errors the first that is not itself a group is raised."""
    try:
        await awaitable
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group
