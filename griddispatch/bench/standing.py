"""What the product costs before it does anything, and what it holds on to after it has done much."""

import asyncio
import time

import orjson

from griddispatch.bench.figures import Figure, most, unmeasured
from griddispatch.bench.http import LoadClient
from griddispatch.bench.machine import usage_by_group
from griddispatch.bench.site import Scale, Site
from griddispatch.demo.stack import PORTS

IDLE_S = 5.0
STREAM = "/v1/stream"


async def rest(site: Site, scale: Scale) -> list[Figure]:
    """Processor time of the services while nothing happens."""
    await asyncio.sleep(2.0)
    meter = site.meter()
    await asyncio.sleep(IDLE_S * (1 if scale.rounds <= 3 else 4))
    spent = meter.spent()
    return [
        Figure("idle", service, spent.cpu_s[service] / spent.wall_s * 100, "% of a core", most(2)) for service in PORTS
    ]


async def cold(site: Site, scale: Scale) -> list[Figure]:
    """From the start of a service's process to its first readiness, one at a time."""
    del scale
    figures = []
    for service in PORTS:
        began = time.perf_counter()
        await site.stack.restart(service, site.clock)
        note = "stopping in order included"
        figures.append(Figure("cold start", service, time.perf_counter() - began, "s", most(15), note))
    return figures


async def memory(site: Site, scale: Scale) -> list[Figure]:
    """Resident memory after everything before."""
    del scale
    used = usage_by_group(site.stack.pids)
    return [Figure("memory", service, used[service].rss_bytes / 1e6, "MB", most(250)) for service in PORTS]


async def watchers(site: Site, scale: Scale) -> list[Figure]:
    """A hundred watchers of the console's stream while tickets arrive: how many get what happens."""
    async with LoadClient(site.stack.url("dispatch"), 1) as client:
        _, described = await client.get("/openapi.json")
    if STREAM not in orjson.loads(described)["paths"]:
        return [unmeasured("watchers", f"dispatch has no {STREAM} yet")]
    return [unmeasured("watchers", "there is a stream, but no driver for it yet")]
