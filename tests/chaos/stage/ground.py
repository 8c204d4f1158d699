"""The ground a run stands on: one PostgreSQL with a migrated database to copy, each service's effects journalled."""

import asyncio
import shutil
import tempfile
from itertools import count
from pathlib import Path

import asyncpg

from griddispatch.embedded import EmbeddedPostgres
from shared.migrations import migrate, migrations_of

ROOT = Path(__file__).parent.parent.parent.parent
SERVICES = ("intake", "dispatch", "notify")
TEMPLATE = "chaos_template"
JOURNAL = """
CREATE TABLE chaos_applied (
    place     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source    text    NOT NULL,
    ticket_id uuid    NOT NULL,
    version   integer NOT NULL
)
"""


class Ground:
    """One PostgreSQL server, its own or one that runs already; `durable` keeps what it acknowledged also when the
    machine dies."""

    def __init__(self, *, durable: bool = False, running: EmbeddedPostgres | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gd-chaos-"))
        self.folder.chmod(0o755)
        self._is_own = running is None
        self.postgres = running or EmbeddedPostgres(self.folder / "pg", durable=durable)
        self._numbers = count(1)

    def start(self) -> None:
        """Start the server and make the database that runs are copied from. Raises LaunchError."""
        if self._is_own:
            self.postgres.start()
        self.postgres.create_database(TEMPLATE)
        asyncio.run(self._prepare())

    def fresh(self) -> str:
        """The name of a new, migrated database."""
        name = f"run_{next(self._numbers)}"
        self.postgres.create_database(name, TEMPLATE)
        return name

    def drop(self, name: str) -> None:
        """Drop a run's database."""
        self.postgres.drop_database(name)

    def stop(self) -> None:
        """Stop the server and forget its data."""
        if self._is_own:
            self.postgres.kill()
        else:
            self.postgres.drop_database(TEMPLATE)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def postgres_runs(self) -> bool:
        """Whether the server is there to be asked."""
        return self.postgres.is_running

    async def _prepare(self) -> None:
        conn = await asyncpg.connect(self.postgres.dsn(TEMPLATE))
        await conn.execute((ROOT / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8"))
        await conn.close()
        for service in SERVICES:
            dsn = self.postgres.dsn(TEMPLATE, f"griddispatch_{service}")
            await migrate(dsn, migrations_of(service))
            conn = await asyncpg.connect(dsn)
            await conn.execute(JOURNAL)
            await conn.close()
