"""PgBouncer in session mode changes nothing; in transaction mode a connection forgets for which area it acts."""

from pathlib import Path

import asyncpg
import pytest

from griddispatch.embedded import NoidaBroker
from shared.database import AREA_SETTING, Patience, connect
from shared.errors import Unavailable
from shared.kafka import apply_topics
from shared.migrations import migrate, migrations_of
from shared.topics import TOPICS
from tests.conftest import TestDatabase
from tests.e2e.pooler import pooled
from tests.e2e.world import World, living

pytestmark = pytest.mark.timeout(300)

PATIENT = Patience(connection_s=60, statement_s=60, lock_s=60)


async def test_the_three_services_work_behind_a_pooler_that_keeps_sessions(
    database: TestDatabase, tmp_path: Path
) -> None:
    with NoidaBroker() as broker:
        await apply_topics(broker.bootstrap, TOPICS)
        async with pooled(database, "session") as behind, living(World(behind, broker, tmp_path)) as world:
            await world.hand_in(6)
            await world.work_until_closed()
            await world.settle()
            verdict = world.watch.judge(world.accepted)
            assert (verdict.lost, verdict.duplicated) == ((), ())
            assert await world.drain() == {"intake": 0, "dispatch": 0, "notify": 0}


async def test_tables_are_brought_up_to_date_through_a_pooler(database: TestDatabase) -> None:
    async with pooled(database, "session") as behind:
        assert await migrate(behind.dsn("intake"), migrations_of("intake")) == []


async def test_a_connection_behind_a_pooler_that_keeps_sessions_acts_for_its_own_area(database: TestDatabase) -> None:
    async with pooled(database, "session") as behind:
        loops = await connect(behind.dsn("intake"), size=1, application="loops", patience=PATIENT)
        doors = await connect(behind.dsn("intake"), size=1, application="doors", area="", patience=PATIENT)
        try:
            asked = f"SELECT current_setting('{AREA_SETTING}') AS area"
            assert [row["area"] for db in (loops, doors, loops) for row in await db.fetch(asked)] == ["*", "", "*"]
        finally:
            await loops.close()
            await doors.close()


async def test_a_pooler_that_keeps_transactions_only_is_no_place_for_the_services(database: TestDatabase) -> None:
    """Two of them share one connection: either statements that one prepared are in the other's way, or the area is."""
    async with pooled(database, "transaction", connections=1) as behind:
        asked = f"SELECT current_setting('{AREA_SETTING}') AS area"
        opened = []
        try:
            for area in ("*", ""):
                opened.append(
                    await connect(behind.dsn("intake"), size=1, application="two", area=area, patience=PATIENT)
                )
            seen = [row["area"] for db in opened for row in await db.fetch(asked)]
        except (Unavailable, asyncpg.PostgresError) as error:
            seen = [str(error)]
        finally:
            for db in opened:
                await db.close()
        assert seen != ["*", ""]
