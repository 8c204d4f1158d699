"""A dispatch service without its brokers: its real app, database and timers, and a clock that the test sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from prometheus_client import REGISTRY

from services.dispatch.api import Commands, router
from services.dispatch.core.org import Org
from services.dispatch.decisions import Decider
from services.dispatch.handlers import decide_on_events
from services.dispatch.places import Places
from services.dispatch.timers import Timers
from shared.database import Database, connect
from shared.events import Envelope, Event, TicketEvaluated, event_id
from shared.ledger import Ledger
from shared.steadiness import SteadyClock
from shared.terms import Source
from tests.builders import PATIENT, TUESDAY_MORNING, grids, rulebook, ticket, triaged
from tests.builders import org as sample_org
from tests.conftest import TestDatabase
from tests.open_access import ADDRESS, open_app


@dataclass
class Desk:
    """What a test holds of the service."""

    database: Database
    http: httpx.AsyncClient
    timers: Timers
    decider: Decider
    time: list[datetime] = field(default_factory=lambda: [TUESDAY_MORNING])

    async def order(self, n: int, name: str, actor: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """Give a command on the n-th ticket as a whole, for the version just read."""
        shown = await self.ticket(n)
        headers = {"If-Match": f'"{shown["version"]}"', **(actor or {})}
        return await self.http.post(f"/v1/tickets/{ticket(n)}/{name}", json=body, headers=headers)

    def set_time(self, now: datetime) -> None:
        """Move the clock."""
        self.time[0] = now

    async def receive(self, n: int, event: Event, source: Source = Source.INTAKE) -> None:
        """Let an event about the n-th ticket arrive."""
        envelope = Envelope(event_id(source, ticket(n), 1), source, ticket(n), 1, self.time[0], event)
        async with self.database.transaction() as tx:
            await decide_on_events(self.decider)(tx, [envelope])

    async def take_on(self, n: int, **changes: Any) -> dict[str, Any]:
        """Let a triaged matter arrive; the ticket as the API shows it."""
        await self.receive(n, triaged(**changes))
        return await self.ticket(n)

    async def ticket(self, n: int) -> dict[str, Any]:
        """The n-th ticket as the API shows it."""
        answer = await self.http.get(f"/v1/tickets/{ticket(n)}")
        assert answer.status_code == 200
        shown: dict[str, Any] = answer.json()
        return shown

    async def command(self, n: int, name: str, **body: Any) -> httpx.Response:
        """Give a command on the live lead of the n-th ticket, for the version just read."""
        shown = await self.ticket(n)
        path = f"/v1/assignments/{shown['assignments'][-1]['id']}/{name}"
        return await self.http.post(path, json=body, headers={"If-Match": f'"{shown["version"]}"'})

    async def work(self, n: int) -> None:
        """Sign, contact and resolve."""
        for name, body in (
            ("sign", {"handler": "worker-7"}),
            ("contact", {"handler": "worker-7"}),
            ("resolve", {"action": "REPAIRED", "reply": "路灯已修好"}),
        ):
            assert (await self.command(n, name, **body)).status_code == 200

    async def judge(self, n: int, word: TicketEvaluated) -> None:
        """Let the citizen's word arrive."""
        await self.receive(n, word, Source.NOTIFY)

    async def stated(self, n: int) -> list[str]:
        """Types of the events stated about the n-th ticket, short."""
        rows = await self.database.fetch("SELECT type FROM event WHERE ticket_id = $1 ORDER BY version", ticket(n))
        return [row["type"].removeprefix("org.griddispatch.").removesuffix(".v1") for row in rows]


@asynccontextmanager
async def open_desk(database: TestDatabase, *, org: Org | None = None) -> AsyncIterator[Desk]:
    """The service, ready; with the sample county's organisation unless another is given."""
    db = await connect(database.dsn("dispatch"), size=10, application="test", patience=PATIENT)
    time = [TUESDAY_MORNING]
    decider = Decider(Ledger(Source.DISPATCH, lambda: None), rulebook(), org or sample_org(), lambda: time[0])
    app = open_app("dispatch")
    app.include_router(router(db, Commands(db, decider, Places(grids()))))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as http:
        yield Desk(db, http, Timers(db, decider, 200, SteadyClock()), decider, time)
    await db.close()


async def make_unreadable(desk: Desk, n: int) -> None:
    """Let the n-th ticket's case be one that every decision on it stumbles over."""
    await desk.database.fetch(
        "UPDATE ticket_case SET doc = jsonb_set(doc::jsonb, '{limit}', '7')::json WHERE ticket_id = $1", ticket(n)
    )


def counted_faulty(loop: str) -> float:
    """How often a loop could not decide on a ticket."""
    return REGISTRY.get_sample_value("griddispatch_tickets_faulty_total", {"loop": loop}) or 0.0
