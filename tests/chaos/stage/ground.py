"""The ground a run stands on: one PostgreSQL with a migrated database to copy, each service's effects journalled."""

import asyncio
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path

import asyncpg

from griddispatch.embedded import EmbeddedPostgres
from shared.migrations import migrate, migrations_of
from tests.chaos.stage.disk import TABLESPACE, SmallDisk

ROOT = Path(__file__).parent.parent.parent.parent
SERVICES = ("intake", "dispatch", "notify")
TEMPLATE = "chaos_template"
NOBODY = 65534
"""As whom PostgreSQL runs where this user is root; only root may mount."""
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

    def __init__(
        self, *, durable: bool = False, running: EmbeddedPostgres | None = None, own_disk: bool = False
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gd-chaos-"))
        self.folder.chmod(0o755)
        self._is_own = running is None
        self.postgres = running or EmbeddedPostgres(self.folder / "pg", durable=durable)
        self._numbers = count(1)
        self.disk = SmallDisk(self.folder / "disk")
        self._wants_disk = own_disk

    def start(self) -> None:
        """Start the server and make the database that runs are copied from. Raises LaunchError."""
        if self._is_own:
            self.postgres.start()
        self.postgres.create_database(TEMPLATE)
        asyncio.run(self._prepare())
        if self._wants_disk and os.geteuid() == 0 and self.disk.mount(NOBODY, NOBODY):
            asyncio.run(self._make_tablespace())

    def fresh(self) -> str:
        """The name of a new, migrated database."""
        name = f"run_{next(self._numbers)}"
        self.postgres.create_database(name, TEMPLATE, TABLESPACE if self.disk.is_there else None)
        return name

    def drop(self, name: str) -> None:
        """Drop a run's database."""
        self.postgres.drop_database(name)

    def stop(self) -> None:
        """Stop the server and forget its data."""
        if self._is_own:
            self.postgres.kill()
            self.postgres.stop()
        else:
            self.postgres.drop_database(TEMPLATE)
        self.disk.unmount()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def postgres_runs(self) -> bool:
        """Whether the server is there to be asked."""
        return self.postgres.is_running

    async def _make_tablespace(self) -> None:
        conn = await asyncpg.connect(self.postgres.dsn())
        await conn.execute(f"CREATE TABLESPACE {TABLESPACE} LOCATION '{self.disk.folder}'")
        await conn.close()

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
