"""POST /v1/tickets: once under every key, and a reason for every refusal."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk, gather, report

JSON = {"Content-Type": "application/json"}


async def test_a_report_becomes_a_ticket_with_number_code_and_place_to_look(desk: Desk) -> None:
    answer = await desk.post(report())
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/tickets/{body['ticket_id']}"
    assert body["ticket_no"].startswith("9901012603101")  # county, local day, phone
    assert len(body["ticket_no"]) == 20
    assert len(body["query_code"]) == 6
    assert body["received_at"] == "2026-03-10T01:15:00+00:00"
    assert body["state"] == "RECEIVED"
    assert [e["type"] for e in await desk.stated(body["ticket_id"])] == ["received"]


async def test_twenty_posts_at_once_under_one_key_make_one_ticket_and_get_one_answer(desk: Desk) -> None:
    answers = await gather(*(desk.post(report(None), "key-1") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sorted("idempotent-replay" in answer.headers for answer in answers) == [False] + [True] * 19
    assert await desk.count("ticket") == await desk.count("event") == await desk.count("vault") == 1


async def test_a_key_used_for_another_report_is_refused_and_leaves_no_trace(desk: Desk) -> None:
    await desk.post(report(None), "key-1")
    answer = await desk.post(report(None, text="井盖不见了"), "key-1")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:griddispatch:problem:key_reused"
    assert await desk.count("ticket") == await desk.count("request") == 1


async def test_the_same_external_id_is_the_same_ticket_whatever_the_idempotency_key(desk: Desk) -> None:
    first = await desk.post(report(1), "key-1")
    again = await desk.post(report(1), "key-2")
    assert again.json() == first.json()
    assert again.headers["idempotent-replay"] == "true"
    assert (await desk.post(report(1), "key-2")).json() == first.json()


async def test_a_new_key_beside_a_known_external_id_of_another_report_is_given_back(desk: Desk) -> None:
    await desk.post(report(1))
    assert (await desk.post(report(1, text="井盖不见了"), "key-2")).status_code == 422
    assert (await desk.post(report(None), "key-2")).status_code == 201


async def test_two_sources_may_use_the_same_key(desk: Desk) -> None:
    first = await desk.post(report(1), "key-1")
    other = await desk.post(report(1, source="other-hotline"), "key-1")
    assert other.status_code == 201
    assert first.json()["ticket_id"] != other.json()["ticket_id"]


async def test_spelling_a_report_differently_is_still_the_same_report(desk: Desk) -> None:
    body = report(1, title=None, exercise=False)
    await desk.post(report(1))
    again = await desk.http.post("/v1/tickets", content=json.dumps(body, indent=3), headers=JSON)
    assert again.headers["idempotent-replay"] == "true"


async def test_a_refused_report_does_not_spend_its_key(desk: Desk) -> None:
    assert (await desk.post(report(None, channel="PIGEON"), "key-1")).status_code == 422
    assert (await desk.post(report(None), "key-1")).status_code == 201


async def test_a_key_held_by_an_open_transaction_is_a_conflict_after_a_while(desk: Desk) -> None:
    other = await asyncpg.connect(desk.dsn)
    async with other.transaction():
        await other.execute("INSERT INTO request VALUES ('hotline', 'x:A-1', sha256('')::bytea, gen_random_uuid())")
        answer = await desk.post(report(1))
    await other.close()
    assert answer.status_code == 409
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "idempotency_missing"),
        ({"Idempotency-Key": ""}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "a b"}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "k" * 256}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "schlüssel"}, "idempotency_key_invalid"),
    ],
)
async def test_a_report_needs_a_key_that_can_be_used(desk: Desk, headers: dict[str, str], code: str) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await desk.http.post("/v1/tickets", json=report(None), headers=raw)
    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:griddispatch:problem:{code}")


async def test_two_idempotency_keys_are_one_too_many(desk: Desk) -> None:
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
    assert (await desk.http.post("/v1/tickets", json=report(None), headers=headers)).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"[" * 2000, 400),
        (b'{"source": "hotline"} {}', 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"source": "hotline", "source": "hotline", "channel": "PHONE", "text": "x"}', 422),
        (b'{"source": "hotline", "channel": "PHONE", "text": "a\\u0000b"}', 422),
        (b'{"source": "hotline", "channel": "PHONE", "text": "a\\ud800b"}', 422),
        (b'{"source": "hotline", "channel": "PHONE", "text": "a", "location": {"lon": NaN, "lat": 1e999}}', 422),
        (b'{"source": "hotline", "channel": "PHONE", "text": "a", "ticket_no": "1"}', 422),
    ],
)
async def test_a_bad_body_is_the_senders_problem_and_never_ours(desk: Desk, body: bytes, status: int) -> None:
    answer = await desk.http.post("/v1/tickets", content=body, headers=JSON | {"Idempotency-Key": "k"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await desk.count("ticket") == await desk.count("request") == 0


async def test_a_body_over_the_limit_is_refused_while_it_comes_in_whatever_its_stated_length(desk: Desk) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 100 * SMALL_BODY_LIMIT:
            sent += 1000
            yield b"x" * 1000

    answer = await desk.http.post("/v1/tickets", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert sent <= SMALL_BODY_LIMIT + 2000


async def test_a_body_of_exactly_the_limit_is_read(desk: Desk) -> None:
    body = json.dumps(report(1)).encode()
    padded = body + b" " * (SMALL_BODY_LIMIT - len(body))
    assert (await desk.http.post("/v1/tickets", content=padded, headers=JSON)).status_code == 201
    assert (await desk.http.post("/v1/tickets", content=padded + b" ", headers=JSON)).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=gb18030"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_only_plain_json_is_read(desk: Desk, headers: dict[str, str]) -> None:
    answer = await desk.http.post("/v1/tickets", content=json.dumps(report()).encode(), headers=headers)
    assert answer.status_code == 415


async def test_a_database_that_is_away_is_said_so(desk: Desk) -> None:
    await desk.database.close()
    answer = await desk.post(report())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


async def test_the_trace_of_the_caller_goes_on_in_the_event_and_rubbish_does_not(desk: Desk) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await desk.http.post("/v1/tickets", json=report(1), headers={"traceparent": trace})
    await desk.http.post("/v1/tickets", json=report(2), headers={"traceparent": "00-x\t"})
    assert [row[0] for row in await desk.rows("SELECT traceparent FROM event ORDER BY ticket_id")] == [trace, None]


async def test_a_body_that_does_not_come_is_not_waited_for(desk: Desk) -> None:
    async def trickle() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    async with desk.impatient() as http:
        answer = await http.post("/v1/tickets", content=trickle(), headers=JSON)
    assert answer.status_code == 408
