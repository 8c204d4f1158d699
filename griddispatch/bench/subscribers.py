"""Webhook subscriptions under load: how fast a long queue leaves, what holding it costs, and a dead receiver."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import orjson

from griddispatch.bench.figures import Figure, least, most, percentile
from griddispatch.bench.http import LoadClient
from griddispatch.bench.machine import usage_by_group
from griddispatch.bench.site import Scale, Site, Stalled
from griddispatch.embedded.process import LOOPBACK
from shared.database import named_queries

_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")
RECEIVERS = 4
PART = 10_000
FILLED_S = 300.0
DEAD_WAITING = 10_000
PINGS_WITHIN_S = 30.0
_LENGTH = b"content-length: "
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


class Taking(asyncio.Protocol):
    """The cheapest receiver there can be: counts requests and says 204, or nothing at all if it is `dead`."""

    def __init__(self, taken: list[float], *, dead: bool = False) -> None:
        """`taken` gets the instant of every request, by the loop's clock."""
        self._taken, self._dead = taken, dead
        self._rest = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connects."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A piece of requests: every whole one is answered."""
        self._rest += data
        while (head := self._rest.find(b"\r\n\r\n")) >= 0:
            place = self._rest.lower().find(_LENGTH, 0, head) + len(_LENGTH)
            end = head + 4 + int(self._rest[place : self._rest.find(b"\r\n", place)])
            if len(self._rest) < end:
                return
            self._rest = self._rest[end:]
            self._taken.append(time.perf_counter())
            if not self._dead:
                self._transport.write(_TAKEN)


@asynccontextmanager
async def receiving(*, dead: bool = False) -> AsyncIterator[tuple[int, list[float]]]:
    """A receiver of this machine: its port, and when it took what."""
    taken: list[float] = []
    server = await asyncio.get_running_loop().create_server(lambda: Taking(taken, dead=dead), LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1], taken
    finally:
        server.close()


async def deliveries(site: Site, scale: Scale) -> list[Figure]:
    """A long queue of subscribers leaves for some seconds; then one receiver is dead and the others are timed."""
    async with receiving() as (port, taken), receiving(dead=True) as (dead_port, _):
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        await site.stack.restart(
            "notify", site.clock, SUBSCRIPTION_KEYS=f"bench:{key}",
            LOOPBACK_TARGETS=f"{LOOPBACK}:{port},{LOOPBACK}:{dead_port}",
        )  # fmt: skip
        async with LoadClient(site.stack.url("notify"), 1) as client:
            alive = [await _subscribe(client, port, f"receiver {n}") for n in range(RECEIVERS)]
            figures = await _leave(site, scale, alive, taken)
            await site.admin.execute(_SQL["clear_deliveries"], timeout=FILLED_S)
            figures += await _beside_the_dead(site, client, alive[0], dead_port, taken)
    await site.stack.restart("notify", site.clock)
    await site.admin.execute(_SQL["clear_deliveries"], timeout=FILLED_S)
    return figures


async def _leave(site: Site, scale: Scale, alive: list[UUID], taken: list[float]) -> list[Figure]:
    """What leaves of the queue within the scale's seconds. Nothing leaves while it is filled."""
    before = usage_by_group(site.stack.pids)["notify"].rss_bytes
    waiting = scale.queued
    await site.admin.execute(_SQL["hold_subscriptions"], alive, timeout=FILLED_S)
    for first in range(0, waiting, PART * RECEIVERS):
        each = min(PART * RECEIVERS, waiting - first) // RECEIVERS
        await site.admin.execute(_SQL["queue_deliveries"], alive, each, site.clock(), timeout=FILLED_S)
    await site.admin.execute(_SQL["analyze_deliveries"], timeout=FILLED_S)
    await site.admin.execute(_SQL["release_subscriptions"], alive, timeout=FILLED_S)
    began, meter, sent, most_bytes = time.perf_counter(), site.meter(), len(taken), before
    while time.perf_counter() - began < scale.queued_s and len(taken) - sent < waiting:
        site.stack.check()
        await asyncio.sleep(0.1)
        most_bytes = max(most_bytes, usage_by_group(site.stack.pids)["notify"].rss_bytes)
    spent, sent = meter.spent(), len(taken) - sent
    grown = (most_bytes - before) / 1e6
    if not sent:
        raise Stalled("nothing left")
    note = f"{waiting:,} queued for {RECEIVERS} receivers"
    return [
        Figure("deliveries", "webhooks of subscribers", sent / spent.wall_s, "webhooks/s", least(2000), note),
        Figure("deliveries", "processor, notify", spent.of("notify") / sent * 1000, "ms/webhook"),
        Figure("deliveries", "processor, database", spent.of("database") / sent * 1000, "ms/webhook"),
        Figure("deliveries", f"memory of notify with {waiting:,} queued", grown, "MB more", most(64)),
    ]


async def _beside_the_dead(
    site: Site, client: LoadClient, alive: UUID, dead_port: int, taken: list[float]
) -> list[Figure]:
    """From asking for a ping to its arrival, without and with a receiver that takes connections and says nothing."""
    quiet = [await _ping(client, alive, taken) for _ in range(100)]
    dead = await _subscribe(client, dead_port, "dead")
    await site.admin.execute(_SQL["queue_deliveries"], [dead], DEAD_WAITING, site.clock(), timeout=FILLED_S)
    beside = [await _ping(client, alive, taken) for _ in range(100)]
    added = percentile(beside, 0.99) - percentile(quiet, 0.99)
    note = f"{DEAD_WAITING:,} wait for the dead one; p99 alone {percentile(quiet, 0.99) * 1000:.0f} ms"
    added_ms = max(0.0, added) * 1000
    return [Figure("deliveries", "a dead receiver adds to another's p99", added_ms, "ms", most(1000), note)]


async def _subscribe(client: LoadClient, port: int, name: str) -> UUID:
    wish = {"name": name, "url": f"http://{LOOPBACK}:{port}/hook"}
    status, answer = await client.post("/v1/subscriptions", orjson.dumps(wish), "application/json")
    if status != 201:
        raise Stalled(f"nobody could subscribe: {status} {answer[:200]!r}")
    return UUID(orjson.loads(answer)["subscription_id"])


async def _ping(client: LoadClient, identity: UUID, taken: list[float]) -> float:
    """Seconds from asking to arriving."""
    before, began = len(taken), time.perf_counter()
    status, answer = await client.post(f"/v1/subscriptions/{identity}/ping", b"", "application/json")
    if status >= 300:
        raise Stalled(f"no ping: {status} {answer[:200]!r}")
    while len(taken) <= before:
        if time.perf_counter() - began > PINGS_WITHIN_S:
            raise Stalled("a ping did not arrive")
        await asyncio.sleep(0.001)
    return taken[before] - began
