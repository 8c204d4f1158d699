"""Each door by itself: how many tickets a second get from it to their lead, and what a ticket costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import orjson

from griddispatch.bench.figures import Figure, least, middle, most, percentile
from griddispatch.bench.http import LoadClient
from griddispatch.bench.machine import Spent
from griddispatch.bench.site import Scale, Site, Stalled
from griddispatch.demo.stack import PORTS
from shared.database import named_queries
from shared.kafka import Outgoing, Producer
from shared.topics import INBOUND

T = TypeVar("T")
Lines = Sequence[tuple[str, bytes]]

BULK_LINES = 200
BULK_CONNECTIONS = 3
SINGLE_CONNECTIONS = 64
WITHIN_S = 120.0
ASSIGNED_RATE = "received → assigned"
NDJSON = "application/x-ndjson"
_SQL = named_queries("griddispatch.bench", "sql", "bench.sql")

Feed = Callable[[Site, Lines], Awaitable[list[bytes]]]
"""Hands the matters in; their tickets."""


async def feed_bulk(site: Site, lines: Lines) -> list[bytes]:
    """Hand matters in by bulk, a few requests at a time; the tickets. Raises Stalled when one is refused."""
    tickets: list[bytes] = []
    async with LoadClient(site.stack.url("intake"), BULK_CONNECTIONS) as client:

        async def send(part: Lines) -> None:
            body = b"\n".join(line for _, line in part)
            tickets.extend(await post_bulk(client, body))

        await in_turn(BULK_CONNECTIONS, iter(slices(lines, BULK_LINES)), send)
    return tickets


async def feed_singly(site: Site, lines: Lines) -> tuple[list[bytes], list[float]]:
    """Hand matters in one by one over many connections; the tickets, and seconds until each answer. Raises Stalled."""
    tickets, took = list[bytes](), list[float]()
    async with LoadClient(site.stack.url("intake"), SINGLE_CONNECTIONS) as client:

        async def send(line: tuple[str, bytes]) -> None:
            began = time.perf_counter()
            tickets.append(await post_one(client, line[1]))
            took.append(time.perf_counter() - began)

        await in_turn(SINGLE_CONNECTIONS, iter(lines), send)
    return tickets, took


async def feed_kafka(site: Site, lines: Lines) -> list[bytes]:
    """Put matters on the topic of the hotlines; their tickets are learnt from intake's own tables. Raises Stalled."""
    producer = Producer(site.stack.bootstrap, "bench")
    try:
        for part in slices(lines, 500):
            await producer.send([Outgoing(INBOUND.name, name.encode(), line) for name, line in part])
    finally:
        await producer.discard()
    names = [name for name, _ in lines]
    deadline = time.monotonic() + patience_s(len(lines))
    while True:
        rows = await site.admin.fetch(_SQL["tickets_of"], names, timeout=30)
        if len(rows) == len(names):
            return [str(row["id"]).encode() for row in rows]
        if time.monotonic() > deadline:
            raise Stalled(f"{len(rows)} of {len(names)} matters were taken from the topic")
        await asyncio.sleep(0.1)


async def post_bulk(client: LoadClient, body: bytes) -> list[bytes]:
    """Hand in some lines at once; their tickets in order. Raises Stalled, NoAnswer."""
    status, answer = await client.post("/v1/tickets/bulk", body, NDJSON)
    if status != 200:
        raise Stalled(f"bulk was answered {status}: {answer[:200]!r}")
    return [_ticket(orjson.loads(line)) for line in answer.splitlines()]


async def post_one(client: LoadClient, line: bytes) -> bytes:
    """Hand in one matter; its ticket. Raises Stalled, NoAnswer."""
    status, answer = await client.post("/v1/tickets", line)
    if status not in (200, 201):
        raise Stalled(f"a single matter was answered {status}: {answer[:200]!r}")
    return _ticket(orjson.loads(answer))


async def bulk(site: Site, scale: Scale) -> list[Figure]:
    """The bulk door, to the lead and on to the message."""
    found = [await one_round(site, scale.tickets, feed_bulk) for _ in range(scale.rounds)]
    site.rates["bulk"] = median(r.assigned_per_s for r in found)
    return [
        middle("bulk", ASSIGNED_RATE, [r.assigned_per_s for r in found], "tickets/s", least(2000)),
        middle("bulk", "received → told", [r.told_per_s for r in found], "tickets/s"),
        *costs("bulk", [r.spent for r in found], scale.tickets),
    ]


async def sustained(site: Site, scale: Scale) -> list[Figure]:
    """The bulk door for as long as it takes: one feed of very many tickets."""
    found = await one_round(site, scale.sustained, feed_bulk)
    return [
        Figure(
            "sustained", f"{scale.sustained:,} in bulk, {ASSIGNED_RATE}", found.assigned_per_s, "tickets/s", least(2000)
        ),
        Figure("sustained", "received → told", found.told_per_s, "tickets/s"),
        *costs("sustained", [found.spent], scale.sustained),
    ]


async def single(site: Site, scale: Scale) -> list[Figure]:
    """Single posts over 64 connections, each sending the next as soon as it has its answer."""
    rates, spents, took = list[float](), list[Spent](), list[float]()
    for _ in range(scale.rounds):
        lines, meter, began = site.lines(scale.tickets), site.meter(), time.time()
        found, waits = await feed_singly(site, lines)
        rates.append(scale.tickets / (time.time() - began))
        took += waits
        await _all_told(site, found, scale.tickets)
        spents.append(meter.spent())
    site.rates["single"] = median(rates)
    return [
        middle("single", "accepted", rates, "tickets/s", least(1500)),
        Figure("single", "answered p50", percentile(took, 0.5) * 1000, "ms"),
        Figure("single", "answered p99", percentile(took, 0.99) * 1000, "ms", most(80)),
        *costs("single", spents, scale.tickets),
    ]


async def inbound(site: Site, scale: Scale) -> list[Figure]:
    """The topic of the hotlines."""
    found = [await one_round(site, scale.tickets, feed_kafka) for _ in range(scale.rounds)]
    return [
        middle("kafka", ASSIGNED_RATE, [r.assigned_per_s for r in found], "tickets/s", least(2000)),
        *costs("kafka", [r.spent for r in found], scale.tickets),
    ]


@dataclass(frozen=True)
class Round:
    """What one feed gave: tickets a second from its begin until the last lead and the last message, and its cost."""

    assigned_per_s: float
    told_per_s: float
    spent: Spent


async def one_round(site: Site, tickets: int, feed: Feed) -> Round:
    """Hand so many matters in and see them all through to the message. Raises Stalled."""
    lines, meter, began = site.lines(tickets), site.meter(), time.time()
    found = await feed(site, lines)
    last, told = await _all_told(site, found, tickets)
    return Round(tickets / (last - began), tickets / (told - began), meter.spent())


async def _all_told(site: Site, found: Collection[bytes], tickets: int) -> tuple[float, float]:
    """When the last lead was given, and when the last message was seen."""
    wanted = set(found)
    if len(wanted) != tickets:
        raise Stalled(f"{tickets} matters became {len(wanted)} tickets")
    last = await site.until_assigned(wanted, patience_s(tickets))
    await site.until(lambda: site.seen.told >= wanted, patience_s(tickets), f"{tickets} messages delivered")
    return last, time.time()


def patience_s(tickets: int) -> float:
    """How long so many tickets may take before something must be wrong."""
    return WITHIN_S + tickets / 100


def costs(scenario: str, spents: Sequence[Spent], tickets: int) -> list[Figure]:
    """Processor time a ticket: of the services, the database and the broker; the driver's own apart."""

    def each(what: str, groups: Sequence[str]) -> Figure:
        rounds = [spent.of(*groups) / tickets * 1000 for spent in spents]
        return middle(scenario, f"processor, {what}", rounds, "ms/ticket")

    return [
        each("services", tuple(PORTS)),
        *(each(service, (service,)) for service in PORTS),
        each("database", ("database",)),
        each("broker", ("broker",)),
        middle(scenario, "processor, driver itself", [s.driver_s / tickets * 1000 for s in spents], "ms/ticket"),
    ]


def slices(lines: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The lines in parts of at most `size`."""
    return (lines[n : n + size] for n in range(0, len(lines), size))


async def in_turn(hands: int, work: Iterator[T], act: Callable[[T], Awaitable[None]]) -> None:
    """Do all the work, so many things at a time. A failure ends it and comes out by itself."""

    async def hand() -> None:
        for piece in work:
            await act(piece)

    try:
        async with asyncio.TaskGroup() as group:
            for n in range(hands):
                group.create_task(hand(), name=f"hand-{n}")
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


def _ticket(answer: dict[str, object]) -> bytes:
    if "ticket_id" not in answer:
        raise Stalled(f"a matter was refused: {str(answer)[:300]}")
    return str(answer["ticket_id"]).encode()
