"""The corpora of bad input, over real sockets, topics and files: every case is answered as it is written there."""

import asyncio
import json
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest

from griddispatch.embedded import NoidaBroker
from services.intake.core.report import read_report
from services.intake.handlers import inbound_route
from services.notify.core.sheets import safe_cell
from shared.codec import Record, decode
from shared.connections import Gate, Thresholds
from shared.consumer import Consumer
from shared.errors import Malformed
from shared.events import UnrecognisedEvent
from shared.kafka import Outgoing, Producer, apply_topics
from shared.runtime import server_config
from shared.stream import Stream
from shared.topics import INBOUND, TOPICS
from shared.wake import Wake
from tests.access.enforced import World
from tests.builders import eventually
from tests.conftest import TestDatabase
from tests.corpus import write
from tests.corpus.cases import FOLDER
from tests.edge.raw import say
from tests.services.intake.desk import open_desk
from tests.services.notify.stage import serving

OVER_HTTP = (
    "json_edges", "unicode_letters", "geo", "dates", "injections", "phones", "idempotency", "ids_and_pages",
    "methods_and_kinds", "compression", "pages", "keys_elsewhere",
)  # fmt: skip
USUALLY_WITHIN_S = 2.0
"""What nineteen of twenty cases are answered in; the rest may be the machine's fault."""
TELLING = 12
"""From so many characters on, a text of the input does not stand in an answer by chance."""
TOTAL = 2_400
OPEN311 = "/open311/"
"""Its clients know lists of errors, and no problem documents."""
TABLES = "SELECT (SELECT count(*) FROM intake.ticket) AS tickets, (SELECT count(*) FROM intake.event) AS events"

Case = dict[str, Any]


def cases_of(name: str) -> list[Case]:
    """The cases of a file."""
    return [json.loads(line) for line in (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()]


def wanted(case: Case) -> list[Any]:
    """What would do."""
    expect = case["expect"]
    return expect if isinstance(expect, list) else [expect]


def body_of(case: Case) -> bytes | None:
    """What the case sends."""
    if "b64" in case:
        return b64decode(case["b64"])
    if "parts" in case:
        return "".join(text * times for text, times in case["parts"]).encode()
    if "text" in case:
        return str(case["text"]).encode()
    return json.dumps(case["body"]).encode() if "body" in case else None


async def ask(client: httpx.AsyncClient, case: Case, world: World) -> httpx.Response:
    """Send the case's request."""
    headers = [*case.get("headers", [])]
    if case.get("keyed"):
        headers.append(["Idempotency-Key", case["id"]])
    if case.get("who"):
        role, _, area = case["who"].partition("@")
        headers.append(["Authorization", world.shown(role, area)["Authorization"]])
    content = body_of(case)
    if content is not None and not any(name == "Content-Type" for name, _ in headers):
        headers.append(["Content-Type", "application/json"])
    return await client.request(
        case["method"], world.filled(case["path"]), params=case.get("query"), content=content,
        headers=[(name.encode(), value.encode()) for name, value in headers],
    )  # fmt: skip


def faults_of(case: Case, answer: httpx.Response) -> str:
    """Why the answer is not as it must be; empty if it is."""
    is_refusal = answer.status_code >= 400
    told = answer.headers.get("content-type", "")
    form = "application/json" if case.get("path", "").startswith(OPEN311) else "application/problem+json"
    if answer.status_code not in wanted(case) or answer.status_code >= 500:
        return f"{answer.status_code} {answer.text[:160]}"
    if is_refusal and case["method"] != "HEAD" and not told.startswith(form):
        return f"{answer.status_code} as {told}"
    if is_refusal and (quoted := [value for value in values_of(case) if value in answer.text]):
        return f"what was sent is quoted: {quoted[0][:40]}"
    return ""


def values_of(case: Case) -> list[str]:
    """The texts a case sends that are too long to stand in an answer by chance."""
    told = list(leaves(case["body"])) if "body" in case else [str(case.get("text", ""))]
    return [value for value in told if len(value) >= TELLING]


def leaves(value: object) -> Iterator[str]:
    """Every text in a JSON value that is no key."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(inner)


def test_what_is_quoted_is_noticed() -> None:
    refusal = httpx.Response(
        422, headers={"Content-Type": "application/problem+json"}, text='{"title": "no lamp at the corner"}'
    )
    case = {"method": "POST", "expect": 422, "body": {"text": ["a", {"b": "lamp at the corner"}]}}
    assert faults_of(case, refusal) == "what was sent is quoted: lamp at the corner"
    assert faults_of({**case, "body": {"text": "corner"}}, refusal) == ""


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_every_case_is_answered_as_written(
    world: World, doors: Mapping[str, httpx.AsyncClient], name: str
) -> None:
    wrong, slow = [], 0
    before, taken = (await world.rows(TABLES))[0], set()
    for case in cases_of(name):
        started = time.perf_counter()
        answer = await ask(doors[case["service"]], case, world)
        slow += time.perf_counter() - started > USUALLY_WITHIN_S
        if found := faults_of(case, answer):
            wrong.append(f"{case['id']} ({case['why']}): {found}")
        if answer.status_code == 201:
            taken.add(answer.json()["ticket_id"])
    after = (await world.rows(TABLES))[0]
    assert wrong == []
    assert slow <= len(cases_of(name)) // 20
    assert after["tickets"] - before["tickets"] == after["events"] - before["events"] == len(taken)


@pytest.mark.parametrize("name", ["unicode_letters", "injections", "dates"])
def test_what_is_taken_is_kept_as_it_was_meant(name: str) -> None:
    cases = [case for case in cases_of(name) if "kept" in case or "instant" in case]
    assert cases
    for case in cases:
        read = read_report(body_of(case) or b"")
        assert read.text == case.get("kept", read.text), case["id"]
        if "instant" in case:
            assert read.reported_at == datetime.fromisoformat(case["instant"]), case["id"]


HASTY = Thresholds(head_s=0.5, receipt_s=0.5)


async def test_bytes_that_are_no_http_get_one_answer_at_the_most(world: World) -> None:
    app, cases = world.assemblies["notify"].app, cases_of("protocol")
    async with serving(app, server_config(app, Gate(HASTY))) as base:
        answers = await asyncio.gather(*(say(base, [b64decode(case["bytes"])], wait_for_end=True) for case in cases))
    wrong = [
        f"{case['id']}: {answer.status} {answer.body[:80]!r}"
        for case, answer in zip(cases, answers, strict=True)
        if answer.status not in wanted(case) or answer.another
    ]
    assert wrong == [], "\n".join(wrong)


async def test_too_much_and_too_slow(world: World, doors: Mapping[str, httpx.AsyncClient]) -> None:
    app, wrong, cases = world.assemblies["notify"].app, [], cases_of("oversize_and_slow")
    patient = Thresholds(head_s=30, receipt_s=30)
    for case in (one for one in cases if "method" in one):
        if found := faults_of(case, await ask(doors[case["service"]], case, world)):
            wrong.append(f"{case['id']}: {found}")
    for hasty, limits in ((True, HASTY), (False, patient)):
        async with serving(app, server_config(app, Gate(limits))) as base:
            chosen = [one for one in cases if "said" in one and one.get("hasty", False) is hasty]
            answers = await asyncio.gather(*(say(base, [_said(case)]) for case in chosen))
        for case, answer in zip(chosen, answers, strict=True):
            if answer.status not in wanted(case):
                wrong.append(f"{case['id']} ({case['why']}): {answer.status}")
    assert wrong == []


def _said(case: Case) -> bytes:
    return "".join(text * times for text, times in case["said"]).encode()


@pytest.mark.parametrize("case", cases_of("cells"), ids=lambda case: str(case["id"]))
def test_a_cell_is_no_formula(case: Case) -> None:
    assert safe_cell(case["given"]) == case["expect"]


def value_of(case: Case) -> bytes | None:
    """The value of a record."""
    if "parts" in case:
        return body_of(case)
    return None if case["value"] is None else b64decode(case["value"])


@pytest.mark.parametrize("case", cases_of("ticket_events"), ids=lambda case: str(case["id"]))
def test_a_ticket_event_is_read_or_refused_with_its_code(case: Case) -> None:
    key = None if case["key"] is None else b64decode(case["key"])
    headers = [(name, text.encode("utf-8", "surrogatepass")) for name, text in case["headers"].items()]
    record = Record("tickets-intake", 0, 0, key, value_of(case), headers)
    if case["expect"] in ("read", "unknown"):
        assert isinstance(decode(record).event, UnrecognisedEvent) is (case["expect"] == "unknown")
    else:
        with pytest.raises(Malformed) as refused:
            decode(record)
        assert refused.value.code == case["expect"]


async def test_records_of_strangers_become_tickets_or_die_with_a_reason(database: TestDatabase) -> None:
    cases, broker = cases_of("inbound_records"), NoidaBroker()
    broker.start()
    try:
        await apply_topics(broker.bootstrap, TOPICS)
        async with open_desk(database.dsn("intake")) as desk:
            sent = [
                Outgoing(INBOUND.name, b64decode(case["key"]), value_of(case) or b"",
                         [(name, text.encode()) for name, text in case["headers"].items()], 0)
                for case in cases
            ]  # fmt: skip
            producer = Producer(broker.bootstrap, "strangers")
            assert all(await producer.send(sent))
            await producer.discard()
            stream = Stream(
                desk.database,
                lambda topics: Consumer(broker.bootstrap, "intake-stream", topics, client_id="t", static_member="t", poll_records=500),
                (inbound_route(desk.receiver, "test"),), group="intake-stream", release="test",
                dead_letter_wake=Wake(),
            )  # fmt: skip
            stopping = asyncio.Event()
            task = asyncio.create_task(stream.run(stopping))
            tickets = sum(case["expect"] == "ticket" for case in cases)
            dead = sum(case["expect"] == "dead" for case in cases)

            async def all_settled() -> bool:
                return (await desk.count("ticket"), await desk.count("dead_letter")) == (tickets, dead)

            try:
                await eventually(all_settled, within_s=30, what=f"{tickets} tickets and {dead} dead letters")
            finally:
                stopping.set()
                await task
            rows = await desk.rows('SELECT "offset", reason FROM dead_letter ORDER BY "offset"')
    finally:
        broker.stop()
    assert [row["offset"] for row in rows] == [n for n, case in enumerate(cases) if case["expect"] == "dead"]
    assert all(row["reason"] for row in rows)


def test_the_files_are_what_their_tables_say_and_as_many_as_promised() -> None:
    for module in write.TABLES:
        for name, cases in module.TABLES.items():
            assert (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8") == write.text_of(cases), name
    counted = [len(path.read_bytes().splitlines()) for path in FOLDER.glob("*.ndjson")]
    assert sum(counted) >= TOTAL
