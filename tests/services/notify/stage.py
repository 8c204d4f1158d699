"""Notify on a stage: real tables, a clock moved by hand, events as they come from dispatch, HTTP on a free port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute
from starlette.types import ASGIApp

from services.notify import store
from services.notify.channels.base import Channel
from services.notify.channels.console import ConsoleChannel
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL, Courtesy
from services.notify.core.followup import Answer
from services.notify.courier import Courier
from services.notify.followups import FollowUpLoop, FollowUps, Reply
from services.notify.handlers import routes
from shared.codec import Record
from shared.database import Database
from shared.events import EVENT_TYPES, Envelope, Event
from shared.ledger import Ledger
from shared.positions import Incoming
from shared.terms import Source
from tests.builders import eventually
from tests.services.notify.values import MORNING, rules, ticket


class Stage:
    """One notify service without Kafka: tell it events, move its clock, let its loops take a step."""

    def __init__(
        self, database: Database, book: AddressBook, channels: Mapping[str, Channel] | None = None,
        courtesy: Courtesy = USUAL,
    ) -> None:  # fmt: skip
        self.database = database
        self.now = MORNING
        self.rung = 0
        self.ledger = Ledger(Source.NOTIFY, lambda: None)
        self.follow_ups = FollowUps(self.ledger, rules(), book, self.clock, self._ring, courtesy=courtesy)
        self.courier = Courier(database, self.ledger, channels or {"console": ConsoleChannel()}, self.clock)
        self.loop = FollowUpLoop(database, self.follow_ups)
        (self._route,) = routes(self.follow_ups)

    def clock(self) -> datetime:
        """The injected clock; like every clock of the product it speaks UTC."""
        return self.now.astimezone(UTC)

    def _ring(self) -> None:
        self.rung += 1

    async def hear(self, *envelopes: Envelope) -> None:
        """Apply events as one batch of the stream, the version rule included."""
        async with self.database.transaction() as tx:
            await self._route.apply(tx, [Incoming(e, Record("tickets-dispatch", 0, 0, None, None)) for e in envelopes])

    async def answer(self, answer: Answer, n: int = 1, cycle: int = 1) -> Reply:
        """A citizen answers."""
        async with self.database.transaction() as tx:
            (reply,) = await self.follow_ups.take(tx, [((ticket(n), cycle), answer)])
        return reply

    async def messages(self, n: int = 1) -> list[dict[str, Any]]:
        """What the API would list of the n-th ticket."""
        return await store.list_messages(self.database, ticket(n))

    async def told(self, n: int = 1) -> list[Event]:
        """What notify stated about the n-th ticket, in order."""
        rows = await self.database.fetch(
            "SELECT type, payload FROM event WHERE ticket_id = $1 ORDER BY version", ticket(n)
        )
        return [EVENT_TYPES[row["type"]].model_validate(orjson.loads(row["payload"])) for row in rows]


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, config: uvicorn.Config | None = None) -> AsyncIterator[str]:
    """Serve `app` on a free port inside the block, or as the configuration says; its base address."""
    plain = uvicorn.Config(app, port=0, log_level="warning", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = _Server(config or plain)
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


class Receiver:
    """A receiver of webhooks that behaves as told: a status, a full response, or None to hang."""

    def __init__(self, *behaviours: int | Response | None) -> None:
        """The behaviours in their order; the last one stays."""
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.strayed = 0
        self._behaviours = list(behaviours)
        self._released = asyncio.Event()
        self.app = Starlette(
            routes=[
                HttpRoute("/hook", self._hook, methods=["POST"]),
                HttpRoute("/elsewhere", self._elsewhere, methods=["GET", "POST"]),
            ]
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Receive inside the block; the address to post to."""
        async with serving(self.app) as base:
            yield f"{base}/hook"
            self._released.set()

    @property
    def ids(self) -> Sequence[str]:
        """The webhook-id of every request, in order."""
        return [headers["webhook-id"] for headers, _ in self.requests]

    async def _hook(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        if behaviour is None:
            await self._released.wait()
            return Response(status_code=204)
        return Response(status_code=behaviour) if isinstance(behaviour, int) else behaviour

    async def _elsewhere(self, request: Request) -> Response:
        self.strayed += 1
        return Response(status_code=200)
