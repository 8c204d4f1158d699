"""One incident of many tickets: found, merged, suggested, counted, and undone, also by several copies at once."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from services.intake.core.incidents import incident_of
from shared.events import TicketClosed
from shared.terms import TicketId
from tests.services.intake.counter import DISPATCHER, LAMP, Counter, phone, said

MANHOLE = "路口的井盖不见了，晚上很危险"
ELSEWHERE = {"lon": 119.2300, "lat": 33.3780}


def manhole(n: int, text: str = MANHOLE, **changes: Any) -> dict[str, Any]:
    """The n-th citizen about one manhole."""
    return said(text, phone(n), extensions={"component_id": "M-77"}, **changes)


async def test_six_callers_about_one_manhole_in_ninety_minutes_are_one_urgent_mass_incident(counter: Counter) -> None:
    texts = (
        "路口的井盖不见了，晚上很危险",
        "井盖没了，快来看看",
        "学校门口缺少井盖",
        "没有井盖，老人差点掉下去",
        "井盖被偷了",
        "路中间井盖丢失",
    )
    ids = []
    for n, text in enumerate(texts):
        ids += await counter.hand_in(manhole(n, text))
        counter.later(minutes=18)
    main, *others = ids
    assert await counter.count("incident") == 1
    assert await counter.count("incident_ticket") == 5
    last = (await counter.stated(main, "incident.recounted"))[-1]
    assert (last["tickets"], last["reporters"], last["urgency"], last["mass"]) == (6, 6, "U2", True)
    assert [e["mass"] for e in await counter.stated(main, "incident.recounted")] == [False, False, False, True, True]
    for ticket_id in others:
        (merged,) = await counter.stated(ticket_id, "ticket.merged")
        assert (merged["into"], merged["rule"], merged["own_follow_up"]) == (main, "merge.component", True)
        (triaged,) = await counter.stated(ticket_id, "ticket.triaged")
        assert (triaged["merged_into"], triaged["incident_id"]) == (main, merged["incident_id"])


async def test_ten_reporters_within_a_day_are_supervised(counter: Counter) -> None:
    (main,) = await counter.hand_in(manhole(0))
    for n in range(1, 10):
        counter.later(hours=2.5)
        await counter.hand_in(manhole(n))
    assert [e["supervise"] for e in await counter.stated(main, "incident.recounted")][-2:] == [0, 2]
    assert not (await counter.stated(main, "incident.recounted"))[-1]["mass"]


async def test_five_nameless_reporters_are_one_person_to_the_count(counter: Counter) -> None:
    main, *_ = await counter.hand_in(*(said() for _ in range(6)))
    (last,) = await counter.stated(main, "incident.recounted")
    assert (last["tickets"], last["reporters"], last["mass"]) == (6, 1, False)


async def test_tickets_of_one_batch_find_each_other(counter: Counter) -> None:
    ids = await counter.hand_in(*(manhole(n) for n in range(5)))
    assert await counter.count("incident_ticket") == 4
    assert len(await counter.stated(ids[0], "incident.recounted")) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (said(LAMP, phone(1), confidential=True), said(LAMP, phone(2))),
        (said(LAMP, phone(1)), said(LAMP, phone(2), confidential=True)),
        (said(LAMP, phone(1), exercise=True), said(LAMP, phone(2))),
        (said(LAMP, phone(1)), said("垃圾堆在门口没人清运", phone(2))),
        (said(LAMP, phone(1)), said(LAMP, phone(2), location=ELSEWHERE)),
        (said("有人被困电梯", phone(1)), said("有人触电倒地", phone(2), category="190101")),
        (said(LAMP, phone(1), source="demo.x"), said(LAMP, phone(2), source="demo.x")),
    ],
    ids=["confidential before", "confidential after", "exercise", "another matter", "far away", "danger", "replay"],
)
async def test_some_are_never_merged(counter: Counter, first: dict[str, Any], second: dict[str, Any]) -> None:
    await counter.hand_in(first, second)
    assert await counter.count("incident") == 0


async def test_a_confidential_report_and_a_complaint_about_one_shop_are_never_merged(counter: Counter) -> None:
    text = "红星饭店使用过期原料"
    await counter.hand_in(
        said(text, phone(1), ticket_type="REPORT", confidential=True, extensions={"reported_party": "红星饭店"}),
        said(text, phone(2), ticket_type="COMPLAINT"),
        said(text, phone(3), ticket_type="REPORT", extensions={"reported_party": "红星饭店"}),
        said(text, phone(4), ticket_type="REPORT", extensions={"reported_party": "蓝天饭店"}),
        said(text, phone(5), ticket_type="REPORT"),
    )
    assert await counter.count("incident") == await counter.count("merge_suggestion") == 0


async def test_two_reports_of_one_shop_are_merged(counter: Counter) -> None:
    shop = {"ticket_type": "REPORT", "extensions": {"reported_party": "红星饭店"}}
    await counter.hand_in(*(said("红星饭店使用过期原料", phone(n), **shop) for n in (1, 2)))
    assert await counter.count("incident_ticket") == 1


async def test_what_was_closed_more_than_a_day_ago_takes_nobody_in(counter: Counter) -> None:
    (main,) = await counter.hand_in(said(LAMP, phone(1)))
    await close(counter, main)
    counter.later(hours=23)
    await counter.hand_in(said(LAMP, phone(2)))
    assert await counter.count("incident_ticket") == 1
    counter.later(hours=2)
    await counter.hand_in(said(LAMP, phone(3)))
    assert await counter.count("incident_ticket") == 1


async def close(counter: Counter, ticket_id: str, version: int = 1) -> None:
    """Dispatch closes a ticket."""
    from_dispatch = {"reason": "EVALUATED", "cycle": 1}
    await counter.tell(ticket_id, version, TicketClosed.model_validate(from_dispatch))


async def test_what_lies_near_but_not_close_is_suggested_and_a_dispatcher_decides(counter: Counter) -> None:
    near = {"lon": 119.2255, "lat": 33.378}  # some 46 m to the east
    main, other = await counter.hand_in(said(LAMP, phone(1)), said(LAMP, phone(2), location=near))
    assert await counter.count("incident") == 0
    (suggested,) = (await counter.http.get("/v1/merges", headers=DISPATCHER)).json()
    assert (suggested["ticket_id"], suggested["into_ticket"], suggested["rule"]) == (other, main, "merge.near")
    assert 40 < suggested["distance_m"] < 55
    path = f"/v1/merges/{suggested['suggestion_id']}"
    assert (await counter.http.post(f"{path}/acceptance", headers=DISPATCHER)).status_code == 204
    assert (await counter.http.post(f"{path}/acceptance", headers=DISPATCHER)).status_code == 409
    assert (await counter.http.post(f"{path}/refusal", headers=DISPATCHER)).status_code == 409
    (merged,) = await counter.stated(other, "ticket.merged")
    assert (merged["into"], merged["reporters"]) == (main, 2)
    incident = (await counter.http.get(f"/v1/incidents/{merged['incident_id']}", headers=DISPATCHER)).json()
    assert incident["main_ticket"] == main
    assert [(t["ticket_id"], t["merged_by"]) for t in incident["tickets"]] == [(other, "dispatcher:d-1")]


async def test_a_refused_suggestion_is_gone_and_merges_nothing(counter: Counter) -> None:
    near = {"lon": 119.2255, "lat": 33.378}
    await counter.hand_in(said(LAMP, phone(1)), said(LAMP, phone(2), location=near))
    (suggested,) = (await counter.http.get("/v1/merges", headers=DISPATCHER)).json()
    path = f"/v1/merges/{suggested['suggestion_id']}/refusal"
    for wrong in ({"note": ""}, {"note": "x" * 501}, {"why": "two lamps"}):
        assert (await counter.http.post(path, headers=DISPATCHER, json=wrong)).status_code == 422
    assert (await counter.http.post(path, headers=DISPATCHER, json={"note": "是两盏灯"})).status_code == 204
    kept = await counter.database.fetch("SELECT note FROM merge_suggestion")
    assert [row["note"] for row in kept] == ["是两盏灯"]
    assert (await counter.http.get("/v1/merges", headers=DISPATCHER)).json() == []
    assert await counter.count("incident") == 0


async def test_the_same_address_is_suggested_though_no_point_is_known(counter: Counter) -> None:
    await counter.hand_in(
        said(LAMP, phone(1), location={"address": "东风社区幸福路12号"}),
        said(LAMP, phone(2), location={"address": "东风社区 幸福路 12 号。"}),
        said(LAMP, phone(3), location={"address": "东风社区幸福路13号"}),
    )
    (suggested,) = (await counter.http.get("/v1/merges", headers=DISPATCHER)).json()
    assert (suggested["rule"], suggested["distance_m"]) == ("merge.address", None)


ELSEWHERE_IT_IS = {"reason": "OTHER_PLACE", "note": "在路的另一头"}


async def test_a_split_leaves_the_ticket_as_if_it_had_never_been_merged(counter: Counter) -> None:
    main, other = await counter.hand_in(manhole(1), manhole(2))
    (alone,) = await counter.hand_in(said(MANHOLE, phone(3), extensions={"component_id": "M-78"}))
    await close(counter, main)
    split = await counter.http.post(f"/v1/tickets/{other}/split", json=ELSEWHERE_IT_IS, headers=DISPATCHER)
    assert split.status_code == 204
    restored, never = await counter.ticket(other), await counter.ticket(alone)
    for column in ("state", "public_state", "merged_into", "closed_at"):
        assert restored[column] == never[column], column
    assert (await counter.http.get(f"/v1/tickets/{other}")).json()["public_state"] == "已受理"
    (told,) = await counter.stated(other, "ticket.split")
    assert set(told) == {"type", "incident_id", "reason"}
    assert told["reason"] == "OTHER_PLACE"
    assert (await counter.stated(main, "incident.recounted"))[-1]["tickets"] == 1
    again = await counter.http.post(f"/v1/tickets/{other}/split", json=ELSEWHERE_IT_IS, headers=DISPATCHER)
    assert again.status_code == 409


async def test_a_merged_ticket_stands_as_the_one_it_waits_for(counter: Counter) -> None:
    main, other = await counter.hand_in(manhole(1), manhole(2))
    await close(counter, main)
    assert (await counter.http.get(f"/v1/tickets/{other}")).json()["public_state"] == "已结案"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/merges"),
        ("POST", "/v1/merges/1/acceptance"),
        ("POST", "/v1/merges/1/refusal"),
        ("GET", f"/v1/incidents/{UUID(int=1)}"),
        ("POST", f"/v1/tickets/{UUID(int=1)}/split"),
        ("POST", f"/v1/tickets/{UUID(int=1)}/refusal"),
        ("POST", f"/v1/tickets/{UUID(int=1)}/transfer"),
        ("GET", f"/v1/tickets/{UUID(int=1)}/supplements?purpose=x"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Griddispatch-Role": "grid_worker"}, {"Griddispatch-Role": "disp atcher"}])
async def test_nobody_without_the_role_decides(
    counter: Counter, method: str, path: str, headers: dict[str, str]
) -> None:  # fmt: skip
    assert (await counter.http.request(method, path, headers=headers, json={})).status_code == 403


async def test_what_is_not_there_is_not_found(counter: Counter) -> None:
    for path in ("/v1/merges/7/acceptance", "/v1/merges/7/refusal"):
        assert (await counter.http.post(path, headers=DISPATCHER)).status_code == 404
    path = f"/v1/tickets/{UUID(int=1)}/split"
    assert (await counter.http.post(path, headers=DISPATCHER, json=ELSEWHERE_IT_IS)).status_code == 404
    for reason in ("", "另一处", "WITHDRAWN"):
        assert (await counter.http.post(path, headers=DISPATCHER, json={"reason": reason})).status_code == 422
    assert (await counter.http.post(path, headers=DISPATCHER, content=b"{")).status_code == 415


@pytest.mark.parametrize("copies", [2, 4])
async def test_copies_that_merge_one_incident_at_the_same_time_lose_nobody(counter: Counter, copies: int) -> None:
    for n in range(40):
        await counter.post(manhole(n))
    loops = [counter.loop(batch=3) for _ in range(copies)]
    while sum(await asyncio.gather(*(loop.triage_batch() for loop in loops))):
        pass
    (row,) = await counter.database.fetch(
        "SELECT count(DISTINCT merged_into) AS mains, count(merged_into) AS n FROM ticket"
    )
    assert (row["mains"], row["n"]) == (1, 39)
    (main,) = await counter.database.fetch("SELECT main_ticket FROM incident")
    told = await counter.stated(str(main["main_ticket"]), "incident.recounted")
    assert told[-1]["reporters"] == 40
    assert [e["tickets"] for e in told] == sorted(e["tickets"] for e in told)
    assert sum(not before["mass"] and after["mass"] for before, after in pairwise([{"mass": False}, *told])) == 1


async def test_a_dispatcher_and_the_triage_loop_do_not_tie_a_chain(counter: Counter) -> None:
    for n in range(8):
        await counter.hand_in(
            said(LAMP, phone(2 * n), location={"lon": 119.225, "lat": 33.30 + n / 100}),
            said(LAMP, phone(2 * n + 1), location={"lon": 119.2255, "lat": 33.30 + n / 100}),
        )
        await counter.post(said(LAMP, phone(100 + n), location={"lon": 119.2255, "lat": 33.30 + n / 100}))
    suggested = (await counter.http.get("/v1/merges", headers=DISPATCHER)).json()
    await asyncio.gather(
        counter.triage(),
        *(counter.http.post(f"/v1/merges/{s['suggestion_id']}/acceptance", headers=DISPATCHER) for s in suggested),
    )
    chained = await counter.database.fetch(
        "SELECT t.id FROM ticket AS t JOIN ticket AS m ON m.id = t.merged_into WHERE m.merged_into IS NOT NULL"
    )
    assert chained == []


async def test_an_incident_has_the_same_id_whoever_asks(counter: Counter) -> None:
    main, other = await counter.hand_in(manhole(1), manhole(2))
    (merged,) = await counter.stated(other, "ticket.merged")
    assert merged["incident_id"] == str(incident_of(TicketId(UUID(main))))


@pytest.mark.parametrize("column", ["cell", "component", "address"])
async def test_neighbours_are_found_by_an_index_whose_live_end_comes_first(counter: Counter, column: str) -> None:
    async with counter.database.transaction() as tx:
        await tx.conn.execute("SET LOCAL enable_seqscan = off")
        plan = await tx.conn.fetch(
            f"EXPLAIN SELECT id FROM ticket WHERE {column} = 7 AND merged_into IS NULL AND closed_at > now() "
            "ORDER BY closed_at DESC LIMIT 20"
        )
    text = "\n".join(row[0] for row in plan)
    assert f"ticket_by_{column}" in text
    assert "Sort" not in text
