"""The live stream over real HTTP, and its source on real brokers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI

from griddispatch.embedded import Broker
from griddispatch.embedded.process import free_port
from services.dispatch import stream_api
from services.dispatch.live import PLACES, TOPICS, Live
from services.dispatch.watchers import Watchers
from shared import problems
from shared.clock import FastClock
from shared.events import TicketSnapshot
from shared.kafka import Outgoing, Producer
from shared.notify_events import SurgeAlert
from shared.tail import Tail
from shared.terms import AlertKind, Light, MatterSize, TicketType, Urgency
from shared.topics import NOTIFY, STATE
from tests.builders import GRID, TUESDAY_MORNING, eventually, ticket

CLOCK = FastClock(TUESDAY_MORNING, TUESDAY_MORNING, 60)


def snapshot(n: int, version: int = 1, light: Light = Light.GREEN, grid: str = GRID) -> Outgoing:
    state = TicketSnapshot(
        ticket_id=ticket(n), ticket_no="99010126031010000010", version=version, state="DISPATCHED",
        public_state="办理中", ticket_type=TicketType.COMPLAINT, category="150101", urgency=Urgency.U3,
        size=MatterSize.SMALL, county="990101", township="990101001", grid=grid, unit=f"grid:{grid}", cycle=1,
        light=light, level=0, accepted_at=TUESDAY_MORNING, due_at=TUESDAY_MORNING, closed_at=None, exercise=False,
    )  # fmt: skip
    return Outgoing(STATE.name, str(ticket(n)).encode(), state.model_dump_json().encode())


def alert() -> Outgoing:
    event = SurgeAlert(
        kind=AlertKind.SPIKE, category="1501", window_start=TUESDAY_MORNING, window_end=TUESDAY_MORNING, count=9,
        threshold=5, playbook="spike", to="command-centre",
    )  # fmt: skip
    headers = [("ce_type", SurgeAlert.type.encode())]
    return Outgoing(NOTIFY.name, str(UUID(int=9)).encode(), event.model_dump_json().encode(), headers)


class Ear:
    """Somebody at the stream."""

    def __init__(self, url: str, query: str = "", position: str = "") -> None:
        self.text = ""
        headers = {"Last-Event-ID": position} if position else {}
        self.task = asyncio.create_task(self._listen(f"{url}/v1/stream{query}", headers))

    async def _listen(self, url: str, headers: dict[str, str]) -> None:
        async with httpx.AsyncClient(timeout=60) as http, http.stream("GET", url, headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for text in answer.aiter_text():
                self.text += text

    async def hears(self, words: str) -> None:
        async def heard() -> bool:
            return words in self.text

        await eventually(heard, within_s=60, what=f"{words!r} in {self.text!r}")

    @property
    def position(self) -> str:
        return [line[4:] for line in self.text.split("\n") if line.startswith("id: ")][-1]

    async def go(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def serving(watchers: Watchers, heartbeat_s: float = 10.0) -> AsyncIterator[str]:
    app = FastAPI()
    problems.install(app)
    app.include_router(stream_api.router(watchers, CLOCK, heartbeat_s))
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started, what="the server")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        watchers.close()
        server.should_exit = True
        await task


@asynccontextmanager
async def living(bootstrap: str) -> AsyncIterator[tuple[Live, str]]:
    watchers, stopping = Watchers(PLACES), asyncio.Event()
    live = Live(lambda: Tail(bootstrap, TOPICS, client_id="test", idle_pause_s=0.05), watchers)
    task = asyncio.create_task(live.run(stopping))
    try:
        async with serving(watchers) as url:
            yield live, url
    finally:
        stopping.set()
        await task


async def test_a_watcher_sees_states_and_alerts_and_resumes_where_he_was(broker: Broker) -> None:
    producer = Producer(broker.bootstrap, "test")
    assert await producer.send([snapshot(1)]) == [True]
    async with living(broker.bootstrap) as (live, url):
        first = Ear(url)
        await first.hears("event: hello")

        async def follows() -> bool:
            return live.is_following

        await eventually(follows, within_s=60, what="following")
        await producer.send([snapshot(2), alert()])
        await first.hears(str(ticket(2)))
        await first.hears("event: alert")
        await first.go()
        assert [a["category"] for a in live.alerts] == ["1501"]
        await producer.send([snapshot(3), snapshot(1, 2, Light.RED)])
        back = Ear(url, position=first.position)
        await back.hears(str(ticket(3)))
        await back.hears('"light":"RED"')
        assert "event: missed" not in back.text
        assert str(ticket(2)) not in back.text or str(ticket(2)) in first.text
        await back.go()
    await producer.discard()


async def test_whoever_is_not_known_here_is_told_to_read_anew_and_a_stop_sends_all_home() -> None:
    watchers = Watchers(PLACES)
    async with serving(watchers) as url:
        ear = Ear(url, position="17")
        await ear.hears("event: missed")
        assert watchers.count == 1
        watchers.close()
        await asyncio.wait_for(ear.task, 30)
        refused = await _get(f"{url}/v1/stream")
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:griddispatch:problem:too-many-watchers")


async def test_who_leaves_is_counted_out_and_silence_has_a_clock() -> None:
    watchers = Watchers(PLACES)
    async with serving(watchers, heartbeat_s=0.05) as url:
        ear = Ear(url)
        await ear.hears('event: clock\ndata: {"now":"2')
        assert '"speed":60' in ear.text
        await ear.go()

        async def alone() -> bool:
            return watchers.count == 0

        await eventually(alone, within_s=60, what="being counted out")


async def test_filters_that_are_none_are_refused() -> None:
    async with serving(Watchers(PLACES)) as url:
        for query in ("grid=x", "light=BLUE", "grid=" + "9" * 16, "&".join(["unit=a"] * 51)):
            assert (await _get(f"{url}/v1/stream?{query}")).status_code == 422


async def _get(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.get(url)
