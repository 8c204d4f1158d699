"""Two tickets merged by a person though no rule found them alike: by number, with a reason, and undone by a split."""

import re
from typing import Any

import pytest
from httpx import Response

from services.intake.core.incidents import Hindrance
from services.intake.core.numbers import check_ticket_number
from shared.events import TicketClosed, TicketResolved
from tests.builders import ROOT
from tests.open_access import acting_as
from tests.services.intake.counter import DISPATCHER, LAMP, Counter, phone, said

FAR = {"lon": 119.2300, "lat": 33.3780}
RUBBISH = "垃圾堆在门口没人清运"
WHY = "两位群众说的是同一处"


async def number(counter: Counter, ticket_id: str) -> str:
    return str((await counter.ticket(ticket_id))["ticket_no"])


async def merge(counter: Counter, ticket_id: str, into_no: str, note: str = WHY, **headers: str) -> Response:
    body = {"into_ticket_no": into_no, "note": note}
    return await counter.http.post(f"/v1/tickets/{ticket_id}/merge", json=body, headers=headers or DISPATCHER)


async def unlike(counter: Counter, **changes: Any) -> tuple[str, str]:
    """Two tickets that no rule brings together: another place, another kind of matter."""
    main, other = await counter.hand_in(said(LAMP, phone(1)), said(RUBBISH, phone(2), location=FAR, **changes))
    assert await counter.count("incident") == await counter.count("merge_suggestion") == 0
    return main, other


async def test_a_dispatcher_merges_what_nobody_suggested_and_a_split_undoes_it(counter: Counter) -> None:
    main, other = await unlike(counter)
    assert (await merge(counter, other, await number(counter, main))).status_code == 204
    (merged,) = await counter.stated(other, "ticket.merged")
    assert (merged["into"], merged["rule"], merged["reporters"], merged["own_follow_up"]) == (
        main,
        "merge.by-hand",
        2,
        True,
    )
    assert (await counter.stated(main, "incident.recounted"))[-1]["tickets"] == 2
    (kept,) = await counter.database.fetch("SELECT merge_note, merged_by, rule FROM incident_ticket")
    assert tuple(kept) == (WHY, "dispatcher:d-1", "merge.by-hand")

    why_not = {"reason": "OTHER_PLACE", "note": "看错了"}
    split = await counter.http.post(f"/v1/tickets/{other}/split", json=why_not, headers=DISPATCHER)
    assert split.status_code == 204
    assert (await counter.ticket(other))["merged_into"] is None
    assert (await counter.stated(main, "incident.recounted"))[-1]["tickets"] == 1
    assert (await merge(counter, other, await number(counter, main))).status_code == 204, "and once more"
    notes = await counter.database.fetch("SELECT merge_note, note FROM incident_ticket ORDER BY id")
    assert [tuple(row) for row in notes] == [(WHY, "看错了"), (WHY, None)]


async def test_what_is_merged_into_a_ticket_that_waits_joins_the_one_that_is_worked_on(counter: Counter) -> None:
    main, other = await unlike(counter)
    (third,) = await counter.hand_in(said("噪声扰民", phone(3), location={"lon": 119.24, "lat": 33.36}))
    assert (await merge(counter, other, await number(counter, main))).status_code == 204
    assert (await merge(counter, third, await number(counter, other))).status_code == 204
    assert str((await counter.ticket(third))["merged_into"]) == main
    assert (await counter.stated(main, "incident.recounted"))[-1]["tickets"] == 3


async def test_a_suggestion_between_the_two_is_settled_with_it(counter: Counter) -> None:
    near = {"lon": 119.2255, "lat": 33.378}
    main, other = await counter.hand_in(said(LAMP, phone(1)), said(LAMP, phone(2), location=near))
    assert await counter.count("merge_suggestion") == 1
    assert (await merge(counter, main, await number(counter, other))).status_code == 204, "the other way round, too"
    assert (await counter.http.get("/v1/merges", headers=DISPATCHER)).json() == []
    (kept,) = await counter.database.fetch("SELECT state, note, decided_by FROM merge_suggestion")
    assert tuple(kept) == ("ACCEPTED", WHY, "dispatcher:d-1")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ({"confidential": True}, {}, "CONFIDENTIAL"),
        ({}, {"confidential": True}, "CONFIDENTIAL"),
        ({"exercise": True}, {}, "EXERCISE"),
        ({"text": "有人触电倒地", "category": "190101"}, {}, "OTHER_DANGER"),
        ({"ticket_type": "REPORT", "extensions": {"reported_party": "红星饭店"}}, {}, "OTHER_PARTY"),
    ],
)
async def test_what_must_never_be_merged_is_refused_to_people_too(
    counter: Counter, first: dict[str, Any], second: dict[str, Any], reason: str
) -> None:
    main, other = await counter.hand_in(
        said(**{"text": LAMP, "phone": phone(1)} | first), said(**{"text": RUBBISH, "phone": phone(2), "location": FAR} | second)
    )  # fmt: skip
    refused = await merge(counter, other, await number(counter, main))
    assert (refused.status_code, refused.json()["reason"]) == (409, reason)
    assert await counter.count("incident") == 0


async def test_a_ticket_is_not_merged_into_itself_nor_twice_nor_away_from_those_that_wait_for_it(
    counter: Counter,
) -> None:
    main, other = await unlike(counter)
    (third,) = await counter.hand_in(said("噪声扰民", phone(3), location={"lon": 119.24, "lat": 33.36}))
    itself = await merge(counter, main, await number(counter, main))
    assert (itself.status_code, itself.json()["reason"]) == (409, "SAME")
    assert (await merge(counter, other, await number(counter, main))).status_code == 204
    for ticket_id, into in ((other, third), (main, third)):
        refused = await merge(counter, ticket_id, await number(counter, into))
        assert (refused.status_code, refused.json()["reason"]) == (409, "IN_AN_INCIDENT")
    around = await merge(counter, main, await number(counter, other))
    assert (around.status_code, around.json()["reason"]) == (409, "SAME"), "it waits for this one"


async def test_whose_result_is_in_waits_for_nobody_and_what_was_closed_long_ago_takes_nobody_in(
    counter: Counter,
) -> None:
    main, other = await unlike(counter)
    (late,) = await counter.hand_in(said("噪声扰民", phone(3), location={"lon": 119.24, "lat": 33.36}))
    resolved = {"assignment_id": main, "unit": "grid:990101001001001", "action": "HANDLED", "cycle": 1, "on_time": True}
    await counter.tell(late, 1, TicketResolved.model_validate(resolved))
    refused = await merge(counter, late, await number(counter, main))
    assert (refused.status_code, refused.json()["reason"]) == (409, "RESULT_IN")
    await counter.tell(main, 1, TicketClosed.model_validate({"reason": "EVALUATED", "cycle": 1}))
    counter.later(hours=25)
    refused = await merge(counter, other, await number(counter, main))
    assert (refused.status_code, refused.json()["reason"]) == (409, "CLOSED")
    counter.later(hours=-3)
    assert (await merge(counter, other, await number(counter, main))).status_code == 204


async def test_the_number_must_be_one_and_somebodys_and_the_reason_must_be_said(counter: Counter) -> None:
    main, other = await unlike(counter)
    right = await number(counter, main)
    wrong = right[:-2] + str((int(right[-2]) + 1) % 10) + right[-1]
    assert not check_ticket_number(wrong)
    for body in (
        {"into_ticket_no": wrong, "note": WHY}, {"into_ticket_no": main, "note": WHY}, {"into_ticket_no": right},
        {"into_ticket_no": right, "note": " "}, {"note": WHY}, {"into_ticket_no": 7, "note": WHY},
        {"into_ticket_no": right, "note": WHY, "rule": "merge.near"}, {"into_ticket_no": right, "note": "x" * 501},
    ):  # fmt: skip
        told = await counter.http.post(f"/v1/tickets/{other}/merge", json=body, headers=DISPATCHER)
        assert told.status_code == 422, body
    nobodys = next(n for n in (f"{right[:-7]}{k:07d}" for k in range(9_999_900, 9_999_999)) if check_ticket_number(n))
    told = await merge(counter, other, nobodys)
    assert (told.status_code, told.json()["problems"][0]["field"]) == (422, "into_ticket_no")
    unknown = await merge(counter, "00000000-0000-0000-0000-000000000001", right)
    assert unknown.status_code == 404
    assert await counter.count("incident") == 0


@pytest.mark.parametrize("headers", [{}, acting_as("grid_worker"), acting_as("hotline_agent"), acting_as("supervisor")])
async def test_only_who_dispatches_merges_by_hand(counter: Counter, headers: dict[str, str]) -> None:
    main, other = await unlike(counter)
    body = {"into_ticket_no": await number(counter, main), "note": WHY}
    told = await counter.http.post(f"/v1/tickets/{other}/merge", json=body, headers=headers)
    assert told.status_code == 403


async def test_of_a_lead_nobody_is_told_that_it_is_there(counter: Counter) -> None:
    main, _ = await unlike(counter)
    lead = await counter.post(said("再不解决我就跳楼", phone(9)))
    await counter.triage()
    hidden = await counter.ticket(lead["ticket_id"])
    assert hidden["hidden"]
    told = await merge(counter, main, hidden["ticket_no"])
    assert (told.status_code, told.json()["problems"][0]["code"]) == (422, "unknown")
    assert (await merge(counter, lead["ticket_id"], await number(counter, main))).status_code == 404


def test_every_refusal_has_words_in_the_console() -> None:
    desk = (ROOT / "services" / "intake" / "incident_desk.py").read_text(encoding="utf-8")
    reasons = {*re.findall(r'Conflict\(".*", 0, "([A-Z_]+)"\)', desk), *Hindrance}
    assert len(reasons) >= 10
    words = (ROOT / "services" / "dispatch" / "console" / "words.js").read_text(encoding="utf-8")
    table = words.partition("const REASONS = {")[2].partition("};")[0]
    assert reasons == set(re.findall(r"([A-Z_]{4,}): \[", table))
