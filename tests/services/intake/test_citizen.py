"""Number and code: what they show, what they allow, and how little a guesser learns; and matters that end in intake."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.core.numbers import ticket_number
from shared.events import TicketClosed
from shared.terms import Channel, CloseReason
from tests.builders import TUESDAY_MORNING
from tests.open_access import acting_as
from tests.services.intake.counter import DISPATCHER, LAMP, Counter, phone, said

AGENT = {"Griddispatch-Role": "hotline_agent", "Griddispatch-Actor": "/a-1"}


async def ask(counter: Counter, told: dict[str, Any], path: str = "", **body: Any) -> httpx.Response:
    """Ask with the right code, unless the body brings another."""
    return await counter.http.post(
        f"/v1/public/tickets/{told['ticket_no']}{path}", json={"query_code": told["query_code"]} | body
    )


async def handed_in(counter: Counter, text: str = LAMP, **changes: Any) -> dict[str, Any]:
    """A triaged ticket; what its citizen was told."""
    told = await counter.post(said(text, phone(1), **changes))
    await counter.triage()
    return told


async def test_number_and_code_show_how_it_stands_and_nothing_personal(counter: Counter) -> None:
    told = await handed_in(counter)
    answer = await ask(counter, told)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "ticket_no": told["ticket_no"], "public_state": "已受理", "received_at": "2026-03-10T01:15:00+00:00",
        "updated_at": "2026-03-10T01:15:00+00:00", "reason": None, "basis": None, "route": None, "supplements": 0,
        "withdrawal_asked": False,
    }  # fmt: skip
    by_header = await counter.http.post(
        f"/v1/public/tickets/{told['ticket_no']}", json={}, headers={"X-Query-Code": told["query_code"].lower()}
    )
    assert by_header.status_code == 200


async def test_a_wrong_code_and_an_unknown_number_are_answered_alike(counter: Counter) -> None:
    told = await handed_in(counter)
    nobody = {"ticket_no": ticket_number("990101", TUESDAY_MORNING.date(), Channel.PHONE, 99), "query_code": "AAAAAA"}
    wrong, unknown = await ask(counter, told, query_code="AAAAAA"), await ask(counter, nobody)
    assert (wrong.status_code, unknown.status_code) == (404, 404)
    assert wrong.content == unknown.content
    assert (await ask(counter, {"ticket_no": "12345", "query_code": "AAAAAA"})).content == wrong.content


@pytest.mark.parametrize("is_known", [True, False])
async def test_after_five_wrong_codes_even_the_right_one_is_not_heard_for_a_while(
    counter: Counter, is_known: bool
) -> None:
    told = await handed_in(counter)
    if not is_known:
        told |= {"ticket_no": ticket_number("990101", TUESDAY_MORNING.date(), Channel.PHONE, 99)}
    for _ in range(5):
        assert (await ask(counter, told, query_code="AAAAAA")).status_code == 404
    counter.later(minutes=5)
    locked = await ask(counter, told)
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "600")
    counter.later(minutes=10, seconds=1)
    assert (await ask(counter, told)).status_code == (200 if is_known else 404)


async def test_guessing_at_the_same_time_gains_nothing(counter: Counter) -> None:
    told = await handed_in(counter)
    answers = [await ask(counter, told, query_code="AAAAAA") for _ in range(3)]
    assert (await ask(counter, told)).status_code == 200  # forgets the tries before
    answers = [await ask(counter, told, query_code="AAAAAA") for _ in range(8)]
    assert sorted(answer.status_code for answer in answers) == [404] * 5 + [429] * 3
    assert await counter.count("code_try") == 1


async def test_a_code_is_given_once_and_never_in_the_address(counter: Counter) -> None:
    told = await handed_in(counter)
    path = f"/v1/public/tickets/{told['ticket_no']}"
    assert (await counter.http.post(path, json={})).status_code == 422
    assert (await counter.http.post(f"{path}?query_code={told['query_code']}", json={})).status_code == 422
    twice = await counter.http.post(
        path, json={"query_code": told["query_code"]}, headers={"X-Query-Code": told["query_code"]}
    )
    assert twice.status_code == 422
    assert (await counter.http.get(path)).status_code == 405


async def test_what_the_citizen_adds_is_kept_sealed_and_read_for_a_purpose(counter: Counter) -> None:
    told = await handed_in(counter)
    answer = await ask(counter, told, "/supplements", text="CANARY 灯杆也歪了")
    assert (answer.status_code, answer.json()["supplements"]) == (200, 1)
    (stated,) = await counter.stated(told["ticket_id"], "ticket.supplemented")
    assert set(stated) == {"type", "supplement_id"}
    for table in ("supplement", "event", "ticket"):
        text = " ".join(str(r[0]) for r in await counter.database.fetch(f"SELECT to_json(t)::text FROM {table} AS t"))
        assert "CANARY" not in text
    read = await counter.http.get(
        f"/v1/tickets/{told['ticket_id']}/supplements", params={"purpose": "处置"}, headers=DISPATCHER
    )
    assert [row["text"] for row in read.json()] == ["CANARY 灯杆也歪了"]
    (view,) = await counter.database.fetch("SELECT viewer, purpose FROM vault_view")
    assert tuple(view) == ("dispatcher:d-1", "处置")


@pytest.mark.parametrize("text", ["", "  ", "字" * 10_000, "字" * 4001, "a\u0000b", 7])
async def test_too_long_or_empty_an_addition_is_refused(counter: Counter, text: str) -> None:
    told = await handed_in(counter)
    assert (await ask(counter, told, "/supplements", text=text)).status_code == 422
    assert await counter.count("supplement") == 0


async def test_no_more_than_twenty_additions_are_taken(counter: Counter) -> None:
    told = await handed_in(counter)
    answers = [await ask(counter, told, "/supplements", text=f"补充{n}") for n in range(21)]
    assert [a.status_code for a in answers] == [200] * 20 + [409]


async def test_additions_are_erased_with_the_words(counter: Counter) -> None:
    told = await handed_in(counter)
    await ask(counter, told, "/supplements", text="补充")
    await counter.erase(told["ticket_id"])
    (row,) = await counter.database.fetch("SELECT sealed, wrapped_key FROM supplement")
    assert tuple(row) == (None, None)
    ticket = await counter.ticket(told["ticket_id"])
    assert (ticket["caller"], ticket["signature"], ticket["address"], ticket["party"]) == (None, None, None, None)


async def test_asking_for_speed_counts_once_a_day_and_is_told_so(counter: Counter) -> None:
    told = await handed_in(counter)
    assert [(await ask(counter, told, "/hastening")).json()["counted"] for _ in range(3)] == [True, False, False]
    counter.later(days=1)
    assert (await ask(counter, told, "/hastening")).json()["counted"] is True
    assert [e["count"] for e in await counter.stated(told["ticket_id"], "ticket.hastened")] == [1, 2]


async def test_a_matter_nobody_has_looked_at_is_withdrawn_for_good(counter: Counter) -> None:
    told = await counter.post(said())
    answer = await ask(counter, told, "/withdrawal")
    assert (answer.status_code, answer.json()["public_state"]) == (200, "已结案")
    await counter.triage()
    assert [e["type"] for e in await counter.stated(told["ticket_id"])] == [
        "ticket.received", "ticket.withdrawal-requested",
    ]  # fmt: skip


async def test_a_matter_in_hand_is_withdrawn_by_whoever_works_on_it_and_asked_once(counter: Counter) -> None:
    told = await handed_in(counter)
    for _ in range(2):
        answer = await ask(counter, told, "/withdrawal")
        assert (answer.status_code, answer.json()["withdrawal_asked"]) == (200, True)
    assert len(await counter.stated(told["ticket_id"], "ticket.withdrawal-requested")) == 1


async def test_a_ticket_that_waits_for_another_leaves_its_incident_when_withdrawn(counter: Counter) -> None:
    main = await handed_in(counter)
    other = await counter.post(said(LAMP, phone(2)))
    await counter.triage()
    assert (await ask(counter, other, "/withdrawal")).status_code == 200
    assert (await counter.stated(main["ticket_id"], "incident.recounted"))[-1]["tickets"] == 1
    assert (await counter.ticket(other["ticket_id"]))["ended"] == "WITHDRAWN"


async def test_before_anybody_looked_at_it_number_and_code_are_good_for_the_same(counter: Counter) -> None:
    told = await counter.post(said(LAMP, phone(1)))
    assert (await ask(counter, told)).json()["public_state"] == "已受理"
    assert (await ask(counter, told, "/supplements", text="灯杆也歪了")).json()["supplements"] == 1
    assert [(await ask(counter, told, "/hastening")).json()["counted"] for _ in range(2)] == [True, False]
    kinds = [e["type"] for e in await counter.stated(told["ticket_id"])]
    assert kinds == ["ticket.received", "ticket.supplemented"], "nobody could heed the wish for speed yet"
    await counter.triage()
    later = (await counter.stated(told["ticket_id"]))[2:]
    assert [e["type"] for e in later] == ["ticket.triaged", "ticket.hastened"]
    assert later[-1]["count"] == 1
    counter.later(days=1)
    await ask(counter, told, "/hastening")
    assert [e["count"] for e in await counter.stated(told["ticket_id"], "ticket.hastened")] == [1, 2]


async def test_who_asked_for_speed_before_it_was_merged_asked_for_the_one_it_waits_for(counter: Counter) -> None:
    main = await handed_in(counter)
    other = await counter.post(said(LAMP, phone(2)))
    await ask(counter, other, "/hastening")
    await counter.triage()
    assert await counter.stated(other["ticket_id"], "ticket.hastened") == []
    assert [e["count"] for e in await counter.stated(main["ticket_id"], "ticket.hastened")] == [1]


async def test_a_code_opens_its_own_ticket_and_nobody_elses(counter: Counter) -> None:
    mine, another = await handed_in(counter), await counter.post(said("垃圾没人清", phone(2)))
    for path in ("", "/supplements", "/hastening", "/withdrawal", "/reopening"):
        said_too = {"text": "x"} if path == "/supplements" else {}
        answer = await ask(counter, mine, path, query_code=another["query_code"], **said_too)
        assert answer.status_code == 404, path
    assert await counter.count("supplement") == 0
    assert (await counter.ticket(mine["ticket_id"]))["withdrawal_at"] is None


@pytest.mark.parametrize(
    ("text", "changes", "code"),
    [
        ("路口的井盖不见了，晚上很危险", {}, "urgent"),
        ("楼道里有很重的煤气味", {}, "urgent"),
        ("红星饭店使用过期原料", {"ticket_type": "REPORT"}, "under_way"),
        ("村干部截留我们的补偿款", {}, "under_way"),
    ],
)
async def test_some_matters_cannot_be_taken_back(
    counter: Counter, text: str, changes: dict[str, Any], code: str
) -> None:
    told = await handed_in(counter, text, **changes)
    answer = await ask(counter, told, "/withdrawal")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(code)


async def test_what_others_wait_for_cannot_be_taken_back(counter: Counter) -> None:
    main = await handed_in(counter)
    children = [await counter.post(said(LAMP, phone(n))) for n in range(2, 6)]
    await counter.triage()
    assert (await ask(counter, main, "/withdrawal")).json()["type"].endswith("others_wait")
    assert (await ask(counter, children[0], "/withdrawal")).json()["type"].endswith("urgent") is False


async def test_a_mass_matter_is_nobodys_to_take_back(counter: Counter) -> None:
    await handed_in(counter)
    children = [await counter.post(said(LAMP, phone(n))) for n in range(2, 6)]
    await counter.triage()
    assert (await ask(counter, children[0], "/withdrawal")).json()["type"].endswith("mass")


@pytest.mark.parametrize("path", ["/supplements", "/hastening", "/withdrawal"])
async def test_nothing_is_done_to_a_closed_matter(counter: Counter, path: str) -> None:
    told = await handed_in(counter)
    await counter.tell(told["ticket_id"], 1, TicketClosed(reason=CloseReason.EVALUATED, cycle=1))
    extra = {"text": "x"} if path == "/supplements" else {}
    answer = await ask(counter, told, path, **extra)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "closed")


# ---- matters that end in intake -------------------------------------------------------------------------------------


async def test_what_ended_before_it_was_judged_is_given_to_its_citizen_and_what_may_be_a_lead_is_not(
    counter: Counter,
) -> None:
    taken_back = await counter.post(said(LAMP, phone(1)))
    assert (await ask(counter, taken_back, "/withdrawal")).json()["public_state"] == "已结案"
    refused = await handed_in(counter, "我不服法院判决，要求你们把它改判")
    await handed_in(counter, "村干部截留我们的补偿款")
    waiting = await counter.post(said("垃圾没人清", phone(1)))
    await counter.post(said("别人的事", phone(2)))
    asked = {"phone": phone(1), "purpose": "本人申请查阅"}
    export = await counter.http.post(
        "/v1/privacy/exports", json=asked, headers=acting_as("privacy_officer", "", "po-1")
    )
    given = {ticket["ticket_no"] for ticket in export.json()["tickets"]}
    assert given == {told["ticket_no"] for told in (taken_back, refused, waiting)}


async def test_who_wants_a_court_ruling_changed_is_told_the_other_way(counter: Counter) -> None:
    told = await handed_in(counter, "我不服法院判决，要求你们把它改判")
    (stated,) = await counter.stated(told["ticket_id"], "ticket.not-accepted")
    assert (stated["reason"], stated["rule"]) == ("LITIGATION_OR_ARBITRATION", "refuse.court_ruling")
    assert await counter.stated(told["ticket_id"], "ticket.triaged") == []
    view = (await ask(counter, told)).json()
    assert (view["public_state"], view["reason"]) == ("未受理", "LITIGATION_OR_ARBITRATION")
    assert "上诉" in view["route"]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("请问不服法院判决怎么上诉，能改判吗", {"ticket_type": "CONSULT"}),
        ("我不服法院判决，再不改判我要跳楼", {}),
        ("法院判决下来了，对方还是不给钱", {}),
        ("我不服法院判决，要求改判", {"exercise": True}),
    ],
    ids=["a question", "a threat", "one word only", "a drill"],
)
async def test_a_rule_refuses_nothing_else(counter: Counter, text: str, changes: dict[str, Any]) -> None:
    told = await handed_in(counter, text, **changes)
    assert await counter.stated(told["ticket_id"], "ticket.not-accepted") == []
    assert len(await counter.stated(told["ticket_id"], "ticket.triaged")) == 1


REFUSAL = {"reason": "OUT_OF_TERRITORY", "basis": "管辖范围之外", "route": "请拨打邻县热线"}


async def test_an_agent_refuses_with_reason_ground_and_another_way(counter: Counter) -> None:
    told = await handed_in(counter)
    path = f"/v1/tickets/{told['ticket_id']}/refusal"
    for missing in REFUSAL:
        body = {k: v for k, v in REFUSAL.items() if k != missing}
        assert (await counter.http.post(path, json=body, headers=AGENT)).status_code == 422
    assert (await counter.http.post(path, json=REFUSAL, headers=AGENT)).status_code == 204
    (stated,) = await counter.stated(told["ticket_id"], "ticket.not-accepted")
    assert (stated["reason"], stated["rule"]) == ("OUT_OF_TERRITORY", None)
    assert REFUSAL["basis"] not in str(stated)
    view = (await ask(counter, told)).json()
    assert (view["public_state"], view["basis"]) == ("未受理", "管辖范围之外")
    assert (await counter.http.post(path, json=REFUSAL, headers=AGENT)).status_code == 409


async def test_an_urgent_matter_is_refused_by_two_people_only(counter: Counter) -> None:
    told = await handed_in(counter, "路口的井盖不见了，晚上很危险")
    path = f"/v1/tickets/{told['ticket_id']}/refusal"
    for second in (None, "a-1"):
        body = REFUSAL | ({"second": second} if second else {})
        assert (await counter.http.post(path, json=body, headers=AGENT)).status_code == 422
    assert (await counter.http.post(path, json=REFUSAL | {"second": "a-2"}, headers=AGENT)).status_code == 204


async def test_an_emergency_is_handed_on(counter: Counter) -> None:
    told = await handed_in(counter)
    path = f"/v1/tickets/{told['ticket_id']}/transfer"
    assert (await counter.http.post(path, json={"target": "SOMEBODY"}, headers=AGENT)).status_code == 422
    assert (await counter.http.post(path, json={"target": "FIRE_119"}, headers=AGENT)).status_code == 204
    (stated,) = await counter.stated(told["ticket_id"], "ticket.transferred")
    assert stated["target"] == "FIRE_119"
    assert (await ask(counter, told)).json()["public_state"] == "已转办"


async def test_what_belongs_to_an_incident_is_split_off_before_it_ends(counter: Counter) -> None:
    main = await handed_in(counter)
    other = await counter.post(said(LAMP, phone(2)))
    await counter.triage()
    for told in (main, other):
        path = f"/v1/tickets/{told['ticket_id']}/refusal"
        assert (await counter.http.post(path, json=REFUSAL, headers=AGENT)).status_code == 409
    unknown = f"/v1/tickets/{UUID(int=3)}/refusal"
    assert (await counter.http.post(unknown, json=REFUSAL, headers=AGENT)).status_code == 404


@pytest.mark.parametrize("vulnerable", [True, False])
async def test_a_matter_of_somebody_in_difficulty_is_marked_and_shows_it_to_nobody(
    counter: Counter, vulnerable: bool
) -> None:
    (ticket_id,) = await counter.hand_in(said(vulnerable=vulnerable))
    (triaged,) = await counter.stated(ticket_id, "ticket.triaged")
    assert triaged["vulnerable"] is vulnerable
    assert "vulnerable" not in (await counter.http.get(f"/v1/tickets/{ticket_id}")).text
