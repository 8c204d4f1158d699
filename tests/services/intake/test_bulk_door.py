"""POST /v1/tickets/bulk: many reports, each with a fate of its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import uvicorn
from starlette.types import Message

from shared.ndjson import Duplex
from tests.builders import eventually
from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk, gather, ndjson, report

NDJSON = {"Content-Type": "application/x-ndjson"}


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[int]:
    """The service behind a real server; its port."""
    config = uvicorn.Config(desk.app, port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())

    async def is_started() -> bool:
        return server.started

    await eventually(is_started, what="the server's start")
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def test_good_and_bad_lines_each_get_their_answer_in_order(desk: Desk) -> None:
    answers = await desk.bulk(
        ndjson(report(1), b"{", report(2, channel="PIGEON"), b"   ", report(None), b"x" * 5000, report(3))
    )
    assert [(a["line"], a["status"], a.get("code")) for a in answers] == [
        (1, 201, None),
        (2, 400, "not_json"),
        (3, 422, "rejected"),
        (5, 400, "idempotency_missing"),
        (6, 413, "body_too_large"),
        (7, 201, None),
    ]
    assert answers[0]["ticket_no"] != answers[5]["ticket_no"]
    assert answers[0]["replayed"] is False
    assert answers[2]["problems"][0]["field"] == "channel"
    assert await desk.count("ticket") == await desk.count("event") == 2


async def test_a_line_that_comes_twice_is_a_replay_and_a_changed_one_is_refused(desk: Desk) -> None:
    answers = await desk.bulk(ndjson(report(1), report(1), report(1, text="井盖不见了")))
    again = await desk.bulk(ndjson(report(1, text="井盖不见了"), report(1)))
    assert [(a["status"], a.get("replayed"), a.get("code")) for a in answers] == [
        (201, False, None),
        (201, True, None),
        (422, None, "key_reused"),
    ]
    assert [(a["status"], a.get("replayed")) for a in again] == [(422, None), (201, True)]
    assert {a["ticket_id"] for a in (answers[0], answers[1], again[1])} == {answers[0]["ticket_id"]}
    assert await desk.count("ticket") == await desk.count("request") == 1


async def test_the_same_lines_from_many_clients_at_once_in_any_order_make_each_ticket_once(desk: Desk) -> None:
    lines = [report(n) for n in range(60)]
    results = await gather(*(desk.bulk(ndjson(*(lines[k:] + lines[:k]))) for k in range(0, 60, 10)))
    answers = [answer for result in results for answer in result]
    assert {answer["status"] for answer in answers} == {201}
    assert sum(not answer["replayed"] for answer in answers) == 60
    assert await desk.count("ticket") == await desk.count("event") == 60


async def test_a_single_post_and_a_bulk_line_with_one_external_id_are_one_ticket(desk: Desk) -> None:
    ticket_id = await desk.take_in(report(1))
    (answer,) = await desk.bulk(ndjson(report(1)))
    assert (answer["ticket_id"], answer["replayed"]) == (ticket_id, True)


async def test_the_last_line_needs_no_end(desk: Desk) -> None:
    assert [a["status"] for a in await desk.bulk(ndjson(report(1)) + json.dumps(report(2)).encode())] == [201, 201]


async def test_an_empty_body_has_no_answers(desk: Desk) -> None:
    assert await desk.bulk(b"") == []
    assert await desk.bulk(b"\n\n \n") == []


async def test_bulk_reads_ndjson_only(desk: Desk) -> None:
    answer = await desk.http.post("/v1/tickets/bulk", content=ndjson(report(1)), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


async def test_lines_that_meet_a_database_that_is_away_are_told_and_the_stream_goes_on(desk: Desk) -> None:
    await desk.database.close()
    answers = await desk.bulk(ndjson(report(1), b"{", report(2)))
    assert [a["status"] for a in answers] == [503, 400, 503]


async def test_lines_whose_key_is_held_elsewhere_are_told_to_come_again(desk: Desk) -> None:
    other = await asyncpg.connect(desk.dsn)
    async with other.transaction():
        await other.execute("INSERT INTO request VALUES ('hotline', 'x:A-1', '', gen_random_uuid())")
        answers = await desk.bulk(ndjson(report(1), report(2)))
    await other.close()
    assert [(a["status"], a["code"]) for a in answers] == [(409, "in_flight")] * 2
    assert await desk.count("ticket") == 0


async def test_results_come_while_lines_are_still_being_sent(desk: Desk) -> None:
    async with served(desk) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/tickets/bulk HTTP/1.1\r\nHost: intake\r\nTransfer-Encoding: chunked\r\n")
        writer.write(b"Content-Type: application/x-ndjson\r\n\r\n")
        async with asyncio.timeout(20):
            for n in range(1, 4):
                line = ndjson(report(n))
                writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                # Nothing more is sent before this line's result has come.
                result = await reader.readuntil(b'"replayed":false}\n')
                assert f'"line":{n},'.encode() in result
            writer.write(b"0\r\n\r\n")
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()


async def test_no_line_of_a_long_body_is_lost_on_a_real_server(desk: Desk) -> None:
    async def body() -> AsyncIterator[bytes]:
        for n in range(0, 2000, 50):
            yield ndjson(*(report(k) for k in range(n, n + 50)))
            await asyncio.sleep(0)

    async with served(desk) as port, httpx.AsyncClient(timeout=30) as http:
        answer = await http.post(f"http://127.0.0.1:{port}/v1/tickets/bulk", content=body(), headers=NDJSON)
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [a["line"] for a in answers] == list(range(1, 2001))
    assert {a["status"] for a in answers} == {201}
    assert await desk.count("ticket") == 2000


async def test_a_line_without_end_is_not_kept_in_memory_and_the_next_one_counts(desk: Desk) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * SMALL_BODY_LIMIT
        yield b"\n" + ndjson(report(1))

    answer = await desk.http.post("/v1/tickets/bulk", content=body(), headers=NDJSON)
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [413, 201]


async def test_a_client_that_leaves_in_the_middle_keeps_what_was_taken_and_harms_nobody(desk: Desk) -> None:
    async with served(desk) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        line = ndjson(report(1))
        writer.write(b"POST /v1/tickets/bulk HTTP/1.1\r\nHost: intake\r\nTransfer-Encoding: chunked\r\n")
        writer.write(b"Content-Type: application/x-ndjson\r\n\r\n" + f"{len(line):x}\r\n".encode() + line + b"\r\n")
        async with asyncio.timeout(20):
            await reader.readuntil(b'"replayed":false}\n')
        writer.transport.abort()
        assert (await desk.bulk(ndjson(report(1))))[0]["replayed"] is True


async def test_lines_that_stop_coming_are_not_waited_for_and_what_came_counts(desk: Desk) -> None:
    async def trickle() -> AsyncIterator[bytes]:
        yield ndjson(report(1))
        await asyncio.Event().wait()

    async with desk.impatient() as http:
        answer = await http.post("/v1/tickets/bulk", content=trickle(), headers=NDJSON)
    answers = [json.loads(line) for line in answer.text.splitlines()]
    assert [(a["line"], a["status"]) for a in answers] == [(1, 201), (2, 408)]


async def test_a_client_that_does_not_read_its_results_is_given_up() -> None:
    sent: list[str] = []

    async def results() -> AsyncIterator[bytes]:
        yield b"first"
        yield b"second"

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message.get("body"):
            await asyncio.Event().wait()

    async def receive() -> Message:
        raise AssertionError("the response must not touch the request's body")

    async with asyncio.timeout(60):
        await Duplex(results(), silence_s=0.05)({"type": "http"}, receive, send)
    assert sent == ["http.response.start", "http.response.body"]
