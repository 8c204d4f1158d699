"""A citizen who comes back: asked again while open, reopened, linked, counted; and what is no repeat."""

import json
from typing import Any

import pytest

from shared.events import TicketClosed, TicketReopened
from shared.terms import CloseReason
from tests.services.intake.counter import HERE, LAMP, Counter, phone, said

AGAIN = "路灯坏了三天了，还没有人来修，晚上什么也看不见"
"""The same matter in other words: alike for triage, not for a comparison of texts."""


async def close(counter: Counter, ticket_id: str, version: int = 1) -> None:
    await counter.tell(ticket_id, version, TicketClosed(reason=CloseReason.EVALUATED, cycle=version))


async def test_the_same_words_of_the_same_caller_while_open_make_no_new_ticket(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    counter.later(hours=1)
    body = said(LAMP, phone(1))
    answer = await counter.http.post("/v1/tickets", json=body)
    assert answer.status_code == 201
    assert (answer.json()["ticket_id"], answer.json()["hastened"]) == (first, True)
    assert await counter.count("ticket") == await counter.count("vault") == 1
    (hastened,) = await counter.stated(first, "ticket.hastened")
    assert hastened["count"] == 1
    repeated = await counter.http.post("/v1/tickets", json=body)
    assert (repeated.json()["ticket_id"], repeated.headers["idempotent-replay"]) == (first, "true")
    assert len(await counter.stated(first, "ticket.hastened")) == 1


async def test_asking_counts_once_a_day(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    for hours in (1, 1, 24):
        counter.later(hours=hours)
        assert (await counter.post(said(LAMP, phone(1))))["hastened"] is True
    assert [e["count"] for e in await counter.stated(first, "ticket.hastened")] == [1, 2]


async def test_a_bulk_line_that_says_it_again_gets_the_old_number(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    lines = "\n".join(json.dumps(said(LAMP, phone(n))) for n in (1, 2)) + "\n"
    answer = await counter.http.post(
        "/v1/tickets/bulk", content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [row["ticket_id"] == first for row in rows] == [True, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"text": AGAIN},
        {"reporter": {"name": "居民", "phone": phone(2)}},
        {"reporter": {"name": "居民"}},
        {"reporter": {"phone": "139****0001"}},
        {"source": "other-hotline"},
        {"location": {"lon": 119.2256, "lat": 33.378}},
        {"location": None},
        {"confidential": True},
        {"exercise": True},
    ],
    ids=["other words", "other caller", "no phone", "masked phone", "other source", "other place", "no place",
         "confidential", "exercise"],
)  # fmt: skip
async def test_anything_that_differs_becomes_a_ticket_of_its_own(counter: Counter, changes: dict[str, Any]) -> None:
    await counter.hand_in(said(LAMP, phone(1)))
    assert "hastened" not in await counter.post(said(LAMP, phone(1)) | changes)
    assert await counter.count("ticket") == 2


async def test_the_same_matter_in_other_words_while_open_is_asked_again_and_waits_for_the_open_one(
    counter: Counter,
) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    before = await counter.ticket(first)
    counter.later(hours=3)
    (second,) = await counter.hand_in(said(AGAIN, phone(1)))
    (merged,) = await counter.stated(second, "ticket.merged")
    assert (merged["into"], merged["rule"], merged["own_follow_up"]) == (first, "repeat.hasten", False)
    assert merged["reporters"] == 1
    (hastened,) = await counter.stated(first, "ticket.hastened")
    assert hastened["count"] == 1
    after = await counter.ticket(first)
    assert {k for k in before if before[k] != after[k]} == set()  # no clock was touched


async def test_a_matter_closed_fifteen_days_ago_is_to_be_reopened(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    await close(counter, first)
    counter.later(days=15)
    (second,) = await counter.hand_in(said(AGAIN, phone(1)))
    (asked,) = await counter.stated(first, "ticket.reopen-requested")
    assert asked["by"] == second
    assert (await counter.stated(second, "ticket.merged"))[0]["rule"] == "repeat.reopen"


async def test_a_matter_closed_twenty_days_ago_is_a_linked_repeat_one_level_up(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    await close(counter, first)
    counter.later(days=20)
    (second,) = await counter.hand_in(said(LAMP, phone(1)))
    (triaged,) = await counter.stated(second, "ticket.triaged")
    assert (triaged["repeat_of"], triaged["levels_up"], triaged["merged_into"]) == (first, 1, None)
    assert (triaged["repeats_30d"], triaged["repeats_90d"]) == (1, 1)


@pytest.mark.parametrize(("days", "levels_up", "linked"), [(16, 1, True), (30, 1, True), (31, 0, True), (91, 0, False)])
async def test_how_long_ago_a_matter_was_closed_decides_what_follows(
    counter: Counter, days: int, levels_up: int, linked: bool
) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    await close(counter, first)
    counter.later(days=days)
    (second,) = await counter.hand_in(said(LAMP, phone(1)))
    (triaged,) = await counter.stated(second, "ticket.triaged")
    assert triaged["levels_up"] == levels_up
    assert (triaged["repeat_of"] == first) is linked


async def test_five_times_within_ninety_days_are_counted(counter: Counter) -> None:
    counts = []
    for _ in range(5):
        (ticket_id,) = await counter.hand_in(said(LAMP, phone(1)))
        (triaged,) = await counter.stated(ticket_id, "ticket.triaged")
        counts.append(triaged["repeats_90d"])
        await close(counter, ticket_id)
        counter.later(days=17)
    assert counts == [0, 1, 2, 3, 4]


async def test_who_comes_however_often_is_never_silently_dropped_and_danger_goes_first(counter: Counter) -> None:
    ids = []
    for day in range(8):
        counter.later(days=1)
        ids += await counter.hand_in(said(f"{LAMP},第{day}次打来,还是不亮,没有人管", phone(1)))
        again = await counter.post(said(f"{LAMP},第{day}次打来,还是不亮,没有人管", phone(1)))
        assert again["ticket_no"], "even word for word he is told his number"
    assert len(set(ids)) == 8
    for ticket_id in ids:
        assert await counter.stated(ticket_id, "ticket.triaged"), "each is looked at"
    (danger,) = await counter.hand_in(said("家里煤气泄漏,很浓的煤气味", phone(1)))
    (triaged,) = await counter.stated(danger, "ticket.triaged")
    assert (triaged["urgency"], triaged["merged_into"]) == ("U1", None)


async def test_a_reopened_ticket_is_open_again(counter: Counter) -> None:
    (first,) = await counter.hand_in(said(LAMP, phone(1)))
    await close(counter, first)
    await counter.tell(first, 2, TicketReopened(cycle=2, due_at=counter.now()))
    assert (await counter.post(said(LAMP, phone(1))))["hastened"] is True


async def test_danger_to_life_is_never_a_mere_repeat(counter: Counter) -> None:
    await counter.hand_in(said(LAMP, phone(1), category="150101"))
    (second,) = await counter.hand_in(said("路灯杆漏电，有人触电倒地", phone(1), category="150101"))
    (triaged,) = await counter.stated(second, "ticket.triaged")
    assert (triaged["urgency"], triaged["merged_into"]) == ("U1", None)


async def test_twins_of_one_batch_are_one_matter(counter: Counter) -> None:
    first, second = await counter.hand_in(said(LAMP, phone(1)), said(LAMP, phone(1)))
    (merged,) = await counter.stated(second, "ticket.merged")
    assert (merged["into"], merged["rule"]) == (first, "repeat.hasten")


async def test_a_replayed_source_repeats_nothing(counter: Counter) -> None:
    await counter.hand_in(said(LAMP, phone(1), source="demo.hotline"))
    assert "hastened" not in await counter.post(said(LAMP, phone(1), source="demo.hotline"))
    await counter.triage()
    assert await counter.count("incident") == 0


async def test_no_event_table_or_answer_shows_who_called(counter: Counter) -> None:
    await counter.hand_in(said(LAMP, "13987654321", location=HERE | {"address": "CANARY 12号"}))
    await counter.post(said(LAMP, "13987654321", location=HERE | {"address": "CANARY 12号"}))
    (row,) = await counter.database.fetch("SELECT id, caller, address FROM ticket")
    assert len(row["caller"]) == 16
    assert row["address"] is not None
    shown = (await counter.http.get(f"/v1/tickets/{row['id']}")).text
    for table in ("event", "ticket", "request", "hasten", "incident_ticket", "merge_suggestion"):
        shown += " ".join(str(r[0]) for r in await counter.database.fetch(f"SELECT to_json(t)::text FROM {table} AS t"))
    assert "13987654321" not in shown
    assert "CANARY" not in shown
    events = " ".join(str(r[0]) for r in await counter.database.fetch("SELECT payload::text FROM event"))
    assert row["caller"].hex() not in events
    assert str(row["address"]) not in events


async def test_how_far_a_matter_reaches_is_told_by_extensions_of_its_report(counter: Counter) -> None:
    reach = {"households": 4, "money_yuan": "5000", "people": "many", "lamp_post": "L-7"}
    (told,) = await counter.hand_in(said(LAMP, phone(1), extensions=reach))
    (triaged,) = await counter.stated(told, "ticket.triaged")
    assert (triaged["households"], triaged["money_yuan"], triaged["people"]) == (4, 5000, 0)
