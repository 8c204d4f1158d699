"""What the product costs before it does anything, and what it holds on to after it has done much."""

import asyncio
import time

from griddispatch.bench.figures import Figure, most
from griddispatch.bench.machine import usage_by_group
from griddispatch.bench.site import Scale, Site
from griddispatch.demo.stack import PORTS


async def rest(site: Site, scale: Scale) -> list[Figure]:
    """Processor time of the services while nothing happens."""
    await asyncio.sleep(2.0)
    meter = site.meter()
    await asyncio.sleep(scale.idle_s)
    spent = meter.spent()
    return [
        Figure("idle", service, spent.cpu_s[service] / spent.wall_s * 100, "% of a core", most(2)) for service in PORTS
    ]


async def cold(site: Site, scale: Scale) -> list[Figure]:
    """From the start of a service's process to its first readiness, one at a time."""
    del scale
    figures = []
    for service in PORTS:
        await site.stack.end(service)
        began = time.perf_counter()
        await site.stack.start_again(service, site.clock)
        figures.append(Figure("cold start", service, time.perf_counter() - began, "s", most(2)))
    return figures


async def memory(site: Site, scale: Scale) -> list[Figure]:
    """Resident memory after everything before."""
    del scale
    used = usage_by_group(site.stack.pids)
    return [Figure("memory", service, used[service].rss_bytes / 1e6, "MB", most(200)) for service in PORTS]
