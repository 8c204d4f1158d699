"""The audit log cannot be changed unseen: not a letter, not a row, not the order, not the end."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from shared.audit import CHAINS, MAX_WAITING, Entry, Fault, Trail, append, chain_of, read_heads, verify
from shared.database import Database, connect
from shared.errors import Rejected, Unavailable
from tests.access.values import NOW
from tests.builders import PATIENT
from tests.conftest import TestDatabase

SUBJECT = "ticket-1"
CHAIN = chain_of(SUBJECT)


def entry(n: int = 1, subject: str | None = SUBJECT) -> Entry:
    return Entry(f"command_centre:p-{n}", "hang", "done", NOW, "token", subject, detail=(("n", n),))


async def write(tables: Database, count: int = 5) -> None:
    for n in range(1, count + 1):
        async with tables.transaction() as tx:
            await append(tx, entry(n))


async def tamper(common_database: TestDatabase, *statements: str) -> None:
    """What somebody with all rights over the server can do."""
    conn = await asyncpg.connect(common_database.superuser_dsn)
    await conn.execute("SET search_path = intake; SET session_replication_role = replica")
    for statement in statements:
        await conn.execute(statement)
    await conn.close()


async def first_fault(tables: Database) -> Fault:
    _, faults = await verify(tables)
    return faults[0]


async def test_a_log_that_nobody_touched_is_in_order(tables: Database) -> None:
    await write(tables)
    assert await verify(tables) == (5, [])


async def test_an_empty_log_is_in_order(tables: Database) -> None:
    assert await verify(tables) == (0, [])


@pytest.mark.parametrize(
    "change",
    [
        """entry = replace(entry::text, 'p-3', 'p-4')::json""",
        """entry = (entry::text || ' ')::json""",
        """entry = replace(entry::text, '"n":3', '"n":30')::json""",
    ],
    ids=["who", "a blank", "what"],
)
async def test_a_changed_row_is_found(tables: Database, common_database: TestDatabase, change: str) -> None:
    await write(tables)
    await tamper(common_database, f"UPDATE audit SET {change} WHERE place = 3")
    assert await first_fault(tables) == Fault(CHAIN, 3, "was changed")


async def test_a_changed_row_with_a_hash_to_match_is_found_at_the_next_one(
    tables: Database, common_database: TestDatabase
) -> None:
    await write(tables)
    await tamper(
        common_database,
        'UPDATE audit SET entry = \'{"at":"x","actor":"y"}\' WHERE place = 3',
        f"UPDATE audit SET hash = sha256(prev || convert_to('{CHAIN}:3:' || entry::text, 'UTF8')) WHERE place = 3",
    )
    assert await first_fault(tables) == Fault(CHAIN, 4, "does not follow the row before it")


@pytest.mark.parametrize(("place", "at"), [(1, 1), (3, 3)])
async def test_a_removed_row_is_found(tables: Database, common_database: TestDatabase, place: int, at: int) -> None:
    await write(tables)
    await tamper(common_database, f"DELETE FROM audit WHERE place = {place}")
    found = await first_fault(tables)
    assert (found.chain, found.place) == (CHAIN, at)
    assert "missing" in found.what


async def test_a_removed_end_is_found(tables: Database, common_database: TestDatabase) -> None:
    await write(tables)
    await tamper(common_database, "DELETE FROM audit WHERE place >= 4")
    assert await first_fault(tables) == Fault(CHAIN, 4, "the log ends at 3, its head says 5")


async def test_a_whole_chain_removed_is_found(tables: Database, common_database: TestDatabase) -> None:
    await write(tables)
    await tamper(common_database, "DELETE FROM audit", f"DELETE FROM audit_head WHERE chain = {CHAIN}")
    assert await first_fault(tables) == Fault(CHAIN, 1, "the log ends at 0, it has no head")


async def test_two_rows_that_changed_places_are_found(tables: Database, common_database: TestDatabase) -> None:
    await write(tables)
    await tamper(
        common_database,
        "UPDATE audit SET place = 100 WHERE place = 2",
        "UPDATE audit SET place = 2 WHERE place = 3",
        "UPDATE audit SET place = 3 WHERE place = 100",
    )
    assert await first_fault(tables) == Fault(CHAIN, 2, "does not follow the row before it")


async def test_a_row_put_in_by_hand_is_found(tables: Database, common_database: TestDatabase) -> None:
    await write(tables)
    await tamper(
        common_database,
        f"INSERT INTO audit (chain, place, entry, prev, hash) SELECT {CHAIN}, 6, entry, hash, hash FROM audit WHERE place = 5",
    )
    assert (await first_fault(tables)).place == 6


async def test_a_row_moved_to_another_chain_is_found(tables: Database, common_database: TestDatabase) -> None:
    await write(tables, 1)
    other = (CHAIN + 1) % CHAINS
    await tamper(common_database, f"UPDATE audit SET chain = {other}")
    _, faults = await verify(tables)
    assert {fault.chain for fault in faults} == {CHAIN, other}


async def test_a_log_made_anew_from_the_start_is_found_by_an_anchor(
    tables: Database, common_database: TestDatabase
) -> None:
    await write(tables)
    anchors = {head.chain: head for head in await read_heads(tables)}
    await tamper(
        common_database, "TRUNCATE audit",
        f"UPDATE audit_head SET place = 0, hash = sha256(convert_to('griddispatch audit {CHAIN}', 'UTF8')) WHERE chain = {CHAIN}",
    )  # fmt: skip
    assert await verify(tables) == (0, [])
    _, (cut_off,) = await verify(tables, anchors)
    assert cut_off.what == "the log ends at 0, it had 5 rows once"
    for n in (1, 2, 9, 4, 5, 6):
        async with tables.transaction() as tx:
            await append(tx, entry(n))
    assert (await verify(tables))[1] == []
    _, (rewritten,) = await verify(tables, anchors)
    assert rewritten == Fault(CHAIN, 5, "is not what it was when the anchor was taken")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET place = 9", "DELETE FROM audit", "TRUNCATE audit"],
    ids=["update", "delete", "truncate"],
)
async def test_the_service_itself_cannot_change_the_log(tables: Database, statement: str) -> None:
    await write(tables, 1)
    with pytest.raises(asyncpg.RestrictViolationError):
        await tables.fetch(statement)


async def test_an_act_that_was_rolled_back_left_no_entry(tables: Database) -> None:
    with pytest.raises(LookupError):
        async with tables.transaction() as tx:
            await append(tx, entry())
            raise LookupError
    assert await verify(tables) == (0, [])


async def test_writers_at_the_same_time_make_no_fork(tables: Database, common_database: TestDatabase) -> None:
    others = [
        await connect(common_database.dsn("intake"), size=2, application="test-audit", patience=PATIENT)
        for _ in range(3)
    ]

    async def work(n: int) -> None:
        async with others[n % 3].transaction() as tx:
            await append(tx, entry(n, SUBJECT if n % 2 else f"ticket-{n}"))

    await asyncio.gather(*(work(n) for n in range(60)))
    assert await verify(tables) == (60, [])
    for other in others:
        await other.close()


async def test_the_log_can_be_verified_while_others_write(tables: Database) -> None:
    async def keep_writing() -> None:
        await write(tables, 40)

    writing = asyncio.create_task(keep_writing())
    while not writing.done():
        assert (await verify(tables))[1] == []
    await writing
    assert await verify(tables) == (40, [])


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_what_is_no_text_is_refused(tables: Database, text: str) -> None:
    with pytest.raises(Rejected):
        async with tables.transaction() as tx:
            await append(tx, entry(subject=text))


async def test_the_same_refusal_a_thousand_times_is_one_row(tables: Database) -> None:
    trail = Trail(tables, 3, lambda: NOW)
    for _ in range(1000):
        trail.note(entry())
    trail.note(replace(entry(), reason="other"))
    await trail.flush()
    rows = await tables.fetch("SELECT entry ->> 'times' AS times FROM audit ORDER BY place")
    assert [row["times"] for row in rows] == ["1000", "1"]
    assert await verify(tables) == (2, [])


async def test_a_flood_of_different_refusals_is_bounded_and_counted(tables: Database) -> None:
    trail = Trail(tables, 3, lambda: NOW)
    for n in range(MAX_WAITING + 7):
        trail.note(entry(n))
    await trail.flush()
    (last,) = await tables.fetch("SELECT entry ->> 'times' AS times FROM audit WHERE actor = 'system:audit'")
    assert last["times"] == "7"


async def test_what_could_not_be_written_is_kept_for_later(tables: Database, common_database: TestDatabase) -> None:
    away = await connect(common_database.dsn("intake"), size=1, application="test-audit", patience=PATIENT)
    trail = Trail(away, 3, lambda: NOW)
    trail.note(entry())
    await away.close()
    with pytest.raises(Unavailable):
        await trail.flush()
    trail.note(entry())
    with pytest.raises(Unavailable):
        await trail.flush()


async def test_the_trail_writes_what_it_holds_when_it_ends(tables: Database) -> None:
    trail, draining = Trail(tables, 3, lambda: NOW), asyncio.Event()
    running = asyncio.create_task(trail.run(draining))
    trail.note(entry())
    draining.set()
    trail.ring()
    async with asyncio.timeout(60):
        await running
    assert await verify(tables) == (1, [])
