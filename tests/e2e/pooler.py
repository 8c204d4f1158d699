"""PgBouncer between the services and PostgreSQL, on a Unix socket of its own."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from griddispatch.embedded.process import ChildProcess, Program, RunAs
from tests.builders import eventually
from tests.conftest import SERVICES, TestDatabase

PORT = 6432
"""Only the name of the socket: every pooler has a folder of its own."""
CONNECTIONS = 60
"""A session needs a connection of PostgreSQL for as long as it lasts, so there must be as many as the pools may hold."""


@dataclass(frozen=True)
class Pooled(TestDatabase):
    """A database that the services reach by the pooler, and a test directly."""

    __test__ = False
    socket: str

    def dsn(self, service: str) -> str:
        """Where a service connects."""
        return f"postgresql://griddispatch_{service}@/{self.name}?host={self.socket}&port={PORT}"


@asynccontextmanager
async def pooled(database: TestDatabase, mode: str, connections: int = CONNECTIONS) -> AsyncIterator[Pooled]:
    """The database behind PgBouncer in a pool mode; skipped where there is none."""
    program, folder = _program(), _folder(database.postgres.port, mode, connections)
    user = RunAs(65534, 65534) if os.geteuid() == 0 else None
    child = ChildProcess("pgbouncer", Program([program, folder / "pgbouncer.ini"], None, user), folder / "log")
    behind = Pooled(database.postgres, database.name, str(folder))
    try:
        await eventually(lambda: _answers(behind, child), within_s=60, what="pgbouncer answering")
        yield behind
    finally:
        child.kill()
        shutil.rmtree(folder)


def _program() -> str:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if found is None and os.environ.get("GRIDDISPATCH_REQUIRE_PGBOUNCER") == "1":
        pytest.fail("pgbouncer is required")
    if found is None:
        pytest.skip("NOT COVERED, the services behind a pooler: no pgbouncer")
    return found


def _folder(port: int, mode: str, connections: int) -> Path:
    """Settings, and the place of the socket; not below pytest's own folder, which the pooler's user may not enter."""
    folder = Path(tempfile.mkdtemp(prefix="gd-pool-"))
    folder.chmod(0o777)
    (folder / "users.txt").write_text("".join(f'"griddispatch_{service}" ""\n' for service in SERVICES))
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={port}\n[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = {PORT}\n"
        f"auth_type = trust\nauth_file = {folder / 'users.txt'}\npool_mode = {mode}\n"
        f"default_pool_size = {connections}\nmax_client_conn = 400\n"
    )
    return folder


async def _answers(database: Pooled, child: ChildProcess) -> bool:
    assert child.exit_code is None, child.log_tail()
    try:
        conn = await asyncpg.connect(database.dsn("intake"), timeout=10)
    except OSError:
        return False
    await conn.close()
    return True
