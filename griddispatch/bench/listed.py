"""The public list of Open311 among very many tickets: how soon a thousand of them are answered, wherever they lie."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import orjson

from griddispatch.bench.figures import Figure, Goal, most, percentile
from griddispatch.bench.http import LoadClient
from griddispatch.bench.site import Scale, Site, Stalled
from shared.database import named_queries

_SQL = named_queries("griddispatch.bench", "sql", "listed.sql")
PATH = "/open311/v2/requests"
SERVICES = "/open311/v2/services.json"
MOST_SERVICES = 20
PAGE = 1000
"""As many as a page may hold."""
APART = timedelta(seconds=10)
PART = 50_000
LOADED_S = 600.0
WITHIN = most(50)


async def listed(site: Site, scale: Scale) -> list[Figure]:
    """So many tickets of all services, one in twenty open, some of them not for the public; then pages of them."""
    began, now = time.perf_counter(), site.clock()
    async with LoadClient(site.stack.url("intake"), 1) as client:
        codes = [str(service["service_code"]) for service in orjson.loads(await _got(client, SERVICES))]
        await _store(site, scale.listed, now, codes[:MOST_SERVICES])
        note = f"made in {time.perf_counter() - began:.0f} s"
        figures = [Figure("open311", "tickets that may be listed", await _listable(site), "tickets", note=note)]
        for name, ending, query, goal in _wanted(now, scale.listed, codes[0]):
            figures.append(await _timed(client, name, f"{PATH}.{ending}?{urlencode(query)}", goal, scale))
    return figures


async def _store(site: Site, tickets: int, now: datetime, codes: list[str]) -> None:
    for first in range(1, tickets + 1, PART):
        last = min(tickets, first + PART - 1)
        await site.admin.execute(_SQL["list_tickets"], first, last, now, APART, codes, timeout=LOADED_S)
    await site.admin.execute("VACUUM ANALYZE intake.ticket", timeout=LOADED_S)


async def _listable(site: Site) -> float:
    return float(await site.admin.fetchval(_SQL["listable"], timeout=60))


def _wanted(now: datetime, tickets: int, code: str) -> list[tuple[str, str, Mapping[str, str], Goal | None]]:
    """Pages by name: how they are asked for, and how soon they are hoped for."""
    page = {"page_size": str(PAGE)}
    old = (now - 0.9 * tickets * APART).astimezone(UTC).isoformat(timespec="seconds")
    return [
        ("the newest", "json", page, WITHIN),
        ("the oldest tenth, behind all others", "json", page | {"end_date": old}, WITHIN),
        ("of one service", "json", page | {"service_code": code}, WITHIN),
        ("those still open", "json", page | {"status": "open"}, WITHIN),
        ("the tenth page by its number", "json", page | {"page": "10"}, None),
        ("the newest in XML", "xml", page, None),
    ]


async def _timed(client: LoadClient, name: str, path: str, goal: Goal | None, scale: Scale) -> Figure:
    """The figure of one page. Raises Stalled where it is empty."""
    took, answer = list[float](), b""
    for _ in range(scale.reads):
        began = time.perf_counter()
        answer = await _got(client, path)
        took.append(time.perf_counter() - began)
    found = answer.count(b"<request>") if ".xml" in path else len(orjson.loads(answer))
    if not found:
        raise Stalled(f"{path} was answered with nothing")
    note = f"{found:,} rows, {len(answer) / 1000:.0f} kB, median {percentile(took, 0.5) * 1000:.1f} ms"
    return Figure("open311", f"{name}, p99", percentile(took, 0.99) * 1000, "ms", goal, note)


async def _got(client: LoadClient, path: str) -> bytes:
    status, answer = await client.get(path)
    if status != 200:
        raise Stalled(f"{path} was answered {status}: {answer[:200]!r}")
    return answer
