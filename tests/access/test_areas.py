"""Lists and figures hold what lies in the caller's area: another township's things are not in them."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.dispatch.live import PLACES, Live
from services.dispatch.watchers import Wanted, Watchers
from services.intake.vault import Marks, read_keys
from shared.codec import Record
from shared.notify_events import SurgeAlert
from shared.tail import Tail
from shared.terms import AlertKind
from tests.access.enforced import OTHER_TOWN, TOWN, World
from tests.access.values import COUNTY, OTHER_COUNTY
from tests.builders import GRID, TUESDAY_MORNING, eventually
from tests.services.intake.desk import KEYS, report

HOUR = TUESDAY_MORNING.replace(minute=0, second=0, microsecond=0).isoformat()


async def seen(world: World, service: str, path: str, area: str, role: str = "dispatcher", **query: Any) -> Any:
    """What somebody of an area is shown."""
    answer = await world.http[service].get(path, params=query, headers=world.shown(role, area))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def promised(world: World) -> str:
    """A promise made in a session in the first township."""
    intake, recorder = world.http["intake"], world.shown("talk_recorder", COUNTY)
    session = {
        "kind": "EVENING_TALK", "unit": "community-1", "external_id": "s-promise", "township": TOWN,
        "held_at": TUESDAY_MORNING.isoformat(), "village": GRID[:12],
    }  # fmt: skip
    opened = (await intake.post("/v1/listening/sessions", json=session, headers=recorder)).json()["session_id"]
    asked = {"text": "什么时候修", "theme": "1501"}
    item = (await intake.post(f"/v1/listening/sessions/{opened}/items", json=asked, headers=recorder)).json()["item_id"]
    by = (date.today() + timedelta(days=9)).isoformat()
    made = await intake.post(
        f"/v1/listening/items/{item}/commitment", json={"text": "下周修好", "due_on": by}, headers=recorder
    )
    assert made.status_code == 204, made.text
    return str(item)


async def test_sessions_and_promises_of_another_township_are_on_no_list(world: World) -> None:
    item = await promised(world)
    for path, wanted in (("sessions", world.ids["session_id"]), ("commitments", item)):
        for area in (TOWN, COUNTY):
            assert wanted in [row["id"] for row in await seen(world, "intake", f"/v1/listening/{path}", area)]
        for area in (OTHER_TOWN, OTHER_COUNTY):
            assert await seen(world, "intake", f"/v1/listening/{path}", area) == []


async def test_themes_are_counted_in_the_callers_area_alone(world: World) -> None:
    days = {"since": (TUESDAY_MORNING - timedelta(days=1)).isoformat(), "until": datetime.now(UTC).isoformat()}
    here = await seen(world, "intake", "/v1/listening/themes", TOWN, **days)
    assert ("EVENING_TALK", "1501") in [(row["kind"], row["theme"]) for row in here]
    assert await seen(world, "intake", "/v1/listening/themes", OTHER_TOWN, **days) == []


async def test_who_looked_at_another_townships_words_is_not_shown(world: World) -> None:
    viewer = world.shown("dispatcher", COUNTY, person="p-areas")
    words = f"/v1/tickets/{world.ids['ticket_id']}/matter"
    assert (await world.http["intake"].get(words, params={"purpose": "核实"}, headers=viewer)).status_code == 200
    asked = {"role": "privacy_officer", "viewer": "dispatcher:p-areas"}
    (view,) = await seen(world, "intake", "/v1/privacy/views", TOWN, **asked)
    assert view["subject"] == world.ids["ticket_id"]
    assert await seen(world, "intake", "/v1/privacy/views", OTHER_TOWN, **asked) == []


async def test_an_export_holds_the_persons_matters_of_the_callers_area(world: World) -> None:
    phone = "13912345678"
    body = report("export", reporter={"name": "王五", "phone": phone})
    taken = await world.http["intake"].post("/v1/tickets", json=body, headers=world.shown("hotline", COUNTY))
    ticket_id = taken.json()["ticket_id"]
    mark = Marks(read_keys(KEYS)).of("caller", phone)[0]
    await world.rows(
        "UPDATE intake.ticket SET township = $2, caller = $3 WHERE id = $1::uuid", ticket_id, TOWN, mark
    )  # fmt: skip
    held = {}
    for area in (TOWN, OTHER_TOWN):
        told = await world.http["intake"].post(
            "/v1/privacy/exports", json={"phone": phone, "purpose": "本人申请"},
            headers=world.shown("privacy_officer", area),
        )  # fmt: skip
        held[area] = [ticket["id"] for ticket in told.json()["tickets"]]
    assert held == {TOWN: [ticket_id], OTHER_TOWN: []}


async def test_the_console_shows_the_work_of_the_callers_area(world: World) -> None:
    here = {path: await seen(world, "dispatch", f"/v1/{path}", TOWN) for path in ("queue", "places", "units")}
    there = {path: await seen(world, "dispatch", f"/v1/{path}", OTHER_TOWN) for path in ("queue", "places", "units")}
    assert [t["ticket_id"] for t in here["queue"]["tickets"]] == [world.ids["ticket_id"]]
    assert list(here["places"]["places"]) == [GRID]
    assert world.ids["unit"] in [unit["unit"] for unit in here["units"]["units"]]
    assert (there["queue"]["tickets"], there["places"]["places"], there["units"]["units"]) == ([], {}, [])


WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > '0.6 s'
"""


async def looked_at_slowly(world: World, path: str, area: str) -> httpx.Response:
    """What dispatch answers after it had to wait for its tables for longer than it takes lightly."""
    holder = await asyncpg.connect(world.database.superuser_dsn)
    try:
        async with holder.transaction():
            await holder.execute("LOCK TABLE dispatch.ticket_case IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.create_task(world.http["dispatch"].get(path, headers=world.shown("dispatcher", area)))

            async def has_waited() -> bool:
                return asked.done() or (await world.rows(WAITING))[0][0] > 0

            await eventually(has_waited, within_s=30, what="a look that takes long")
        return await asked
    finally:
        await holder.close()


async def test_what_took_long_to_count_for_one_township_is_not_shown_to_another(world: World) -> None:
    for _ in range(5):  # where the machine stands still for seconds, waiting is given up and answered 503
        slow = await looked_at_slowly(world, "/v1/places", OTHER_TOWN)
        if slow.status_code == 200:
            break
    assert slow.json()["places"] == {}
    assert list((await seen(world, "dispatch", "/v1/places", TOWN))["places"]) == [GRID]


async def test_an_alert_of_another_township_is_not_there(world: World) -> None:
    graph = f"/v1/alerts/{world.ids['alert_id']}/graph"
    for area, ids, status in ((TOWN, [world.ids["alert_id"]], 200), (OTHER_TOWN, [], 404)):
        assert [a["id"] for a in (await seen(world, "notify", "/v1/alerts", area))["alerts"]] == ids
        answer = await world.http["notify"].get(graph, headers=world.shown("dispatcher", area))
        assert answer.status_code == status


@pytest.mark.parametrize("service", ["intake", "dispatch", "notify"])
async def test_what_a_service_stated_is_told_to_who_acts_for_all_of_the_county(world: World, service: str) -> None:
    until = (TUESDAY_MORNING.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)).isoformat()
    for path, query in (("", {"from": HOUR, "to": until}), ("/events", {"hour": HOUR, "shard": "0"})):
        got = {}
        for area in (COUNTY, TOWN, OTHER_COUNTY):
            answer = await world.http[service].get(
                f"/v1/reconciliation{path}", params=query, headers=world.shown("integrator", area)
            )
            got[area] = answer.status_code
        assert got == {COUNTY: 200, TOWN: 404, OTHER_COUNTY: 404}


@pytest.mark.parametrize("service", ["intake", "dispatch", "notify"])
async def test_how_a_service_stands_is_told_to_who_acts_for_all_of_the_county(world: World, service: str) -> None:
    got = {
        area: (await world.http[service].get("/v1/standing", headers=world.shown("dispatcher", area))).status_code
        for area in (COUNTY, TOWN, OTHER_COUNTY)
    }
    assert got == {COUNTY: 200, TOWN: 404, OTHER_COUNTY: 404}
    auditor = await world.http[service].get("/v1/standing", headers=world.shown("auditor", COUNTY))
    assert auditor.status_code == 403


def test_an_alert_on_the_live_stream_reaches_who_watches_its_township() -> None:
    watchers = Watchers(PLACES)
    watchers.begin(dict.fromkeys(PLACES, 0))
    live = Live(_no_tail, watchers)
    event = SurgeAlert(
        kind=AlertKind.SPIKE, category="1501", township=TOWN, window_start=TUESDAY_MORNING,
        window_end=TUESDAY_MORNING, count=9, threshold=5, playbook="spike", to="command-centre",
    )  # fmt: skip
    headers = [("ce_type", SurgeAlert.type.encode())]
    begun = watchers.join(None).cursor
    live.take([Record("tickets-notify", 0, 0, b"a-1", event.model_dump_json().encode(), headers)])
    reached = {
        area: b"event: alert" in watchers.look(begun, Wanted(frozenset({area}))).frames
        for area in (TOWN, COUNTY, OTHER_TOWN)
    }
    assert reached == {TOWN: True, COUNTY: True, OTHER_TOWN: False}


def _no_tail() -> Tail:
    raise AssertionError("nobody follows Kafka here")


async def test_pages_are_anybodys_and_what_they_show_is_not(world: World) -> None:
    dispatch = world.http["dispatch"]
    for page in ("/console", "/tasks", "/console/api.js", "/v1/names", "/v1/clock"):
        assert (await dispatch.get(page)).status_code == 200, page
    for shown in ("/v1/queue", "/v1/places", "/v1/units", "/v1/system", "/v1/stream", "/v1/assignments",
                  f"/v1/tickets/{world.ids['ticket_id']}/file"):  # fmt: skip
        assert (await dispatch.get(shown)).status_code == 401, shown
    assert (await dispatch.get("/v1/queue", headers={"Griddispatch-Role": "command_centre"})).status_code == 401
    assert (await dispatch.get("/v1/queue", headers=world.shown("dispatcher", COUNTY))).status_code == 200
