"""Upgrades: rows of the first tables live through every step since; what is half done is gone on with or refused."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from griddispatch.embedded import EmbeddedPostgres
from services.dispatch.store import find_cases
from shared.actors import EVERYWHERE
from shared.database import AREA_SETTING, connect
from shared.migrations import (
    Migration,
    MigrationChanged,
    MigrationFailed,
    MigrationRefused,
    SchemaNewer,
    migrate,
    migrations_of,
)
from shared.terms import TicketId
from tests.builders import AREA, PACK, PATIENT
from tests.conftest import ROOT, SERVICES, TestDatabase

ROWS = Path(__file__).parent / "rows"
TICKET = TicketId(UUID("0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f"))
KEPT = {
    "intake": {"ticket": 3, "request": 1, "vault": 1, "vault_view": 1},
    "dispatch": {"ticket_case": 1, "assignment": 1, "timer": 1, "note": 1, "decision": 1},
    "notify": {"message": 2, "follow_up": 1},
}
MESSAGING = {"head": 1, "event": 2, "outbox": 1, "position": 1, "dead_letter": 1}

_numbers = count(1)


@pytest.fixture
def place(postgres: EmbeddedPostgres) -> Iterator[TestDatabase]:
    """A database with roles and schemas and no tables."""
    name = f"upgrade_{next(_numbers)}"
    postgres.create_database(name)
    asyncio.run(_run(postgres.dsn(name), (ROOT / "deploy/postgres/roles.sql").read_text(encoding="utf-8")))
    yield TestDatabase(postgres, name)
    postgres.drop_database(name)


async def _run(dsn: str, *statements: str) -> None:
    conn = await asyncpg.connect(dsn, timeout=60, server_settings={AREA_SETTING: EVERYWHERE})
    try:
        for statement in statements:
            await conn.execute(statement, timeout=30)
    finally:
        await conn.close(timeout=5)


async def _value(dsn: str, query: str) -> Any:
    conn = await asyncpg.connect(dsn, timeout=60, server_settings={AREA_SETTING: EVERYWHERE})
    try:
        return await conn.fetchval(query, timeout=30)
    finally:
        await conn.close(timeout=5)


def first_tables(service: str) -> list[Migration]:
    """What the first release made: the first file of the messaging core, and the service's first."""
    return [one for one in migrations_of(service) if one.name.rpartition("/")[2].startswith("0001_")]


async def with_first_rows(dsn: str, service: str) -> None:
    await migrate(dsn, first_tables(service))
    await _run(dsn, *((ROWS / f"{name}.sql").read_text(encoding="utf-8") for name in ("shared", service)))


async def assert_kept(dsn: str, service: str) -> None:
    for table, rows in (MESSAGING | KEPT[service]).items():
        assert await _value(dsn, f"SELECT count(*) FROM {table}") == rows, table


@pytest.mark.parametrize("service", SERVICES)
def test_rows_of_the_first_tables_live_through_every_upgrade_one_by_one(place: TestDatabase, service: str) -> None:
    async def check() -> None:
        await with_first_rows(place.dsn(service), service)
        applied = first_tables(service)
        for step in (one for one in migrations_of(service) if one not in applied):
            applied.append(step)
            assert await migrate(place.dsn(service), applied) == [step.name]
            await assert_kept(place.dsn(service), service)
        assert await migrate(place.dsn(service), migrations_of(service)) == []

    asyncio.run(check())


NEEDED = """
SELECT table_name || '.' || column_name AS place FROM information_schema.columns
WHERE table_schema = current_schema() AND is_nullable = 'NO' AND column_default IS NULL
    AND is_identity = 'NO' AND is_generated = 'NEVER'
"""
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
BEFORE_THE_FIRST_RELEASE = frozenset({"ticket_case.place", "message.give_up_at", "subscription.area"})
"""Columns that came when nothing was published yet, and no older copy could be running."""


@pytest.mark.parametrize("service", SERVICES)
def test_copies_of_the_release_before_can_go_on_writing_after_a_step(place: TestDatabase, service: str) -> None:
    async def check() -> None:
        conn = await asyncpg.connect(place.dsn(service), timeout=60, server_settings={AREA_SETTING: EVERYWHERE})
        applied, refused = first_tables(service), set[str]()
        await migrate(place.dsn(service), applied)
        for step in (one for one in migrations_of(service) if one not in applied):
            tables = {row["table_name"] for row in await conn.fetch(TABLES)}
            needed = {row["place"] for row in await conn.fetch(NEEDED)}
            applied.append(step)
            await migrate(place.dsn(service), applied)
            added = {row["place"] for row in await conn.fetch(NEEDED)} - needed - BEFORE_THE_FIRST_RELEASE
            refused |= {one for one in added if one.partition(".")[0] in tables}
        assert refused == set()
        await conn.close(timeout=5)

    asyncio.run(check())


def test_this_release_reads_a_case_that_the_first_one_wrote(place: TestDatabase) -> None:
    async def check() -> None:
        await with_first_rows(place.dsn("dispatch"), "dispatch")
        await migrate(place.dsn("dispatch"), migrations_of("dispatch"))
        database = await connect(place.dsn("dispatch"), size=2, application="test", area=EVERYWHERE, patience=PATIENT)
        (case,) = await find_cases(database, [TICKET])
        await database.close()
        assert (case.ticket_no, case.grid, case.hastens) == ("99010120260310000002", "990101001001001", 0)
        columns = "concat_ws(' ', place, category, urgency)"
        filled_in = await _value(place.dsn("dispatch"), f"SELECT {columns} FROM ticket_case")
        assert filled_in == "990101001001001 150101 U3"

    asyncio.run(check())


NEVER_TAKEN = frozenset(("ACCEPTED", ended) for ended in ("NOT_ACCEPTED", "TRANSFERRED", "ROUTED", "WITHDRAWN"))
"""Steps that tables allowed until 0008 and no release took: a ticket has always left ACCEPTED in the decision that
brought it there, so that nothing ended, or was withdrawn, from there."""
FINAL = ("CLOSED", "WITHDRAWN", "NOT_ACCEPTED", "TRANSFERRED", "ROUTED")


async def before_the_lists_were_narrowed(dsn: str) -> set[tuple[str, str]]:
    """Bring a database to just before 0008; the steps of a ticket that its tables allow."""
    await with_first_rows(dsn, "dispatch")
    steps = migrations_of("dispatch")
    narrowed = next(n for n, one in enumerate(steps) if one.name.endswith("/0008_answered_archived.sql"))
    await migrate(dsn, steps[:narrowed])
    (last,) = [one for one in steps if one.name.endswith("/0006_merge_from_where_it_stands.sql")]
    return {(before, after) for before, after in re.findall(r"\('([A-Z_-]+)', '([A-Z_]+)'\)", last.sql)}


def another_ticket(before: str, after: str) -> str:
    """SQL that puts in a ticket like the first that took this step last."""
    return f"""
        CREATE TEMPORARY TABLE another AS SELECT * FROM ticket_case ORDER BY ticket_id LIMIT 1;
        UPDATE another SET ticket_id = gen_random_uuid(), previous_state = nullif('{before}', '-'), state = '{after}',
            closed_at = CASE WHEN '{after}' IN {FINAL} THEN due_at END,
            merged_into = CASE WHEN '{after}' = 'MERGED' THEN '{TICKET}'::uuid END;
        INSERT INTO ticket_case SELECT * FROM another;
        DROP TABLE another;
    """


def test_a_ticket_may_have_taken_any_step_that_a_release_took_before_the_lists_were_narrowed(
    place: TestDatabase,
) -> None:
    async def check() -> None:
        dsn = place.dsn("dispatch")
        allowed = await before_the_lists_were_narrowed(dsn)
        assert allowed > NEVER_TAKEN
        await _run(dsn, *(another_ticket(*step) for step in sorted(allowed - NEVER_TAKEN)))
        await migrate(dsn, migrations_of("dispatch"))
        assert await _value(dsn, "SELECT count(*) FROM ticket_case") == 1 + len(allowed - NEVER_TAKEN)

    asyncio.run(check())


def test_a_row_that_no_release_wrote_stops_the_upgrade_by_name_and_once_mended_it_goes_on(place: TestDatabase) -> None:
    async def check() -> None:
        dsn = place.dsn("dispatch")
        await before_the_lists_were_narrowed(dsn)
        await _run(dsn, another_ticket("ACCEPTED", "WITHDRAWN"))
        with pytest.raises(
            MigrationFailed, match=r"0008_answered_archived\.sql failed and left nothing behind.*ticket_step_is_legal"
        ):
            await migrate(dsn, migrations_of("dispatch"))
        await _run(dsn, "UPDATE ticket_case SET previous_state = 'DISPATCHED' WHERE state = 'WITHDRAWN'")
        assert (await migrate(dsn, migrations_of("dispatch")))[0].endswith("/0008_answered_archived.sql")

    asyncio.run(check())


def test_a_closed_matter_stays_closed_when_intake_learns_to_merge(place: TestDatabase) -> None:
    async def check() -> None:
        await with_first_rows(place.dsn("intake"), "intake")
        await migrate(place.dsn("intake"), migrations_of("intake"))
        closed = await _value(place.dsn("intake"), "SELECT count(*) FROM ticket WHERE closed_at < 'infinity'")
        assert closed == 1

    asyncio.run(check())


GOOD = Migration("shared/9001_good.sql", "CREATE TABLE good (n integer)")
BAD = Migration("shared/9002_bad.sql", "CREATE TABLE half (n integer); SELECT 1 / 0")
MENDED = Migration("shared/9002_bad.sql", "CREATE TABLE half (n integer)")


def test_a_step_that_fails_leaves_nothing_behind_and_the_next_run_goes_on_from_there(place: TestDatabase) -> None:
    async def check() -> None:
        dsn = place.dsn("notify")
        with pytest.raises(
            MigrationFailed, match=r"shared/9002_bad\.sql failed and left nothing behind.*zero.*db migrate"
        ):
            await migrate(dsn, [GOOD, BAD])
        assert await _value(dsn, "SELECT to_regclass('good') IS NOT NULL AND to_regclass('half') IS NULL")
        assert await migrate(dsn, [GOOD, MENDED]) == ["shared/9002_bad.sql"]

    asyncio.run(check())


def test_a_step_that_was_edited_after_it_was_applied_is_refused_by_name(place: TestDatabase) -> None:
    async def check() -> None:
        await migrate(place.dsn("notify"), [GOOD])
        with pytest.raises(MigrationChanged, match=r"shared/9001_good\.sql"):
            await migrate(place.dsn("notify"), [Migration(GOOD.name, "CREATE TABLE good (n bigint)")])

    asyncio.run(check())


def test_an_older_command_line_leaves_a_newer_database_alone(place: TestDatabase) -> None:
    async def check() -> None:
        await migrate(place.dsn("notify"), [GOOD, MENDED])
        with pytest.raises(SchemaNewer, match=r"does not know shared/9002_bad\.sql.*restore the backup"):
            await migrate(place.dsn("notify"), [GOOD])
        assert issubclass(SchemaNewer, MigrationRefused)

    asyncio.run(check())


@pytest.mark.parametrize("service", SERVICES)
def test_an_older_program_refuses_a_newer_database_with_exit_code_2(database: TestDatabase, service: str) -> None:
    later = "INSERT INTO migration (name, sha256) VALUES ('shared/9999_later.sql', '')"
    asyncio.run(_run(database.dsn(service), later))
    code, said = started(service, database.dsn(service))
    assert code == 2, said
    assert "the database is newer than this program, which does not know shared/9999_later.sql" in said
    assert "Traceback" not in said


def started(service: str, dsn: str) -> tuple[int, str]:
    """Start a service in a process of its own; exit code and complaints."""
    ours = {
        "DATABASE_DSN": dsn, "KAFKA_BOOTSTRAP": "127.0.0.1:1", "PORT": "0", "PACK": str(PACK), "AREA": str(AREA),
        "VAULT_KEYS": "k1:" + "A" * 43 + "=", "ROLES": str(ROOT / "deploy/access/roles.toml"),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", f"services.{service}", "--only", "api"],
        env=kept | {f"GRIDDISPATCH_{n}": v for n, v in ours.items()} | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr
