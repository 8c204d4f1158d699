"""POST /v1/events: CloudEvents one by one and in batches become tickets, once, and every bad one is told why."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent as SdkEvent

from services.intake.cloudevents import BATCH, BINARY, MAX_EVENTS, STRUCTURED
from services.intake.handlers import inbound_route, read_inbound
from shared.codec import Record
from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk, gather, report
from tests.services.intake.events_door import post, serve_events

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest_asyncio.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door."""
    transport = httpx.ASGITransport(serve_events(desk))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake", timeout=30) as client:
        yield client


def event(n: int | str = 1, **changes: Any) -> dict[str, Any]:
    """An event of the JSON format, with a report inside that has no id of its own; None leaves an attribute out."""
    facts: dict[str, Any] = {
        "specversion": "1.0", "id": f"e-{n}", "source": "/hotline", "type": "org.example.report", "data": report(None),
    }  # fmt: skip
    return {name: value for name, value in (facts | changes).items() if value is not None}


def sdk_event(**attributes: Any) -> SdkEvent:
    """The same, made by the official SDK."""
    facts: dict[str, Any] = {"specversion": "1.0", "id": "e-1", "source": "/hotline", "type": "org.example.report"}
    facts |= {"datacontenttype": BINARY, "time": datetime(2026, 3, 10, 1, 15, tzinfo=UTC), "subject": "某街道"}
    return SdkEvent(facts | attributes, report(None))


async def send(http: httpx.AsyncClient, message: HTTPMessage) -> httpx.Response:
    """Post what the SDK made."""
    return await http.post("/v1/events", content=message.body, headers=message.headers)


async def test_a_structured_event_becomes_a_ticket_and_again_it_is_known(desk: Desk, http: httpx.AsyncClient) -> None:
    first, again = await post(http, event()), await post(http, event())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == f"/v1/tickets/{first.json()['ticket_id']}"
    assert again.headers["idempotent-replay"] == "true"
    assert again.json() == first.json()
    assert await desk.count("ticket") == await desk.count("event") == 1


async def test_the_official_sdk_is_understood_in_both_modes_as_one_event(desk: Desk, http: httpx.AsyncClient) -> None:
    binary = await send(http, to_binary(sdk_event(), JSONFormat()))
    structured = await send(http, to_structured(sdk_event(), JSONFormat()))
    assert (binary.status_code, structured.status_code) == (201, 200), structured.text
    assert structured.json() == binary.json()


async def test_twenty_times_the_same_event_at_once_is_one_ticket(desk: Desk, http: httpx.AsyncClient) -> None:
    answers = await gather(*(post(http, event()) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert await desk.count("ticket") == 1


@pytest.mark.parametrize("external_id", [None, "A-1"])
async def test_an_event_by_kafka_and_by_http_is_one_ticket(
    desk: Desk, http: httpx.AsyncClient, external_id: str | None
) -> None:
    body = report(None) | ({"external_id": external_id} if external_id else {})
    assert (await post(http, event(data=body))).status_code == 201
    headers = (("ce_specversion", b"1.0"), ("ce_source", b"/hotline"), ("ce_id", b"e-1"))
    record = Record("tickets-inbound", 0, 0, None, json.dumps(body).encode(), headers)
    async with desk.database.transaction() as tx:
        assert await inbound_route(desk.receiver, "test").apply(tx, [read_inbound(record)]) == 0
    assert await desk.count("ticket") == await desk.count("request") == 1


async def test_two_sources_may_use_the_same_event_id(desk: Desk, http: httpx.AsyncClient) -> None:
    assert (await post(http, event())).status_code == (await post(http, event(source="/other"))).status_code == 201


async def test_an_event_id_used_for_another_report_is_refused(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, event())
    answer = await post(http, event(data=report(None, text="井盖不见了")))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:griddispatch:problem:key_reused")
    assert await desk.count("ticket") == 1


async def test_an_event_whose_id_cannot_be_a_key_needs_an_external_id(desk: Desk, http: httpx.AsyncClient) -> None:
    assert (await post(http, event(id="a b"))).status_code == 400
    assert (await post(http, event(id="a" * 501))).status_code == 400
    assert (await post(http, event(id="a b", data=report(1)))).status_code == 201


async def test_data_in_base64_is_read(desk: Desk, http: httpx.AsyncClient) -> None:
    encoded = base64.b64encode(json.dumps(report(None)).encode()).decode()
    assert (await post(http, event(data=None, data_base64=encoded))).status_code == 201


async def test_binary_headers_are_percent_decoded(desk: Desk, http: httpx.AsyncClient) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "%E7%A4%BA", "ce-source": "/hotline", "ce-type": "t"}
    assert (await post(http, report(None), BINARY, **headers)).status_code == 201
    assert (await post(http, event("示") | {"id": "示"})).status_code == 200


async def test_the_trace_of_the_event_goes_on_and_rubbish_does_not(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, event(1, traceparent=TRACE))
    await post(http, event(2, traceparent="00-x"))
    await post(http, event(3), STRUCTURED, traceparent=TRACE)
    rows = await desk.rows("SELECT traceparent FROM event")
    assert sorted(str(row[0]) for row in rows) == sorted([TRACE, "None", TRACE])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": None}, "specversion"),
        ({"specversion": "0.3"}, "specversion"),
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"source": None}, "source"),
        ({"source": "a b"}, "source"),
        ({"type": None}, "type"),
        ({"time": "2026-02-30T00:00:00Z"}, "time"),
        ({"subject": ""}, "subject"),
        ({"datacontenttype": "json"}, "datacontenttype"),
        ({"Extension": "x"}, "Extension"),
        ({"extension": {}}, "extension"),
        ({"extension": 2**31}, "extension"),
        ({"extension": 1.5}, "extension"),
        ({"data_base64": "e30="}, "data_base64"),
        ({"data": None}, "data"),
        ({"data": None, "data_base64": "???"}, "data_base64"),
        ({"data": None, "data_base64": 7}, "data_base64"),
    ],
)
async def test_what_is_no_event_is_told_why(
    desk: Desk, http: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in (event() | changes).items() if value is not None}
    answer = await post(http, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert [problem["field"] for problem in answer.json()["problems"]] == [field]
    assert await desk.count("ticket") == await desk.count("request") == 0


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"", STRUCTURED, 400),
        (b"{", STRUCTURED, 400),
        (b"[]", STRUCTURED, 400),
        (b'{"id": "1", "id": "2"}', STRUCTURED, 400),
        (json.dumps(event(data={"text": "a\x00b"})).encode(), STRUCTURED, 400),
        (json.dumps(event(data={})).encode(), STRUCTURED, 422),
        (json.dumps(event(data="text")).encode(), STRUCTURED, 422),
        (json.dumps(event(data="text", datacontenttype="text/plain")).encode(), STRUCTURED, 415),
        (b"x" * (SMALL_BODY_LIMIT + 1), STRUCTURED, 413),
        (b"{}", BINARY, 400),
        (b"{}", "application/cloudevents+avro", 415),
        (b"{}", "text/plain", 415),
        (b"{}", STRUCTURED + "; charset=gb18030", 415),
        (b"{}", BATCH, 400),
        (b"x" * (SMALL_BODY_LIMIT * 16 + 1), BATCH, 413),
        (b"[" + b",".join([b"1"] * (MAX_EVENTS + 1)) + b"]", BATCH, 413),
    ],
)
async def test_a_bad_body_is_the_senders_problem_and_never_ours(
    desk: Desk, http: httpx.AsyncClient, body: bytes, media_type: str, status: int
) -> None:
    answer = await http.post("/v1/events", content=body, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert await desk.count("ticket") == 0


@pytest.mark.parametrize(
    "headers",
    [
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/h")],
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-id", "2"), ("ce-source", "/h"), ("ce-type", "t")],
        [("ce-specversion", "1.0"), ("ce-id", "%ff"), ("ce-source", "/h"), ("ce-type", "t")],
        [("ce-specversion", "1.0"), ("ce-id", "%00"), ("ce-source", "/h"), ("ce-type", "t")],
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/h"), ("ce-type", "t"), ("ce-a-b", "x")],
        [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/h"),
            ("ce-type", "t"),
            ("ce-datacontenttype", "x/y"),
        ],
    ],
)
async def test_binary_headers_that_cannot_be_meant_are_refused(
    desk: Desk, http: httpx.AsyncClient, headers: list[tuple[str, str]]
) -> None:
    answer = await http.post(
        "/v1/events", content=json.dumps(report(None)), headers=[*headers, ("Content-Type", BINARY)]
    )
    assert answer.status_code == 400
    assert await desk.count("ticket") == 0


async def test_a_batch_answers_for_each_event_in_order(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, event(1))
    batch = [
        event(1), event(2), event(3, specversion="0.3"), 7, event(4, data=report(None, channel="PIGEON")),
        event(2), event(5, data=report(None, text="a\x00b")), event(1, data=report(None, text="井盖不见了")),
        event(6, datacontenttype="text/plain"), event(7),
    ]  # fmt: skip
    answer = await post(http, batch, BATCH)
    assert answer.status_code == 200
    assert [(a["index"], a["status"], a.get("code")) for a in answer.json()] == [
        (0, 200, None),
        (1, 201, None),
        (2, 400, "invalid_event"),
        (3, 400, "invalid_event"),
        (4, 422, "rejected"),
        (5, 200, None),
        (6, 400, "invalid_event"),
        (7, 422, "key_reused"),
        (8, 415, "media_type"),
        (9, 201, None),
    ]
    assert answer.json()[6]["problems"][0]["field"] == "data.text"
    assert await desk.count("ticket") == 3


async def test_an_empty_batch_has_no_answers(http: httpx.AsyncClient) -> None:
    answer = await post(http, [], BATCH)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_batch_so_broken_that_not_all_of_it_was_listed_is_refused_as_a_whole(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    bad = [event(n, data={"text": "\x00"}) for n in range(100)]
    assert (await post(http, [*bad, event("good")], BATCH)).status_code == 400
    assert await desk.count("ticket") == 0


async def test_a_batch_larger_than_a_transaction_is_taken_in_parts(desk: Desk, http: httpx.AsyncClient) -> None:
    answers = (await post(http, [event(n) for n in range(120)], BATCH)).json()
    assert [a["index"] for a in answers] == list(range(120))
    assert {a["status"] for a in answers} == {201}
    assert await desk.count("ticket") == 120


async def test_a_database_that_is_away_is_said_so(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.database.close()
    assert (await post(http, event())).status_code == 503
    assert [a["status"] for a in (await post(http, [event(), 7], BATCH)).json()] == [503, 400]
