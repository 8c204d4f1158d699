"""Whatever door a name, a number and an address come in by, none of them is told to anybody who did not unlock them."""

import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY, generate_latest
from starlette.types import Message, Receive, Scope, Send

from services.intake import cloudevents, open311
from services.intake.doors import Doors
from services.intake.handlers import routes
from shared import reconciliation, standing
from shared.codec import Record, encode
from shared.events import EVENT_TYPES, Envelope, event_id
from shared.strict_json import Limits
from shared.terms import Source, TicketId
from tests.open_access import ADDRESS as OPEN
from tests.open_access import acting_as
from tests.services.intake.counter import RECORDER, Counter, open_counter, said
from tests.services.intake.open311_door import LAMP, POINT
from tests.services.intake.open311_door import open311 as civic

NAME, PHONE, ADDRESS = "卡娜丽", "13987612340", "隐泉巷 77 号"
CANARIES = (NAME, PHONE, ADDRESS)
WORDS = f"{NAME} 说 {ADDRESS} 门口的路灯坏了，电话 {PHONE}"
CENTRE = acting_as("command_centre", person="c-1")
CSV = "session,kind,unit,held_at,place,topic,text,name,phone,address,outcome,answer,due_on\n"
TALK = f"S-1,EVENING_TALK,990101001,2026-03-09T19:30:00+08:00,{ADDRESS},{NAME}来访"


class Traffic:
    """Everything that went over HTTP but the bodies of requests: addresses, headers, and what was answered."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.addresses: list[str] = []
        self.answers: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.addresses.append(f"{scope['path']}?{scope['query_string'].decode()} {scope['headers']}")

        async def told(message: Message) -> None:
            self.answers.append(bytes(message.get("body", b"")) + repr(message.get("headers", "")).encode())
            await send(message)

        await self._app(scope, receive, told)


@pytest_asyncio.fixture
async def counter(intake_dsn: str) -> AsyncIterator[Counter]:
    """The service with every door there is."""
    async with open_counter(intake_dsn) as opened:
        doors = Doors(opened.database, opened.receiver, Limits(), 100)
        opened.app.include_router(cloudevents.router(doors))
        opened.app.include_router(open311.router(doors, civic(), opened.now))
        opened.app.include_router(reconciliation.router(opened.database, Source.INTAKE, "990101"))
        opened.app.include_router(standing.router(opened.database, "intake", "990101"))
        yield opened


def report(key: str) -> dict[str, Any]:
    body = said(WORDS, PHONE, external_id=key, title=f"{NAME}反映", extensions={"house": ADDRESS})
    body["reporter"] = {"name": NAME, "phone": PHONE, "note": ADDRESS}
    body["location"] = {**body["location"], "address": ADDRESS}
    return body


async def put(http: httpx.AsyncClient, path: str, status: int = 201, **request: Any) -> Any:
    """Hand something in at a door that takes it."""
    answer = await http.post(path, **request)
    assert answer.status_code == status, answer.text
    return answer


async def by_every_door(counter: Counter, http: httpx.AsyncClient) -> dict[str, str]:
    """Hand it in everywhere; number and code of one ticket."""
    told = (await put(http, "/v1/tickets", json=report("c-1"))).json()
    code = {"ticket_no": told["ticket_no"], "query_code": told["query_code"]}
    lines = "\n".join(
        json.dumps(line, ensure_ascii=False) for line in (report("c-2"), {**report("c-3"), "channel": NAME})
    )
    await put(http, "/v1/tickets/bulk", 200, content=lines.encode(), headers={"Content-Type": "application/x-ndjson"})
    event = {
        "specversion": "1.0",
        "type": "org.griddispatch.report.v1",
        "source": "/x",
        "id": "c-4",
        "data": report("c-4"),
    }
    await http.post("/v1/events", content=json.dumps(event), headers={"Content-Type": "application/cloudevents+json"})
    form = {"service_code": LAMP, "description": WORDS, **POINT, "first_name": NAME, "phone": PHONE}
    await put(http, "/open311/v2/requests.json", data={**form, "address_string": ADDRESS})
    await put(http, "/c/supplement", 200, data={**code, "text": WORDS})
    path = f"/v1/public/tickets/{told['ticket_no']}/supplements"
    await put(http, path, 200, json={"query_code": told["query_code"], "text": WORDS})
    ends = ("ANSWERED," + NAME + ",", "COMMITTED," + NAME + ",2026-03-10", "TICKET,,")
    table = CSV + "".join(f"{TALK},{WORDS} {n},{NAME},{PHONE},{ADDRESS},{end}\n" for n, end in enumerate(ends))
    headers = {"Content-Type": "text/csv", **RECORDER}
    (taken,) = (await put(http, "/v1/listening/sessions/table", 200, content=table.encode(), headers=headers)).json()
    assert taken["status"] == 201, taken
    await by_the_listening_desk(http)
    lead = {"kind": "DISCIPLINE", "level": "VILLAGE", "text": WORDS, "township": "990101001"}
    await put(http, "/v1/leads", json=lead, headers=RECORDER)
    await from_kafka(counter)
    await refused_everywhere(http)
    return code


async def by_the_listening_desk(http: httpx.AsyncClient) -> None:
    """A session told form by form: one thing answered, one that became a ticket."""
    session = {"kind": "EVENING_TALK", "unit": "990101001", "external_id": "S-2", "held_at": "2026-03-09T19:30:00+08:00",
               "place": ADDRESS, "topic": f"{NAME}来访"}  # fmt: skip
    opened = (await put(http, "/v1/listening/sessions", json=session, headers=RECORDER)).json()["session_id"]
    told = {"text": f"{WORDS} 9", "name": NAME, "phone": PHONE, "address": ADDRESS}
    items = []
    for _ in range(2):
        item = await put(http, f"/v1/listening/sessions/{opened}/items", json=told, headers=RECORDER)
        items.append(f"/v1/listening/items/{item.json()['item_id']}")
    await put(http, f"{items[0]}/answer", 204, json={"text": f"答复 {NAME}，{PHONE}"}, headers=RECORDER)
    await put(http, f"{items[1]}/ticket", json={}, headers=RECORDER)
    for bad in ({**told, "theme": NAME}, {**told, "phone": WORDS}, {**told, "other": ADDRESS}):
        await put(http, f"/v1/listening/sessions/{opened}/items", 422, json=bad, headers=RECORDER)


async def from_kafka(counter: Counter) -> None:
    """By the topic: one that is taken, and one that is refused."""
    (route,) = [
        r for r in routes(counter.receiver, counter.vault, counter.now, "test") if r.topic.name == "tickets-inbound"
    ]
    record = Record("tickets-inbound", 0, 0, b"k", json.dumps(report("c-6")).encode())
    again = Record("tickets-inbound", 0, 1, b"k", json.dumps({**report("c-6"), "text": WORDS + "!"}).encode())
    async with counter.database.transaction() as tx:
        await route.apply(tx, [route.read(record), route.read(again)])


async def refused_everywhere(http: httpx.AsyncClient) -> None:
    """What is refused is not quoted back, or anywhere else."""
    bad = {**report("c-7"), "channel": ADDRESS, "location": {"lon": PHONE, "lat": NAME}}
    for path in ("/v1/tickets", "/v1/leads", "/v1/listening/sessions"):
        answer = await http.post(path, json=bad, headers=RECORDER)
        assert answer.status_code >= 400
    await http.post("/c", data={"ticket_no": PHONE, "query_code": NAME})
    await http.post("/c/supplement", data={"ticket_no": PHONE, "query_code": NAME, "text": WORDS})


async def test_no_door_lets_a_name_a_number_or_an_address_out(counter: Counter) -> None:
    said_in_log = io.StringIO()
    handler = logging.StreamHandler(said_in_log)
    logging.getLogger().addHandler(handler)
    traffic = Traffic(counter.app)
    try:
        with structlog.testing.capture_logs() as entries:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(traffic), base_url=OPEN, timeout=30) as http:
                code = await by_every_door(counter, http)
                await counter.triage()
                counter.later(days=1)
                async with counter.database.transaction() as tx:
                    assert await counter.listening.turn_missed(tx, counter.now()) == 1
                await counter.triage()
                await look_everywhere(http, code)
    finally:
        logging.getLogger().removeHandler(handler)
    topics = await everything_stated(counter)
    assert len(topics) >= 15
    places = {
        "topics": topics, "logs": [repr(entries), said_in_log.getvalue()],
        "metrics": [generate_latest(REGISTRY).decode()], "addresses": traffic.addresses,
        "answers and exports": [answer.decode() for answer in traffic.answers],
        "tables": await plain_tables(counter),
    }  # fmt: skip
    assert {place: leaks(texts) for place, texts in places.items()} == {place: [] for place in places}
    assert await counter.count("ticket") == TAKEN, "every door was open"


async def test_whoever_said_it_is_given_all_of_it_and_nobody_else_anything(counter: Counter) -> None:
    """Every door, as one export has it; the lead is no part of it, for nobody may learn there is one."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(counter.app), base_url=OPEN, timeout=30) as http:
        await by_every_door(counter, http)
        other = said("别的事", "13900000001", external_id="o-1")
        await put(http, "/v1/tickets", json=other)
        await counter.triage()
        of = {}
        for phone in (PHONE, "13900000001"):
            asked = {"phone": phone, "purpose": "本人申请查阅"}
            told = await put(
                http, "/v1/privacy/exports", 200, json=asked, headers=acting_as("privacy_officer", "", "p-1")
            )
            of[phone] = told.json()
    mine, others = of[PHONE], of["13900000001"]
    assert len(mine["tickets"]) == TAKEN - 1, "one promise has not been missed yet"
    assert all(WORDS in ticket["words"]["text"] for ticket in mine["tickets"])
    assert sorted(item["state"] for item in mine["items"]) == ["ANSWERED", "ANSWERED", "COMMITTED"]
    assert all(WORDS in item["said"][0]["text"] for item in mine["items"])
    assert [added["text"] for ticket in mine["tickets"] for added in ticket["supplements"]] == [WORDS, WORDS]
    assert ([t["words"]["text"] for t in others["tickets"]], others["items"]) == (["别的事"], [])
    assert leaks([json.dumps(others)]) == []


TAKEN = 8
"""Single, bulk, CloudEvents, Open311, Kafka, the listening desk, and from its table one at once and one promise that was
missed."""


def leaks(texts: list[str]) -> list[str]:
    """Which canaries sing in the texts, as they are, escaped as JSON does it, or as bytes are shown."""
    spelt = {canary: (canary, json.dumps(canary).strip('"'), canary.encode().hex()) for canary in CANARIES}
    return [canary for canary, forms in spelt.items() if any(form in text for form in forms for text in texts)]


def test_a_canary_is_heard_in_every_spelling() -> None:
    assert leaks(["nothing", f"x{NAME}"]) == [NAME]
    assert leaks([json.dumps({"a": ADDRESS})]) == [ADDRESS]
    assert leaks(["\\x00" + PHONE.encode().hex()]) == [PHONE]
    assert leaks(["139 8761 2340", "卡娜"]) == []


async def look_everywhere(http: httpx.AsyncClient, code: dict[str, str]) -> None:
    """Every list and export that shows no words."""
    assert (await http.post("/c", data=code)).status_code == 200
    query = "since=2026-03-01T00:00:00Z&until=2026-04-01T00:00:00Z"
    for path in ("sessions", "commitments", f"themes?{query}"):
        assert (await http.get(f"/v1/listening/{path}", headers=CENTRE)).status_code == 200
    assert (await http.get("/open311/v2/requests.json")).status_code == 200
    assert (
        await http.get("/v1/reconciliation", params={"from": "2026-03-01T00:00:00Z", "to": "2027-04-01T00:00:00Z"})
    ).status_code < 500
    assert (await http.get("/v1/standing", headers=CENTRE)).status_code == 200
    assert (await http.get("/v1/privacy/views?viewer=x", headers=acting_as("privacy_officer"))).status_code == 200


async def everything_stated(counter: Counter) -> list[str]:
    """Every record as it would go to the topic: key, value and headers."""
    rows = await counter.database.fetch("SELECT ticket_id, version, type, time, payload::text AS payload FROM event")
    stated = []
    for row in rows:
        event = EVENT_TYPES[row["type"]].model_validate_json(row["payload"])
        ticket = TicketId(row["ticket_id"])
        envelope = Envelope(
            event_id(Source.INTAKE, ticket, row["version"]), Source.INTAKE, ticket, row["version"], row["time"], event
        )
        key, value, headers = encode(envelope)
        stated.append(f"{key.decode()} {value.decode()} {headers!r} {row['payload']}")
    return stated


async def plain_tables(counter: Counter) -> list[str]:
    """Every row of every table as text, but for what strangers wrote to the dead letters."""
    names = await counter.database.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'intake' AND tablename <> 'dead_letter'"
    )
    assert len(names) > 20
    rows: list[str] = []
    for name in names:
        rows += [row[0] for row in await counter.database.fetch(f"SELECT t::text FROM {name[0]} AS t")]
    return rows
