"""The feed against an intake of our own making over real HTTP: what is not answered is sent again, as it was."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from griddispatch.demo.exchange import UNKNOWN, new_client, post_lines
from griddispatch.demo.feed import Feed, Taken

Answer = Callable[[str, int], dict[str, Any]]
"""From an external id and how often it came (from 1) to what intake says."""


def ticket_of(external_id: str) -> str:
    return f"00000000-0000-7000-8000-{int(external_id.rpartition('-')[2]):012d}"


def accepts(external_id: str, time: int) -> dict[str, Any]:
    return {"status": 201, "ticket_id": ticket_of(external_id)}


@asynccontextmanager
async def intake(answer: Answer) -> AsyncIterator[tuple[str, Counter[str]]]:
    """A server that answers as told; its address, and how often each matter came."""
    app, came = FastAPI(), Counter[str]()

    def say(line: bytes) -> dict[str, Any]:
        external_id = orjson.loads(line)["external_id"]
        came[external_id] += 1
        return answer(external_id, came[external_id])

    @app.post("/v1/tickets/bulk")
    async def bulk(request: Request) -> Response:
        lines = (await request.body()).splitlines()
        return Response(b"\n".join(orjson.dumps({"line": n, **say(line)}) for n, line in enumerate(lines, 1)))

    @app.post("/v1/tickets")
    async def single(request: Request) -> Response:
        said = say(await request.body())
        return Response(orjson.dumps(said), status_code=said["status"])

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", came
        finally:
            server.should_exit = True
            await serving


def lines(count: int) -> Iterator[tuple[str, bytes]]:
    for n in range(1, count + 1):
        yield f"demo-run-{n}", orjson.dumps({"external_id": f"demo-run-{n}"})


async def fed(answer: Answer, count: int, rate: float | None = None) -> tuple[Taken, Counter[str]]:
    async with intake(answer) as (url, came), new_client(8) as client, asyncio.timeout(30):
        feed = Feed(client, url, lines(count), rate)
        await feed.run()
        return feed.taken, came


@pytest.mark.parametrize("rate", [None, 500.0], ids=["bulk", "one by one"])
async def test_every_matter_is_sent_once_and_knows_its_number(rate: float | None) -> None:
    taken, came = await fed(accepts, 450 if rate is None else 40, rate)
    assert set(came.values()) == {1}
    assert len(taken.accepted) == len(came)
    assert taken.numbers[ticket_of("demo-run-7").encode()] == 7
    assert (taken.rejected, taken.unanswered, taken.is_over) == (0, [], True)


@pytest.mark.parametrize("rate", [None, 500.0], ids=["bulk", "one by one"])
async def test_a_matter_that_was_not_taken_is_sent_again_with_the_same_id(rate: float | None) -> None:
    def at_the_third_time(external_id: str, time: int) -> dict[str, Any]:
        return accepts(external_id, time) if time == 3 or external_id != "demo-run-2" else {"status": 503}

    taken, came = await fed(at_the_third_time, 5, rate)
    assert came == {"demo-run-1": 1, "demo-run-2": 3, "demo-run-3": 1, "demo-run-4": 1, "demo-run-5": 1}
    assert len(taken.accepted) == 5


async def test_a_rejected_matter_is_counted_and_not_sent_again() -> None:
    def refuses_the_second(external_id: str, time: int) -> dict[str, Any]:
        return {"status": 422, "code": "blank"} if external_id == "demo-run-2" else accepts(external_id, time)

    taken, came = await fed(refuses_the_second, 3)
    assert (taken.rejected, came["demo-run-2"], len(taken.accepted)) == (1, 1, 2)
    assert taken.first_rejection.startswith("demo-run-2: ")


async def test_a_matter_still_in_flight_elsewhere_is_asked_for_again() -> None:
    def busy_at_first(external_id: str, time: int) -> dict[str, Any]:
        return accepts(external_id, time) if time > 1 else {"status": 409, "code": "in_flight"}

    taken, _ = await fed(busy_at_first, 2)
    assert (len(taken.accepted), taken.rejected) == (2, 0)


async def test_nobody_listening_means_unknown_and_not_an_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: every call is refused
        async with new_client(1) as client:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            assert await post_lines(client, url, [b"{}", b"{}"]) == [UNKNOWN, UNKNOWN]


def test_two_tickets_for_one_matter_are_twins() -> None:
    taken = Taken()
    assert taken.note("demo-run-1", {"status": 201, "ticket_id": "a"})
    assert taken.note("demo-run-1", {"status": 201, "ticket_id": "b"})
    assert taken.twins == ["demo-run-1"]


def test_a_ticket_from_elsewhere_has_a_number_once_the_feed_is_over() -> None:
    taken = Taken()
    ticket = b"0000abcd-0000-7000-8000-000000000001"
    assert taken.number_of(ticket) is None
    taken.is_over = True
    assert taken.number_of(ticket) == 0xABCD
