"""An intake as the county runs it: with merging, leads and the citizens' door, and a clock that the test moves."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.intake import citizen_page, incident_api, lead_api, listening_api, privacy_api
from services.intake.api import router
from services.intake.app import judge_by, read_calendar, read_incidents
from services.intake.citizen import CitizenDesk
from services.intake.citizen import router as citizen_router
from services.intake.citizen_page import Page
from services.intake.core.incident_rules import IncidentRules
from services.intake.doors import Doors
from services.intake.handlers import routes
from services.intake.incident_desk import IncidentDesk
from services.intake.leads import Leads
from services.intake.listening import Listening
from services.intake.merging import Merging
from services.intake.privacy import Privacy
from services.intake.ratings import Ratings
from services.intake.receive import Receiver
from services.intake.relay_calls import RelayCalls
from services.intake.triage import TriageLoop
from services.intake.vault import Marks, Vault, erase, lead_keys, ordinary_keys, read_keys
from shared.codec import Record, encode
from shared.database import Database, connect
from shared.events import Envelope, Event, event_id
from shared.ledger import Ledger
from shared.rate_limit import RateLimits
from shared.strict_json import Limits
from shared.terms import Source, TicketId
from shared.wake import Wake
from tests.builders import PACK, PATIENT, TUESDAY_MORNING
from tests.open_access import ADDRESS, acting_as, open_app
from tests.services.intake.desk import KEYS, gazetteer, report, rules

HERE = {"lon": 119.225, "lat": 33.378}
DISPATCHER = acting_as("dispatcher", person="d-1")
LEAD_OFFICER = acting_as("lead_officer", person="lo-1")
RECORDER = acting_as("talk_recorder", person="rec-1")
LAMP = "路灯坏了,晚上看不见路"
NUMBERS = iter(range(10**6))


@cache
def incident_rules() -> IncidentRules:
    """The default pack's rules."""
    return read_incidents(PACK)


def officer(target: str) -> dict[str, str]:
    """An officer of the body that gets leads."""
    role = "police_officer" if target.startswith("police") else "discipline_officer"
    return acting_as(role, target, "o-1")


def said(text: str = LAMP, phone: str | None = None, **changes: Any) -> dict[str, Any]:
    """A report of its own, said by whoever has that phone."""
    who = {} if phone is None else {"reporter": {"name": "居民", "phone": phone}}
    return report(next(NUMBERS), **({"text": text, "location": HERE} | who | changes))


def phone(n: int) -> str:
    """The phone of the n-th citizen."""
    return f"1390000{n:04d}"


@dataclass
class Counter:
    """What a test holds of the service."""

    database: Database
    app: FastAPI
    http: httpx.AsyncClient
    ledger: Ledger
    receiver: Receiver
    merging: Merging
    leads: Leads
    vault: Vault
    listening: Listening
    time: datetime = TUESDAY_MORNING

    def now(self) -> datetime:
        """It is when the test says."""
        return self.time

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.time += timedelta(**span)

    def loop(self, batch: int = 500) -> TriageLoop:
        """Another copy of the triage loop."""
        return TriageLoop(
            self.database, self.ledger, self.vault, gazetteer(), judge_by(rules()), rule_pack=rules().version,
            now=self.now, wake=Wake(), batch=batch, merging=self.merging, leads=self.leads,
        )  # fmt: skip

    async def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Hand in one report that is taken; the answer."""
        answer = await self.http.post("/v1/tickets", json=body)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def hand_in(self, *bodies: dict[str, Any]) -> list[str]:
        """Hand these in one after the other and triage them together; the tickets' ids."""
        ids = [(await self.post(body))["ticket_id"] for body in bodies]
        await self.triage()
        return ids

    async def triage(self) -> None:
        """Triage until nothing waits."""
        while await self.loop().triage_batch():
            pass

    async def stated(self, story: str, kind: str = "") -> list[dict[str, Any]]:
        """What intake stated in a story, in order; only one type of event if it is named."""
        rows = await self.database.fetch(
            "SELECT type, payload::jsonb AS payload FROM event WHERE ticket_id = $1 ORDER BY version", UUID(story)
        )
        events = [{"type": row["type"].split(".", 2)[2][:-3], **_json(row["payload"])} for row in rows]
        return [event for event in events if kind in ("", event["type"])]

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        """A ticket's row."""
        (row,) = await self.database.fetch("SELECT * FROM ticket WHERE id = $1", UUID(ticket_id))
        return dict(row)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int((await self.database.fetch(f"SELECT count(*) FROM {table}"))[0][0])

    async def erase(self, ticket_id: str) -> None:
        """Forget a ticket's words."""
        async with self.database.transaction() as tx:
            await erase(tx, TicketId(UUID(ticket_id)))

    async def tell(self, ticket_id: str, version: int, event: Event) -> None:
        """Let dispatch state something of a ticket."""
        source, ticket = Source.DISPATCH, TicketId(UUID(ticket_id))
        envelope = Envelope(event_id(source, ticket, version), source, ticket, version, self.time, event)
        (route,) = [
            r for r in routes(self.receiver, self.vault, self.now, "test") if r.topic.name == "tickets-dispatch"
        ]
        async with self.database.transaction() as tx:
            await route.apply(tx, [route.read(Record("tickets-dispatch", 0, 0, *encode(envelope)))])


def _json(payload: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)
    return found


@asynccontextmanager
async def open_counter(
    dsn: str, calls: RelayCalls | None = None, notify: Ratings | None = None, most: int = 500
) -> AsyncIterator[Counter]:
    """The service on this database."""
    database = await connect(dsn, size=8, application="test", patience=PATIENT)
    ring, ledger, app = read_keys(KEYS), Ledger(Source.INTAKE, lambda: None), open_app("intake")
    vault, merging = Vault(ordinary_keys(ring)), Merging(incident_rules(), Marks(ring))
    county = gazetteer().county
    counter: Counter

    def now() -> datetime:
        return counter.now()

    receiver = Receiver(ledger, vault, county, now, lambda: None, merging)
    leads = Leads(incident_rules().leads, vault, Vault(lead_keys(ring)), ledger, receiver, county, read_calendar(PACK))
    privacy = Privacy(vault, Marks(read_keys(KEYS)), county, ledger, calls, notify, most)
    app.include_router(router(Doors(database, receiver, Limits(), 500), privacy, now))
    app.include_router(privacy_api.router(database, privacy, now))
    app.include_router(incident_api.router(database, IncidentDesk(merging, ledger, vault), now))
    app.include_router(lead_api.router(database, leads, now, lambda: None))
    listening = Listening(ledger, vault, Marks(ring), receiver)
    app.include_router(listening_api.router(database, listening, vault, now))
    citizens = CitizenDesk(database, ledger, vault, merging, now)
    app.include_router(citizen_router(citizens))
    app.include_router(citizen_page.router(Page(citizens, RateLimits())))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, timeout=30) as http:
        counter = Counter(database, app, http, ledger, receiver, merging, leads, vault, listening)
        yield counter
    await database.close()


def with_rules(counter: Counter, rules_: IncidentRules) -> Counter:
    """The same service under other rules."""
    return replace(counter, merging=Merging(rules_, Marks(read_keys(KEYS))))
