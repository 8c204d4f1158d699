"""HTTP: answers in, one or many; how follow-ups and messages stand; and everything that is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.notify.api import router
from shared import ndjson
from shared.database import connect
from shared.events import TicketEvaluated
from tests.builders import PATIENT
from tests.open_access import open_app
from tests.services.notify.stage import Stage, serving
from tests.services.notify.values import assigned, audited, envelope, local, ticket

PROBLEM = "application/problem+json"
ANSWER: dict[str, Any] = {
    "cycle": 1, "contacted": True, "solved": True, "satisfaction": "SATISFIED", "recorded_by": "CITIZEN",
}  # fmt: skip
ANSWERS = f"/v1/followups/{ticket(1)}/answers"


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real API over a real socket."""
    app = open_app("notify")
    app.include_router(router(stage.database, stage.follow_ups))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def evaluations(stage: Stage, n: int = 1) -> int:
    return len([e for e in await stage.told(n) if isinstance(e, TicketEvaluated)])


async def test_an_answer_is_recorded_before_it_is_confirmed(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    response = await client.post(ANSWERS, json=ANSWER)
    assert response.status_code == 200
    assert response.json() | {"opened_at": "", "ended_at": ""} == {
        "ticket_id": str(ticket(1)), "cycle": 1, "state": "ANSWERED", "attempts": 1, "opened_at": "", "next_at": None,
        "ended_at": "", "contacted": True, "solved": True, "satisfaction": "SATISFIED", "recorded_by": "CITIZEN",
        "service": None, "truthful": None,
    }  # fmt: skip
    assert await evaluations(stage) == 1
    read = await client.get(f"/v1/followups/{ticket(1)}")
    assert read.json() == {"ticket_id": str(ticket(1)), "follow_ups": [response.json()]}


async def test_the_same_answer_twice_is_answered_the_same(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    first, again = await client.post(ANSWERS, json=ANSWER), await client.post(ANSWERS, json=ANSWER)
    assert (again.status_code, again.content) == (200, first.content)
    assert await evaluations(stage) == 1


async def test_another_answer_is_a_conflict_that_shows_what_stands(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    await client.post(ANSWERS, json=ANSWER)
    response = await client.post(ANSWERS, json=ANSWER | {"satisfaction": "DISSATISFIED"})
    assert (response.status_code, response.headers["content-type"]) == (409, PROBLEM)
    assert response.json()["follow_up"]["satisfaction"] == "SATISFIED"
    assert await evaluations(stage) == 1


async def test_an_answer_after_giving_up_is_a_conflict(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    for time in ("10 14:00", "10 19:00", "13 09:00"):
        stage.now = local(time)
        await stage.loop.advance_due()
    response = await client.post(ANSWERS, json=ANSWER)
    assert (response.status_code, response.json()["follow_up"]["state"]) == (409, "UNREACHABLE")


async def test_twenty_answers_at_once_over_http_make_one_evaluation(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    responses = await asyncio.gather(*(client.post(ANSWERS, json=ANSWER) for _ in range(20)))
    assert {r.status_code for r in responses} == {200}
    assert await evaluations(stage) == 1


async def test_what_nobody_asked_about_is_not_found(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(audited()))
    for response in (
        await client.get(f"/v1/followups/{ticket(2)}"),
        await client.post(f"/v1/followups/{ticket(2)}/answers", json=ANSWER),
        await client.post(ANSWERS, json=ANSWER | {"cycle": 2}),
    ):
        assert (response.status_code, response.headers["content-type"]) == (404, PROBLEM)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"recorded_by": "UNIT"}, "recorded_by"),
    ({"recorded_by": "unit:water"}, "recorded_by"),
    ({"recorded_by": None}, "recorded_by"),
    ({"satisfaction": "VERY"}, "satisfaction"),
    ({"satisfaction": None}, "satisfaction"),
    ({"solved": "true"}, "solved"),
    ({"solved": 1}, "solved"),
    ({"contacted": None}, "contacted"),
    ({"cycle": "1"}, "cycle"),
    ({"cycle": 1.5}, "cycle"),
    ({"cycle": -1}, "cycle"),
    ({"cycle": 2**31}, "cycle"),
    ({"truthful": "yes"}, "truthful"),
    ({"service": "VERY"}, "service"),
    ({"mood": "good"}, "mood"),
    ({"ticket_id": str(ticket(1))}, "ticket_id"),
]


async def test_a_wrong_answer_is_refused_with_its_field_and_changes_nothing(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    await stage.hear(envelope(audited()))
    for change, field in WRONG:
        response = await client.post(ANSWERS, json=ANSWER | change)
        assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM), change
        assert [p["field"] for p in response.json()["problems"]] == [field]
    for field in ANSWER:
        response = await client.post(ANSWERS, json={k: v for k, v in ANSWER.items() if k != field})
        assert [p["field"] for p in response.json()["problems"]] == [field]
    assert await evaluations(stage) == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"[]", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"null", 422),
        (b"[" * 50_000, 422),
        (b" " * (ndjson.LINE_LIMIT + 1), 413),
    ],
)
async def test_what_is_no_answer_at_all_is_refused(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    response = await client.post(ANSWERS, content=body)
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)


async def test_a_ticket_id_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    for response in (
        await client.get("/v1/followups/7"),
        await client.post("/v1/followups/7/answers", json=ANSWER),
        await client.get("/v1/notifications", params={"ticket_id": "7"}),
        await client.get("/v1/notifications"),
    ):
        assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)


async def test_many_answers_get_one_result_each_in_their_order(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(*(envelope(audited(), n) for n in range(1, 701)))
    lines = [json.dumps(ANSWER | {"ticket_id": str(ticket(n))}).encode() for n in range(1, 701)]
    lines[1] = json.dumps(ANSWER | {"ticket_id": str(ticket(9999))}).encode()
    lines[2] = json.dumps(ANSWER | {"ticket_id": str(ticket(3)), "recorded_by": "UNIT"}).encode()
    lines[3] = b"{"
    lines[4] = b"x" * (ndjson.LINE_LIMIT + 1)
    lines[5] = lines[0]
    lines[6] = json.dumps(ANSWER | {"ticket_id": str(ticket(1)), "solved": False}).encode()
    response = await client.post("/v1/followups/answers", content=b"\n".join(lines))
    assert (response.status_code, response.headers["content-type"]) == (200, ndjson.MEDIA_TYPE)
    results = [json.loads(line) for line in response.content.splitlines()]
    assert [r["line"] for r in results] == list(range(1, 701))
    assert [r["status"] for r in results] == [200, 404, 422, 422, 413, 200, 409, *[200] * 693]
    assert results[0]["ticket_id"] == str(ticket(1))
    assert results[2]["problems"][0]["field"] == "recorded_by"
    assert [await evaluations(stage, n) for n in (1, 2, 3, 8, 700)] == [1, 0, 0, 1, 1]


async def test_while_the_database_is_away_every_line_says_so(stage: Stage, notify_dsn: str) -> None:
    away = await connect(notify_dsn, size=2, application="test", patience=PATIENT)
    await away.close()
    app = open_app("notify")
    app.include_router(router(away, stage.follow_ups))
    lines = [json.dumps(ANSWER | {"ticket_id": str(ticket(1))}).encode(), b"{"]
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        single = await client.post(ANSWERS, json=ANSWER)
        many = await client.post("/v1/followups/answers", content=b"\n".join(lines))
    assert single.status_code == 503
    assert [json.loads(line)["status"] for line in many.content.splitlines()] == [503, 422]


async def test_messages_are_listed_with_their_attempts(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(envelope(assigned(), version=1), envelope(audited(exercise=True), version=2))
    await stage.courier.deliver("console")
    response = await client.get("/v1/notifications", params={"ticket_id": str(ticket(1))})
    listed = {m["template"]: m for m in response.json()["notifications"]}
    assert (listed["assigned"]["state"], listed["assigned"]["recipient"]) == ("DELIVERED", "unit:water")
    assert [a["outcome"] for a in listed["assigned"]["attempts"]] == ["DELIVERED"]
    assert (listed["follow_up"]["state"], listed["follow_up"]["last_error"]) == ("SUPPRESSED", "exercise")
    assert listed["follow_up"]["attempts"] == []


async def test_a_ticket_without_messages_has_an_empty_list(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/notifications", params={"ticket_id": str(ticket(5))})
    assert (response.status_code, response.json()) == (200, {"notifications": []})


async def test_the_contract_names_who_may_record_and_has_no_way_for_a_unit(client: httpx.AsyncClient) -> None:
    contract = (await client.get("/openapi.json")).json()
    body = contract["paths"]["/v1/followups/{ticket_id}/answers"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert contract["components"]["schemas"]["RecordedBy"]["enum"] == ["CITIZEN", "FOLLOW_UP_AGENT"]
    assert schema["additionalProperties"] is False
