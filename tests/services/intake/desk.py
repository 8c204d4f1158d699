"""An intake service without its brokers: its real doors, database and triage loop, and a clock that the test sets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from services.intake.api import router
from services.intake.app import judge_by, read_area, read_pack
from services.intake.core.location import Gazetteer
from services.intake.core.triage import TriageRules
from services.intake.doors import Doors
from services.intake.privacy import Privacy
from services.intake.receive import Receiver
from services.intake.triage import Judge, TriageLoop
from services.intake.vault import Marks, Vault, read_keys
from shared import problems
from shared.database import USUAL, Database, connect
from shared.ledger import Ledger
from shared.strict_json import Limits
from shared.terms import Source
from shared.wake import Wake
from tests.builders import AREA, PACK, PATIENT, TUESDAY_MORNING

KEYS = "k2:" + base64.b64encode(b"2" * 32).decode() + ",k1:" + base64.b64encode(b"1" * 32).decode()
IN_FIRST_GRID = {"lon": 119.225, "lat": 33.378}
SMALL_BODY_LIMIT = 4096


@cache
def gazetteer() -> Gazetteer:
    """The sample county."""
    return read_area(AREA)


@cache
def rules() -> TriageRules:
    """The default pack's rules."""
    return read_pack(PACK)


def report(n: int | str | None = 1, **changes: Any) -> dict[str, Any]:
    """A report as a hotline would send it; without an external id when `n` is None."""
    body = {"source": "hotline", "channel": "PHONE", "text": "路灯坏了,晚上看不见路", "location": IN_FIRST_GRID}
    return body | ({} if n is None else {"external_id": f"A-{n}"}) | changes


def ndjson(*lines: Any) -> bytes:
    """Lines of a bulk body; bytes stand as they are."""
    return b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)


@dataclass
class Desk:
    """What a test holds of the service."""

    dsn: str
    database: Database
    app: FastAPI
    http: httpx.AsyncClient
    ledger: Ledger
    vault: Vault
    receiver: Receiver
    received: Wake

    def now(self) -> datetime:
        """It is always Tuesday morning."""
        return TUESDAY_MORNING

    def triage_loop(self, judge: Judge | None = None, vault: Vault | None = None) -> TriageLoop:
        """A triage loop; with another judge or key ring if the test is about that."""
        return TriageLoop(
            self.database, self.ledger, vault or self.vault, gazetteer(), judge or judge_by(rules()),
            rule_pack=rules().version, now=self.now, wake=self.received,
        )  # fmt: skip

    async def post(self, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Hand in one report."""
        return await self.http.post("/v1/tickets", json=body, headers={"Idempotency-Key": key} if key else {})

    async def take_in(self, body: dict[str, Any] | None = None) -> str:
        """Hand in a report that is taken; the ticket's id."""
        answer = await self.post(body or report())
        assert answer.status_code == 201, answer.text
        ticket_id: str = answer.json()["ticket_id"]
        return ticket_id

    async def bulk(self, body: bytes) -> list[dict[str, Any]]:
        """Hand in many lines; the results."""
        answer = await self.http.post(
            "/v1/tickets/bulk", content=body, headers={"Content-Type": "application/x-ndjson"}
        )
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def impatient(self) -> httpx.AsyncClient:
        """A client of doors that wait for next to nothing."""
        app = serve_doors(Doors(self.database, self.receiver, receipt_s=0.05, silence_s=0.05), self.vault)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake")

    async def rows(self, query: str, *args: object) -> Sequence[asyncpg.Record]:
        """Look into the tables."""
        return await self.database.fetch(query, *args)

    async def count(self, table: str) -> int:
        """How many rows a table has."""
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0][0])

    async def stated(self, ticket_id: str) -> list[dict[str, Any]]:
        """What intake stated about a ticket, in order: type and payload."""
        rows = await self.rows("SELECT type, payload FROM event WHERE ticket_id = $1 ORDER BY version", ticket_id)
        return [{"type": row["type"].split(".")[3], **json.loads(row["payload"])} for row in rows]


def serve_doors(doors: Doors, vault: Vault) -> FastAPI:
    """The routes on these doors."""
    app = FastAPI()
    problems.install(app)
    privacy = Privacy(vault, Marks(read_keys(KEYS)), gazetteer().county, Ledger(Source.INTAKE, lambda: None))
    app.include_router(router(doors, privacy, lambda: TUESDAY_MORNING))
    return app


@asynccontextmanager
async def open_desk(dsn: str) -> AsyncIterator[Desk]:
    """The service on this database."""
    database = await connect(dsn, size=8, application="test", patience=replace(PATIENT, lock_s=USUAL.lock_s))
    received = Wake()
    ledger, vault = Ledger(Source.INTAKE, lambda: None), Vault(read_keys(KEYS))
    receiver = Receiver(ledger, vault, gazetteer().county, lambda: TUESDAY_MORNING, received.ring)
    app = serve_doors(Doors(database, receiver, Limits(max_bytes=SMALL_BODY_LIMIT), bulk_batch=100), vault)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake", timeout=30) as http:
        yield Desk(dsn, database, app, http, ledger, vault, receiver, received)
    await database.close()


async def gather(*calls: Any) -> list[Any]:
    """Everything at once."""
    return list(await asyncio.gather(*calls))
