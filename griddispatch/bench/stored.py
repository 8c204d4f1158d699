"""What much stored work changes: bulk rounds beside many old tickets, reading, and many clocks at one second."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from uuid import UUID

import asyncpg

from griddispatch.bench.doors import ASSIGNED_RATE, WITHIN_S, feed_bulk, one_round
from griddispatch.bench.figures import Figure, least, most, percentile
from griddispatch.bench.http import LoadClient
from griddispatch.bench.lives import live
from griddispatch.bench.site import Scale, Site, Stalled
from shared.clock import utc_now
from shared.database import named_queries
from shared.events import TicketSigned

_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")
GROWN_S = 900.0
ROUNDS = 3
PART = 50_000
LEAD_TIME_S = 3.0
PERIOD = "2026-03"
OLD = "start_date=2025-07-01T00:00:00Z&end_date=2025-09-01T00:00:00Z"
"""A search among the oldest tickets there are, where newer ones have to be passed over."""
GROWERS = ("grow_intake", "grow_dispatch", "grow_notify")


async def growth(site: Site, scale: Scale) -> list[Figure]:
    """Whole lives and bulk rounds on ever fuller tables, each as a share of those beside few tickets."""
    lives, bulk = (
        site.rates.get("lives") or await live(site, scale.lives),
        site.rates.get("bulk") or await _bulk(site, scale),
    )
    figures, stored = list[Figure](), 0
    for wanted in scale.stored:
        began = time.perf_counter()
        await grow(site, stored, wanted)
        stored = wanted
        note = f"rows made in {time.perf_counter() - began:.0f} s, {await _gigabytes(site):.2f} GB"
        late_lives, late_bulk = await live(site, scale.lives), await _bulk(site, scale)
        figures += [
            Figure("growth", f"whole lives, {wanted:,} stored", late_lives, "lives/s", note=note),
            Figure("growth", f"whole lives kept at {wanted:,}", late_lives / lives, "of few stored", least(0.9)),
            Figure("growth", f"bulk, {ASSIGNED_RATE}, {wanted:,} stored", late_bulk, "tickets/s"),
            Figure("growth", f"bulk kept at {wanted:,}", late_bulk / bulk, "of few stored", least(0.9)),
        ]
    return figures


async def _bulk(site: Site, scale: Scale) -> float:
    return median([(await one_round(site, scale.tickets, feed_bulk)).assigned_per_s for _ in range(ROUNDS)])


async def grow(site: Site, stored: int, wanted: int) -> None:
    """Make old tickets in every service's tables, from `stored` up to `wanted`, and let the planner know of them."""
    parts = [(first, min(wanted, first + PART - 1)) for first in range(stored + 1, wanted + 1, PART)]

    async def of_service(grower: str) -> None:
        conn = await asyncpg.connect(site.stack.admin_dsn, timeout=10)
        try:
            for first, last in parts:
                await conn.execute(_SQL[grower], first, last, timeout=GROWN_S)
        finally:
            await conn.close(timeout=10)

    async with asyncio.TaskGroup() as group:
        for grower in GROWERS:
            group.create_task(of_service(grower), name=grower)
    await site.admin.execute(_SQL["grow_rates"], PERIOD, wanted, timeout=GROWN_S)
    await site.admin.execute("VACUUM ANALYZE", timeout=GROWN_S)


async def _gigabytes(site: Site) -> float:
    return float(await site.admin.fetchval(_SQL["stored_bytes"], timeout=30)) / 1e9


async def timers(site: Site, scale: Scale) -> list[Figure]:
    """Many clocks that all ring at one second: how late the last of them is."""
    open_tickets = [ticket for ticket in site.seen.assigned_at if ticket not in site.seen.closed][: scale.timers]
    if len(open_tickets) < scale.timers:
        new = await feed_bulk(site, site.lines(scale.timers - len(open_tickets)))
        await site.until_assigned(new, WITHIN_S + scale.timers / 100)
        open_tickets += new
    ids = [UUID(ticket.decode()) for ticket in open_tickets]
    due_at = site.clock() + timedelta(seconds=LEAD_TIME_S)
    due = await site.admin.fetchval(_SQL["make_due"], ids, due_at, timeout=120)
    meter = site.meter()
    await _until_rung(site, ids, due_at, WITHIN_S + scale.timers / 200)
    spent = meter.spent()
    ahead = site.clock() - utc_now()
    rows = await site.admin.fetch(_SQL["lateness"], ids, due_at, ahead, TicketSigned.type, timeout=60)
    late = [row["late_s"] for row in rows]
    if len(late) != due:
        raise Stalled(f"{due} clocks were due, {len(late)} rang")
    return [
        Figure("timers", f"{due:,} due at one second: the last rang after", max(late), "s", most(15)),
        Figure("timers", "rung more than once", float(sum(row["rang"] > 1 for row in rows)), "clocks", most(0)),
        Figure("timers", "rung", len(late) / max(late), "clocks/s"),
        Figure("timers", "processor, dispatch", spent.of("dispatch") / len(late) * 1000, "ms/clock"),
        Figure("timers", "processor, database", spent.of("database") / len(late) * 1000, "ms/clock"),
    ]


async def _until_rung(site: Site, ids: Sequence[UUID], due_at: object, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (waiting := await site.admin.fetchval(_SQL["open_timers"], ids, due_at, timeout=30)) > 0:
        site.stack.check()
        if time.monotonic() > deadline:
            raise Stalled(f"{waiting} of {len(ids)} clocks did not ring within {within_s:g} s")
        await asyncio.sleep(0.2)


async def reads(site: Site, scale: Scale) -> list[Figure]:
    """What desks ask for most, one request at a time, on the tables as full as they are by now."""
    ticket = next(iter(site.seen.assigned_at), b"").decode()
    if not ticket:
        raise Stalled("there is no ticket to read: play bulk before")
    wanted = (
        ("a ticket", "dispatch", f"/v1/tickets/{ticket}", most(25)),
        ("its public state", "intake", f"/v1/tickets/{ticket}", most(25)),
        ("its reasons", "dispatch", f"/v1/tickets/{ticket}/explanation", most(50)),
        ("a queue's first page of 100", "dispatch", "/v1/assignments?limit=100", most(100)),
        ("open work by state and light", "dispatch", "/v1/overview", most(250)),
        ("the console's queue, 200 rows", "dispatch", "/v1/queue", most(100)),
        ("the console's map", "dispatch", "/v1/places", most(250)),
        ("an Open311 list of 1,000", "intake", f"/open311/v2/requests.json?{OLD}&page_size=1000", most(50)),
        ("its messages", "notify", f"/v1/notifications?ticket_id={ticket}", most(25)),
        ("the rates of all units in a period", "notify", f"/v1/rates?period={PERIOD}", most(200)),
    )
    stored = await site.admin.fetchval(_SQL["stored_tickets"], timeout=60)
    figures = [Figure("reading", "tickets stored", float(stored), "tickets")]
    for name, service, path, goal in wanted:
        async with LoadClient(site.stack.url(service), 1) as client:
            took = [await _timed(client, path) for _ in range(scale.reads)]
        figures.append(Figure("reading", f"{name}, p99", percentile(took, 0.99) * 1000, "ms", goal))
    return figures


async def _timed(client: LoadClient, path: str) -> float:
    began = time.perf_counter()
    status, answer = await client.get(path)
    if status != 200:
        raise Stalled(f"{path} was answered {status}: {answer[:200]!r}")
    return time.perf_counter() - began
