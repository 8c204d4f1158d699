"""Where code forgets to ask for the area, the database still shows nothing of another."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from shared.acting import act_for as act_for_area
from shared.acting import one_request
from shared.actors import STRANGER
from shared.database import Database
from shared.row_security import act_for, bookkeeping, policy
from tests.access.values import COUNTY, OTHER_COUNTY


@pytest_asyncio.fixture
async def guarded(tables: Database) -> AsyncIterator[Database]:
    """A table with rows of two counties."""
    await tables.fetch("CREATE TABLE place (id int, grid text)")
    for statement in policy("place", "grid").strip().split("\n"):
        await tables.fetch(statement)
    async with tables.transaction() as tx:
        await act_for(tx, "*")
        await tx.conn.execute("INSERT INTO place VALUES (1, $1), (2, $2)", f"{COUNTY}001001", f"{OTHER_COUNTY}001001")
    yield tables


async def seen(tables: Database, area: str | None) -> list[int]:
    async with tables.transaction() as tx:
        if area is not None:
            await act_for(tx, area)
        return [row["id"] for row in await tx.conn.fetch("SELECT id FROM place ORDER BY id")]


async def test_an_area_sees_its_own_rows(guarded: Database) -> None:
    assert await seen(guarded, COUNTY) == [1]
    assert await seen(guarded, f"{COUNTY}001") == [1]
    assert await seen(guarded, f"{COUNTY}002") == []
    assert await seen(guarded, "9901") == [1, 2]
    assert await seen(guarded, "*") == [1, 2]


async def test_books_are_kept_of_every_area_and_nothing_of_it_is_seen_afterwards(guarded: Database) -> None:
    with one_request():
        act_for_area(STRANGER, COUNTY)
        async with guarded.transaction() as tx:
            async with bookkeeping(tx):
                assert len(await tx.conn.fetch("SELECT id FROM place")) == 2
            assert [row["id"] for row in await tx.conn.fetch("SELECT id FROM place")] == [1]


async def test_whoever_forgets_to_say_for_whom_sees_nothing(guarded: Database) -> None:
    assert await seen(guarded, None) == []


async def test_the_area_ends_with_the_transaction(guarded: Database) -> None:
    assert await seen(guarded, COUNTY) == [1]
    assert await seen(guarded, None) == []


async def test_nothing_is_written_into_another_area(guarded: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with guarded.transaction() as tx:
            await act_for(tx, COUNTY)
            await tx.conn.execute("INSERT INTO place VALUES (3, $1)", f"{OTHER_COUNTY}001")


async def test_nothing_of_another_area_is_changed_or_removed(guarded: Database) -> None:
    async with guarded.transaction() as tx:
        await act_for(tx, COUNTY)
        assert await tx.conn.execute("UPDATE place SET id = 9 WHERE id = 2") == "UPDATE 0"
        assert await tx.conn.execute("DELETE FROM place WHERE id = 2") == "DELETE 0"


@pytest.mark.parametrize("area", ["", "%", "9", "99010", "' OR true", "９９０１０１"])
async def test_what_is_no_area_is_refused(guarded: Database, area: str) -> None:
    with pytest.raises(ValueError, match="area"):
        await seen(guarded, area)


@pytest.mark.parametrize("names", [("place; DROP", "grid"), ("place", "grid)"), ("", "grid")])
def test_odd_names_make_no_policy(names: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="lowercase"):
        policy(*names)
