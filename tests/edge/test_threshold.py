"""What is too slow, too much or no HTTP is refused at the door, with a problem document; health is answered always."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest
import uvicorn
from fastapi import FastAPI, Request

from shared.connections import Gate, Thresholds
from shared.edge import Bodies, Edge
from shared.runtime import server_config
from shared.strict_json import Limits
from tests.builders import eventually
from tests.edge.raw import Answer, say

HOST = b"Host: h\r\n"
SOON = Thresholds(head_s=0.3, receipt_s=0.6, per_address=3, connections=6, requests=2, counts_loopback=True)


@asynccontextmanager
async def door(limits: Thresholds, bodies: Bodies | None = None) -> AsyncIterator[tuple[str, Gate, asyncio.Event]]:
    """A service behind a gate: it echoes, and waits on `/wait` until the event is set."""
    app, gate, go_on = FastAPI(), Gate(limits), asyncio.Event()

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/wait")
    async def wait() -> dict[str, str]:
        await go_on.wait()
        return {}

    @app.post("/echo")
    async def echo(request: Request) -> dict[str, str]:
        return {"body": (await request.body()).decode()}

    app.add_middleware(Edge, gate=gate, bodies=bodies or Bodies())
    server = uvicorn.Server(server_config(app, gate))
    server.config.load()
    task = asyncio.create_task(server._serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", gate, go_on
    finally:
        go_on.set()
        server.should_exit = True
        await task


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"


def post(body: bytes, length: int | None = None, more: bytes = b"") -> bytes:
    said = str(len(body) if length is None else length).encode()
    return b"POST /echo HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n" + more + (
        b"Content-Length: " + said + b"\r\n\r\n" + body
    )  # fmt: skip


def is_problem(answer: Answer, status: int) -> bool:
    return (
        answer.status == status
        and "application/problem+json" in answer.head
        and orjson.loads(answer.body)["status"] == status
    )


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"", 408),
        (b"GET /liv", 408),
        (b"GET /livez HTTP/1.1\r\nHost: h\r\nX-A: b", 408),
        (post(b"{", 10), 408),
        (b'POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n', 408),
    ],
)
async def test_who_does_not_finish_a_request_is_sent_away(begun: bytes, status: int) -> None:
    async with door(SOON) as (base, gate, _):
        answer = await say(base, [begun], wait_for_end=True)

        assert is_problem(answer, status) and answer.closed
        assert gate.connections == 0 and gate.requests == 0


async def test_a_trickle_does_not_move_the_deadline() -> None:
    async with door(SOON) as (base, _, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
        writer.write(b"GET /livez HTTP/1.1\r\n")

        async def trickle() -> None:
            while not writer.is_closing():
                writer.write(b"X")
                await asyncio.wait_for(writer.drain(), 5)
                await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=0.05)

        drip = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(60):
                told = await reader.read(1000)
        finally:
            drip.cancel()
            writer.close()
        assert told.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "head",
    [
        b"X-Big: " + b"a" * 40_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % n for n in range(150)),
        b"Cookie: " + b"k=v; " * 8_000 + b"\r\n",
    ],
)
async def test_a_head_too_large_is_refused(head: bytes) -> None:
    async with door(replace(SOON, head_s=10)) as (base, _, _):
        answer = await say(base, [b"GET /livez HTTP/1.1\r\n" + HOST + head + b"\r\n"])

        assert is_problem(answer, 431)


async def test_a_head_without_an_end_is_refused_before_its_deadline() -> None:
    async with door(replace(SOON, head_s=60)) as (base, _, _):
        answer = await say(base, [b"GET /livez HTTP/1.1\r\nX: ", *[b"a" * 8192] * 6])

        assert is_problem(answer, 431)


@pytest.mark.parametrize("hosts", [b"", HOST + HOST])
async def test_a_request_has_one_host(hosts: bytes) -> None:
    async with door(replace(SOON, head_s=10)) as (base, _, _):
        assert is_problem(await say(base, [b"GET /livez HTTP/1.1\r\n" + hosts + b"\r\n"]), 400)


async def test_one_address_has_so_many_connections_and_no_more() -> None:
    async with door(replace(SOON, head_s=60)) as (base, gate, _):
        port = int(base.rpartition(":")[2])
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]

        async def all_there() -> bool:
            return gate.connections == 3

        await eventually(all_there)
        refused = await say(base, [get(b"/echo")])
        alive = await say(base, [get(b"/livez")])
        for _, writer in held:
            writer.close()

        assert is_problem(refused, 429) and "retry-after" in refused.head
        assert alive.status == 200


async def test_this_machine_is_not_counted_as_one_address() -> None:
    gate = Gate(Thresholds(per_address=1))
    for address in ("127.0.0.1", "127.0.0.1", "203.0.113.9", "203.0.113.9"):
        gate.enter(address)

    assert gate.refusal("127.0.0.1") == 0
    assert gate.refusal("203.0.113.9") == 429
    gate.leave("203.0.113.9")
    assert gate.refusal("203.0.113.9") == 0


async def test_all_together_have_so_many_connections_and_no_more() -> None:
    gate = Gate(Thresholds(connections=2))
    for n in range(3):
        gate.enter(f"203.0.113.{n}")

    assert gate.refusal("203.0.113.1") == 503


async def test_more_requests_than_may_be_in_work_are_sent_away_and_health_is_not() -> None:
    async with door(replace(SOON, per_address=50, connections=50)) as (base, gate, go_on):
        waiting = [asyncio.create_task(say(base, [get(b"/wait")])) for _ in range(2)]

        async def full() -> bool:
            return gate.is_full

        await eventually(full)
        refused, alive = await say(base, [get(b"/wait")]), await say(base, [get(b"/livez")])
        go_on.set()
        finished = await asyncio.gather(*waiting)

        assert is_problem(refused, 503) and "retry-after" in refused.head
        assert alive.status == 200 and [one.status for one in finished] == [200, 200]
        assert gate.requests == 0


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(b'{"a":1}'), 200),
        (post(b'{"a":1,"a":2}'), 422),
        (post(b'{"a":NaN}'), 422),
        (post(b'{"a":"\\u0000"}'), 422),
        (post(b"[" * 40 + b"]" * 40), 422),
        (post(b"{"), 400),
        (post(b'"' + b"a" * 70_000 + b'"'), 413),
        (post(b"{}", more=b"Content-Encoding: gzip\r\n"), 415),
        (post(b"{}").replace(b"application/json", b"text/plain"), 415),
        (b"GET /livez?a=%00 HTTP/1.1\r\n" + HOST + b"\r\n", 200),
        (b"GET /wait?a=%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /wait%00 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"NONSENSE\r\n\r\n", 400),
    ],
)
async def test_what_has_two_meanings_or_none_is_refused(request_bytes: bytes, status: int) -> None:
    async with door(replace(SOON, head_s=10, receipt_s=10)) as (base, gate, _):
        answer = await say(base, [request_bytes])

        assert answer.status == status if status == 200 else is_problem(answer, status)
        assert gate.requests == 0


async def test_a_body_in_another_spelling_is_handed_on_in_the_usual_one() -> None:
    async with door(replace(SOON, head_s=10, receipt_s=10)) as (base, _, _):
        answer = await say(base, [post('{"a":"e\u0301"}'.encode())])

        assert orjson.loads(orjson.loads(answer.body)["body"]) == {"a": "é"}


async def test_lines_are_let_through_only_where_lines_are_read() -> None:
    """Else a name of a media type would lift every bound, before anybody is asked who they are."""
    lines = HOST + b"Content-Type: application/x-ndjson\r\n"
    async with door(replace(SOON, head_s=10, receipt_s=10), Bodies(Limits(max_bytes=1000))) as (base, _, _):
        short = await say(base, [b"POST /echo HTTP/1.1\r\n" + lines + b"Content-Length: 2\r\n\r\n{}"])
        assert is_problem(short, 415)
        long = await say(base, [b"POST /echo HTTP/1.1\r\n" + lines + b"Content-Length: 2000\r\n\r\n" + b" " * 2000])
        assert is_problem(long, 413)
    async with door(SOON) as (base, _, _):
        slow = await say(base, [b"POST /echo HTTP/1.1\r\n" + lines + b"Content-Length: 9\r\n\r\n{"], wait_for_end=True)
        assert is_problem(slow, 408)
