"""GET /v1/stream: what changes, as it changes, as server-sent events that can be resumed at any copy."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.dispatch.live import frame
from services.dispatch.watchers import Seen, TooMany, Wanted, Watchers
from shared.clock import Clock, FastClock
from shared.problems import problem
from shared.terms import Light

HEARTBEAT_S: Final = 10.0
MISSED: Final = frame("missed", b"{}")
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Codes = Annotated[list[Annotated[str, Query(pattern=r"^[0-9]{6,15}$")]], Query(max_length=50)]
Units = Annotated[list[Annotated[str, Query(max_length=80)]], Query(max_length=50)]


def router(watchers: Watchers, now: Clock, heartbeat_s: float = HEARTBEAT_S) -> APIRouter:
    """The stream."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
    async def get_stream(
        grid: Codes = [],  # noqa: B006 - the framework copies it
        unit: Units = [],  # noqa: B006
        light: list[Light] = Query(default=[]),  # noqa: B008
        last_event_id: Annotated[str | None, Header(max_length=1000)] = None,
    ) -> Response:
        """What changes, as it changes: server-sent events `hello`, `ticket`, `gone`, `alert`, `missed`, `clock`.

        `ticket` carries the ticket's latest public state. `gone`: it left the lights or units asked for. `missed`:
        changes were lost to you, read the state anew. `clock`, every ten seconds without news, has the service's time.
        Grids may be beginnings of codes. Resume with `Last-Event-ID`; the state has a `version`, the higher one counts.
        """
        wanted = Wanted(frozenset(grid), frozenset(unit), frozenset(one.value for one in light))
        try:
            watchers.enter()
        except TooMany as error:
            return problem(503, "too-many-watchers", str(error), headers={"Retry-After": "30"})
        frames = _frames(watchers, wanted, watchers.join(last_event_id), now, heartbeat_s)
        return _Watching(watchers, frames)

    return routes


class _Watching(StreamingResponse):
    """The answer to one watcher, who is counted out however it ends."""

    def __init__(self, watchers: Watchers, frames: AsyncIterator[bytes]) -> None:
        super().__init__(frames, media_type="text/event-stream", headers=HEADERS)
        self._watchers = watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._watchers.leave()


async def _frames(
    watchers: Watchers, wanted: Wanted, begun: Seen, now: Clock, heartbeat_s: float
) -> AsyncIterator[bytes]:
    """The bytes for one watcher, until it goes or the process ends."""
    yield b"retry: 2000\n" + _clock("hello", watchers, now) + (MISSED if begun.has_missed else b"")
    cursor = begun.cursor
    while not watchers.is_closed:
        frames, cursor, has_missed = watchers.look(cursor, wanted)
        if has_missed:
            yield MISSED
        elif frames:
            yield frames
        elif not await watchers.wait(heartbeat_s):
            yield _clock("clock", watchers, now)


def _clock(event: str, watchers: Watchers, now: Clock) -> bytes:
    """The service's time and how fast it runs, with the position."""
    speed = now.speed if isinstance(now, FastClock) else 1.0
    position = f"id: {watchers.position}\n" if watchers.position else ""
    return position.encode() + frame(event, orjson.dumps({"now": now(), "speed": speed}))
