"""Everything the demo stands on, started in parallel and ended with it: stores, topics, tables, three services."""

import asyncio
import base64
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import asyncpg
import httpx

from griddispatch import data
from griddispatch.demo.exchange import new_client
from griddispatch.demo.ports import Ports
from griddispatch.embedded import ApacheKafka, EmbeddedPostgres, LaunchError, NoidaBroker
from griddispatch.embedded.process import LOOPBACK, ChildProcess, Program
from shared.clock import FastClock
from shared.kafka import apply_topics
from shared.migrations import migrate, migrations_of
from shared.topics import TOPICS

PORTS = {"intake": 8001, "dispatch": 8002, "notify": 8003}
DATABASE = "griddispatch"
READY_S = 60.0
STOP_S = 25.0
TAIL = 25
NOTHING: Mapping[str, str] = MappingProxyType({})


class Stack:
    """The stores and the services. One owner; `stop` ends whatever was started, also after a start that failed."""

    def __init__(
        self, home: Path, *, keeps_data: bool, apache: bool = False, settings: Mapping[str, str] = NOTHING
    ) -> None:
        """`home` gets the logs, and with `keeps_data` everything the stores hold.

        `apache` puts Apache Kafka in the place of the embedded broker. `settings` are further ones of every service.
        """
        self.home = home
        self._settings = settings
        self.notes: list[str] = []
        self.database = ""
        self._keeps_data = keeps_data
        self._postgres = EmbeddedPostgres(home / "postgres" if keeps_data else None, durable=True)
        kafka = home / "kafka" if keeps_data else None
        self._broker = ApacheKafka(kafka) if apache else NoidaBroker(kafka)
        self._waits_for_news = apache
        self._key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._services: dict[str, ChildProcess] = {}
        self._ports: dict[str, int] = {}
        self._claimed = Ports()
        self._work = ThreadPoolExecutor(max_workers=4, thread_name_prefix="stack")

    @property
    def bootstrap(self) -> str:
        """Where Kafka listens."""
        return self._broker.bootstrap

    @property
    def broker(self) -> str:
        """Product and version of the broker."""
        return self._broker.name

    def url(self, service: str) -> str:
        """The beginning of a service's addresses, or of a copy's by its name."""
        return f"http://{LOOPBACK}:{self._ports[service]}"

    def dsn(self, service: str) -> str:
        """Where a service's tables are."""
        return self._postgres.dsn(DATABASE, f"griddispatch_{service}")

    @property
    def admin_dsn(self) -> str:
        """The whole database, as its owner."""
        return self._postgres.dsn(DATABASE)

    @property
    def pids(self) -> dict[str, int]:
        """The root process of every part that runs: the services, the database, the broker."""
        services = {service: child.pid for service, child in self._services.items() if child.exit_code is None}
        return services | {"database": self._postgres.pid, "broker": self._broker.pid}

    async def start_stores(self) -> None:
        """Stores with every table and topic. Raises LaunchError, Unavailable and the like."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._start_postgres(), name="postgres")
            group.create_task(self._start_broker(), name="broker")

    async def start_services(self, clock: FastClock) -> None:
        """All three services, each answering that it is ready. Raises LaunchError with the end of a log."""
        for service, port in PORTS.items():
            self._ports[service] = self._free(service, port)
        for service in PORTS:
            self._spawn(service, clock)
        async with new_client(len(PORTS)) as client, asyncio.TaskGroup() as group:
            for service in PORTS:
                group.create_task(self._until_ready(client, service), name=f"ready-{service}")

    async def restart(self, service: str, clock: FastClock, **settings: str) -> None:
        """End a service in order and start it with further settings, until it is ready. Raises LaunchError."""
        await self.end(service)
        await self.start_again(service, clock, **settings)

    async def end(self, service: str) -> None:
        """End a service in order. Raises LaunchError when it has to be killed."""
        await asyncio.get_running_loop().run_in_executor(self._work, self._services[service].terminate, STOP_S)

    async def start_again(self, service: str, clock: FastClock, **settings: str) -> None:
        """Start a service that was ended, until it is ready. Raises LaunchError."""
        self._ports[service] = self._free(service, self._ports[service])
        self._spawn(service, clock, settings)
        async with new_client(1) as client:
            await self._until_ready(client, service)

    async def add_copies(self, clock: FastClock) -> None:
        """A second copy of every service, ready, named `<service>-2`. Raises LaunchError."""
        copies = [f"{service}-2" for service in PORTS]
        for copy, port in zip(copies, PORTS.values(), strict=True):
            self._ports[copy] = self._free(copy, port + len(PORTS))
            self._spawn(copy, clock)
        async with new_client(len(copies)) as client, asyncio.TaskGroup() as group:
            for copy in copies:
                group.create_task(self._until_ready(client, copy), name=f"ready-{copy}")

    def check(self) -> None:
        """Raises LaunchError, with the end of its log, when a service has ended."""
        for service, child in self._services.items():
            if child.exit_code is not None:
                tail = child.log_tail(TAIL) or "(empty)"
                raise LaunchError(f"{service} ended with code {child.exit_code}; the end of {child.log_path}:\n{tail}")

    async def stop(self) -> list[str]:
        """End everything, services first; what did not end in order is named. Waits for a start still under way."""
        loop = asyncio.get_running_loop()
        services = [
            loop.run_in_executor(self._work, _complaint, child.terminate, STOP_S) for child in self._services.values()
        ]
        complaints = await asyncio.gather(*services)
        self._claimed.close()
        # A start that was cut off still runs in its thread: its server can only be ended after it.
        await loop.run_in_executor(None, self._work.shutdown)
        if not self._keeps_data:
            self._broker.kill()  # nothing to be written down for later
        for store in (self._broker, self._postgres):
            complaints.append(await loop.run_in_executor(None, _complaint, store.stop))
        return [complaint for complaint in complaints if complaint]

    async def _start_postgres(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._work, self._postgres.start)
        await loop.run_in_executor(self._work, self._postgres.create_database, DATABASE)
        conn = await asyncpg.connect(self._postgres.dsn(DATABASE), timeout=10)
        try:
            await conn.execute(data.find(data.ROLES).read_text(encoding="utf-8"), timeout=10)
            self.database = f"PostgreSQL {await conn.fetchval('SHOW server_version', timeout=5)}, fsync on"
        finally:
            await conn.close(timeout=5)
        for service in PORTS:
            await migrate(self.dsn(service), migrations_of(service))

    async def _start_broker(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._work, self._broker.start)
        await apply_topics(self.bootstrap, TOPICS)

    def _free(self, service: str, port: int) -> int:
        given = self._claimed.take(port)
        if given != port:
            self.notes.append(f"port {port} is taken: {service} listens on {given} instead")
        return given

    def _spawn(self, name: str, clock: FastClock, settings: Mapping[str, str] = NOTHING) -> None:
        service, _, copy = name.partition("-")
        further = {f"GRIDDISPATCH_{k}": v for k, v in {**self._settings, **settings}.items()}
        program = Program(
            [sys.executable, "-m", f"services.{service}"],
            {**self._environment(name, service, f"demo{copy}", clock), **further},
        )
        self._services[name] = ChildProcess(name, program, self.home / f"{name}.log")

    def _environment(self, name: str, service: str, instance: str, clock: FastClock) -> Mapping[str, str]:
        ours = {
            "DATABASE_DSN": self.dsn(service), "KAFKA_BOOTSTRAP": self.bootstrap, "KAFKA_STATIC_MEMBER": instance,
            "KAFKA_IDLE_PAUSE_MS": "0" if self._waits_for_news else "500",
            "PORT": str(self._ports[name]), "CLOCK": str(clock), "PACK": str(data.find(data.PACK)),
            "AREA": str(data.find(data.AREA)), "ROLES": str(data.find(data.ACCESS)), "INSTANCE": instance,
            "VAULT_KEYS": f"k1:{self._key}", "INTAKE_ORIGIN": self.url("intake"),
            "NOTIFY_ORIGIN": self.url("notify"),
            "CONSOLE_ORIGINS": f"{self.url('dispatch')},http://localhost:{self._ports['dispatch']}",
        }  # fmt: skip
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRIDDISPATCH_")}
        root = str(Path(data.__file__).parent.parent)
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        return inherited | {f"GRIDDISPATCH_{name}": value for name, value in ours.items()} | {"PYTHONPATH": path}

    async def _until_ready(self, client: httpx.AsyncClient, service: str) -> None:
        deadline = time.monotonic() + READY_S
        while not await _is_ready(client, f"{self.url(service)}/readyz"):
            self.check()
            if time.monotonic() > deadline:
                child = self._services[service]
                raise LaunchError(
                    f"{service} was not ready after {READY_S:g} s; the end of {child.log_path}:\n{child.log_tail(TAIL)}"
                )
            await asyncio.sleep(0.05)


def new_home(keep: Path | None, run: str) -> Path:
    """The folder of this run: `keep`, which must be new or empty, or one below `.griddispatch/demo`.

    Raises LaunchError that says what to change.
    """
    home = keep or Path(".griddispatch") / "demo" / run
    try:
        home.mkdir(parents=True, exist_ok=True)
        if any(home.iterdir()):
            raise LaunchError(f"--keep {home}: not empty; a run of the demo never writes over older data")
        with tempfile.TemporaryFile(dir=home):
            return home.absolute()
    except OSError as error:
        raise LaunchError(
            f"{home} cannot be written to: {error.strerror}; choose another folder with --keep"
        ) from error


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == 200
    except httpx.HTTPError:
        return False


def _complaint(act: Callable[..., None], *args: object) -> str:
    try:
        act(*args)
    except LaunchError as error:
        return str(error)
    return ""
