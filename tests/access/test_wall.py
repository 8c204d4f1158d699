"""The second wall on the real tables: where a query asks for everything, the database still shows one area."""

from uuid import UUID

import asyncpg
import pytest

from shared.acting import act_for, acting, one_request
from shared.actors import STRANGER, Actor
from shared.database import Database, connect
from tests.access.enforced import OTHER_TOWN, TOWN, World
from tests.access.values import COUNTY, OTHER_COUNTY

TABLES = [("intake", "ticket"), ("dispatch", "ticket_case"), ("notify", "ticket_record")]


async def seen_by(database: Database, table: str, area: str) -> int:
    """How many rows a query without any condition finds in a request from this area."""
    with one_request():
        act_for(Actor("dispatcher", jurisdiction=area), area)
        return int((await database.fetch(f"SELECT count(*) FROM {table}"))[0][0])


@pytest.mark.parametrize(("service", "table"), TABLES)
async def test_a_query_that_forgets_the_area_shows_nothing_of_another(world: World, service: str, table: str) -> None:
    database = await connect(world.database.dsn(service), size=2, application="test-wall", area="")
    there = (await world.rows(f"SELECT count(*) FROM {service}.{table} WHERE starts_with(area, $1)", TOWN))[0][0]
    assert there >= 1
    assert await seen_by(database, table, TOWN) == there
    assert await seen_by(database, table, COUNTY) >= there
    assert await seen_by(database, table, OTHER_TOWN) == 0
    assert await seen_by(database, table, OTHER_COUNTY) == 0
    assert (await database.fetch(f"SELECT count(*) FROM {table}"))[0][0] == 0, "who does not say for whom sees nothing"
    await database.close()


@pytest.mark.parametrize(("service", "table"), TABLES)
async def test_nothing_of_another_area_is_changed_whatever_the_statement_says(
    world: World, service: str, table: str
) -> None:
    database = await connect(world.database.dsn(service), size=2, application="test-wall", area="")
    key = "id" if service == "intake" else "ticket_id"
    with one_request():
        act_for(STRANGER, OTHER_TOWN)
        async with database.transaction() as tx:
            changed = await tx.conn.execute(
                f"UPDATE {table} SET {key} = {key} WHERE {key} = $1", UUID(world.ids["ticket_id"])
            )
            assert changed == "UPDATE 0"
            assert await tx.conn.execute(f"DELETE FROM {table}") == "DELETE 0"
    await database.close()


async def test_a_case_cannot_be_written_into_another_area(world: World) -> None:
    database = await connect(world.database.dsn("dispatch"), size=1, application="test-wall", area="")
    with one_request(), pytest.raises(asyncpg.InsufficientPrivilegeError):
        act_for(STRANGER, TOWN)
        async with database.transaction() as tx:
            await tx.conn.execute("UPDATE ticket_case SET area = $1", OTHER_TOWN)
    await database.close()


async def test_loops_in_the_background_see_everything(world: World) -> None:
    database = await connect(world.database.dsn("dispatch"), size=1, application="test-loops")
    assert acting().area == ""
    assert (await database.fetch("SELECT count(*) FROM ticket_case"))[0][0] >= 1
    await database.close()


async def test_an_area_ends_with_its_request() -> None:
    with one_request():
        act_for(STRANGER, TOWN)
        assert acting().area == TOWN
    assert acting().area == ""


@pytest.mark.parametrize("area", ["%", "9", "' OR true", "９９０１０１"])
def test_what_is_no_area_is_refused(area: str) -> None:
    with one_request(), pytest.raises(ValueError, match="area"):
        act_for(STRANGER, area)
