"""The Open311 door on a test's intake: its routes, a clock that the test may move, and a real server where one is asked for."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from services.intake.doors import Doors
from services.intake.open311 import router
from services.intake.open311_desk import Open311, open311_of
from services.intake.open311_keys import OpenOnLoopback
from shared import problems
from shared.strict_json import Limits
from tests.builders import PACK, TUESDAY_MORNING, eventually
from tests.services.intake.desk import SMALL_BODY_LIMIT, Desk, gazetteer, rules

V2 = "/open311/v2"
LAMP = "150101"
POINT = {"lat": "33.378", "long": "119.225"}


def open311(**changes: Any) -> Open311:
    """The default pack's services in the sample county, open on loopback."""
    triage = tomllib.loads((PACK / "triage.toml").read_text(encoding="utf-8"))
    return replace(open311_of(rules(), gazetteer(), OpenOnLoopback(), triage), **changes)


def form(**changes: str) -> dict[str, str]:
    """A form as a civic app would send it."""
    return {"service_code": LAMP, "description": "路灯坏了,晚上看不见路", **POINT} | changes


@dataclass
class Door:
    """What a test holds of the door."""

    desk: Desk
    app: FastAPI
    http: httpx.AsyncClient
    now: datetime = TUESDAY_MORNING

    async def post(self, fields: dict[str, Any], ending: str = "json", **headers: str) -> httpx.Response:
        """Hand a form in."""
        return await self.http.post(f"{V2}/requests.{ending}", data=fields, headers=headers)

    async def take_in(self, **changes: str) -> str:
        """Hand in a form that is taken; the ticket's number."""
        answer = await self.post(form(**changes))
        assert answer.status_code == 201, answer.text
        number: str = answer.json()[0]["service_request_id"]
        return number

    async def get(self, path: str, **parameters: str) -> Any:
        """A JSON answer that is there."""
        answer = await self.http.get(f"{V2}/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def numbers(self, **parameters: str) -> list[str]:
        """The numbers of the tickets that fit, in order."""
        return [ticket["service_request_id"] for ticket in await self.get("requests.json", **parameters)]


def serve_open311(desk: Desk, known: Open311, now: Any) -> FastAPI:
    """The door's routes on this intake."""
    app = FastAPI()
    problems.install(app)
    app.include_router(router(Doors(desk.database, desk.receiver, Limits(max_bytes=SMALL_BODY_LIMIT)), known, now))
    return app


@asynccontextmanager
async def open_door(desk: Desk, peer: str = "127.0.0.1", **changes: Any) -> AsyncIterator[Door]:
    """The door, as seen by a client at `peer`."""

    def now() -> datetime:
        return door.now

    app = serve_open311(desk, open311(**changes), now)
    transport = httpx.ASGITransport(app, client=(peer, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://intake", timeout=30) as http:
        door = Door(desk, app, http)
        yield door


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app behind a real server; its address."""
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())

    async def is_started() -> bool:
        return server.started

    await eventually(is_started, what="the server's start")
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await task
