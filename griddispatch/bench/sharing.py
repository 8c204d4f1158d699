"""Two copies of every service on one broker and one database: the work is shared, and everything is assigned once."""

from collections.abc import Sequence
from uuid import UUID

from griddispatch.bench.doors import feed_bulk, one_round
from griddispatch.bench.figures import Figure, most, percentile
from griddispatch.bench.machine import Spent
from griddispatch.bench.pace import Post, answers, paced, waits
from griddispatch.bench.site import Scale, Site
from griddispatch.demo.stack import PORTS
from shared.database import named_queries

NEAR = 0.8
"""Of what one copy of each can do in bulk: near its limit, and not beyond."""
SETTLE_PER_S = 20.0
_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")


async def sharing(site: Site, scale: Scale) -> list[Figure]:
    """The same load for one copy of each service, and for two. The copies stay: nothing is played after this."""
    limit = site.rates.get("bulk") or (await one_round(site, scale.tickets, feed_bulk)).assigned_per_s
    rate = NEAR * limit
    alone = await paced(site, rate, scale.shared_s)
    alone_waits = await waits(site, alone)
    await site.stack.add_copies(site.clock)
    doors = ("intake", "intake-2")
    settling = await paced(
        site, SETTLE_PER_S, scale.settle_s, doors
    )  # the groups share their partitions out anew meanwhile
    await waits(site, settling)
    meter = site.meter()
    together = await paced(site, rate, scale.shared_s, doors)
    together_waits = await waits(site, together)
    spent, odd = meter.spent(), await _odd(site, [*alone, *settling, *together])
    return [
        Figure("two copies", "offered", rate, "posts/s"),
        *_beside("one copy", alone, alone_waits),
        *_beside("two copies", together, together_waits),
        Figure("two copies", "not taken, or not assigned exactly once", odd, "tickets", most(0)),
        *(_share(service, spent) for service in PORTS),
    ]


def _share(service: str, spent: Spent) -> Figure:
    second = spent.of(f"{service}-2")
    share = second / max(second + spent.of(service), 1e-9) * 100
    return Figure("two copies", f"processor, the second {service}'s share", share, "%")


def _beside(who: str, posts: Sequence[Post], waited: Sequence[float]) -> list[Figure]:
    return [
        Figure("two copies", f"{who}: answered p99", percentile(answers(posts), 0.99) * 1000, "ms"),
        Figure("two copies", f"{who}: accepted → assigned p50", percentile(waited, 0.5) * 1000, "ms"),
        Figure("two copies", f"{who}: accepted → assigned p99", percentile(waited, 0.99) * 1000, "ms"),
    ]


async def _odd(site: Site, posts: Sequence[Post]) -> float:
    """How many posts did not become a ticket of their own with exactly one lead."""
    tickets = {UUID(post.ticket.decode()) for post in posts if post.is_taken}
    once = await site.admin.fetchval(_SQL["led_once"], list(tickets), timeout=60)
    return float(len(posts) - once)
