"""The whole product as processes, and people who use it over HTTP and put up with anything that dies meanwhile."""

import asyncio
import base64
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from griddispatch.demo.exchange import new_client, post_lines
from griddispatch.demo.matters import SOURCE
from griddispatch.demo.records import Reader, Sighting
from griddispatch.demo.watch import Watch
from griddispatch.embedded import Broker
from griddispatch.embedded.process import ChildProcess, Program, free_port
from shared.clock import FastClock, utc_now
from shared.terms import Source
from shared.topics import TOPICS
from tests.builders import AREA, PACK, ROOT, eventually
from tests.conftest import TestDatabase
from tests.handling import next_command, next_share
from tests.open_access import acting_as

SERVICES = ("intake", "dispatch", "notify")
MONDAY_MORNING = datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
"""Mon 2026-03-09 09:30 in Shanghai: offices are open, and citizens may be called."""
CLOSED_WITHIN_S = 90.0


@dataclass
class World:
    """Three services, one database, one broker, a fast clock."""

    database: TestDatabase
    broker: Broker
    logs: Path
    speed: float = 1.0
    http: httpx.AsyncClient = field(default_factory=lambda: new_client(8))
    ports: dict[str, int] = field(default_factory=dict)
    children: dict[str, ChildProcess] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, bytes] = field(default_factory=dict)
    closed: set[bytes] = field(default_factory=set)
    extra: dict[str, str] = field(default_factory=dict)
    """Further settings of every service."""
    words: str = ""
    """What citizens write beside their answers, by the link they are sent; without any they answer on the telephone."""
    key: str = base64.b64encode(bytes(range(32))).decode()

    def __post_init__(self) -> None:
        self.clock = FastClock(MONDAY_MORNING, utc_now(), self.speed)
        self.watch = Watch(self.clock)
        self.asked: Counter[bytes] = Counter()
        self._launches = count(1)
        self.records: list[Sighting] = []
        listeners = (self.watch.see, self.records.append, self._hear)
        self._reader = Reader(self.broker.bootstrap, TOPICS, listeners)

    def _hear(self, seen: Sighting) -> None:
        if seen.type == b"org.griddispatch.followup.asked.v1":
            self.asked[seen.ticket] += 1

    async def start(self, **failpoints: str) -> None:
        """Start everything; `failpoints` says where a service is to die."""
        self.ports = {service: free_port() for service in SERVICES}
        for service in SERVICES:
            self.launch(service, failpoints.get(service, ""))
        for service in SERVICES:
            await eventually(lambda service=service: self.is_ready(service), within_s=40, what=f"{service} being ready")  # type: ignore[misc]
        await self._reader.start()

    def launch(self, service: str, failpoint: str = "") -> None:
        """Start one service."""
        program = self.program(service, FAILPOINT=failpoint)
        self.children[service] = ChildProcess(service, program, self.logs / f"{service}-{next(self._launches)}.log")

    def program(self, service: str, **changes: str) -> Program:
        """A service with its settings, some of them changed."""
        ours = {
            "DATABASE_DSN": self.database.dsn(service), "KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "KAFKA_STATIC_MEMBER": "e2e", "KAFKA_IDLE_PAUSE_MS": "100" if self.broker.name.startswith("noida") else "0", "INSTANCE": "e2e", "PORT": str(self.ports[service]), "CLOCK": str(self.clock),
            "PACK": str(PACK), "AREA": str(AREA), "ROLES": str(ROOT / "deploy" / "access" / "roles.toml"), "VAULT_KEYS": f"k1:{self.key}",
            "SUBSCRIPTION_KEYS": f"k1:{self.key}", "INTAKE_ORIGIN": self.url("intake"), "NOTIFY_ORIGIN": self.url("notify"),
            "NOTIFY_URL": self.url("notify"), "CONSOLE_ORIGINS": self.url("dispatch"), **self.extra, **changes,
        }  # fmt: skip
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            **{f"GRIDDISPATCH_{k}": v for k, v in ours.items()},
        }
        return Program([sys.executable, "-m", f"services.{service}"], environment)

    async def is_ready(self, service: str) -> bool:
        """Whether a service says so; its log is shown when it ended instead."""
        child = self.children[service]
        assert child.exit_code is None or self.deaths[service], f"{service} ended:\n{child.log_tail(30)}"
        try:
            return (await self.http.get(f"{self.url(service)}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    def url(self, service: str) -> str:
        """Where a service listens."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def revive(self) -> None:
        """Start again whatever has died."""
        for service, child in self.children.items():
            if child.exit_code is not None:
                child.kill()  # reaps what is left of it
                self.deaths[service] += 1
                self.launch(service)

    async def rearm(self, service: str, failpoint: str) -> None:
        """End a service in order and start it again with a place to die at."""
        await asyncio.to_thread(self.children[service].terminate, 40.0)
        self.launch(service, failpoint)
        await eventually(lambda: self.is_ready(service), within_s=40, what=f"{service} being ready")

    async def hand_in(self, count: int, series: str = "m") -> None:
        """Hand in matters through the bulk door, again and again until every one of them is accepted."""
        waiting = {f"{series}-{n}": json.dumps(matter(n, series), ensure_ascii=False).encode() for n in range(count)}
        deadline = time.monotonic() + CLOSED_WITHIN_S
        while waiting:
            assert time.monotonic() < deadline, f"not accepted: {sorted(waiting)}"
            names = list(waiting)
            answers = await post_lines(self.http, f"{self.url('intake')}/v1/tickets/bulk", list(waiting.values()))
            for name, answer in zip(names, answers, strict=True):
                if answer["status"] == 201:
                    self.accepted[name] = answer["ticket_id"].encode()
                    del waiting[name]
                else:
                    assert answer["status"] in (409, 503), answer
            self.revive()
            await self._reader.poll()

    async def work_until_closed(self, *, wait_for_clocks: bool = False) -> None:
        """People work on every ticket until all are closed; every fifth citizen says no the first time."""
        deadline = time.monotonic() + CLOSED_WITHIN_S
        left = set(self.accepted.values()) - self.closed
        while left:
            assert time.monotonic() < deadline, f"not closed: {await self._standing(left)}"
            for ticket_id in sorted(left):
                if await self._push(ticket_id.decode(), wait_for_clocks) == "CLOSED":
                    left.discard(ticket_id)
                    self.closed.add(ticket_id)
            self.revive()
            await self._reader.poll()

    async def _standing(self, left: Collection[bytes]) -> list[Any]:
        return [await self._ticket(t.decode()) for t in sorted(left)][:3]

    async def _ticket(self, ticket_id: str) -> dict[str, Any] | None:
        try:
            answer = await self.http.get(f"{self.url('dispatch')}/v1/tickets/{ticket_id}")
        except httpx.HTTPError:
            return None
        assert answer.status_code in (200, 404, 503), answer.text
        return answer.json() if answer.status_code == 200 else None

    async def _push(self, ticket_id: str, wait_for_clocks: bool) -> str:
        """The next thing a person would do for a ticket; its state."""
        shown = await self._ticket(ticket_id)
        if shown is None:
            return "UNKNOWN"
        lead = next_share(shown["assignments"])
        if shown["state"] == "DISPATCHED":
            name, body = next_command(lead["state"])
            if wait_for_clocks and name == "sign" and shown["cycle"] == 1:
                return "WAITING"  # until the clock deems it signed
            await self._post(
                "dispatch", f"/v1/assignments/{lead['id']}/{name}", body, {"If-Match": f'"{shown["version"]}"'}
            )
        elif shown["state"] == "FOLLOWING_UP":
            if wait_for_clocks and shown["cycle"] == 1 and self.asked[ticket_id.encode()] < 2:
                return "WAITING"
            happy = shown["cycle"] > 1 or int(ticket_id[-1], 16) % 5 != 0
            word = {
                "cycle": shown["cycle"], "contacted": True, "solved": happy,
                "satisfaction": "SATISFIED" if happy else "DISSATISFIED", "recorded_by": "CITIZEN",
            }  # fmt: skip
            if self.words:
                await self._answer_by_link(ticket_id, word)
            else:
                await self._post("notify", f"/v1/followups/{ticket_id}/answers", word, {})
        state: str = shown["state"]
        return state

    async def _answer_by_link(self, ticket_id: str, word: dict[str, Any]) -> None:
        """As who was sent a link does: with words of their own."""
        links = f"{self.url('notify')}/v1/followups/{ticket_id}/links"
        agent = acting_as("follow_up_agent", "u-1", "a-1")
        made = await self.http.post(links, json={"cycle": word["cycle"]}, headers=agent)
        if made.status_code == 201:
            by_link = {k: v for k, v in word.items() if k not in ("cycle", "recorded_by")}
            body = by_link | {"token": made.json()["token"], "words": self.words}
            await self._post("notify", "/v1/links/answer", body, {})

    async def _post(self, service: str, path: str, body: object, headers: dict[str, str]) -> None:
        try:
            answer = await self.http.post(self.url(service) + path, json=body, headers=headers)
        except httpx.HTTPError:
            return
        assert answer.status_code in (200, 404, 409, 503), answer.text

    async def settle(self) -> None:
        """Wait until nothing moves any more: every outbox empty, every due message sent, every record read."""
        await eventually(self._is_quiet, within_s=60, what="coming to rest")

    async def _is_quiet(self) -> bool:
        self.revive()
        await self._reader.poll()
        conn = await asyncpg.connect(self.database.superuser_dsn)
        try:
            # A claim of a courier that died is taken up when its lease runs out; here it runs out at once.
            await conn.execute("UPDATE notify.message SET lease_until = clock_timestamp() WHERE state = 'LEASED'")
            waiting = await conn.fetchval(
                "SELECT (SELECT count(*) FROM intake.outbox) + (SELECT count(*) FROM dispatch.outbox)"
                " + (SELECT count(*) FROM notify.outbox) + (SELECT count(*) FROM notify.message WHERE state IN"
                " ('QUEUED', 'LEASED') AND due_at < $1) + (SELECT count(*) FROM intake.parked)"
                " + (SELECT count(*) FROM dispatch.parked) + (SELECT count(*) FROM notify.parked)",
                self.clock(),
            )
            for topic in TOPICS:
                for reader in topic.readers if topic.writer in SERVICES else ():
                    waiting += await conn.fetchval(_unread(topic.writer, reader), Source[topic.writer.upper()].value)
        finally:
            await conn.close()
        return waiting == 0 and self._reader.lag == 0 and self.watch.is_closed(self.accepted.values())

    def personal_data_in_logs(self) -> list[str]:
        """Names of log files that hold a canary."""
        return [log.name for log in self.logs.glob("*.log") if any(c in log.read_bytes() for c in CANARIES)]

    async def query(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """Look at everything, as nobody in the product can."""
        conn = await asyncpg.connect(self.database.superuser_dsn)
        try:
            return await conn.fetch(sql, *args)
        finally:
            await conn.close()

    async def drain(self) -> dict[str, int]:
        """Ask every service to end; their exit codes."""
        await asyncio.gather(*(asyncio.to_thread(child.terminate, 40.0) for child in self.children.values()))
        return {service: child.exit_code or 0 for service, child in self.children.items()}

    async def end(self) -> None:
        """Leave nothing running."""
        await self._reader.stop()
        await self.http.aclose()
        for child in self.children.values():
            child.kill()


@asynccontextmanager
async def living(world: World, **failpoints: str) -> AsyncIterator[World]:
    """The world, started; whatever happens inside, nothing of it is left behind."""
    try:
        await world.start(**failpoints)
        yield world
    finally:
        await world.end()


def _unread(writer: str, reader: str) -> str:
    """How many stories a reader has not followed to where their writer's head stands; $1 is the writer's source."""
    return (
        f"SELECT count(*) FROM {writer}.head AS h LEFT JOIN {reader}.position AS p"
        " ON p.ticket_id = h.ticket_id AND p.source = $1 WHERE coalesce(p.version, 0) < h.version"
    )


def matter(n: int, series: str = "m") -> dict[str, Any]:
    """A matter with canaries in every place that must stay out of events, logs and metrics."""
    return {
        "source": f"{SOURCE}.e2e", "external_id": f"{series}-{n}", "channel": "PHONE",
        "text": f"第{n}号：小区门口的路灯不亮了 CANARY-WORDS",
        "reporter": {"name": "CANARY-NAME", "phone": "13800000000"},
        "location": {"lon": 119.2 + 0.4 * ((n * 7) % 40 + 0.5) / 40, "lat": 33.1 + 0.3 * ((n * 11) % 30 + 0.5) / 30,
                     "address": "CANARY-ADDRESS"},
    }  # fmt: skip


CANARIES = (b"CANARY-WORDS", b"CANARY-NAME", b"CANARY-ADDRESS", b"13800000000")
