"""The second wall on the real tables: where a query asks for everything, the database still shows one area."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from shared.acting import act_for, acting, one_request
from shared.actors import EVERYWHERE, STRANGER, Actor
from shared.database import Database, connect
from tests.access.enforced import OTHER_TOWN, TOWN, World
from tests.access.values import COUNTY, OTHER_COUNTY

TABLES = [("intake", "ticket", "area"), ("dispatch", "ticket_case", "place"), ("notify", "ticket_record", "area")]


@asynccontextmanager
async def doors(world: World, service: str, area: str = "") -> AsyncIterator[Database]:
    """The service's tables, as connections of its doors see them; with an area, as others do."""
    database = await connect(world.database.dsn(service), size=2, application="test-wall", area=area)
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
    there = (await world.rows(f"SELECT count(*) FROM {service}.{table} WHERE starts_with({code}, $1)", TOWN))[0][0]
    assert there >= 1
    async with doors(world, service) as database:
        assert await seen_by(database, table, TOWN) == there
        assert await seen_by(database, table, COUNTY) >= there
        assert await seen_by(database, table, OTHER_TOWN) == 0
        assert await seen_by(database, table, OTHER_COUNTY) == 0
        assert (await database.fetch(f"SELECT count(*) FROM {table}"))[0][0] == 0, "who says no area sees nothing"


@pytest.mark.parametrize(("service", "table"), [(service, table) for service, table, _ in TABLES])
async def test_nothing_of_another_area_is_changed_whatever_the_statement_says(
    world: World, service: str, table: str
) -> None:
    key = "id" if service == "intake" else "ticket_id"
    async with doors(world, service) as database:
        with one_request():
            act_for(STRANGER, OTHER_TOWN)
            async with database.transaction() as tx:
                changed = await tx.conn.execute(
                    f"UPDATE {table} SET {key} = {key} WHERE {key} = $1", UUID(world.ids["ticket_id"])
                )
                assert changed == "UPDATE 0"
                assert await tx.conn.execute(f"DELETE FROM {table}") == "DELETE 0"


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
