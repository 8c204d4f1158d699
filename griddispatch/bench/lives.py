"""Whole lives of tickets over HTTP, and messages that leave the house: what comes after the lead is known."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import orjson

from griddispatch.bench.doors import NDJSON, WITHIN_S, feed_bulk, in_turn, post_bulk, slices
from griddispatch.bench.figures import Figure, least
from griddispatch.bench.http import LoadClient
from griddispatch.bench.site import Scale, Site, Stalled
from griddispatch.demo.matters import Matters
from griddispatch.demo.stack import PORTS
from griddispatch.embedded.process import LOOPBACK
from shared.terms import MatterSize

PART = 50
HANDS = 16
STEPS = ("sign", "contact", "resolve")
_WORDS = {
    "sign": {"handler": "worker-01"},
    "contact": {"handler": "worker-01"},
    "resolve": {
        "action": "HANDLED",
        "reply": "已到现场处理完毕，感谢您的反映。",
        "evidence": ["0b7e4a2c-52a3-4a55-9c0e-3d1f5a86c7f1"],
    },
}


async def lives(site: Site, scale: Scale) -> list[Figure]:
    """Create, sign, contact, resolve, evaluate, close, over HTTP: many small bulks of tickets under way at a time."""
    meter = site.meter()
    rate = site.rates["lives"] = await live(site, scale.lives)
    spent = meter.spent()
    return [
        Figure("whole lives", "created → closed", rate, "lives/s", least(370)),
        Figure("whole lives", "processor, services", spent.of(*PORTS) / scale.lives * 1000, "ms/life"),
        Figure("whole lives", "processor, database", spent.of("database") / scale.lives * 1000, "ms/life"),
    ]


async def live(site: Site, tickets: int) -> float:
    """See so many tickets through their whole lives; lives a second. Raises Stalled.

    Only matters that one unit handles alone: others wait for their parts.
    """
    lines = site.lines(tickets, await _handled_alone(site))
    began = time.perf_counter()
    async with AsyncExitStack() as held:
        intake, dispatch, notify = [
            await held.enter_async_context(LoadClient(site.stack.url(name), HANDS)) for name in PORTS
        ]

        async def part(some: Sequence[tuple[str, bytes]]) -> None:
            await _live_part(site, intake, dispatch, notify, some)

        await in_turn(HANDS, iter(slices(lines, PART)), part)
    return tickets / (time.perf_counter() - began)


async def _handled_alone(site: Site) -> Matters:
    """Those of the matters that one unit handled alone when they were handed in once, and then left lying."""
    if site.alone is None:
        async with LoadClient(site.stack.url("intake"), 1) as client:
            lines = [line for _, line in site.lines(len(site.reports))]
            tickets = [t for some in slices(lines, PART) for t in await post_bulk(client, b"\n".join(some))]
        await site.until_assigned(tickets, WITHIN_S)
        site.alone = site.some([site.seen.leads[ticket].size == MatterSize.SMALL for ticket in tickets])
    return site.alone


async def _live_part(
    site: Site, intake: LoadClient, dispatch: LoadClient, notify: LoadClient, lines: Sequence[tuple[str, bytes]]
) -> None:
    """One bulk of tickets from the door to the end."""
    tickets, seen = await post_bulk(intake, b"\n".join(line for _, line in lines)), site.seen
    await site.until_assigned(tickets, WITHIN_S)
    for step in STEPS:
        await _command(site, dispatch, tickets, step)
    await site.until(
        lambda: all(t in seen.asked or t in seen.closed for t in tickets),
        WITHIN_S,
        "a citizen was asked, or need not be",
    )
    await _answer(site, notify, [ticket for ticket in tickets if ticket in seen.asked])
    await site.until(lambda: all(t in seen.closed for t in tickets), WITHIN_S, "every ticket is closed")


async def _command(site: Site, client: LoadClient, tickets: Sequence[bytes], step: str) -> None:
    """One command on each ticket; what has moved on meanwhile is told so, and asked again with the newer version."""
    waiting = list(tickets)
    for _ in range(20):
        again: list[bytes] = []
        for part in slices(waiting, PART):
            lines = [_line(site, ticket, step) for ticket in part]
            status, answer = await client.post("/v1/commands", b"\n".join(lines), NDJSON)
            if status != 200:
                raise Stalled(f"{step} was answered {status}: {answer[:200]!r}")
            for ticket, said in zip(part, map(orjson.loads, answer.splitlines()), strict=True):
                version = said.get("version") or said.get("current_version")
                if version:
                    site.seen.versions[ticket] = version
                if said["status"] != 200:
                    if said.get("code") != "conflict":
                        raise Stalled(f"{step} was refused: {said}")
                    again.append(ticket)
        if not again:
            return
        waiting = again
    raise Stalled(f"{step}: {len(waiting)} tickets moved on again and again")


def _line(site: Site, ticket: bytes, step: str) -> bytes:
    return orjson.dumps(
        {
            "command": step, "assignment_id": site.seen.leads[ticket].assignment_id,
            "version": site.seen.versions[ticket], "body": _WORDS[step],
        }
    )  # fmt: skip


async def _answer(site: Site, client: LoadClient, tickets: Sequence[bytes]) -> None:
    for part in slices(tickets, PART):
        lines = [
            orjson.dumps(
                {
                    "ticket_id": ticket.decode(), "cycle": site.seen.asked[ticket], "contacted": True, "solved": True,
                    "satisfaction": "SATISFIED", "recorded_by": "CITIZEN",
                }
            )
            for ticket in part
        ]  # fmt: skip
        status, answer = await client.post("/v1/followups/answers", b"\n".join(lines), NDJSON)
        refused = [said for said in map(orjson.loads, answer.splitlines()) if not 200 <= said["status"] < 300]
        if status != 200 or refused:
            raise Stalled(f"answers were refused: {status} {refused[:1]}")


async def webhooks(site: Site, scale: Scale) -> list[Figure]:
    """Every message as a signed webhook to a receiver of this machine; notify is started anew with that address."""
    async with _receiver() as (port, received):
        contacts = site.stack.home / "contacts.toml"
        contacts.write_text(
            f'default = "bench"\n[endpoints.bench]\nchannel = "webhook"\nsecret = "bench"\n'
            f'url = "http://{LOOPBACK}:{port}/hook"\n',
            encoding="utf-8",
        )
        secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        await site.stack.restart(
            "notify", site.clock, CONTACTS=str(contacts), LOOPBACK_TARGETS=f"{LOOPBACK}:{port}",
            WEBHOOK_SECRETS=orjson.dumps({"bench": secret}).decode(),
        )  # fmt: skip
        meter, began = site.meter(), time.perf_counter()
        tickets = await feed_bulk(site, site.lines(scale.lives))
        await site.until(lambda: site.seen.told >= set(tickets), WITHIN_S, "every webhook delivered")
        wall, spent = time.perf_counter() - began, meter.spent()
    await site.stack.restart("notify", site.clock)
    return [
        Figure("webhooks", "received → delivered", len(received) / wall, "webhooks/s", least(100)),
        Figure("webhooks", "processor, notify", spent.of("notify") / len(received) * 1000, "ms/webhook"),
    ]


@asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[int, list[int]]]:
    """Says 204 to every request; its port, and the length of each body in order."""
    received: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                )
                received.append(len(await reader.readexactly(length)))
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the other side is done

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1], received
    finally:
        server.close()
