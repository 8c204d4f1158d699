"""Whole lives of tickets over HTTP, and messages that leave the house: what comes after the lead is known."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import orjson

from griddispatch.bench.doors import NDJSON, WITHIN_S, feed_bulk, slices
from griddispatch.bench.figures import Figure, least
from griddispatch.bench.http import LoadClient
from griddispatch.bench.site import Scale, Site, Stalled
from griddispatch.embedded.process import LOOPBACK

PART = 100
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
    """Create, sign, contact, resolve, evaluate, close: each step for every ticket before the next, in small bulks.

    Only tickets that one unit handles alone are counted on: others wait for their parts.
    """
    began, meter = time.perf_counter(), site.meter()
    tickets = await feed_bulk(site, site.lines(scale.lives))
    await site.until_assigned(tickets, WITHIN_S)
    alone = [ticket for ticket in tickets if site.seen.leads[ticket]["size"] == "SMALL"]
    async with AsyncExitStack() as stack:
        dispatch = await stack.enter_async_context(LoadClient(site.stack.url("dispatch"), 1))
        notify = await stack.enter_async_context(LoadClient(site.stack.url("notify"), 1))
        for step in STEPS:
            await _command(site, dispatch, alone, step)
        seen, everybody = site.seen, set(alone)
        await site.until(
            lambda: seen.asked.keys() | seen.closed >= everybody, WITHIN_S, "every citizen was asked, or need not be"
        )
        await _answer(site, notify, [ticket for ticket in alone if ticket in seen.asked])
    await site.until(lambda: site.seen.closed >= set(alone), WITHIN_S, "every ticket is closed")
    wall, spent = time.perf_counter() - began, meter.spent()
    whole = f"{len(alone)} of {len(tickets)} lived to the end"
    return [
        Figure("whole lives", "created → closed", len(alone) / wall, "lives/s", least(50), whole),
        Figure(
            "whole lives", "processor, services", spent.of("intake", "dispatch", "notify") / len(alone) * 1000,
            "ms/life", note="the creation of the others is in it",
        ),
        Figure("whole lives", "processor, database", spent.of("database") / len(alone) * 1000, "ms/life"),
    ]  # fmt: skip


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
            "command": step, "assignment_id": site.seen.leads[ticket]["assignment_id"],
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
