"""Privacy: who sees what of a citizen, who must not look, and what is left after it was forgotten."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from services.intake.core.privacy import Guard, Retention, masked_name, masked_phone, masked_text
from services.intake.ratings import Ratings
from services.intake.relay_calls import RelayCalls
from services.intake.retention import Eraser
from shared.audit import verify
from shared.erasing import digest_of
from shared.events import EVENT_TYPES
from tests.open_access import acting_as
from tests.services.intake.counter import DISPATCHER, Counter, officer, open_counter, said

NAME, PHONE, ADDRESS = "邓小敏", "13912345678", "东风社区幸福路 12 号"
RECORDER = acting_as("talk_recorder", "", "rec-1")
WORKER = acting_as("grid_worker", "990101001001001", "w-1")
FIRST = acting_as("privacy_officer", "", "po-1")
SECOND = acting_as("privacy_officer", "", "po-2")
DAY = timedelta(days=1)
KEPT = Retention(identity=3 * 365 * DAY, lead=3 * 365 * DAY, talk=3 * 365 * DAY)


class Telephones:
    """A telephone system that lends relay numbers, or is out of them."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.status = 200

    def client(self) -> httpx.AsyncClient:
        app = FastAPI()

        @app.post("/")
        async def lend(request: Request) -> Any:
            self.asked.append(await request.json())
            return JSONResponse({"number": "95013000000001"} if self.status == 200 else {}, self.status)

        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://telephones")


@pytest.fixture
def telephones() -> Telephones:
    return Telephones()


@pytest_asyncio.fixture
async def counter(intake_dsn: str, telephones: Telephones) -> AsyncIterator[Counter]:
    """The service with a telephone system."""
    async with telephones.client() as client, open_counter(intake_dsn, RelayCalls(client)) as opened:
        yield opened


async def taken(counter: Counter, **changes: Any) -> str:
    report = said(phone=PHONE, **changes)
    report["reporter"]["name"] = NAME
    report["location"] = {**report["location"], "address": ADDRESS}
    (ticket_id,) = await counter.hand_in(report)
    return ticket_id


async def ask(counter: Counter, path: str, by: dict[str, str], status: int, **body: Any) -> Any:
    answer = await counter.http.post(f"/v1/{path}", json=body, headers=by)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def matter(counter: Counter, ticket_id: str, by: dict[str, str], purpose: str = "核实") -> httpx.Response:
    query = {"viewer": by.get("Griddispatch-Actor", "/v").partition("/")[2], "purpose": purpose}
    return await counter.http.get(f"/v1/tickets/{ticket_id}/matter", params=query, headers=by)


@pytest.mark.parametrize(
    ("name", "phone", "shown"),
    [
        ("邓小敏", "13912345678", ("邓**", "139****5678")),
        ("欧阳修", "+86 139 1234 5678", ("欧**", "861****5678")),
        ("A", "0514-88", ("A**", "****")),
        (None, None, (None, None)),
        (" ", "---", (None, None)),
    ],
)
def test_names_and_numbers_are_masked(
    name: str | None, phone: str | None, shown: tuple[str | None, str | None]
) -> None:
    assert (masked_name(name), masked_phone(phone)) == shown


@pytest.mark.parametrize(
    ("text", "name", "shown"),
    [
        ("我叫邓小敏，电话13912345678，修路灯", "邓小敏", "我叫邓**，电话139****5678，修路灯"),
        ("打 139-1234 5678 或 0514-88123456", None, "打 139****5678 或 051****3456"),
        ("１３９１２３４５６７８", None, "139****5678"),
        ("+86 139 1234 5678 转 8812345", None, "861****5678 转 ****"),
        ("身份证11010119900307123X", None, "身份证110****7123"),
        ("2026-03-10 10:30 在 12 号楼 3 单元 501", None, "2026-03-10 10:30 在 12 号楼 3 单元 501"),
        ("2026-03-10 13912345678", None, "2026-03-10 139****5678"),
        ("王家门口，王说不亮", "王", "王家门口，王说不亮"),
    ],
)
def test_words_are_shown_without_names_and_numbers(text: str, name: str | None, shown: str) -> None:
    assert masked_text(text, name) == shown


def test_an_interest_reaches_down_to_every_unit_below_and_no_other() -> None:
    guard = Guard(False, ("990101001", "traffic"), ("w-9",))
    assert guard.blocks("990101001", None) and guard.blocks("990101001001001", "w-1") and guard.blocks(None, "w-9")
    assert not guard.blocks("990101002", "w-1") and not guard.blocks("traffic-2", None) and not guard.blocks(None, None)


async def test_a_handler_sees_a_mask_and_calls_through_a_relay(counter: Counter, telephones: Telephones) -> None:
    ticket_id = await taken(counter)
    shown = await ask(counter, f"tickets/{ticket_id}/contact", WORKER, 200, purpose="上门前联系")
    assert (shown["name"], shown["phone"], shown["may_call"]) == ("邓**", "139****5678", True)
    called = await ask(counter, f"tickets/{ticket_id}/relay-call", WORKER, 200, purpose="上门前联系")
    assert called == {"number": "95013000000001"}
    assert [(a["phone"], a["caller"], a["valid_minutes"]) for a in telephones.asked] == [(PHONE, "grid_worker:w-1", 30)]
    telephones.status = 503
    refused = await counter.http.post(f"/v1/tickets/{ticket_id}/relay-call", json={"purpose": "再"}, headers=WORKER)
    assert refused.status_code == 503 and PHONE not in refused.text
    await ask(counter, f"tickets/{ticket_id}/contact", {}, 403, purpose="看看")
    await ask(counter, f"tickets/{ticket_id}/contact", WORKER, 422, purpose=" ")
    views = (await counter.http.get("/v1/privacy/views", params={"viewer": "grid_worker:w-1"}, headers=FIRST)).json()
    assert [view["purpose"] for view in views] == ["call: 再", "call: 上门前联系", "上门前联系"]
    assert {view["subject"] for view in views} == {ticket_id}


async def has_in_hand(counter: Counter, ticket_id: str, unit: str) -> None:
    """As dispatch tells it."""
    await counter.database.fetch(
        "INSERT INTO share (assignment_id, ticket_id, unit) VALUES (gen_random_uuid(), $1, $2)", UUID(ticket_id), unit
    )


async def test_whoever_has_it_in_hand_reads_what_was_said_and_nobody_else(counter: Counter) -> None:
    text = f"{NAME}：门口路灯不亮，{PHONE}"
    told = await counter.post(said(text=text, phone=PHONE) | {"reporter": {"name": NAME, "phone": PHONE}})
    await counter.triage()
    ticket_id, words = told["ticket_id"], f"tickets/{told['ticket_id']}/words"
    code = {"query_code": told["query_code"], "text": f"还有一盏，找{NAME}"}
    await counter.http.post(f"/v1/public/tickets/{told['ticket_no']}/supplements", json=code)
    await ask(counter, words, WORKER, 404, purpose="核实")
    await has_in_hand(counter, ticket_id, "990101001001001")
    shown = await ask(counter, words, WORKER, 200, purpose="核实")
    assert (shown["text"], shown["name"], shown["phone"]) == ("邓**：门口路灯不亮，139****5678", "邓**", "139****5678")
    assert [added["text"] for added in shown["supplements"]] == ["还有一盏，找邓**"]
    assert (shown["may_call"], shown["confidential"]) == (True, False)
    assert not any(personal in str(shown) for personal in (NAME, PHONE, ADDRESS))
    for other in (
        acting_as("grid_worker", "990101001001002", "w-1"),
        acting_as("township", "990101001", "t-1"),
        acting_as("grid_worker", "", "w-1"),
    ):
        await ask(counter, words, other, 404, purpose="核实")
    for role in (DISPATCHER, FIRST, {}):
        await ask(counter, words, role, 403, purpose="核实")
    await ask(counter, words, WORKER, 422, purpose=" ")
    views = (await counter.http.get("/v1/privacy/views", params={"subject": ticket_id}, headers=FIRST)).json()
    assert [(view["viewer"], view["purpose"]) for view in views] == [("grid_worker:w-1", "核实")]
    await close(counter, ticket_id)
    await ask(counter, words, WORKER, 404, purpose="核实")


async def test_of_a_confidential_matter_who_has_it_in_hand_reads_nothing(counter: Counter) -> None:
    ticket_id = await taken(counter, confidential=True)
    await has_in_hand(counter, ticket_id, "990101001001001")
    shown = await ask(counter, f"tickets/{ticket_id}/words", WORKER, 200, purpose="核实")
    assert (shown["confidential"], shown["text"], shown["name"], shown["phone"]) == (True, None, None, None)
    await ask(counter, f"tickets/{ticket_id}/blocks", DISPATCHER, 204, unit="990101001")
    await ask(counter, f"tickets/{ticket_id}/words", WORKER, 404, purpose="核实")


async def test_of_a_confidential_reporter_nothing_is_shown(counter: Counter) -> None:
    ticket_id = await taken(counter, confidential=True)
    shown = await ask(counter, f"tickets/{ticket_id}/contact", WORKER, 200, purpose="联系")
    assert (shown["name"], shown["phone"], shown["confidential"], shown["may_call"]) == (None, None, True, True)


@pytest.mark.parametrize("changes", [{"confidential": True}, {"ticket_type": "REPORT"}])
async def test_a_confidential_matter_is_read_once_and_by_two(counter: Counter, changes: dict[str, Any]) -> None:
    ticket_id = await taken(counter, **changes)
    assert (await matter(counter, ticket_id, FIRST)).status_code == 409
    act = await ask(counter, f"tickets/{ticket_id}/unlocking", FIRST, 202, purpose="核实")
    assert (await matter(counter, ticket_id, FIRST)).status_code == 409
    await ask(counter, f"privacy/acts/{act['act_id']}/settlement", FIRST, 403, granted=True)
    waiting = (await counter.http.get("/v1/privacy/acts", headers=SECOND)).json()
    assert [(w["act"], w["subject"], w["asked_by"]) for w in waiting] == [("unlock_matter", ticket_id, "po-1")]
    await ask(counter, f"privacy/acts/{act['act_id']}/settlement", SECOND, 200, granted=True)
    assert (await matter(counter, ticket_id, FIRST, "另一个目的")).status_code == 409
    assert (await matter(counter, ticket_id, DISPATCHER)).status_code == 403, "a third person"
    read = await matter(counter, ticket_id, FIRST)
    assert (read.status_code, read.json()["reporter"]["name"]) == (200, NAME)
    assert (await matter(counter, ticket_id, FIRST)).status_code == 409, "once"


async def test_whoever_has_an_interest_finds_no_such_ticket(counter: Counter) -> None:
    ticket_id = await taken(counter)
    await ask(counter, f"tickets/{ticket_id}/blocks", DISPATCHER, 422)
    await ask(counter, f"tickets/{ticket_id}/blocks", WORKER, 403, unit="990101001")
    await ask(counter, f"tickets/{ticket_id}/blocks", DISPATCHER, 204, unit="990101001", person="po-2")
    await ask(counter, f"tickets/{ticket_id}/contact", WORKER, 404, purpose="联系")
    assert (await matter(counter, ticket_id, SECOND)).status_code == 404
    assert (await matter(counter, ticket_id, FIRST)).status_code == 200
    assert await counter.count("vault_view") == 1
    acts = await counter.database.fetch("SELECT entry::json ->> 'act' AS act FROM audit ORDER BY 1")
    assert [row["act"] for row in acts] == ["block_view", "view_words"]


async def test_views_are_read_by_ticket_and_by_person_page_by_page(counter: Counter) -> None:
    one, other = await taken(counter), await taken(counter, text="井盖坏了")
    for minute, (ticket_id, by) in enumerate([(one, FIRST), (one, SECOND), (other, FIRST)]):
        counter.later(minutes=minute)
        assert (await matter(counter, ticket_id, by)).status_code == 200

    async def views(**query: Any) -> list[dict[str, Any]]:
        answer = await counter.http.get("/v1/privacy/views", params=query, headers=FIRST)
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    assert [view["viewer"] for view in await views(subject=one)] == ["po-2", "po-1"]
    assert [view["subject"] for view in await views(viewer="po-1")] == [other, one]
    (latest,) = await views(viewer="po-1", limit=1)
    cursor = {"before": latest["viewed_at"], "before_kind": latest["kind"], "before_id": latest["id"]}
    assert [view["subject"] for view in await views(viewer="po-1", **cursor)] == [one]
    assert (await counter.http.get("/v1/privacy/views", headers=FIRST)).status_code == 422
    assert (await counter.http.get("/v1/privacy/views", params={"viewer": "x"}, headers=WORKER)).status_code == 403


async def test_a_person_gets_everything_that_is_kept_of_them_and_of_nobody_else(counter: Counter) -> None:
    told = await counter.post(said(phone=PHONE))
    await counter.triage()
    await counter.hand_in(said("别的事", phone="13900000000"))
    code = {"query_code": told["query_code"], "text": "还有一盏"}
    await counter.http.post(f"/v1/public/tickets/{told['ticket_no']}/supplements", json=code)
    export = await ask(counter, "privacy/exports", FIRST, 200, phone="139-1234-5678", purpose="本人申请查阅")
    (found,) = export["tickets"]
    assert (found["ticket_no"], found["words"]["reporter"]["phone"]) == (told["ticket_no"], PHONE)
    assert [added["text"] for added in found["supplements"]] == ["还有一盏"]
    assert (export["items"], export["lacking"]) == ([], ["notify"]), "it says who was not asked"
    assert await counter.count("vault_view") == 1
    await ask(counter, "privacy/exports", FIRST, 422, phone="12", purpose="查")
    await ask(counter, "privacy/exports", WORKER, 403, phone=PHONE, purpose="查")


async def test_words_that_no_key_opens_are_said_to_be_so_and_take_nothing_else_along(counter: Counter) -> None:
    told = await counter.post(said(phone=PHONE))
    await counter.triage()
    ticket_id = told["ticket_id"]
    await has_in_hand(counter, ticket_id, "990101001001001")
    code = {"query_code": told["query_code"], "text": "还有一盏"}
    await counter.http.post(f"/v1/public/tickets/{told['ticket_no']}/supplements", json=code)
    other = await counter.post(said("别的事", phone=PHONE))
    path = await talk(counter)
    await ask(counter, path, RECORDER, 201, text="路灯", name=NAME, phone=PHONE)
    for table in ("vault", "supplement", "talk_word"):
        await counter.database.fetch(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # nobody changes words, but this test
    for table in ("vault", "supplement"):
        await counter.database.fetch(f"UPDATE {table} SET key_id = 'lost' WHERE ticket_id = $1", UUID(ticket_id))
    await counter.database.fetch("UPDATE talk_word SET key_id = 'lost'")
    for path, by in (("words", WORKER), ("contact", WORKER)):
        answer = await ask(counter, f"tickets/{ticket_id}/{path}", by, 503, purpose="核实")
        assert answer["type"].endswith(":cannot-open"), "not that it should be tried again"
    assert (await matter(counter, ticket_id, FIRST)).status_code == 503
    export = await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅")
    words = {ticket["id"]: ticket["words"] and ticket["words"]["text"] for ticket in export["tickets"]}
    assert words == {ticket_id: None, other["ticket_id"]: "别的事"}
    assert [added["text"] for ticket in export["tickets"] for added in ticket["supplements"]] == [None]
    assert [word["text"] for item in export["items"] for word in item["said"]] == [None]
    assert export["lacking"] == ["notify", "unopened words"]


async def talk(counter: Counter) -> str:
    """The path of an evening talk's items."""
    body = {"kind": "EVENING_TALK", "unit": "990101001", "external_id": "S-1", "held_at": "2026-03-09T19:30:00+08:00"}
    told = await ask(counter, "listening/sessions", RECORDER, 201, **body)
    return f"listening/sessions/{told['session_id']}/items"


async def brought_up(counter: Counter, path: str, **said: Any) -> str:
    """The path of something brought up in the talk."""
    return f"listening/items/{(await ask(counter, path, RECORDER, 201, **said))['item_id']}"


async def test_what_was_brought_up_in_a_session_is_given_to_whoever_did(counter: Counter) -> None:
    path = await talk(counter)
    mine = (await ask(counter, path, RECORDER, 201, text="路灯", name=NAME, phone="139 1234 5678"))["item_id"]
    await ask(counter, path, RECORDER, 201, text="别人的事", name="别人", phone="13900000000")
    await ask(counter, path, RECORDER, 201, text="没留电话")
    await ask(counter, f"listening/items/{mine}/answer", RECORDER, 204, text="已换灯泡")
    export = await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅")
    (found,) = export["items"]
    assert (found["id"], [said["text"] for said in found["said"]]) == (mine, ["路灯", "已换灯泡"])
    assert await counter.count("talk_view") == 1, "that it was looked at is written down"
    counter.later(days=1, seconds=1)
    assert await erase_due(counter, Eraser(Retention(identity=DAY, lead=DAY, talk=DAY))) >= 2
    assert (await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="再查"))["items"] == []
    (left,) = await counter.database.fetch(
        "SELECT count(caller)::int AS marks FROM talk_item WHERE id = $1", UUID(mine)
    )
    assert left["marks"] == 0, "with the words went the mark"


async def test_an_export_says_when_there_is_more_than_it_carries(intake_dsn: str) -> None:
    async with open_counter(intake_dsn, most=1) as counter:
        await taken(counter)
        export = await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅")
        assert export["lacking"] == ["notify"]
        counter.later(minutes=1)
        latest = await taken(counter, text="井盖坏了")
        export = await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅")
        assert [ticket["id"] for ticket in export["tickets"]] == [latest]
        assert export["lacking"] == ["notify", "older tickets"]


class Notify:
    """What notify says it keeps of a matter; nothing of any other, and nothing at all while it is ill."""

    def __init__(self) -> None:
        self.status = 200
        self.of = ""

    def client(self) -> httpx.AsyncClient:
        app = FastAPI()

        def kept(ticket_id: str, name: str, *rows: Any) -> JSONResponse:
            if self.status == 200 and ticket_id != self.of and name == "follow_ups":
                return JSONResponse({}, 404)
            return JSONResponse({name: list(rows) if ticket_id == self.of else []}, self.status)

        @app.get("/v1/followups/{ticket_id}")
        async def rounds(ticket_id: str) -> JSONResponse:
            return kept(ticket_id, "follow_ups", {"cycle": 1, "state": "ANSWERED"})

        @app.get("/v1/followups/{ticket_id}/words")
        async def words(ticket_id: str) -> JSONResponse:
            return kept(ticket_id, "words", {"cycle": 1, "words": "灯还是不亮"})

        @app.get("/v1/notifications")
        async def messages(ticket_id: str) -> JSONResponse:
            return kept(ticket_id, "notifications", {"template": "follow_up", "state": "DELIVERED"})

        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notify")


async def test_an_export_has_what_notify_keeps_or_is_none_at_all(intake_dsn: str) -> None:
    notify = Notify()
    async with notify.client() as client, open_counter(intake_dsn, notify=Ratings(client)) as counter:
        notify.of = await taken(counter)
        other = await taken(counter, text="井盖坏了")
        export = await ask(counter, "privacy/exports", FIRST, 200, phone=PHONE, purpose="本人申请查阅")
        told = {ticket["id"]: ticket["told"] for ticket in export["tickets"]}
        assert export["lacking"] == []
        assert told[other] == {"follow_ups": [], "words": [], "notifications": []}
        assert told[notify.of] == {
            "follow_ups": [{"cycle": 1, "state": "ANSWERED"}], "words": [{"cycle": 1, "words": "灯还是不亮"}],
            "notifications": [{"template": "follow_up", "state": "DELIVERED"}],
        }  # fmt: skip
        for status in (403, 429, 500, 503):
            notify.status = status
            await ask(counter, "privacy/exports", FIRST, 503, phone=PHONE, purpose="本人申请查阅")


async def test_what_two_agreed_to_forget_is_forgotten_and_the_ledger_stays_whole(counter: Counter) -> None:
    ticket_id = await taken(counter)
    before = await counter.stated(ticket_id)
    await ask(counter, f"tickets/{ticket_id}/erasure", FIRST, 409, purpose="本人要求")
    act = await ask(counter, f"tickets/{ticket_id}/erasing", FIRST, 202, purpose="本人要求")
    await ask(counter, f"privacy/acts/{act['act_id']}/settlement", SECOND, 200, granted=True)
    assert await ask(counter, f"tickets/{ticket_id}/erasure", SECOND, 200, purpose="本人要求") == {"erased": True}
    assert (await matter(counter, ticket_id, FIRST)).status_code == 404
    (kept,) = await counter.database.fetch(
        "SELECT wrapped_key, sealed FROM vault WHERE ticket_id = $1", UUID(ticket_id)
    )
    assert tuple(kept) == (None, None)
    await assert_whole(counter, {ticket_id: [*before, {"type": "ticket.words-erased"}]})
    row = await counter.ticket(ticket_id)
    assert (row["caller"], row["signature"], row["address"]) == (None, None, None)


async def assert_whole(counter: Counter, stories: dict[str, list[dict[str, Any]]]) -> None:
    """The log is what was written, and every story can be told again, event by event."""
    _, faults = await verify(counter.database)
    assert faults == []
    for ticket_id, before in stories.items():
        assert await counter.stated(ticket_id) == before
        rows = await counter.database.fetch(
            "SELECT version, type, payload::text AS payload FROM event WHERE ticket_id = $1 ORDER BY version",
            UUID(ticket_id),
        )
        assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))
        for row in rows:
            EVENT_TYPES[row["type"]].model_validate_json(row["payload"])


async def test_retention_erases_what_is_due_and_proves_it(counter: Counter) -> None:
    old, young = await taken(counter), await taken(counter, text="井盖坏了")
    open_one = await taken(counter, text="垃圾没人清")
    told = [await counter.stated(ticket_id) for ticket_id in (old, young)]
    await close(counter, old)
    counter.later(days=3 * 365)
    await close(counter, young)
    eraser = Eraser(KEPT)
    assert await erase_due(counter, eraser) == 0, "one instant early is early"
    counter.later(seconds=1)
    assert await erase_due(counter, eraser) == 1
    assert await erase_due(counter, eraser) == 0
    left = await counter.database.fetch("SELECT ticket_id FROM vault WHERE sealed IS NOT NULL")
    assert {str(row["ticket_id"]) for row in left} == {young, open_one}
    (proof,) = await counter.database.fetch("SELECT entry::text AS entry FROM audit")
    entry = json.loads(proof["entry"])
    assert (entry["actor"], entry["act"], entry["outcome"]) == ("system:retention", "erase_by_rule", "done")
    assert entry["detail"] == {"rule": "retention.identity", "count": 1, "sha256": digest_of([UUID(old)])}
    await assert_whole(counter, dict(zip((old, young), told, strict=True)))


async def close(counter: Counter, ticket_id: str) -> None:
    await counter.database.fetch(
        "UPDATE ticket SET public_state = '已结案', closed_at = $2 WHERE id = $1", UUID(ticket_id), counter.time
    )


async def erase_due(counter: Counter, eraser: Eraser) -> int:
    async with counter.database.transaction() as tx:
        return await eraser.erase_due(tx, counter.now())


async def test_leads_and_talks_have_their_own_retention(counter: Counter) -> None:
    lead = {
        "kind": "DISCIPLINE",
        "level": "VILLAGE",
        "text": "捐款去向不明",
        "township": "990101001",
        "village": "990101001001",
    }
    lead_id = (await ask(counter, "leads", RECORDER, 201, **lead))["lead_id"]
    await ask(counter, f"leads/{lead_id}/notes", RECORDER, 204, text="补充")
    path = await talk(counter)
    answered, promised = [await brought_up(counter, path, text=f"{NAME} {PHONE}") for _ in range(2)]
    await ask(counter, f"{answered}/answer", RECORDER, 204, text="答")
    await ask(counter, f"{promised}/commitment", RECORDER, 204, text="会修", due_on="2026-03-13")
    eraser = Eraser(Retention(identity=DAY, lead=2 * DAY, talk=DAY))
    counter.later(days=1, seconds=1)
    assert await erase_due(counter, eraser) == 3, "topic, what was said, what was answered; the promise is still needed"
    counter.later(days=9)
    assert await erase_due(counter, eraser) == 0, "nobody has answered for the lead yet"
    body = officer("discipline:990101001")
    await ask(counter, f"leads/{lead_id}/receipt", body, 204, outcome="查无实据")
    counter.later(days=2, seconds=1)
    assert await erase_due(counter, eraser) == 1
    assert (await counter.http.get(f"/v1/leads/{lead_id}", params={"purpose": "办"}, headers=body)).status_code == 404
    rules = [
        json.loads(row["entry"])["detail"]["rule"]
        for row in await counter.database.fetch("SELECT entry::text AS entry FROM audit")
    ]
    assert sorted(rules) == ["retention.lead", "retention.talk"]
    _, faults = await verify(counter.database)
    assert faults == []
