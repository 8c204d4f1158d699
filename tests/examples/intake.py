"""Intake's doors as a process of their own, which may be told to die, and is started again."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx

from griddispatch.embedded.process import ChildProcess, Program, free_port
from tests.builders import AREA, PACK, eventually
from tests.conftest import ROOT, TestDatabase
from tests.services.intake.desk import KEYS


class Intake:
    """`--only api`, without a broker: what is accepted waits in the outbox."""

    def __init__(self, database: TestDatabase, logs: Path) -> None:
        self._database = database
        self._logs = logs
        self._numbers = count(1)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.deaths = 0
        self.child = self._new("")

    def _new(self, failpoint: str) -> ChildProcess:
        ours = {
            "DATABASE_DSN": self._database.dsn("intake"), "KAFKA_BOOTSTRAP": "127.0.0.1:1", "INSTANCE": "test",
            "PORT": str(self._port), "PACK": str(PACK), "AREA": str(AREA), "VAULT_KEYS": KEYS, "FAILPOINT": failpoint,
            "ROLES": str(ROOT / "deploy" / "access" / "roles.toml"),
        }  # fmt: skip
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        environment |= {f"GRIDDISPATCH_{name}": value for name, value in ours.items()}
        program = Program([sys.executable, "-m", "services.intake", "--only", "api"], environment)
        return ChildProcess("intake", program, self._logs / f"intake-{next(self._numbers)}.log")

    async def launch(self, failpoint: str = "") -> None:
        """Start it, to die where told, and wait until it answers."""
        self.child.kill()
        self.child = self._new(failpoint)
        await eventually(self._answers, within_s=60, what="intake being ready")

    async def _answers(self) -> bool:
        assert self.child.exit_code is None, self.child.log_tail(30)
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def watch(self) -> None:
        """Start it again whenever it has died."""
        while True:
            if self.child.exit_code is not None:
                self.deaths += 1
                await self.launch()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running_intake(database: TestDatabase, logs: Path, failpoint: str = "") -> AsyncIterator[Intake]:
    """The doors, started and watched; nothing is left behind."""
    intake = Intake(database, logs)
    watching: asyncio.Task[None] | None = None
    try:
        await intake.launch(failpoint)
        watching = asyncio.create_task(intake.watch())
        yield intake
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching], timeout=10)
        intake.child.kill()
