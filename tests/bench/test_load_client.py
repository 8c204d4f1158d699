"""The client that makes load: it keeps its connections, reads any answer whole, and says when none came."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from griddispatch.bench.http import LoadClient, NoAnswer, request

Behave = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]


@asynccontextmanager
async def serving(behave: Behave) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that reads requests with a body and behaves; its address, and the connection of each request."""
    peers: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                peers.append(repr(writer.get_extra_info("peername")).encode())
                await behave(writer, await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", peers
    finally:
        server.close()


async def echo(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))


async def in_chunks(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n")
    await writer.drain()
    writer.write(b"1\r\nc\r\n0\r\n\r\n")


async def hang_up(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.close()


async def test_one_connection_carries_many_requests() -> None:
    async with serving(echo) as (base, peers), LoadClient(base, 1) as client:
        assert await client.post("/x", b"one") == (201, b"one")
        assert await client.post("/x", b"two") == (201, b"two")
        assert len(peers) == 2 and len(set(peers)) == 1


async def test_an_answer_in_chunks_is_read_whole_and_the_connection_stays() -> None:
    async with serving(in_chunks) as (base, _), LoadClient(base, 1) as client:
        assert [await client.get("/x") for _ in range(2)] == [(200, b"abc")] * 2


async def test_more_requests_than_connections_wait_their_turn() -> None:
    async with serving(echo) as (base, peers), LoadClient(base, 3) as client:
        answers = await asyncio.gather(*(client.post("/x", b"%d" % n) for n in range(20)))
        assert [body for _, body in answers] == [b"%d" % n for n in range(20)]
        assert len(set(peers)) <= 3


async def test_a_service_that_hangs_up_is_told_of() -> None:
    async with serving(hang_up) as (base, _), LoadClient(base, 1) as client:
        with pytest.raises(NoAnswer, match="closed"):
            await client.get("/x")


def test_a_request_is_written_as_http_wants_it() -> None:
    assert request("POST", "/v1/tickets", "h", b"{}", "application/json", ("idempotency-key: k",)) == (
        b"POST /v1/tickets HTTP/1.1\r\nhost: h\r\nidempotency-key: k\r\n"
        b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )


async def say_goodbye(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    writer.close()


async def test_a_connection_that_was_closed_is_opened_anew() -> None:
    async with serving(say_goodbye) as (base, peers), LoadClient(base, 1) as client:
        assert [await client.post("/x", b"one") for _ in range(3)] == [(503, b"")] * 3
        assert len(set(peers)) == 3


async def test_a_service_that_is_not_there_is_told_of() -> None:
    async with serving(echo) as (base, _):
        pass
    with pytest.raises(NoAnswer, match="no connection"):
        async with LoadClient(base, 1):
            pass
