"""Listening: everything brought up in a session ends answered, promised by a day, or as a ticket."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.intake.incident_store import sealed_of
from services.intake.listening import Listening
from services.intake.vault import Marks, Vault
from shared.errors import CannotOpen
from tests.open_access import acting_as
from tests.services.intake.counter import Counter

HOST = "990101001"
RECORDER = acting_as("talk_recorder", "", "rec-1")
TOWN = acting_as("township", HOST, "t-1")
OTHER_TOWN = acting_as("township", "990101100", "t-2")
CENTRE = acting_as("command_centre", "", "c-1")
LAMP = "村口的路灯不亮了"
NAME, PHONE, ADDRESS = "邓小敏", "13912340099", "东风社区幸福路 12 号"
V1 = "/v1/listening"


async def ask(counter: Counter, path: str, body: Any = None, status: int = 201, by: dict[str, str] = RECORDER) -> Any:
    answer = await counter.http.post(f"{V1}/{path}", json=body if body is not None else {}, headers=by)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def get(counter: Counter, path: str, status: int = 200, by: dict[str, str] = RECORDER, **query: Any) -> Any:
    answer = await counter.http.get(f"{V1}/{path}", params=query, headers=by)
    assert answer.status_code == status, answer.text
    return answer.json()


def talk(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "EVENING_TALK", "unit": HOST, "external_id": f"S-{number}", "held_at": "2026-03-09T19:30:00+08:00",
        "township": HOST, "village": "990101001001", "heads": 12, "topic": "路灯与垃圾", "place": "东风社区凉亭",
    } | changes  # fmt: skip


async def session(counter: Counter, number: int = 1, **changes: Any) -> str:
    return str((await ask(counter, "sessions", talk(number, **changes)))["session_id"])


async def item(counter: Counter, session_id: str, text: str = LAMP, **changes: Any) -> str:
    return str((await ask(counter, f"sessions/{session_id}/items", {"text": text, **changes}))["item_id"])


async def state(counter: Counter, item_id: str) -> str:
    (row,) = await counter.database.fetch("SELECT state FROM talk_item WHERE id = $1", UUID(item_id))
    return str(row["state"])


async def test_a_talk_with_three_items_has_three_traceable_ends(counter: Counter) -> None:
    talk_id = await session(counter)
    answered, promised, handed_in = [await item(counter, talk_id, f"{LAMP} {n}") for n in range(3)]
    await ask(counter, f"items/{answered}/answer", {"text": "明天换灯泡"}, 204)
    await ask(counter, f"items/{promised}/commitment", {"text": "本周内修好", "due_on": "2026-03-13"}, 204)
    receipt = await ask(counter, f"items/{handed_in}/ticket")
    await ask(counter, f"sessions/{talk_id}/closing", status=204)
    shown = await get(counter, f"sessions/{talk_id}")
    assert [(i["nth"], i["state"], i["due_on"], i["ticket_id"]) for i in shown["items"]] == [
        (1, "ANSWERED", None, None), (2, "COMMITTED", "2026-03-13", None), (3, "TICKET", None, receipt["ticket_id"]),
    ]  # fmt: skip
    assert (shown["topic"], shown["place"]) == ("路灯与垃圾", "东风社区凉亭")
    made, closed = await counter.stated(talk_id)
    assert (made["type"], made["item_id"], made["due_on"]) == ("commitment.made", promised, "2026-03-13")
    assert {key: closed[key] for key in ("type", "kind", "unit", "heads", "items", "answered", "committed", "ticketed")} == {
        "type": "session.closed", "kind": "EVENING_TALK", "unit": HOST, "heads": 12, "items": 3, "answered": 1,
        "committed": 1, "ticketed": 1,
    }  # fmt: skip


async def test_a_session_is_not_closed_while_something_is_open(counter: Counter) -> None:
    talk_id = await session(counter)
    first, _ = await item(counter, talk_id), await item(counter, talk_id)
    await ask(counter, f"items/{first}/answer", {"text": "已答复"}, 204)
    refused = await ask(counter, f"sessions/{talk_id}/closing", status=409)
    assert refused["title"].startswith("1 of 2 items are neither answered, promised by a day, nor a ticket")
    assert await counter.stated(talk_id, "session.closed") == []


async def test_the_database_itself_refuses_loose_ends(counter: Counter) -> None:
    talk_id = await session(counter)
    await item(counter, talk_id)
    with pytest.raises(asyncpg.RestrictViolationError):
        await counter.database.fetch("UPDATE talk_session SET closed_at = now(), closed_by = 'x'")
    with pytest.raises(asyncpg.RestrictViolationError):
        await counter.database.fetch("UPDATE talk_word SET sealed = ''")


async def test_nothing_is_added_to_a_closed_session_and_closing_again_changes_nothing(counter: Counter) -> None:
    talk_id = await session(counter)
    await ask(counter, f"sessions/{talk_id}/closing", status=204)
    await ask(counter, f"sessions/{talk_id}/closing", status=204)
    await ask(counter, f"sessions/{talk_id}/items", {"text": LAMP}, 409)
    assert len(await counter.stated(talk_id)) == 1


async def test_what_ended_has_ended(counter: Counter) -> None:
    talk_id = await session(counter)
    answered, handed_in = await item(counter, talk_id), await item(counter, talk_id)
    await ask(counter, f"items/{answered}/answer", {"text": "已答复"}, 204)
    await ask(counter, f"items/{answered}/commitment", {"text": "再修", "due_on": "2026-03-13"}, 409)
    await ask(counter, f"items/{handed_in}/ticket")
    await ask(counter, f"items/{handed_in}/ticket", status=409)
    await ask(counter, f"items/{handed_in}/fulfilment", {"text": "已修"}, 409)


@pytest.mark.parametrize("due_on", ["2026-03-09", "2026-09-07", "someday"])
async def test_a_promise_is_for_a_day_that_can_be_kept(counter: Counter, due_on: str) -> None:
    item_id = await item(counter, await session(counter))
    await ask(counter, f"items/{item_id}/commitment", {"text": "会修", "due_on": due_on}, 422)
    assert await state(counter, item_id) == "OPEN"


async def test_a_kept_promise_is_told_and_becomes_no_ticket(counter: Counter) -> None:
    talk_id = await session(counter)
    item_id = await item(counter, talk_id)
    await ask(counter, f"items/{item_id}/commitment", {"text": "会修", "due_on": "2026-03-10"}, 204)
    await ask(counter, f"items/{item_id}/fulfilment", {"text": "修好了"}, 204)
    counter.later(days=9)
    async with counter.database.transaction() as tx:
        assert await counter.listening.turn_missed(tx, counter.now()) == 0
    assert [event["type"] for event in await counter.stated(talk_id)] == ["commitment.made", "commitment.kept"]


async def test_a_missed_promise_shows_up_and_becomes_a_ticket_once(counter: Counter) -> None:
    talk_id = await session(counter)
    item_id = await item(counter, talk_id, name=NAME, phone=PHONE, address=ADDRESS)
    await ask(counter, f"items/{item_id}/commitment", {"text": "会修", "due_on": "2026-03-10"}, 204)
    counter.time = counter.time.replace(hour=15, minute=59, second=59)  # 23:59:59 of that very day in the county
    assert await get(counter, "commitments", overdue=True) == []
    async with counter.database.transaction() as tx:
        assert await counter.listening.turn_missed(tx, counter.now()) == 0
    counter.later(seconds=1)
    assert [row["id"] for row in await get(counter, "commitments", by=CENTRE, overdue=True)] == [item_id]
    for turned in (1, 0):
        async with counter.database.transaction() as tx:
            assert await counter.listening.turn_missed(tx, counter.now()) == turned
    (missed,) = await counter.stated(talk_id, "commitment.missed")
    (received,) = await counter.stated(missed["became"])
    assert (received["channel"], received["source"]) == ("EVENING_TALK", "listening.evening_talk")
    ticket = await counter.ticket(missed["became"])
    assert (str(ticket["session_id"]), ticket["given_village"]) == (talk_id, "990101001001")
    assert await get(counter, "commitments", by=CENTRE) == []


def _with(counter: Counter, vault: Vault) -> Listening:
    return Listening(counter.ledger, vault, Marks({"k": b"1" * 32}), counter.receiver)


async def test_a_promise_outlives_words_that_nobody_can_open(counter: Counter) -> None:
    talk_id = await session(counter)
    item_id = await item(counter, talk_id)
    await ask(counter, f"items/{item_id}/commitment", {"text": "会修", "due_on": "2026-03-10"}, 204)
    stranger = Vault({"other": b"9" * 32})
    (row,) = await counter.database.fetch("SELECT * FROM talk_word WHERE kind = 'SAID'")
    with pytest.raises(CannotOpen):
        stranger.open(row["id"], sealed_of(row))
    counter.later(days=1)
    async with counter.database.transaction() as tx:
        assert await _with(counter, stranger).turn_missed(tx, counter.now()) == 1
    assert await state(counter, item_id) == "TICKET"


async def test_a_ticket_takes_the_words_along(counter: Counter) -> None:
    talk_id = await session(counter)
    item_id = await item(counter, talk_id, name=NAME, phone=PHONE, address=ADDRESS)
    receipt = await ask(counter, f"items/{item_id}/ticket")
    await get(counter, f"items/{item_id}/words", 404, purpose="核实")
    query = {"viewer": "agent-1", "purpose": "核实"}
    matter = (await counter.http.get(f"/v1/tickets/{receipt['ticket_id']}/matter", params=query)).json()
    assert (matter["text"], matter["address"]) == (LAMP, ADDRESS)
    assert matter["reporter"] == {"name": NAME, "phone": PHONE, "note": None}


async def test_a_patrol_that_fixed_it_says_so_to_dispatch(counter: Counter) -> None:
    patrol = await session(counter, kind="PATROL", unit="990101001001001", grid="990101001001001")
    found = await item(counter, patrol, lon=119.225, lat=33.378)
    receipt = await ask(counter, f"items/{found}/ticket", {"self_fixed": True})
    await counter.triage()
    (triaged,) = await counter.stated(receipt["ticket_id"], "ticket.triaged")
    assert (triaged["channel"], triaged["self_fixed_by"], triaged["session_id"]) == (
        "GRID_PATROL", "990101001001001", patrol,
    )  # fmt: skip


async def test_only_a_patrol_fixes_what_it_finds(counter: Counter) -> None:
    item_id = await item(counter, await session(counter))
    refused = await ask(counter, f"items/{item_id}/ticket", {"self_fixed": True}, 422)
    assert refused["problems"][0]["code"] == "not_a_patrol"


async def test_others_are_told_that_there_is_nothing(counter: Counter) -> None:
    talk_id = await session(counter)
    item_id = await item(counter, talk_id)
    await ask(counter, "sessions", talk(2), 404, by=OTHER_TOWN)
    await ask(counter, f"sessions/{talk_id}/items", {"text": LAMP}, 404, by=OTHER_TOWN)
    await ask(counter, f"items/{item_id}/answer", {"text": "答"}, 404, by=OTHER_TOWN)
    await get(counter, f"sessions/{talk_id}", 404, by=OTHER_TOWN)
    await get(counter, f"items/{item_id}/words", 404, by=OTHER_TOWN, purpose="看看")
    await get(counter, "sessions", 404, by=OTHER_TOWN, unit=HOST)
    assert await get(counter, "sessions", by=OTHER_TOWN) == []
    await ask(counter, f"items/{item_id}/answer", {"text": "答"}, 204, by=TOWN)
    await ask(counter, "sessions", talk(3), 403, by=CENTRE)
    await get(counter, "sessions", 403, by={})


async def test_reading_what_was_said_is_written_down(counter: Counter) -> None:
    item_id = await item(counter, await session(counter), name=NAME, phone=PHONE)
    (said,) = await get(counter, f"items/{item_id}/words", by=CENTRE, purpose="核实承诺")
    assert (said["kind"], said["text"], said["reporter"]["phone"]) == ("SAID", LAMP, PHONE)
    (view,) = await counter.database.fetch("SELECT viewer, purpose FROM talk_view")
    assert tuple(view) == ("command_centre:c-1", "核实承诺")
    await get(counter, f"items/{item_id}/words", 422, by=CENTRE, purpose=" ")


async def test_sessions_are_listed_page_by_page_without_gaps(counter: Counter) -> None:
    for number in range(5):
        await session(counter, number, held_at=f"2026-03-0{1 + number // 2}T19:30:00+08:00")
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while page := await get(counter, "sessions", by=CENTRE, limit=2, **cursor):
        seen += [row["external_id"] for row in page]
        cursor = {"before": page[-1]["held_at"], "before_id": page[-1]["id"]}
    assert sorted(seen) == [f"S-{n}" for n in range(5)] and len(seen) == 5
    assert seen[0] == "S-4"


async def test_promises_are_listed_by_their_day(counter: Counter) -> None:
    talk_id = await session(counter)
    for day in ("2026-03-13", "2026-03-11", "2026-03-12"):
        promised = await item(counter, talk_id, f"{LAMP} {day}")
        await ask(counter, f"items/{promised}/commitment", {"text": "会修", "due_on": day}, 204)
    (first,) = await get(counter, "commitments", by=CENTRE, limit=1)
    rest = await get(counter, "commitments", by=CENTRE, after=first["due_on"], after_id=first["id"])
    assert [row["due_on"] for row in (first, *rest)] == ["2026-03-11", "2026-03-12", "2026-03-13"]


async def test_themes_are_counted(counter: Counter) -> None:
    talk_id = await session(counter)
    for theme in ("1501", "1501", "2002"):
        await item(counter, talk_id, theme=theme)
    since = counter.time - timedelta(days=7)
    rows = await get(counter, "themes", by=CENTRE, since=since.isoformat(), until=counter.time.isoformat())
    assert [(row["theme"], row["items"]) for row in rows] == [("1501", 2), ("2002", 1)]
