"""Sensitive leads: found, confirmed, handed over one level up, and seen by nobody else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.intake.app import read_calendar
from services.intake.core.leads import body_above, take_over_by
from services.intake.leads import WORDS_LOST, Leads
from services.intake.officers import Actor as Officer
from services.intake.vault import OriginalWords, Vault, lead_keys, ordinary_keys, read_keys
from shared.errors import CannotOpen
from shared.terms import LeadId, LeadKind, Urgency
from tests.builders import PACK
from tests.services.intake.counter import LEAD_OFFICER, RECORDER, Counter, incident_rules, officer, phone, said
from tests.services.intake.desk import KEYS

BRIBE = "村干部截留我们的补偿款，CANARY"
TOWN, VILLAGE = "990101001", "990101001001"
TOWN_BODY, COUNTY_BODY, CITY_BODY = f"discipline:{TOWN}", "discipline:990101", "discipline:9901"
WHY = {"purpose": "核查"}


async def suspected(counter: Counter, text: str = BRIBE, **changes: Any) -> tuple[str, str]:
    """A matter that sounds like a lead: the ids of its ticket and of the lead."""
    (ticket_id,) = await counter.hand_in(said(text, phone(1), **changes))
    (row,) = (await counter.http.get("/v1/leads", headers=LEAD_OFFICER)).json()
    return ticket_id, row["lead_id"]


async def confirmed(counter: Counter, kind: str = "DISCIPLINE", level: str = "VILLAGE") -> tuple[str, str]:
    """The same, confirmed by a person."""
    ticket_id, lead_id = await suspected(counter)
    path, body = f"/v1/leads/{lead_id}/confirmation", {"kind": kind, "level": level}
    assert (await counter.http.post(path, json=body, headers=LEAD_OFFICER)).status_code == 204
    return ticket_id, lead_id


async def test_what_sounds_like_a_lead_is_held_for_a_person_and_nobody_is_told(counter: Counter) -> None:
    ticket_id, _ = await suspected(counter)
    assert [e["type"] for e in await counter.stated(ticket_id)] == ["ticket.received"]
    row = await counter.ticket(ticket_id)
    assert (row["state"], row["confidential"], row["category"], row["township"]) == ("SUSPECTED", True, None, None)
    shown = (await counter.http.get(f"/v1/tickets/{ticket_id}")).json()
    assert (shown["state"], shown["public_state"], shown["village"]) == ("RECEIVED", "已受理", None)


async def test_a_confirmed_lead_takes_everything_from_its_ticket_and_only_ids_are_told(counter: Counter) -> None:
    ticket_id, lead_id = await confirmed(counter)
    (routed,) = await counter.stated(ticket_id, "ticket.routed")
    assert routed == {"type": "ticket.routed", "lead_id": lead_id}
    assert await counter.stated(lead_id) == [{"type": "lead.created", "lead_id": lead_id, "kind": "DISCIPLINE"}]
    row = await counter.ticket(ticket_id)
    for column in ("lon", "given_village", "category", "caller", "signature", "cell", "address", "township"):
        assert row[column] is None, column
    assert (row["state"], row["ended"], row["hidden"]) == ("ENDED", "ROUTED", True)
    assert (await counter.http.get(f"/v1/tickets/{ticket_id}")).status_code == 404
    matter = await counter.http.get(f"/v1/tickets/{ticket_id}/matter", params={"viewer": "v", "purpose": "p"})
    assert matter.status_code == 404
    events = " ".join(str(r[0]) for r in await counter.database.fetch("SELECT payload::text FROM event"))
    assert "CANARY" not in events
    assert VILLAGE not in events


@pytest.mark.parametrize(("level", "body"), [("VILLAGE", TOWN_BODY), ("TOWNSHIP", COUNTY_BODY), ("COUNTY", CITY_BODY)])
async def test_a_discipline_lead_goes_to_the_body_one_level_above_whom_it_is_about(
    counter: Counter, level: str, body: str
) -> None:
    _, lead_id = await confirmed(counter, level=level)
    for other in {TOWN_BODY, COUNTY_BODY, CITY_BODY, VILLAGE, f"discipline:{VILLAGE}"} - {body}:
        assert (await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(other))).status_code == 404
        assert (await counter.http.get("/v1/leads", headers=officer(other))).json() == []
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(body))
    assert (read.json()["text"], read.json()["target"]) == (BRIBE, body)
    assert [row["lead_id"] for row in (await counter.http.get("/v1/leads", headers=officer(body))).json()] == [lead_id]
    (view,) = await counter.database.fetch("SELECT viewer, purpose FROM lead_view")
    assert tuple(view) == ("discipline_officer:o-1", "核查")


async def test_gang_leads_go_to_the_police(counter: Counter) -> None:
    _, lead_id = await confirmed(counter, kind="SECURITY")
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer("police:990101"))
    assert read.status_code == 200


async def test_a_villagers_hint_at_an_evening_talk_goes_to_the_township_and_a_visitor_from_outside(
    counter: Counter,
) -> None:
    body = {"kind": "DISCIPLINE", "level": "VILLAGE", "text": "捐款不见了", "village": VILLAGE, "implicit": True}
    recorded = await counter.http.post("/v1/leads", json=body, headers=RECORDER)
    assert recorded.status_code == 201
    lead_id = recorded.json()["lead_id"]
    (row,) = (await counter.http.get("/v1/leads", headers=officer(TOWN_BODY))).json()
    assert (row["lead_id"], row["implicit"], row["has_visitor"]) == (lead_id, True, False)
    assert await counter.count("ticket") == 0
    visit = f"/v1/leads/{lead_id}/visit"
    for unit in (VILLAGE, f"{VILLAGE}001"):
        refused = await counter.http.post(visit, json={"officer": "w-1", "unit": unit}, headers=officer(TOWN_BODY))
        assert refused.status_code == 422
    named = await counter.http.post(visit, json={"officer": "w-9", "unit": TOWN}, headers=officer(TOWN_BODY))
    assert named.status_code == 204


async def test_who_calls_out_a_threat_is_urgent_at_once_and_on_no_list(counter: Counter) -> None:
    (ticket_id,) = await counter.hand_in(said("再不解决我要跳楼", phone(1)))
    (triaged,) = await counter.stated(ticket_id, "ticket.triaged")
    assert (triaged["urgency"], triaged["hidden"], triaged["merged_into"]) == ("U1", True, None)
    assert await counter.stated(ticket_id, "ticket.routed") == []
    (lead,) = await counter.database.fetch("SELECT id, kind, state, target FROM lead")
    assert tuple(lead)[1:] == ("THREAT", "HANDED_OVER", "police:990101")
    assert (await counter.stated(str(lead["id"])))[0]["kind"] == "THREAT"
    assert (await counter.http.get(f"/v1/tickets/{ticket_id}")).status_code == 404
    listed = await counter.database.fetch("SELECT 1 FROM ticket WHERE NOT confidential AND NOT exercise")
    assert listed == []
    read = await counter.http.get(f"/v1/leads/{lead['id']}", params=WHY, headers=officer("police:990101"))
    assert read.json()["text"] == "再不解决我要跳楼"


async def test_a_dismissed_suspicion_is_an_ordinary_ticket_again(counter: Counter) -> None:
    ticket_id, lead_id = await suspected(counter)
    assert (await counter.http.post(f"/v1/leads/{lead_id}/dismissal", headers=LEAD_OFFICER)).status_code == 204
    await counter.triage()
    (triaged,) = await counter.stated(ticket_id, "ticket.triaged")
    assert (triaged["village"], triaged["confidential"]) == (VILLAGE, False)
    assert (await counter.http.get("/v1/leads", headers=LEAD_OFFICER)).json() == []
    assert (await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=LEAD_OFFICER)).status_code == 404


async def test_a_returned_lead_becomes_a_ticket_and_is_not_suspected_again(counter: Counter) -> None:
    _, lead_id = await confirmed(counter)
    path = f"/v1/leads/{lead_id}/return"
    returned = await counter.http.post(path, headers=officer(TOWN_BODY))
    await counter.triage()
    (triaged,) = await counter.stated(returned.json()["ticket_id"], "ticket.triaged")
    assert triaged["village"] == VILLAGE
    assert (await counter.http.post(path, headers=officer(TOWN_BODY))).status_code == 409
    receipt = f"/v1/leads/{lead_id}/receipt"
    assert (await counter.http.post(receipt, json={}, headers=officer(TOWN_BODY))).status_code == 409


async def test_a_body_that_has_a_lead_in_hand_may_say_what_came_of_it(counter: Counter) -> None:
    _, lead_id = await confirmed(counter)
    path = f"/v1/leads/{lead_id}/receipt"
    assert (await counter.http.post(path, json={}, headers=officer(TOWN_BODY))).status_code == 204
    told = await counter.http.post(path, json={"outcome": "已立案"}, headers=officer(TOWN_BODY))
    assert told.status_code == 204
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(TOWN_BODY))
    assert read.json()["outcome"] == "已立案"
    (row,) = (await counter.http.get("/v1/leads", headers=officer(TOWN_BODY))).json()
    assert row["state"] == "RECEIVED"


async def test_nobody_looked_for_two_hours_so_it_is_handed_over_as_it_is(counter: Counter) -> None:
    ticket_id, lead_id = await suspected(counter)
    counter.later(minutes=119)
    assert await overdue(counter) == 0
    counter.later(minutes=2)
    assert await overdue(counter) == 1
    assert (await counter.stated(ticket_id, "ticket.routed"))[0]["lead_id"] == lead_id
    (row,) = (await counter.http.get("/v1/leads", headers=officer(TOWN_BODY))).json()
    assert row["lead_id"] == lead_id


async def overdue(counter: Counter) -> int:
    """How many suspicions were handed over because nobody looked."""
    async with counter.database.transaction() as tx:
        return await counter.leads.hand_over_overdue(tx, counter.now())


async def test_leads_whose_words_nobody_can_open_are_handed_over_and_lose_nothing(counter: Counter) -> None:
    ticket_id, lead_id = await suspected(counter)
    await counter.hand_in(said(BRIBE, phone(2)))
    ring = read_keys(KEYS)
    keyless = Leads(
        incident_rules().leads, Vault({"other": b"9" * 32}), Vault(lead_keys(ring)), counter.ledger, counter.receiver,
        "990101", read_calendar(PACK),
    )  # fmt: skip
    counter.later(minutes=121)
    async with counter.database.transaction() as tx:
        assert await keyless.hand_over_overdue(tx, counter.now()) == 2
    assert (await counter.stated(ticket_id, "ticket.routed"))[0]["lead_id"] == lead_id
    body = Officer("discipline_officer", TOWN_BODY, "o-1")
    async with counter.database.transaction() as tx:
        assert (await keyless.read(tx, LeadId(UUID(lead_id)), body, "核查", counter.now()))["text"] == WORDS_LOST
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(TOWN_BODY))
    assert read.json()["text"] == BRIBE, "the key came back"


async def test_what_was_added_and_cannot_be_opened_stays_until_it_can(counter: Counter) -> None:
    ticket_id, lead_id = await suspected(counter)
    await counter.database.fetch(
        "INSERT INTO supplement (id, ticket_id, added_at, key_id, wrapped_key, sealed)"
        " VALUES ($1, $2, $3, 'gone', $4, $4)", ANY, UUID(ticket_id), counter.now(), b"x",
    )  # fmt: skip
    counter.later(minutes=121)
    assert await overdue(counter) == 1
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(TOWN_BODY))
    assert (read.json()["text"], read.json()["notes"]) == (BRIBE, [])
    (kept,) = await counter.database.fetch("SELECT sealed FROM supplement WHERE id = $1", ANY)
    assert kept["sealed"] == b"x"


async def test_the_recorder_reads_for_a_day_and_adds_for_good(counter: Counter) -> None:
    body = {"kind": "DISCIPLINE", "level": "VILLAGE", "text": "捐款不见了", "village": VILLAGE}
    lead_id = (await counter.http.post("/v1/leads", json=body, headers=RECORDER)).json()["lead_id"]
    counter.later(hours=24)
    assert (await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=RECORDER)).status_code == 200
    counter.later(seconds=1)
    assert (await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=RECORDER)).status_code == 404
    note = await counter.http.post(f"/v1/leads/{lead_id}/notes", json={"text": "补充一点"}, headers=RECORDER)
    assert note.status_code == 204
    stranger = RECORDER | {"Griddispatch-Actor": "/rec-2"}
    for headers, status in ((stranger, 404), (officer(TOWN_BODY), 403)):
        answer = await counter.http.post(f"/v1/leads/{lead_id}/notes", json={"text": "x"}, headers=headers)
        assert answer.status_code == status
    read = await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=officer(TOWN_BODY))
    assert [n["text"] for n in read.json()["notes"]] == ["补充一点"]


ANY = UUID(int=7)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/leads"), ("GET", "/v1/leads"), ("GET", "/v1/leads/counts"),
        ("GET", f"/v1/leads/{ANY}?purpose=x"), ("POST", f"/v1/leads/{ANY}/confirmation"),
        ("POST", f"/v1/leads/{ANY}/dismissal"), ("POST", f"/v1/leads/{ANY}/receipt"),
        ("POST", f"/v1/leads/{ANY}/return"), ("POST", f"/v1/leads/{ANY}/notes"), ("POST", f"/v1/leads/{ANY}/visit"),
    ],
)  # fmt: skip
async def test_for_everybody_else_there_is_nothing(counter: Counter, method: str, path: str) -> None:
    answer = await counter.http.request(method, path, json={})
    assert answer.status_code == 404
    assert answer.json() == (await counter.http.get(f"/v1/tickets/{ANY}")).json()
    for role in ("dispatcher", "grid_leader", "village_secretary"):
        refused = await counter.http.request(method, path, json={}, headers={"Griddispatch-Role": role})
        assert refused.status_code == 403


async def test_what_is_known_of_a_lead_shows_it_to_nobody_but_its_officers(counter: Counter) -> None:
    _, lead_id = await confirmed(counter)
    for headers in (LEAD_OFFICER, RECORDER, officer("police:990101"), officer("")):
        assert (await counter.http.get(f"/v1/leads/{lead_id}", params=WHY, headers=headers)).status_code == 404
    for action in ("receipt", "return", "visit"):
        body = {"officer": "a", "unit": TOWN} if action == "visit" else {}
        path = f"/v1/leads/{lead_id}/{action}"
        assert (await counter.http.post(path, json=body, headers=officer(COUNTY_BODY))).status_code == 404
    again = await counter.http.post(
        f"/v1/leads/{lead_id}/confirmation", json={"kind": "SECURITY", "level": "VILLAGE"}, headers=LEAD_OFFICER
    )
    assert again.status_code == 404


async def test_fewer_than_five_leads_are_never_counted(counter: Counter) -> None:
    body = {"kind": "DISCIPLINE", "level": "VILLAGE", "text": "捐款不见了", "village": VILLAGE}
    for n in range(5):
        counts = (await counter.http.get("/v1/leads/counts", headers=officer(TOWN_BODY))).json()
        assert counts["DISCIPLINE"] is None, n
        await counter.http.post("/v1/leads", json=body, headers=RECORDER)
    counts = (await counter.http.get("/v1/leads/counts", headers=officer(TOWN_BODY))).json()
    assert counts == {"THREAT": None, "DISCIPLINE": 5, "SECURITY": None}


async def test_words_added_while_it_was_held_go_with_the_lead(counter: Counter) -> None:
    body = said(BRIBE, phone(1))
    told = await counter.post(body)
    await counter.triage()
    added = await counter.http.post(
        f"/v1/public/tickets/{told['ticket_no']}/supplements",
        json={"query_code": told["query_code"], "text": "还有照片"},
    )
    assert added.status_code == 200
    (row,) = (await counter.http.get("/v1/leads", headers=LEAD_OFFICER)).json()
    await counter.http.post(
        f"/v1/leads/{row['lead_id']}/confirmation",
        json={"kind": "DISCIPLINE", "level": "VILLAGE"},
        headers=LEAD_OFFICER,
    )
    read = await counter.http.get(f"/v1/leads/{row['lead_id']}", params=WHY, headers=officer(TOWN_BODY))
    assert [n["text"] for n in read.json()["notes"]] == ["还有照片"]
    view = await counter.http.post(f"/v1/public/tickets/{told['ticket_no']}", json={"query_code": told["query_code"]})
    assert (view.json()["public_state"], view.json()["reason"]) == ("已转办", None)


async def test_drills_and_replays_are_no_leads(counter: Counter) -> None:
    await counter.hand_in(said(BRIBE, exercise=True), said(BRIBE, source="demo.x"))
    assert await counter.count("lead") == 0


async def test_a_lead_is_never_merged_with_anything(counter: Counter) -> None:
    _, lead_id = await suspected(counter)
    await counter.http.post(f"/v1/leads/{lead_id}/dismissal", headers=LEAD_OFFICER)
    await counter.hand_in(said(BRIBE, phone(2)))
    await counter.triage()
    assert await counter.count("incident") == await counter.count("merge_suggestion") == 0


async def test_what_was_written_about_a_lead_cannot_be_rewritten(counter: Counter) -> None:
    body = {"kind": "DISCIPLINE", "level": "VILLAGE", "text": "捐款不见了", "village": VILLAGE}
    lead_id = (await counter.http.post("/v1/leads", json=body, headers=RECORDER)).json()["lead_id"]
    await counter.http.post(f"/v1/leads/{lead_id}/notes", json={"text": "补充一点"}, headers=RECORDER)
    for change in ("DELETE FROM lead_note", "UPDATE lead_note SET written_by = 'x'", "DELETE FROM lead_view"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await counter.database.fetch(change)


def test_leads_are_sealed_under_keys_of_their_own() -> None:
    ring = read_keys(KEYS)
    own = read_keys(KEYS + ",lead-1:" + KEYS.partition(":")[2].partition(",")[0])
    assert set(ordinary_keys(own)) == {"k2", "k1"}
    assert set(lead_keys(own)) == {"lead-1"}
    assert set(lead_keys(ring)) == {"k2/lead", "k1/lead"}
    lead_id, words = uuid4(), OriginalWords(None, "捐款不见了")
    sealed = Vault(lead_keys(ring)).seal(lead_id, words)
    with pytest.raises(CannotOpen):
        Vault(ordinary_keys(ring)).open(lead_id, sealed)
    assert Vault(lead_keys(ring)).open(lead_id, sealed) == words


def test_a_ring_of_lead_keys_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="lead"):
        read_keys("lead-1:" + KEYS.partition(":")[2].partition(",")[0])


async def untaken(counter: Counter) -> int:
    """Escalate what lies too long; how many."""
    async with counter.database.transaction() as tx:
        return await counter.leads.escalate_untaken(tx, counter.now())


async def seen_overdue(counter: Counter, who: dict[str, str]) -> list[str]:
    return [row["lead_id"] for row in (await counter.http.get("/v1/leads/overdue", headers=who)).json()]


async def test_a_lead_that_its_body_leaves_lying_is_shown_to_the_body_above_and_to_nobody_else(
    counter: Counter,
) -> None:
    counter.time = datetime(2026, 3, 13, 12, tzinfo=UTC)  # Friday 20:00 in the county
    ticket_id, lead_id = await confirmed(counter)
    events = await counter.count("event")
    counter.time = datetime(2026, 3, 16, 16, tzinfo=UTC)  # Monday 24:00 is still in time
    assert await untaken(counter) == 0
    counter.time += timedelta(microseconds=1)
    assert (await untaken(counter), await untaken(counter)) == (1, 0)
    assert await seen_overdue(counter, officer(COUNTY_BODY)) == [lead_id]
    assert await seen_overdue(counter, LEAD_OFFICER) == [lead_id]
    assert await seen_overdue(counter, officer(CITY_BODY)) == await seen_overdue(counter, officer(TOWN_BODY)) == []
    assert (await counter.http.get("/v1/leads/overdue", headers=RECORDER)).status_code == 404
    assert await counter.count("event") == events, "no event tells of it"
    assert (await counter.http.get(f"/v1/tickets/{ticket_id}")).status_code == 404
    assert (await counter.http.get("/v1/leads/counts", headers=officer(COUNTY_BODY))).json()["DISCIPLINE"] is None
    receipt = await counter.http.post(f"/v1/leads/{lead_id}/receipt", json={}, headers=officer(TOWN_BODY))
    assert receipt.status_code == 204
    assert await seen_overdue(counter, LEAD_OFFICER) == [], "somebody has it in hand"


async def test_a_lead_in_hand_in_time_is_never_escalated(counter: Counter) -> None:
    _, lead_id = await confirmed(counter)
    await counter.http.post(f"/v1/leads/{lead_id}/receipt", json={}, headers=officer(TOWN_BODY))
    counter.time += timedelta(days=30)
    assert await untaken(counter) == 0


@pytest.mark.parametrize(
    ("target", "above"),
    [(TOWN_BODY, COUNTY_BODY), (COUNTY_BODY, CITY_BODY), (CITY_BODY, CITY_BODY), ("police:990101", "police:9901")],
)
def test_whatever_lies_goes_up_never_down(target: str, above: str) -> None:
    assert body_above(target) == above


@pytest.mark.parametrize(
    ("kind", "urgency", "until"),
    [
        (LeadKind.THREAT, Urgency.U3, datetime(2026, 3, 13, 12, 10, tzinfo=UTC)),
        (LeadKind.SECURITY, Urgency.U1, datetime(2026, 3, 13, 12, 10, tzinfo=UTC)),
        (LeadKind.DISCIPLINE, Urgency.U2, datetime(2026, 3, 13, 14, tzinfo=UTC)),  # two hours, on a Friday night too
        (LeadKind.DISCIPLINE, Urgency.U3, datetime(2026, 3, 16, 16, tzinfo=UTC)),  # Monday 24:00 in the county
        (LeadKind.SECURITY, Urgency.U3, datetime(2026, 3, 16, 16, tzinfo=UTC)),
    ],
)
def test_a_body_has_minutes_for_a_threat_hours_for_what_is_urgent_and_a_working_day_for_anything_else(
    kind: LeadKind, urgency: Urgency, until: datetime
) -> None:
    friday_evening = datetime(2026, 3, 13, 12, tzinfo=UTC)
    assert take_over_by(kind, urgency, friday_evening, incident_rules().leads, read_calendar(PACK)) == until


async def test_an_urgent_lead_must_be_in_hand_within_two_hours(counter: Counter) -> None:
    body = {"kind": "SECURITY", "level": "VILLAGE", "text": "有人聚众斗殴", "village": VILLAGE, "urgency": "U2"}
    assert (await counter.http.post("/v1/leads", json=body, headers=RECORDER)).status_code == 201
    assert (await counter.http.post("/v1/leads", json=body | {"urgency": "U3"}, headers=RECORDER)).status_code == 201
    counter.later(hours=2)
    assert await untaken(counter) == 0
    counter.later(seconds=1)
    assert await untaken(counter) == 1


@pytest.mark.parametrize(("urgency", "late"), [(None, 0), ("U2", 1)])
async def test_who_confirms_a_lead_may_say_that_it_is_urgent(counter: Counter, urgency: str | None, late: int) -> None:
    _, lead_id = await suspected(counter)
    body = {"kind": "DISCIPLINE", "level": "VILLAGE", "urgency": urgency}
    path = f"/v1/leads/{lead_id}/confirmation"
    assert (await counter.http.post(path, json=body, headers=LEAD_OFFICER)).status_code == 204
    counter.later(hours=2, seconds=1)
    assert await untaken(counter) == late


async def test_words_of_danger_make_a_suspected_lead_urgent(counter: Counter) -> None:
    await suspected(counter, "村干部截留补偿款，井盖不见了")
    (row,) = await counter.database.fetch("SELECT urgency, state FROM lead")
    (ticket_row,) = await counter.database.fetch("SELECT state FROM ticket")
    assert (row["urgency"], row["state"], ticket_row["state"]) == ("U2", "SUSPECTED", "SUSPECTED")
