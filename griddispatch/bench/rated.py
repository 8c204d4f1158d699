"""The rates over many evaluated tickets: how soon they are shown, and whether a recount of every ticket agrees."""

import asyncio
import time

from griddispatch import data
from griddispatch.bench.figures import Figure, most, percentile
from griddispatch.bench.http import LoadClient
from griddispatch.bench.site import Scale, Site, Stalled
from services.notify.core.measures import MeasureRules, load_measures
from services.notify.rates import compare
from shared.database import Patience, connect, named_queries
from shared.packs import open_pack

_SQL = named_queries("griddispatch.bench", "sql", "rated.sql")
PERIOD = "2024-05"
"""A month in which nothing else happens."""
PART = 50_000
LOADED_S = 300.0
PATIENCE = Patience(statement_s=300.0)
PACK_FILES = ("notify.toml", "measures.toml")


async def rates(site: Site, scale: Scale) -> list[Figure]:
    """So many tickets with their judgements, and the counts they come to by SQL; then reads, and a recount by the
    product's own rules from records and ledger."""
    began = time.perf_counter()
    for first in range(1, scale.rated + 1, PART):
        last = min(scale.rated, first + PART - 1)
        await site.admin.execute(_SQL["rate_tickets"], first, last, timeout=LOADED_S)
    await site.admin.execute(_SQL["rate_counts"], scale.rated, PERIOD, timeout=LOADED_S)
    await site.admin.execute("VACUUM ANALYZE notify.ticket_record, notify.event, notify.rate_count", timeout=LOADED_S)
    loaded = time.perf_counter() - began
    async with LoadClient(site.stack.url("notify"), 1) as client:
        took = [await _timed(client) for _ in range(scale.reads)]
    began = time.perf_counter()
    differing = await _differing(site)
    note = f"made in {loaded:.0f} s, recounted in {time.perf_counter() - began:.0f} s"
    usual = f"median {percentile(took, 0.5) * 1000:.0f} ms"
    shown = f"all units of a month, {scale.rated:,} tickets evaluated, p99"
    return [
        Figure("rates", shown, percentile(took, 0.99) * 1000, "ms", most(200), usual),
        Figure("rates", "counts that differ from the recount", float(differing), "counts", most(0), note),
    ]


async def _timed(client: LoadClient) -> float:
    began = time.perf_counter()
    status, answer = await client.get(f"/v1/rates?period={PERIOD}")
    if status != 200 or b"unit-399" not in answer:
        raise Stalled(f"the rates were answered {status}: {answer[:200]!r}")
    return time.perf_counter() - began


async def _differing(site: Site) -> int:
    rules = await asyncio.to_thread(_rules)
    database = await connect(site.stack.dsn("notify"), size=1, application="bench", patience=PATIENCE)
    try:
        return len(await compare(database, rules, PERIOD))
    finally:
        await database.close()


def _rules() -> MeasureRules:
    return open_pack(data.find(data.PACK), *PACK_FILES).read(load_measures, *PACK_FILES)
