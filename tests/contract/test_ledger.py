"""Stating facts: ledger, outbox and head move together, and the ledger never changes."""

import asyncio

import asyncpg
import pytest

from shared.database import connect
from shared.errors import Unavailable
from shared.events import event_id
from shared.ledger import Ledger
from shared.terms import Source
from tests.builders import PATIENT, draft, ticket
from tests.conftest import TestDatabase


def ledger() -> Ledger:
    return Ledger(Source.INTAKE, lambda: None)


async def test_versions_are_dense_and_ids_follow_from_them(database: TestDatabase) -> None:
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    async with db.transaction() as tx:
        versions, drafts = await ledger().lock(tx, [ticket(1)]), [draft(1), draft(1), draft(2)]
        await ledger().append(tx, versions, drafts)
    envelopes = ledger().envelopes(versions, drafts)
    assert [(e.ticket_id, e.version) for e in envelopes] == [(ticket(1), 1), (ticket(1), 2), (ticket(2), 1)]
    assert envelopes[1].id == event_id(Source.INTAKE, ticket(1), 2)
    rows = await db.fetch("SELECT ticket_id, version FROM outbox ORDER BY seq")
    assert [(r["ticket_id"], r["version"]) for r in rows] == [(ticket(1), 1), (ticket(1), 2), (ticket(2), 1)]
    await db.close()


async def test_a_failed_transaction_states_nothing_and_rings_nobody(database: TestDatabase) -> None:
    rung: list[str] = []
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    facts = Ledger(Source.INTAKE, lambda: rung.append("rung"))
    with pytest.raises(RuntimeError, match="later step"):
        async with db.transaction() as tx:
            await facts.append(tx, {}, [draft(1)])
            raise RuntimeError("a later step fails")
    assert await db.fetch("SELECT 1 FROM event UNION ALL SELECT 1 FROM outbox UNION ALL SELECT 1 FROM head") == []
    assert rung == []
    await db.close()


async def test_twenty_writers_of_one_ticket_leave_no_hole_and_keep_outbox_order(database: TestDatabase) -> None:
    db = await connect(database.dsn("intake"), size=10, application="test", patience=PATIENT)
    async with db.transaction() as tx:
        await ledger().append(tx, {}, [draft(1)])

    async def write() -> None:
        async with db.transaction() as tx:
            await ledger().append(tx, await ledger().lock(tx, [ticket(1)]), [draft(1)])

    await asyncio.gather(*(write() for _ in range(20)))
    rows = await db.fetch("SELECT version FROM outbox ORDER BY seq")
    assert [r["version"] for r in rows] == list(range(1, 22))
    await db.close()


async def test_a_writer_without_the_lock_is_refused(database: TestDatabase) -> None:
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    async with db.transaction() as tx:
        await ledger().append(tx, {}, [draft(1)])
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as tx:
            await ledger().append(tx, {}, [draft(1)])
    await db.close()


@pytest.mark.parametrize("change", ["UPDATE event SET type = 'x'", "DELETE FROM event"])
async def test_the_ledger_refuses_change(database: TestDatabase, change: str) -> None:
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    async with db.transaction() as tx:
        await ledger().append(tx, {}, [draft(1)])
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await db.fetch(change)
    await db.close()


async def test_a_service_cannot_read_another_services_tables(database: TestDatabase) -> None:
    db = await connect(database.dsn("intake"), size=2, application="test", patience=PATIENT)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.fetch("SELECT * FROM dispatch.event")
    await db.close()


async def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await connect("postgresql://nobody@127.0.0.1:1/none", size=2, application="test")
