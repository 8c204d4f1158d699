"""Each door by itself: how many tickets a second get from it to their lead, and what a ticket costs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
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
            status, answer = await client.post("/v1/tickets/bulk", body, NDJSON)
            if status != 200:
                raise Stalled(f"bulk was answered {status}: {answer[:200]!r}")
            tickets.extend(_ticket(orjson.loads(line)) for line in answer.splitlines())

        await in_turn(BULK_CONNECTIONS, iter(slices(lines, BULK_LINES)), send)
    return tickets


async def feed_singly(site: Site, lines: Lines) -> list[bytes]:
    """Hand matters in one by one over many connections; the tickets. Raises Stalled."""
    tickets: list[bytes] = []
    async with LoadClient(site.stack.url("intake"), SINGLE_CONNECTIONS) as client:

        async def send(line: tuple[str, bytes]) -> None:
            tickets.append(await post_one(client, line[1]))

        await in_turn(SINGLE_CONNECTIONS, iter(lines), send)
    return tickets


async def feed_kafka(site: Site, lines: Lines) -> list[bytes]:
    """Put matters on the topic of the hotlines; their tickets are learnt from intake's own tables. Raises Stalled."""
    producer = Producer(site.stack.bootstrap, "bench")
    try:
        for part in slices(lines, 500):
            await producer.send([Outgoing(INBOUND.name, name.encode(), line) for name, line in part])
    finally:
        await producer.discard()
    names = [name for name, _ in lines]
    deadline = time.monotonic() + WITHIN_S
    while True:
        rows = await site.admin.fetch(_SQL["tickets_of"], names, timeout=30)
        if len(rows) == len(names):
            return [str(row["id"]).encode() for row in rows]
        if time.monotonic() > deadline:
            raise Stalled(f"{len(rows)} of {len(names)} matters were taken from the topic")
        await asyncio.sleep(0.1)


async def post_one(client: LoadClient, line: bytes) -> bytes:
    """Hand in one matter; its ticket. Raises Stalled, NoAnswer."""
    status, answer = await client.post("/v1/tickets", line)
    if status not in (200, 201):
        raise Stalled(f"a single matter was answered {status}: {answer[:200]!r}")
    return _ticket(orjson.loads(answer))


async def bulk(site: Site, scale: Scale) -> list[Figure]:
    """The bulk door, to the lead and on to the message."""
    rates, told, spents = [], [], []
    for _ in range(scale.rounds):
        rate, told_rate, spent = await one_round(site, scale.tickets, feed_bulk)
        rates.append(rate)
        told.append(told_rate)
        spents.append(spent)
    return [
        middle("bulk", "received → assigned", rates, "tickets/s", least(1000)),
        middle("bulk", "received → told", told, "tickets/s"),
        *costs("bulk", spents, scale.tickets),
    ]


async def single(site: Site, scale: Scale) -> list[Figure]:
    """Single posts over 64 connections."""
    found = [await one_round(site, scale.tickets, feed_singly) for _ in range(scale.rounds)]
    return [
        middle("single", "received → assigned", [rate for rate, _, _ in found], "tickets/s", least(500)),
        *costs("single", [spent for _, _, spent in found], scale.tickets),
    ]


async def inbound(site: Site, scale: Scale) -> list[Figure]:
    """The topic of the hotlines."""
    found = [await one_round(site, scale.tickets, feed_kafka) for _ in range(scale.rounds)]
    return [
        middle("kafka", "received → assigned", [rate for rate, _, _ in found], "tickets/s", least(1000)),
        *costs("kafka", [spent for _, _, spent in found], scale.tickets),
    ]


async def steady(site: Site, scale: Scale) -> list[Figure]:
    """A hundred single posts a second: how long until the answer, and until the lead."""
    accepted, assigned = await paced(site, 100.0, scale.steady_s)
    return [
        Figure("steady 100/s", "acknowledged p50", percentile(accepted, 0.5) * 1000, "ms"),
        Figure("steady 100/s", "acknowledged p99", percentile(accepted, 0.99) * 1000, "ms", most(250)),
        Figure("steady 100/s", "received → assigned p50", percentile(assigned, 0.5) * 1000, "ms"),
        Figure("steady 100/s", "received → assigned p99", percentile(assigned, 0.99) * 1000, "ms", most(2000)),
    ]


async def spike(site: Site, scale: Scale) -> list[Figure]:
    """Thirty a second, ten times that for a while, and thirty again."""
    before, _ = await paced(site, 30.0, scale.spike_s / 2)
    during, waited = await paced(site, 300.0, scale.spike_s)
    after, calm = await paced(site, 30.0, scale.spike_s / 2)
    return [
        Figure("spike", "acknowledged p99 before", percentile(before, 0.99) * 1000, "ms"),
        Figure("spike", "acknowledged p99 at 300/s", percentile(during, 0.99) * 1000, "ms", most(1000)),
        Figure("spike", "received → assigned p99 at 300/s", percentile(waited, 0.99) * 1000, "ms", most(5000)),
        Figure("spike", "acknowledged p99 after", percentile(after, 0.99) * 1000, "ms", most(250)),
        Figure("spike", "received → assigned p99 after", percentile(calm, 0.99) * 1000, "ms", most(2000)),
    ]


async def paced(site: Site, rate: float, seconds: float) -> tuple[list[float], list[float]]:
    """Post at a rate that waits for nobody; seconds until the answer, and until the lead, from when each was due."""
    lines = site.lines(int(rate * seconds))
    began, due = time.time() + 0.05, dict[bytes, float]()
    answers: list[float] = []
    async with LoadClient(site.stack.url("intake"), SINGLE_CONNECTIONS) as client, asyncio.TaskGroup() as group:

        async def send(line: bytes, at: float) -> None:
            ticket = await post_one(client, line)
            answers.append(time.time() - at)
            due[ticket] = at

        for n, (_, line) in enumerate(lines):
            at = began + n / rate
            await asyncio.sleep(max(0.0, at - time.time()))
            group.create_task(send(line, at), name=f"post-{n}")
    await site.until_assigned(due, WITHIN_S)
    return answers, [site.seen.assigned_at[ticket] - at for ticket, at in due.items()]


async def one_round(site: Site, tickets: int, feed: Feed) -> tuple[float, float, Spent]:
    lines, meter, began = site.lines(tickets), site.meter(), time.time()
    found = await feed(site, lines)
    if len(set(found)) != tickets:
        raise Stalled(f"{tickets} matters became {len(set(found))} tickets")
    last = await site.until_assigned(found, WITHIN_S)
    await site.until(lambda: site.seen.told >= set(found), WITHIN_S, f"{tickets} messages delivered")
    told = time.time()
    spent = meter.spent()
    return tickets / (last - began), tickets / (told - began), spent


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
