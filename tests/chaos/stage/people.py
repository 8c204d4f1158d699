"""People who use the product over HTTP: citizens, units and those who look on; whatever dies, they try again."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from griddispatch.demo.matters import SOURCE
from tests.chaos.checker.evidence import Op, Sample
from tests.chaos.stage.history import ask
from tests.chaos.stage.stage import Stage
from tests.handling import next_command, next_share

ROWS = ("id", "ticket_id", "unit", "kind", "ticket_state", "due_at", "light")
CANARIES = ("CANARY-WORDS", "CANARY-NAME", "CANARY-ADDRESS", "13800000000")
HOTLINE = f"{SOURCE}.chaos"
WORDS = ("小区门口的路灯不亮了", "楼道里堆满了杂物", "井盖破损", "广场舞噪音扰民", "路面坑洼积水")
JSON = {"content-type": "application/json"}


@dataclass
class People:
    """Everybody outside. `neglected` of a hundred tickets are left alone, so that their deadlines pass."""

    stage: Stage
    neglected: int = 0
    accepted: dict[str, str] = field(default_factory=dict)
    """Ticket by the external id of its matter."""
    closed: set[str] = field(default_factory=set)
    words: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.stage.seed)

    # ---- citizens

    async def hand_in(self, count: int, series: str, *, lanes: int = 8, within_s: float = 60.0) -> None:
        """Hand in matters, each again and again with its key until it is accepted. Raises TimeoutError."""
        waiting = [f"{series}-{n}" for n in range(count)]
        deadline = time.monotonic() + within_s

        async def lane() -> None:
            while waiting:
                key = waiting.pop()
                while (await self.post(key)).result != "ok":
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{key} was not accepted within {within_s:g} s")
                    self.stage.revive()
                    await asyncio.sleep(0.1)

        await asyncio.gather(*(lane() for _ in range(lanes)))

    async def post(self, key: str, body: bytes | None = None) -> Op:
        """One attempt to hand a matter in."""
        words = body or self.words.setdefault(key, _matter(key))
        began = time.time()
        url = f"{self.stage.url('intake')}/v1/tickets"
        status, answer = await ask(self.stage.http, "POST", url, words, JSON)
        op = self.stage.history.note("create", f"x:{key}", began, status, answer, words=words)
        if op.result == "ok":
            self.accepted[key] = op.ticket
            if self.random.random() < 0.1:
                await self._look_at_own(op.ticket)
        return op

    def matter(self, key: str, words: str = "") -> bytes:
        """A matter as a client would send it."""
        return _matter(key, words)

    async def answer(self, ticket: str, cycle: int) -> None:
        """A citizen's word; every fifth says no the first time."""
        await self._answer(ticket, cycle)

    async def repeat(self, share: float) -> None:
        """Hand in some of what was accepted once more, and some keys with other words."""
        for key in sorted(self.accepted):
            if self.random.random() < share:
                await self.post(key)
            if self.random.random() < share / 2:
                await self.post(key, _matter(key, "另一件事：垃圾没有清运"))

    async def _look_at_own(self, ticket: str) -> None:
        status, _ = await ask(self.stage.http, "GET", f"{self.stage.url('intake')}/v1/tickets/{ticket}")
        if status in (200, 404):
            self.stage.history.samples.append(Sample(at=time.time(), name="own", asked=ticket, status=status))

    # ---- units, and citizens' answers

    def is_neglected(self, ticket: str) -> bool:
        """Whether nobody works on it."""
        return UUID(ticket).int % 100 < self.neglected

    @property
    def at_work(self) -> list[str]:
        """Tickets that somebody still has to work on."""
        return sorted(t for t in self.accepted.values() if t not in self.closed and not self.is_neglected(t))

    async def work(self, lanes: int = 6, most: int = 10_000) -> None:
        """One round: the next thing a person would do for each ticket."""
        waiting = self.at_work[:most]

        async def lane() -> None:
            while waiting:
                await self.push(waiting.pop())

        await asyncio.gather(*(lane() for _ in range(lanes)))

    async def work_until_closed(self, within_s: float) -> None:
        """Work until everything that is not neglected is closed. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while self.at_work:
            if time.monotonic() > deadline:
                first = await self.show(self.at_work[0])
                raise TimeoutError(f"{len(self.at_work)} tickets not closed, the first: {first}")
            self.stage.revive()
            await self.work()

    async def show(self, ticket: str) -> dict[str, Any]:
        """A ticket as dispatch shows it; empty when it does not."""
        status, shown = await ask(self.stage.http, "GET", f"{self.stage.url('dispatch')}/v1/tickets/{ticket}")
        return shown if status == 200 else {}

    async def push(self, ticket: str) -> None:
        """The next thing a person would do."""
        shown = await self.show(ticket)
        match shown.get("state"):
            case "DISPATCHED":
                share = next_share(shown["assignments"])
                name, body = next_command(share["state"])
                await self.command(name, share["id"], ticket, shown["version"], body)
            case "FOLLOWING_UP":
                await self._answer(ticket, shown["cycle"])
            case "CLOSED":
                self.closed.add(ticket)
            case _:
                await asyncio.sleep(0.02)

    async def command(
        self, name: str, assignment: str, ticket: str, version: int, body: dict[str, Any], race: str = ""
    ) -> Op:
        """Give one command."""
        began = time.time()
        url = f"{self.stage.url('dispatch')}/v1/assignments/{assignment}/{name}"
        headers = {**JSON, "If-Match": f'"{version}"'}
        status, answer = await ask(self.stage.http, "POST", url, json.dumps(body).encode(), headers)
        return self.stage.history.note(
            name, f"{name}:{ticket}:{version}", began, status, answer, ticket=ticket, race=race, version=version
        )  # fmt: skip

    async def race(self, ticket: str, runners: int = 5) -> None:
        """The same harmless command several times at once, for the same version."""
        shown = await self.show(ticket)
        if shown.get("state") == "DISPATCHED" and next_share(shown["assignments"])["state"] == "PENDING_SIGN":
            await self.push(ticket)
            shown = await self.show(ticket)
        if shown.get("state") != "DISPATCHED" or next_share(shown["assignments"])["state"] == "PENDING_SIGN":
            return
        share, version = next_share(shown["assignments"]), shown["version"]
        race = f"{ticket}:{version}:{len(self.stage.history.ops)}"
        body = {"handler": "worker-7"}
        await asyncio.gather(
            *(self.command("check-in", share["id"], ticket, version, body, race) for _ in range(runners))
        )

    async def _answer(self, ticket: str, cycle: int) -> None:
        happy = cycle > 1 or UUID(ticket).int % 5 != 0
        word = {
            "cycle": cycle, "contacted": True, "solved": happy,
            "satisfaction": "SATISFIED" if happy else "DISSATISFIED", "recorded_by": "CITIZEN",
        }  # fmt: skip
        began = time.time()
        url = f"{self.stage.url('notify')}/v1/followups/{ticket}/answers"
        status, answer = await ask(self.stage.http, "POST", url, json.dumps(word).encode(), JSON)
        self.stage.history.note("answer", f"answer:{ticket}:{cycle}", began, status, answer, ticket=ticket)

    # ---- those who look on

    async def look(self) -> None:
        """One sample of the queue, of one unit's queue, and of what runs without a clock."""
        base = f"{self.stage.url('dispatch')}/v1"
        rows = await self._sample(f"{base}/assignments?limit=1000", "queue", "")
        units = sorted({str(row["unit"]) for row in rows})
        if units:
            unit = self.random.choice(units)
            await self._sample(f"{base}/assignments?limit=200&unit={unit}", "queue", unit)
        status, found = await ask(self.stage.http, "GET", f"{base}/overview")
        if status == 200:
            unwatched: Sequence[str] = found["unwatched"]
            self.stage.history.samples.append(
                Sample(at=time.time(), name="unwatched", rows=[{"ticket_id": str(t)} for t in unwatched])
            )

    async def _sample(self, url: str, name: str, asked: str) -> list[dict[str, Any]]:
        began = time.time()
        status, found = await ask(self.stage.http, "GET", url)
        if status != 200:
            return []
        rows = [{column: row[column] for column in ROWS} for row in found["assignments"]]
        self.stage.history.samples.append(Sample(at=began, name=name, asked=asked, rows=rows))
        return rows


def _matter(key: str, words: str = "") -> bytes:
    """A matter with canaries in every place that must stay out of events, logs and metrics."""
    n = sum(key.encode()) * 31 + int(key.rpartition("-")[2])
    text = words or WORDS[n % len(WORDS)]
    body = {
        "source": HOTLINE, "external_id": key, "channel": "PHONE", "text": f"第{key}号：{text} CANARY-WORDS",
        "reporter": {"name": "CANARY-NAME", "phone": "13800000000"},
        "location": {"lon": 119.2 + 0.4 * ((n * 7) % 40 + 0.5) / 40, "lat": 33.1 + 0.3 * ((n * 11) % 30 + 0.5) / 30,
                     "address": "CANARY-ADDRESS"},
    }  # fmt: skip
    return json.dumps(body, ensure_ascii=False).encode()
