"""Early warning on real tables: one alert per window, whoever counts, and none for a drill."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from services.notify import rates_api
from shared.database import Database
from shared.terms import Urgency
from tests.open_access import open_app
from tests.services.notify.measured import GRID, PLACE, TOWN, MeasuredStage
from tests.services.notify.stage import serving
from tests.services.notify.values import MORNING, assigned, local, redispatched, ticket

GRIDS = [f"{GRID[:-1]}{n}" for n in range(1, 6)]
ROW = {
    grid: frozenset(other for pair in pairwise(GRIDS) if grid in pair for other in pair if other != grid)
    for grid in GRIDS
}
"""Five grids in a row."""


@pytest.fixture
async def client(measured: MeasuredStage) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the real API over a real socket."""
    app = open_app("notify")
    app.include_router(rates_api.router(measured.database, measured.measures, measured.warnings))
    async with serving(app) as base, httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


async def matter(measured: MeasuredStage, n: int, at: datetime = MORNING, **changes: Any) -> None:
    await measured.happens(n, assigned(accepted_at=at, **(PLACE | changes)))


async def test_a_surge_gives_exactly_one_alert_in_its_window(measured: MeasuredStage) -> None:
    for n in range(1, 5):
        await matter(measured, n)
    assert await measured.alerts() == []
    for n in range(5, 12):
        await matter(measured, n)
    (alert,) = await measured.alerts()
    assert alert | {"window_start": "", "window_end": ""} == {
        "kind": "SPIKE", "category": "1501", "township": TOWN, "grids": [], "window_start": "", "window_end": "",
        "count": 5, "threshold": 5, "playbook": "general", "to": "command-centre", "concerns": None,
    }  # fmt: skip
    assert alert["window_start"] == "2026-03-10T01:00:00Z"


async def test_copies_that_count_at_once_give_one_alert(measured: MeasuredStage) -> None:
    await asyncio.gather(*(matter(measured, n) for n in range(1, 21)))
    assert len(await measured.alerts()) == 1
    (row,) = await measured.database.fetch("SELECT n FROM hour_count")
    assert row["n"] == 20


async def test_what_is_usual_at_that_hour_is_no_surge(measured: MeasuredStage) -> None:
    n = 0
    for day in range(1, 29):
        for _ in range(6):
            n += 1
            await matter(measured, n, MORNING - timedelta(days=day))
    for _ in range(5):
        n += 1
        await matter(measured, n)
    assert [a for a in await measured.alerts() if a["window_start"] == "2026-03-10T01:00:00Z"] == []
    for _ in range(2):
        n += 1
        await matter(measured, n)
    (alert,) = [a for a in await measured.alerts() if a["window_start"] == "2026-03-10T01:00:00Z"]
    assert (alert["count"], alert["threshold"]) == (6, 6)


async def test_a_drill_and_a_redispatch_are_no_new_matters(measured: MeasuredStage) -> None:
    for n in range(1, 11):
        await matter(measured, n, exercise=True, urgency=Urgency.U1)
    await matter(measured, 11)
    for _ in range(6):
        await measured.happens(11, redispatched(**PLACE))
    assert await measured.alerts() == []
    (row,) = await measured.database.fetch("SELECT n FROM hour_count")
    assert row["n"] == 1


async def test_other_groups_townships_and_hours_are_counted_apart(measured: MeasuredStage) -> None:
    for n in range(1, 5):
        await matter(measured, n)
        await matter(measured, n + 10, category="150201")
        await matter(measured, n + 20, township="990101002", grid="990101002001001")
        await matter(measured, n + 30, MORNING + timedelta(hours=1))
    assert await measured.alerts() == []


async def test_a_single_critical_matter_is_told_to_the_duty_leader(measured: MeasuredStage) -> None:
    await matter(measured, 1, urgency=Urgency.U1)
    (alert,) = await measured.alerts()
    assert (alert["kind"], alert["to"], alert["concerns"]) == ("CRITICAL", "duty-leader", str(ticket(1)))


async def test_what_is_heard_of_a_day_late_is_counted_and_calls_nobody(measured: MeasuredStage) -> None:
    for n in range(1, 8):
        await matter(measured, n, MORNING - timedelta(hours=26), urgency=Urgency.U1)
    assert await measured.alerts() == []
    (row,) = await measured.database.fetch("SELECT n FROM hour_count")
    assert row["n"] == 7


async def test_three_grids_in_a_row_are_a_spread(notify_database: Database) -> None:
    measured = MeasuredStage(notify_database, ROW)
    await matter(measured, 1, MORNING - timedelta(hours=5), grid=GRIDS[0])
    await matter(measured, 2, grid=GRIDS[2])
    assert await measured.alerts() == []
    await matter(measured, 3, grid=GRIDS[1])
    (alert,) = await measured.alerts()
    assert (alert["kind"], alert["grids"], alert["count"]) == ("SPREAD", GRIDS[:3], 3)
    (row,) = await notify_database.fetch("SELECT id FROM alert")
    graph = await measured.warnings.graph(notify_database, row["id"])
    assert graph is not None
    assert [(node["grid"], node["count"]) for node in graph["nodes"]] == [(grid, 1) for grid in GRIDS[:3]]  # type: ignore[attr-defined]
    assert graph["edges"] == [[GRIDS[0], GRIDS[1]], [GRIDS[1], GRIDS[2]]]
    assert graph["playbook"] == "general"
    (told,) = await notify_database.fetch("SELECT recipient, urgency, facts FROM message WHERE template = 'surge'")
    assert (told["recipient"], told["urgency"]) == ("role:command-centre", "U2")
    facts = json.loads(told["facts"])
    assert (facts["playbook"], facts["plan_zh"]) == ("general", "一般聚集性诉求处置")
    assert await measured.warnings.graph(notify_database, ticket(1)) is None
    await matter(measured, 4, grid=GRIDS[3])
    assert len(await measured.alerts()) == 1


@pytest.mark.parametrize(
    "others",
    [
        [(GRIDS[1], 7, "150101"), (GRIDS[2], 0, "150101")],
        [(GRIDS[1], 0, "150201"), (GRIDS[2], 0, "150101")],
        [(GRIDS[3], 0, "150101"), (GRIDS[2], 0, "150101")],
    ],
    ids=["too long ago", "another group", "a gap between"],
)
async def test_grids_apart_in_time_kind_or_place_are_no_spread(
    notify_database: Database, others: list[tuple[str, int, str]]
) -> None:
    measured = MeasuredStage(notify_database, ROW)
    for n, (grid, ago, category) in enumerate(others, 1):
        await matter(measured, n, MORNING - timedelta(hours=ago), grid=grid, category=category)
    await matter(measured, 9, grid=GRIDS[0])
    assert await measured.alerts() == []


async def test_slow_growth_is_listed_and_told_once_a_week(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    n = 0
    measured.now = local("30 09:00")
    listed = (await client.get("/v1/growth")).json()
    assert listed == {"growing": []}
    until = local("26 08:00")  # weeks begin on Thursdays, at 00:00 UTC
    for week, count in enumerate([4, 4, 4, 4, 4, 4, 4, 4, 5, 6, 7, 12]):
        for k in range(count):
            n += 1
            await matter(measured, n, until - timedelta(weeks=12 - week) + timedelta(days=k % 6, hours=2 * k))
    (found,) = (await client.get("/v1/growth")).json()["growing"]
    assert (found["category"], found["count"], found["threshold"]) == ("1501", 12, 8)
    assert await measured.growth_loop.look() == 1
    assert await measured.growth_loop.look() == 0
    measured.now += timedelta(hours=1)
    assert await measured.growth_loop.look() == 0
    assert [a["kind"] for a in await measured.alerts()] == ["GROWTH"]
    assert (await client.get("/v1/alerts")).json()["alerts"][0]["kind"] == "GROWTH"


async def test_what_keeps_coming_up_in_one_grid_is_listed(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    for n in range(1, 4):
        await matter(measured, n, MORNING - timedelta(days=n))
    await matter(measured, 4, MORNING - timedelta(days=40), grid=GRIDS[1])
    await matter(measured, 5, grid=GRIDS[1])
    await matter(measured, 6, grid=GRIDS[1])
    (problem,) = (await client.get("/v1/recurring-problems")).json()["problems"]
    assert (problem["category"], problem["grid"], problem["count"]) == ("150101", GRID, 3)
    month = (await client.get("/v1/recurring-problems", params={"period": "2026-03"})).json()
    assert [p["count"] for p in month["problems"]] == [3]
    assert (await client.get("/v1/recurring-problems", params={"period": "2026"})).status_code == 422


async def test_an_alert_is_a_story_of_its_own(measured: MeasuredStage) -> None:
    await matter(measured, 1, urgency=Urgency.U1)
    (row,) = await measured.database.fetch("SELECT ticket_id, version FROM event WHERE type LIKE '%surge%'")
    assert (row["version"], row["ticket_id"] == ticket(1)) == (1, False)


async def test_the_plan_of_an_alert_can_be_read(measured: MeasuredStage, client: httpx.AsyncClient) -> None:
    await matter(measured, 1, urgency=Urgency.U1, category="050101")
    (alert,) = (await client.get("/v1/alerts")).json()["alerts"]
    assert alert["playbook"] == "supply"
    shown = (await client.get(f"/v1/alerts/{alert['id']}/graph")).json()["plan"]
    listed = {plan["playbook"]: plan for plan in (await client.get("/v1/playbooks")).json()["playbooks"]}
    assert listed["supply"]["categories"] == ["05", "06", "07", "09"]
    assert listed["general"]["categories"] == ["*"]
    assert shown == {name: listed["supply"][name] for name in ("title", "steps")}
    assert shown["title"] == {"zh": "供水供电供气供暖中断处置", "en": "Water, power, gas or heating is cut off"}
    assert all(step["zh"] and step["en"] for plan in listed.values() for step in plan["steps"])


async def test_an_alert_of_a_plan_that_the_pack_has_no_more_says_so(
    measured: MeasuredStage, client: httpx.AsyncClient
) -> None:
    await matter(measured, 1, urgency=Urgency.U1)
    (row,) = await measured.database.fetch("UPDATE alert SET playbook = 'old' RETURNING id")
    assert (await client.get(f"/v1/alerts/{row['id']}/graph")).json()["plan"] is None
