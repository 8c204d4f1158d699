"""The stage: three services as processes, their links, a receiver and a database of their own, all on loopback."""

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import httpx

from griddispatch.demo.exchange import new_client
from griddispatch.embedded.process import ChildProcess, LaunchError, Program, free_port
from shared.clock import FastClock, utc_now
from tests.chaos.checker.evidence import Drain, Fault, Heal, Poison, Replay
from tests.chaos.stage.ground import ROOT, SERVICES, Ground
from tests.chaos.stage.history import History
from tests.chaos.stage.link import Link
from tests.chaos.stage.receiver import Receiver

MONDAY_MORNING = datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
"""Mon 2026-03-09 09:30 in Shanghai."""
READY_S = 120.0
DRAIN_S = 45.0
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
KEY = base64.b64encode(bytes(range(32, 64))).decode()
NO_BUG = "none"


class Kafka(Protocol):
    """What a run needs to know of its brokers."""

    @property
    def bootstrap(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass
class Stage:
    """Everything that runs, and what was done to it. `bug` names the deliberate fault built into one service."""

    ground: Ground
    kafka: Kafka
    folder: Path
    seed: int
    speed: float = 1.0
    bugs: dict[str, str] = field(default_factory=dict)
    direct_kafka: str = ""
    """Where the run itself reaches Kafka, past the services' links; by default as they do."""
    history: History = field(default_factory=History)
    faults: list[Fault] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    drains: list[Drain] = field(default_factory=list)
    heals: list[Heal] = field(default_factory=list)
    replays: list[Replay] = field(default_factory=list)
    sights: dict[str, float] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    receiver: Receiver = field(default_factory=Receiver)
    links: dict[str, Link] = field(default_factory=dict)
    children: dict[str, ChildProcess] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    began: float = field(default_factory=time.time)
    clocks_stopped: float | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = self.ground.fresh()
        self.clock = FastClock(MONDAY_MORNING, utc_now(), self.speed)
        self.http: httpx.AsyncClient = new_client(16)
        self._launches = count(1)
        self._only: dict[str, Sequence[str]] = {}
        self._offsets = {service: self.folder / f"{service}.offset" for service in SERVICES}

    # ---- life

    async def open(self) -> None:
        """Start links and receiver; services are launched one by one."""
        await self.receiver.start()
        self._write_contacts()
        self.ports = {service: free_port() for service in SERVICES}
        for service in SERVICES:
            link = self.links[service] = Link(self.ground.postgres.port, self.seed)
            await link.start()

    async def start(self, *services: str, failpoints: dict[str, str] | None = None) -> None:
        """Launch services and wait until they are ready."""
        for service in services or SERVICES:
            self.launch(service, (failpoints or {}).get(service, ""))
        for service in services or SERVICES:
            await self.ready(service)

    def launch(self, service: str, failpoint: str = "", only: Sequence[str] = ()) -> None:
        """Start one service; `only` narrows it to some of its parts, also when it is revived."""
        self._only[service] = only
        log = self.folder / f"{service}-{next(self._launches)}.log"
        self.children[service] = ChildProcess(service, self.program(service, failpoint, only), log)

    def program(self, service: str, failpoint: str, only: Sequence[str] = ()) -> Program:
        """How a service is run."""
        parts = [word for part in only for word in ("--only", part)]
        argv = [sys.executable, "-m", "tests.chaos.mutated", service, self.bugs.get(service, NO_BUG), *parts]
        return Program(argv, self._environment(service, failpoint))

    def revive(self) -> None:
        """Start again whatever has ended."""
        for service, child in list(self.children.items()):
            if child.exit_code is not None:
                child.kill()
                self.deaths[service] += 1
                self.launch(service, only=self._only.get(service, ()))

    def kill(self, service: str) -> None:
        """kill -9, as a fault; the service stays down until it is launched or revived."""
        at = time.time()
        self.children[service].kill()
        self.faults.append(
            Fault(kind="kill", target=service, began=at, ended=time.time(), ambiguous=service == "notify")
        )

    async def drain(self, service: str, *, kafka_is_there: bool = True) -> None:
        """Ask a service to end and wait for it; what it leaves behind is written down."""
        began = time.time()
        child = self.children.pop(service)
        try:
            await asyncio.to_thread(child.terminate, DRAIN_S)
            code = child.exit_code or 0
        except LaunchError:
            code = -9
        left = (await self.query(f"SELECT count(*) AS n FROM {service}.outbox"))[0]["n"] if kafka_is_there else 0
        self.drains.append(
            Drain(service=service, exit_code=code, seconds=time.time() - began, unpublished=left)
        )  # fmt: skip

    async def close(self) -> None:
        """Leave nothing running."""
        for child in self.children.values():
            child.kill()
        await self.http.aclose()
        for link in self.links.values():
            await link.stop()
        await self.receiver.stop()
        if self.ground.postgres_runs:
            self.ground.drop(self.database)

    # ---- looking

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    async def is_ready(self, service: str) -> bool:
        """Whether a service says so."""
        try:
            return (await self.http.get(f"{self.url(service)}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def ready(self, service: str, within_s: float = READY_S) -> None:
        """Wait until a service is ready; it is revived when it dies meanwhile."""

        async def check() -> bool:
            self.revive()
            return await self.is_ready(service)

        try:
            await until(check, within_s, f"{service} is ready")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its log ends:\n{self.children[service].log_tail(8)}") from error

    async def query(self, sql: str, *args: object, within_s: float = 30.0) -> list[asyncpg.Record]:
        """Look at everything, as nobody in the product can; waits for the database to be there."""
        deadline = time.monotonic() + READY_S
        while True:
            try:
                conn = await asyncpg.connect(self.ground.postgres.dsn(self.database), timeout=10)
                try:
                    return await conn.fetch(sql, *args, timeout=within_s)
                finally:
                    await conn.close(timeout=5)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def script(self, sql: str) -> None:
        """Run several statements as a superuser."""
        conn = await asyncpg.connect(self.ground.postgres.dsn(self.database), timeout=10)
        try:
            await conn.execute(sql, timeout=30)
        finally:
            await conn.close(timeout=5)

    def fault(self, kind: str, target: str, began: float, *, ambiguous: bool = False) -> None:
        """Write a fault down that is over now."""
        self.faults.append(Fault(kind=kind, target=target, began=began, ended=time.time(), ambiguous=ambiguous))

    def set_clock_offset(self, service: str, seconds: float) -> None:
        """Step the clock of one service's process, while it runs."""
        path = self._offsets[service]
        fresh = path.with_suffix(".new")
        fresh.write_text(f"{seconds}")
        fresh.replace(path)

    # ---- within

    def _environment(self, service: str, failpoint: str) -> dict[str, str]:
        dsn = self.ground.postgres.dsn(self.database, f"griddispatch_{service}")
        dsn = dsn.replace(f":{self.ground.postgres.port}/", f":{self.links[service].port}/")
        static = "" if "Apache" in self.kafka.name else "chaos"
        ours = {
            "DATABASE_DSN": dsn, "KAFKA_BOOTSTRAP": self.kafka.bootstrap, "KAFKA_STATIC_MEMBER": static,
            "KAFKA_IDLE_PAUSE_MS": "0" if "Apache" in self.kafka.name else "100", "INSTANCE": "chaos",
            "PORT": str(self.ports[service]), "CLOCK": str(self.clock), "VAULT_KEYS": f"k1:{KEY}",
            "PACK": str(ROOT / "deploy" / "packs" / "county-default"), "FAILPOINT": failpoint,
            "AREA": str(ROOT / "deploy" / "areas" / "sample-county"),
            "ROLES": str(ROOT / "deploy" / "access" / "roles.toml"),
            "CONTACTS": str(self.folder / "contacts.toml"), "LOOPBACK_TARGETS": self.receiver.place,
            "SUBSCRIPTION_KEYS": f"k1:{KEY}",
            "WEBHOOK_SECRETS": json.dumps({"desk": SECRET}),
        }  # fmt: skip
        return {
            "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "CHAOS_OFFSET": str(self._offsets[service]),
            **{f"GRIDDISPATCH_{name}": value for name, value in ours.items()},
        }  # fmt: skip

    def _write_contacts(self) -> None:
        (self.folder / "contacts.toml").write_text(
            'default = "desk"\n[endpoints.desk]\nchannel = "webhook"\n'
            f'url = "http://{self.receiver.place}/hook"\nsecret = "desk"\n',
            encoding="utf-8",
        )


@asynccontextmanager
async def staged(make: Callable[[], Stage]) -> AsyncIterator[Stage]:
    """A stage, opened; whatever happens inside, nothing of it is left behind."""
    stage = make()
    try:
        await stage.open()
        yield stage
    finally:
        await stage.close()


async def until(check: Callable[[], Any], within_s: float, what: str) -> None:
    """Poll until `check` holds. Raises TimeoutError that says what did not happen."""
    deadline = time.monotonic() + within_s
    while not await check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        await asyncio.sleep(0.05)
