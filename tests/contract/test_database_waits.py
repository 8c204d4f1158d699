"""Every wait on the database has an end: for a connection, for an answer, for another's lock."""

import pytest

from shared.database import Patience, connect
from shared.errors import Unavailable
from tests.builders import draft
from tests.conftest import TestDatabase
from tests.contract.test_ledger import ledger


async def test_a_pool_that_is_used_up_makes_nobody_wait_for_ever(database: TestDatabase) -> None:
    soon = Patience(connection_s=0.05, statement_s=60, lock_s=60)
    db = await connect(database.dsn("intake"), size=1, application="test", patience=soon)
    async with db.transaction():
        with pytest.raises(Unavailable):
            await db.ping()
    await db.ping()
    await db.close()


async def test_an_answer_that_does_not_come_is_not_waited_for(database: TestDatabase) -> None:
    soon = Patience(connection_s=60, statement_s=0.2, lock_s=60)
    db = await connect(database.dsn("intake"), size=1, application="test", patience=soon)
    with pytest.raises(Unavailable):
        await db.fetch("SELECT pg_sleep(60)")
    await db.close()


async def test_a_row_that_another_holds_is_given_up(database: TestDatabase) -> None:
    soon = Patience(connection_s=60, statement_s=60, lock_s=0.05)
    db = await connect(database.dsn("intake"), size=2, application="test", patience=soon)
    async with db.transaction() as tx:
        await ledger().append(tx, {}, [draft(1)])
    async with db.transaction() as holder:
        await holder.conn.execute("SELECT 1 FROM head FOR UPDATE")
        with pytest.raises(Unavailable, match="LockNotAvailable"):
            await db.fetch("SELECT 1 FROM head FOR UPDATE")
    await db.close()
