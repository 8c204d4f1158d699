"""Numbered .sql files, applied once and in order, under a lock; an applied file that changed is an error."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from shared.actors import EVERYWHERE
from shared.database import AREA_SETTING, INFRASTRUCTURE_ERRORS, Database
from shared.errors import Unavailable

LOCK_KEY = 7_310_421
DEADLINE_S = 120.0

_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


@dataclass(frozen=True)
class Migration:
    """One file: `name` is `<package>/<file>`."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What the file was when it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class MigrationRefused(Exception):
    """The tables cannot be brought up to date; the text says why and what to do. Nothing is half done."""


class MigrationChanged(MigrationRefused):
    """A file was edited after it had been applied somewhere: write a new one instead."""


class MigrationFailed(MigrationRefused):
    """A file could not be applied; it left nothing behind, and those before it stay."""


class SchemaNewer(MigrationRefused):
    """A later release has been here: this one does not know what its tables promise."""


@dataclass(frozen=True)
class Difference:
    """What a database and a release do not have in common, as names of migrations."""

    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    def refuse_newer(self) -> None:
        """Raises SchemaNewer when a later release has been here."""
        if self.unknown:
            raise SchemaNewer(
                f"the database is newer than this program, which does not know {', '.join(self.unknown)}: "
                "run the release that made them, or restore the backup from before the upgrade"
            )


def migrations_of(service: str) -> list[Migration]:
    """The shared tables first, then the service's own, each in the order of their numbers."""
    found = []
    for package in ("shared", f"services.{service}"):
        folder = files(package).joinpath("sql", "migrations")
        names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
        found += [Migration(f"{package}/{name}", folder.joinpath(name).read_text(encoding="utf-8")) for name in names]
    return found


async def compare(database: Database, service: str) -> Difference:
    """How the service's database stands to this release. Raises Unavailable."""
    there = await database.fetch("SELECT to_regclass('migration') IS NOT NULL AS there")
    applied = await database.fetch("SELECT name FROM migration ORDER BY name") if there[0]["there"] else []
    return _difference([row["name"] for row in applied], migrations_of(service))


def _difference(applied: Iterable[str], migrations: Sequence[Migration]) -> Difference:
    known, released = tuple(applied), [m.name for m in migrations]
    missing = tuple(name for name in released if name not in known)
    return Difference(missing, tuple(name for name in known if name not in released))


async def migrate(dsn: str, migrations: list[Migration]) -> list[str]:
    """Apply what is missing; answers with the names applied. Two callers at once wait for each other.

    Raises MigrationRefused (an edited file, one that fails, a newer database), Unavailable when the database is away.
    Each file is applied with its entry in one transaction: a run that broke off is gone on with by the next.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            conn = await asyncpg.connect(dsn, timeout=10)
            try:
                await conn.execute("SELECT set_config($1, $2, false)", AREA_SETTING, EVERYWHERE)
                await conn.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
                return await _apply_missing(conn, migrations)
            finally:
                await conn.close(timeout=5)
    except INFRASTRUCTURE_ERRORS as error:
        raise Unavailable(f"database: {type(error).__name__}: {error}") from error


async def _apply_missing(conn: "asyncpg.Connection[asyncpg.Record]", migrations: list[Migration]) -> list[str]:
    await conn.execute(_TABLE)
    known = {row["name"]: row["sha256"] for row in await conn.fetch("SELECT name, sha256 FROM migration")}
    changed = [m.name for m in migrations if known.get(m.name, m.sha256) != m.sha256]
    if changed:
        raise MigrationChanged(f"edited after it was applied: {', '.join(changed)}")
    _difference(known, migrations).refuse_newer()
    missing = [m for m in migrations if m.name not in known]
    for migration in missing:
        await _apply(conn, migration)
    return [m.name for m in missing]


async def _apply(conn: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    try:
        async with conn.transaction():
            await conn.execute(migration.sql)
            await conn.execute("INSERT INTO migration (name, sha256) VALUES ($1, $2)", migration.name, migration.sha256)
    except INFRASTRUCTURE_ERRORS:
        raise
    except asyncpg.PostgresError as error:
        raise MigrationFailed(
            f"{migration.name} failed and left nothing behind: {type(error).__name__}: {error}; "
            "mend what it names and run: griddispatch db migrate"
        ) from error
