"""What a service says it stated: a formula that anybody can follow, and what it refuses."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from shared.database import Database
from shared.events import Draft, event_id
from shared.openapi import operations
from shared.reconciliation import Bucket, Tally, bucket_of, digest_of, router, tally
from shared.terms import Source, TicketId
from tests.builders import TUESDAY_MORNING, received, ticket
from tests.conftest import ROOT, TestDatabase
from tests.open_access import ADDRESS, open_app
from tests.replay.topics import ledger_database, state, tell_stories

A_TICKET = TicketId(UUID("0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f"))
NINE, ELEVEN = "2026-03-10T01:00:00+00:00", "2026-03-10T03:00:00+00:00"


def serve(database: Database) -> FastAPI:
    app = open_app("intake")
    app.include_router(router(database, Source.INTAKE, "990101"))
    return app


@pytest_asyncio.fixture
async def source(database: TestDatabase) -> AsyncIterator[Database]:
    async with ledger_database(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def http(source: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(serve(source)), base_url=ADDRESS) as client:
        yield client


async def hours(http: httpx.AsyncClient, since: str = NINE, until: str = ELEVEN) -> Any:
    answer = await http.get("/v1/reconciliation", params={"from": since, "to": until})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_formula_keeps_its_published_vector() -> None:
    # printf '0190b6c27d4e7a318f025a6b1c9d0e3f00000001' | xxd -r -p | sha256sum | cut -c1-16
    assert f"{digest_of(A_TICKET, 1):016x}" == "bf75be7ca4df2b31"
    assert tally([(A_TICKET, 1), (A_TICKET, 2), (A_TICKET, 3)]) == Tally(3, 0xDDCC1C9FF0B30116)


def test_the_vector_stands_in_the_guide_for_integrators() -> None:
    guide = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
    assert {str(A_TICKET), "bf75be7ca4df2b31", "ddcc1c9ff0b30116"} <= set(re.findall(r"[0-9a-f-]{16,36}", guide))


def test_the_order_of_events_leaves_no_trace() -> None:
    events = [(A_TICKET, 1), (ticket(1), 7), (ticket(2), 2)]
    assert tally(events) == tally(reversed(events))


def test_an_event_counts_in_the_hour_of_utc_and_the_shard_of_its_ticket() -> None:
    half_past_nine_in_shanghai = datetime.fromisoformat("2026-03-10T09:30:00+08:00")
    assert bucket_of(half_past_nine_in_shanghai, A_TICKET) == Bucket(datetime(2026, 3, 10, 1, tzinfo=UTC), 7)


async def test_the_database_computes_what_the_formula_says(source: Database, http: httpx.AsyncClient) -> None:
    await state(source, *(Draft(A_TICKET, received(), TUESDAY_MORNING) for _ in range(3)))
    answer = await hours(http)
    assert (answer["source"], answer["topic"]) == ("/griddispatch/intake", "tickets-intake")
    assert answer["hours"] == [
        {"hour": "2026-03-10T01:00:00Z", "shard": 7, "events": 3, "digest": "ddcc1c9ff0b30116", "pending": 3}
    ]


async def test_hours_and_shards_are_told_apart_and_what_is_published_waits_no_more(
    source: Database, http: httpx.AsyncClient
) -> None:
    await tell_stories(source, 50)
    await source.fetch("DELETE FROM outbox WHERE version = 1")
    rows = (await hours(http))["hours"]
    # Received at 09:16 to 10:05, so 44 before ten; triaged an hour later each, so 44 + 6 between ten and eleven.
    assert sum(r["events"] for r in rows if r["hour"] == "2026-03-10T01:00:00Z") == 44
    assert sum(r["events"] for r in rows if r["hour"] == "2026-03-10T02:00:00Z") == 50
    assert sum(r["pending"] for r in rows) == 44
    assert {r["shard"] for r in rows} == set(range(8))
    expected = tally((ticket(n), 1) for n in range(1, 45) if n % 8 == 3)
    (third,) = [r for r in rows if r["shard"] == 3 and r["hour"] == "2026-03-10T01:00:00Z"]
    assert (third["events"], third["digest"]) == (expected.events, f"{expected.digest:016x}")


async def test_the_events_of_an_hour_and_shard_are_listed_by_ticket_and_version(
    source: Database, http: httpx.AsyncClient
) -> None:
    await tell_stories(source, 20)
    await source.fetch("DELETE FROM outbox WHERE ticket_id = $1", ticket(3))
    asked = {"hour": NINE, "shard": "3"}
    answer = (await http.get("/v1/reconciliation/events", params=asked)).json()
    assert [(e["ticket_id"], e["version"], e["pending"]) for e in answer["events"]] == [
        (str(ticket(3)), 1, False), (str(ticket(11)), 1, True), (str(ticket(19)), 1, True),
    ]  # fmt: skip
    assert answer["events"][0]["id"] == str(event_id(Source.INTAKE, ticket(3), 1))
    assert answer["next"] is None
    rest = (await http.get("/v1/reconciliation/events", params=asked | {"after": f"{ticket(11)}/1"})).json()
    assert [e["ticket_id"] for e in rest["events"]] == [str(ticket(19))]


async def test_a_long_hour_comes_in_pages(source: Database, http: httpx.AsyncClient) -> None:
    await state(source, *(Draft(ticket(8 * n), received(), TUESDAY_MORNING) for n in range(1, 5002)))
    asked = {"hour": NINE, "shard": "0"}
    first = (await http.get("/v1/reconciliation/events", params=asked)).json()
    assert (len(first["events"]), first["next"]) == (5000, f"{ticket(40000)}/1")
    second = (await http.get("/v1/reconciliation/events", params=asked | {"after": first["next"]})).json()
    assert ([e["ticket_id"] for e in second["events"]], second["next"]) == ([str(ticket(40008))], None)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-03-10T01:00:00", ELEVEN),
        ("2026-03-10T01:30:00Z", ELEVEN),
        ("2026-03-10T01:00:00+05:30", ELEVEN),
        (NINE, NINE),
        (ELEVEN, NINE),
        (NINE, "2026-03-11T02:00:00Z"),
        ("0001-01-01T00:00:00Z", ELEVEN),
        (NINE, "9999-12-31T23:00:00Z"),
        ("yesterday", ELEVEN),
    ],
)
async def test_a_span_that_is_not_1_to_24_whole_hours_is_refused(
    http: httpx.AsyncClient, since: str, until: str
) -> None:
    answer = await http.get("/v1/reconciliation", params={"from": since, "to": until})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"hour": "9999-12-31T23:00:00Z"},
        {"hour": "2026-03-10T01:10:00Z"},
        {"shard": "8"},
        {"shard": "-1"},
        {"after": "x"},
        {"after": "-" * 36 + "/1"},
        {"after": f"{A_TICKET}/9999999999"},
    ],
)
async def test_a_list_of_what_cannot_be_is_refused(http: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    answer = await http.get("/v1/reconciliation/events", params={"hour": NINE, "shard": "3"} | wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_day_is_the_widest_span(http: httpx.AsyncClient) -> None:
    assert (await hours(http, NINE, "2026-03-11T01:00:00Z"))["hours"] == []


async def test_an_hour_is_found_without_reading_the_whole_ledger(source: Database) -> None:
    # Big enough that the planner has a reason; one statement, so that the times follow the places.
    await source.fetch(
        "INSERT INTO event (ticket_id, version, type, time, payload) SELECT gen_random_uuid(), 1, 'x',"
        " $1::timestamptz + n * interval '1 second', '{}' FROM generate_series(1, 60000) AS n",
        TUESDAY_MORNING,
    )
    await source.fetch("SELECT brin_summarize_new_values('event_by_time')")
    await source.fetch("ANALYZE event")
    rows = await source.fetch(
        "EXPLAIN SELECT 1 FROM event WHERE time >= $1 AND time < $2",
        TUESDAY_MORNING,
        TUESDAY_MORNING + timedelta(hours=1),
    )
    assert "event_by_time" in "\n".join(row[0] for row in rows)


def test_both_routes_are_described_with_examples_that_fit(source: Database) -> None:
    document = serve(source).openapi()
    assert set(document["paths"]) == {"/v1/reconciliation", "/v1/reconciliation/events"}
    for operation in operations(document):
        content = operation["responses"]["200"]["content"]["application/json"]
        schema = content["schema"] | {"components": document["components"]}
        assert list(Draft202012Validator(schema).iter_errors(content["example"])) == []
