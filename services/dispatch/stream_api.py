"""GET /v1/stream: what changes, as it changes, as server-sent events that can be resumed at any copy."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.dispatch.live import frame
from services.dispatch.watchers import Seen, TooMany, Wanted, Watchers
from shared.acting import acting
from shared.clock import Clock, FastClock
from shared.permissions import within
from shared.problems import problem
from shared.terms import Light

HEARTBEAT_S: Final = 10.0
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
        changes were lost to you, read the state anew. `hello` and `clock`, which comes after ten seconds without news
        too, have the service's time and `is_following`: false while no news can come, as Kafka is away. Grids may be
        beginnings of codes. Resume with `Last-Event-ID`; the state has a `version`, the higher one counts.
        """
        wanted = Wanted(within(grid, acting().area), frozenset(unit), frozenset(one.value for one in light))
        try:
            watchers.enter()
        except TooMany as error:
            return problem(503, "too-many-watchers", str(error), headers={"Retry-After": "30"})
        frames = watch(watchers, wanted, watchers.join(last_event_id), now, heartbeat_s)
        return _Watching(watchers, frames)

    @routes.get("/clock")
    async def get_clock() -> dict[str, Any]:
        """The service's time, and how fast it runs (1 unless it is a demonstration)."""
        return _time(now)

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


async def watch(
    watchers: Watchers, wanted: Wanted, begun: Seen, now: Clock, heartbeat_s: float
) -> AsyncIterator[bytes]:
    """The bytes for one watcher, until it goes or the process ends."""
    cursor, is_following = begun.cursor, watchers.is_following
    # No position with `hello` to one who is still to hear that he missed something: cut off between, he would not.
    position = "" if begun.has_missed else watchers.position_at(cursor)
    yield b"retry: 2000\n" + _clock("hello", position, watchers, now)
    if begun.has_missed:
        yield _missed(watchers.position_at(cursor))
    while not watchers.is_closed:
        frames, cursor, has_missed = watchers.look(cursor, wanted)
        if has_missed:
            yield _missed(watchers.position_at(cursor))
        elif frames:
            yield frames
        elif is_following is not watchers.is_following or not await watchers.wait(heartbeat_s):
            is_following = watchers.is_following
            yield _clock("clock", watchers.position_at(cursor), watchers, now)


def _clock(event: str, position: str, watchers: Watchers, now: Clock) -> bytes:
    """The service's time and how fast it runs, and whether news comes in; with a position, where there is one."""
    told = _time(now) | {"is_following": watchers.is_following}
    return _id(position) + frame(event, orjson.dumps(told))


def _missed(position: str) -> bytes:
    """Changes were lost to this watcher; from the position on they are not."""
    return _id(position) + frame("missed", b"{}")


def _id(position: str) -> bytes:
    """A line only where the watcher has been sent everything before it: what he resumes with must not skip news."""
    return f"id: {position}\n".encode() if position else b""


def _time(now: Clock) -> dict[str, Any]:
    return {"now": now(), "speed": now.speed if isinstance(now, FastClock) else 1.0}
