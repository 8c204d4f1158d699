"""Everything that is promised of the console's speed, in one table: python -m tests.browser.measure [--report FILE]

It brings its own product, Chromium in front of it, and takes under three minutes. Ten thousand open tickets are thought
up for the scrolling; everything else is as it is. Exit code 0 when all was measured on a quiet machine and met its
goal, 1 when not, 2 when it could not be run.
"""

import argparse
import asyncio
import gzip
import re
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from playwright.async_api import Browser, Page, async_playwright
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from griddispatch.bench.figures import Figure, most, percentile, unmeasured
from griddispatch.bench.machine import this_machine
from griddispatch.bench.report import HEAD, as_json, is_sound, rows
from griddispatch.bench.run import MANY as MANY_CONNECTIONS
from griddispatch.bench.run import Results, play, under_watch
from griddispatch.bench.site import QUICK, Scale, Site
from griddispatch.bench.watching import watchers
from griddispatch.demo.exchange import new_client, post_lines
from griddispatch.demo.stack import PORTS, Stack, new_home
from griddispatch.embedded import LaunchError
from services.dispatch import pages
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.exposition import Exposition
from tests.browser import probes
from tests.browser.stage import FLAGS, chromium

MATTERS = 600
LOADS = 7
CHANGED = 12
ROUTES = 800
SERIES = 10_000
SCALE = replace(QUICK, watchers=500, watched_s=10.0)
PATIENCE_S = 60.0
REFUSED = 2


async def fill(site: Site) -> None:
    """Hand in some matters, and ask every page that can only be looked at, so that every series is there."""
    client = new_client(8)
    try:
        lines = [line for _, line in site.lines(MATTERS)]
        answers = await post_lines(client, f"{site.stack.url('intake')}/v1/tickets/bulk", lines)
        await site.until_assigned([a["ticket_id"].encode() for a in answers], PATIENCE_S)
        nobody = "00000000-0000-0000-0000-000000000000"
        for service in PORTS:
            base = site.stack.url(service)
            for path, verbs in (await client.get(f"{base}/openapi.json")).json()["paths"].items():
                if "get" in verbs and "stream" not in path:
                    steps = (nobody if step.startswith("{") else step for step in path.split("/"))
                    await client.get(base + "/".join(steps), headers={"Griddispatch-Role": "command_centre"})
    finally:
        await client.aclose()


async def of_metrics(site: Site, scale: Scale) -> list[Figure]:
    """What a scrape costs each service after it was used, and what ten thousand series would cost."""
    found = []
    for service in PORTS:
        told = await probes.scraped(site.stack.url(service))
        found += [
            Figure(f"/metrics of {service}", "answered", told.answer_ms, "ms", most(20)),
            Figure(f"/metrics of {service}", "processor", told.processor_ms, "ms", most(20)),
            Figure(f"/metrics of {service}", "series", told.series, "", most(SERIES)),
        ]
    registry = CollectorRegistry()
    took = Histogram("took_seconds", "Thought up.", ["method", "route"], registry=registry)
    for n in range(ROUTES // 2):
        for method in ("GET", "POST"):
            took.labels(method, f"/v1/routes/{n}").observe(0.1)
    exposition = Exposition(registry)
    series = sum(1 for line in exposition.text().splitlines() if not line.startswith(b"#"))
    ours, theirs = processor_ms(exposition.text), processor_ms(lambda: generate_latest(registry))
    name = f"{series} series thought up"
    return [
        *found, Figure(name, "processor", ours, "ms"), Figure(name, "over the library's", ours / theirs, "×", most(1.0)),
    ]  # fmt: skip


def processor_ms(call: Callable[[], object]) -> float:
    """Milliseconds of processor time of one call, the least of several: the others met somebody on the way."""
    spent = []
    for _ in range(LOADS):
        begun = time.process_time()
        call()
        spent.append(1000 * (time.process_time() - begun))
    return min(spent)


async def of_the_first_look(browser: Browser, url: str) -> list[Figure]:
    """Paint of a page that nobody has opened before, and its size."""
    first, figures = [], []
    for _ in range(LOADS):
        page = await opened(browser)
        painted, shown, _ = await probes.painted(page, url)
        first.append(painted)
        figures.append(shown)
        await page.context.close()
    scripts = [part.body for name, part in pages.parts().items() if name.endswith(".js")]
    return [
        Figure("console", "first paint", statistics.median(first), "ms", most(1000), rounds=tuple(first)),
        Figure("console", "the board with its figures", statistics.median(figures), "ms", rounds=tuple(figures)),
        Figure("console", "script of both pages, compressed", sum(len(gzip.compress(s)) for s in scripts) / 1000, "kB",
               most(300)),
        Figure("console", "script of both pages, as sent", sum(map(len, scripts)) / 1000, "kB"),
    ]  # fmt: skip


async def of_news(browser: Browser, url: str) -> list[Figure]:
    """From the answer to a command, which comes after its commit, to its effect on the screen."""
    page, told = await opened(browser), list[float | None]()
    answer = await page.request.get(f"{url}/v1/queue?urgency=U3&state=DISPATCHED&limit={CHANGED}")
    for ticket in (await answer.json())["tickets"]:
        await page.goto(f"{url}/console?no={ticket['ticket_no']}")
        await page.locator(f"[data-ticket='{ticket['ticket_id']}']").wait_for()
        told += [await probes.shown_after(page, ticket["ticket_id"], urgency) for urgency in ("U2", "U1")]
    await page.context.close()
    seen = [took for took in told if took is not None]
    if len(seen) < CHANGED or min(seen) < 0:
        return [unmeasured("console", f"{len(seen)} of {len(told)} changes were taken and shown", "commit → screen")]
    return [
        Figure("console", "commit → screen p50", percentile(seen, 0.5), "ms"),
        Figure("console", "commit → screen, the latest", max(seen), "ms", most(1000), rounds=tuple(seen)),
    ]


async def of_scrolling(browser: Browser, url: str) -> list[Figure]:
    """Frames while few tickets scroll, and while ten thousand do."""
    found, medians = [], {}
    for n in (probes.FEW, probes.MANY):
        page = await opened(browser)
        await probes.pretend(page, probes.many(n, datetime.now(UTC)))
        await page.goto(f"{url}/console")
        await page.locator(".panel h2 .num", has_text=re.compile(f"^{n}$")).wait_for()
        session = await page.context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = await probes.page_processor_s(session)
        frames, drawn, _ = await probes.scroll(page)
        spent = 1000 * (await probes.page_processor_s(session) - before) / len(frames)
        await page.context.close()
        medians[n] = statistics.median(frames)
        name, is_many = f"{n} tickets scroll", n == probes.MANY
        found += [
            Figure(name, "a frame, median", medians[n], "ms", most(20) if is_many else None),
            Figure(name, "a frame, p95", percentile(frames, 0.95), "ms", most(50) if is_many else None),
            Figure(name, "a frame, the longest", max(frames), "ms"),
            Figure(name, "processor of the page, a frame", spent, "ms", most(16) if is_many else None),
            Figure(name, "rows drawn at the most", drawn, "", most(60)),
        ]
    ratio = medians[probes.MANY] / medians[probes.FEW]
    return [*found, Figure(f"{probes.MANY} tickets scroll", f"over {probes.FEW}, median", ratio, "×", most(1.5))]


async def opened(browser: Browser) -> Page:
    """A page of its own, of a dispatcher."""
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(1000 * PATIENCE_S)
    await context.add_init_script("localStorage.setItem('gd.role', 'dispatcher')")
    return await context.new_page()


async def of_pages(site: Site, scale: Scale) -> list[Figure]:
    """Everything that is seen in a browser."""
    url = site.stack.url("dispatch")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            parts: Sequence[Callable[[Browser, str], Awaitable[list[Figure]]]] = (
                of_the_first_look, of_news, of_scrolling,
            )  # fmt: skip
            return [figure for part in parts for figure in await part(browser, url)]
        finally:
            await browser.close()


PARTS = {"metrics": of_metrics, "pages": of_pages, "watchers": watchers}


async def run(wanted: Collection[str]) -> Results:
    """The product up, everything wanted measured, the product down."""
    machine, at = this_machine(), utc_now()
    stack = Stack(new_home(None, f"console-{at:%Y%m%d-%H%M%S}"), keeps_data=False, settings=MANY_CONNECTIONS)
    figures, troubles = list[Figure](), list[str]()
    async with under_watch(stack, tell) as observed:
        await fill(observed.site)
        for name in [name for name in PARTS if name in wanted]:
            tell(f"{name} …")
            figures += await play(name, observed.minded(PARTS[name], SCALE), troubles)
    return Results(at, machine, stack.database, stack.broker, False, tuple(figures), tuple(troubles))


def table(results: Results) -> str:
    """The figures as a table for people, and what is to be known beside them."""
    lines = [HEAD, *rows(results.figures)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    told = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    told += [f"NOT PLAYED TO THE END: {trouble}" for trouble in results.troubles]
    if not results.machine.is_quiet:
        told.append("NOT VALID: the machine was busy before the start; only ratios within this run say anything")
    return "\n".join((str(results.machine), *told))


def tell(text: str) -> None:
    """A line for whoever asked."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, tell, and write the report where one is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.measure", description="Measure the console.")
    parser.add_argument("--report", type=Path, help="write everything here, as JSON")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure this alone; may be repeated")
    asked = parser.parse_args()
    try:
        results = asyncio.run(run(asked.only or PARTS))
    except (LaunchError, Unavailable, OSError, pytest.skip.Exception) as error:
        tell(f"not measured: {error}")
        return REFUSED
    tell(table(results))
    if asked.report:
        asked.report.write_bytes(orjson.dumps(as_json(results), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return 0 if is_sound(results) and results.machine.is_quiet else 1


if __name__ == "__main__":
    sys.exit(main())
