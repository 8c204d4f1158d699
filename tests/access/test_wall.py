"""The second wall on the real tables: where a query asks for everything, the database still shows one area."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from shared.acting import act_for, acting, one_request
from shared.actors import EVERYWHERE, STRANGER, Actor
from shared.database import Database, connect
from tests.access.enforced import OTHER_TOWN, TOWN, World
from tests.access.values import COUNTY, OTHER_COUNTY
from tests.builders import GRID, PATIENT

TABLES = [
    ("intake", "ticket", "area"), ("intake", "lead", "area"), ("dispatch", "ticket_case", "place"),
    ("notify", "ticket_record", "area"), ("notify", "rate_count", "township"), ("notify", "hour_count", "township"),
    ("notify", "occurrence", "area"), ("notify", "alert", "place"), ("intake", "talk_session", "area"),
]  # fmt: skip


PLAIN = {"ticket": "id", "lead": "kind", "ticket_case": "ticket_id", "ticket_record": "ticket_id", "rate_count": "unit",
         "hour_count": "grp", "occurrence": "unit", "alert": "grp", "talk_session": "kind"}  # fmt: skip
"""A column of each table that a statement may write."""
OCCURRED = """
INSERT INTO notify.occurrence (ticket_id, category, grp, township, grid, unit, accepted_at)
VALUES ($1, '150101', '15', $2, $3, 'w', '2020-01-01')
"""
CRITICAL = """
INSERT INTO notify.alert (id, kind, grp, place, window_start, window_end, n, threshold, grids, playbook, told, given_at)
VALUES (gen_random_uuid(), 'CRITICAL', '15', $1, '2020-01-01', '2020-01-02', 1, 1, '{}', 'p', 'c', '2020-01-01')
"""


@pytest_asyncio.fixture(autouse=True)
async def figures(world: World) -> AsyncIterator[None]:
    """Something that was counted in the first township, long ago."""
    ticket = UUID(int=4711)
    await world.rows(
        "INSERT INTO notify.rate_count (period, unit, township, category) VALUES ('2020-01', 'w', $1, '15')", TOWN
    )
    await world.rows("INSERT INTO notify.hour_count (grp, township, hour, n) VALUES ('15', $1, '2020-01-01', 1)", TOWN)
    await world.rows(OCCURRED, ticket, TOWN, GRID)
    await world.rows(CRITICAL, str(ticket))
    yield
    for table, where in (("rate_count", "period = '2020-01'"), ("hour_count", "hour = '2020-01-01'"),
                         ("occurrence", f"ticket_id = '{ticket}'"), ("alert", f"place = '{ticket}'")):  # fmt: skip
        await world.rows(f"DELETE FROM notify.{table} WHERE {where}")


@asynccontextmanager
async def doors(world: World, service: str, area: str = "") -> AsyncIterator[Database]:
    """The service's tables, as connections of its doors see them; with an area, as others do."""
    database = await connect(world.database.dsn(service), size=2, application="test-wall", area=area, patience=PATIENT)
    try:
        yield database
    finally:
        await database.close()


async def seen_by(database: Database, table: str, area: str) -> int:
    """How many rows a query without any condition finds in a request from this area."""
    with one_request():
        act_for(Actor("dispatcher", jurisdiction=area), area)
        return int((await database.fetch(f"SELECT count(*) FROM {table}"))[0][0])


@pytest.mark.parametrize(("service", "table", "code"), TABLES)
async def test_a_query_that_forgets_the_area_shows_nothing_of_another(
    world: World, service: str, table: str, code: str
) -> None:
    here = f"starts_with({code}, $1)" + (" OR kind = 'CRITICAL'" if table == "alert" else "")
    there = (await world.rows(f"SELECT count(*) FROM {service}.{table} WHERE {here}", TOWN))[0][0]
    elsewhere = f"SELECT count(*) FROM {service}.{table} WHERE starts_with({code}, $1)"
    theirs = [(await world.rows(elsewhere, area))[0][0] for area in (OTHER_TOWN, OTHER_COUNTY)]
    assert there >= 1
    async with doors(world, service) as database:
        assert await seen_by(database, table, TOWN) == there
        assert await seen_by(database, table, COUNTY) >= there
        assert [await seen_by(database, table, area) for area in (OTHER_TOWN, OTHER_COUNTY)] == theirs
        assert (await database.fetch(f"SELECT count(*) FROM {table}"))[0][0] == 0, "who says no area sees nothing"


@pytest.mark.parametrize(("service", "table", "code"), TABLES)
async def test_nothing_of_another_area_is_changed_whatever_the_statement_says(
    world: World, service: str, table: str, code: str
) -> None:
    async with doors(world, service) as database:
        with one_request():
            act_for(STRANGER, OTHER_TOWN)
            async with database.transaction() as tx:
                column, others = PLAIN[table], f"coalesce({code}, '') NOT LIKE '{OTHER_TOWN}%'"
                assert await tx.conn.execute(f"UPDATE {table} SET {column} = {column} WHERE {others}") == "UPDATE 0"
                assert await tx.conn.execute(f"DELETE FROM {table} WHERE {others}") == "DELETE 0"


@pytest.mark.parametrize(("table", "column"), [("talk_item", "theme"), ("talk_word", "kind"), ("talk_view", "viewer")])
async def test_what_belongs_to_a_session_is_behind_the_same_wall(world: World, table: str, column: str) -> None:
    there = (await world.rows(f"SELECT count(*) FROM intake.{table}"))[0][0]
    assert there >= 1 or table == "talk_view"
    async with doors(world, "intake") as database:
        assert [await seen_by(database, table, area) for area in (COUNTY, OTHER_TOWN, OTHER_COUNTY)] == [there, 0, 0]
        assert (await database.fetch(f"SELECT count(*) FROM {table}"))[0][0] == 0, "who says no area sees nothing"
        with one_request():
            act_for(STRANGER, OTHER_TOWN)
            async with database.transaction() as tx:
                if table != "talk_view":  # of views the database takes no change at all
                    assert await tx.conn.execute(f"UPDATE {table} SET {column} = {column}") == "UPDATE 0"


async def test_a_session_is_not_recorded_for_a_place_one_does_not_act_for(world: World) -> None:
    session = {"kind": "EVENING_TALK", "unit": OTHER_TOWN, "external_id": "w-1", "held_at": "2026-03-09T19:30:00+08:00"}
    here = world.shown("talk_recorder", TOWN)
    for elsewhere in ({}, {"township": OTHER_TOWN}):
        refused = await world.http["intake"].post("/v1/listening/sessions", json=session | elsewhere, headers=here)
        assert refused.status_code == 404, refused.text
    county = world.shown("talk_recorder", COUNTY)
    kept = await world.http["intake"].post("/v1/listening/sessions", json=session, headers=county)
    assert kept.status_code == 201, kept.text
    again = await world.http["intake"].post("/v1/listening/sessions", json=session | {"township": TOWN}, headers=here)
    assert again.status_code == 404, "of one that lies elsewhere nothing is said"


async def test_a_case_cannot_be_written_into_another_area(world: World) -> None:
    async with doors(world, "dispatch") as database:
        with one_request(), pytest.raises(asyncpg.InsufficientPrivilegeError):
            act_for(STRANGER, TOWN)
            async with database.transaction() as tx:
                await tx.conn.execute("UPDATE ticket_case SET place = $1", OTHER_TOWN)


async def test_loops_in_the_background_see_everything(world: World) -> None:
    assert acting().area == ""
    async with doors(world, "dispatch", EVERYWHERE) as database:
        assert (await database.fetch("SELECT count(*) FROM ticket_case"))[0][0] >= 1


async def test_an_area_ends_with_its_request() -> None:
    with one_request():
        act_for(STRANGER, TOWN)
        assert acting().area == TOWN
    assert acting().area == ""


@pytest.mark.parametrize("area", ["%", "9", "' OR true", "９９０１０１"])
def test_what_is_no_area_is_refused(area: str) -> None:
    with one_request(), pytest.raises(ValueError, match="area"):
        act_for(STRANGER, area)
