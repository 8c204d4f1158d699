"""The live stream over real HTTP, and its source on real brokers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn

from griddispatch.embedded import Broker, NoidaBroker
from griddispatch.embedded.process import free_port
from services.dispatch import stream_api
from services.dispatch.live import PLACES, TOPICS, Live
from services.dispatch.watchers import Change, Wanted, Watchers
from shared.clock import FastClock
from shared.codec import Record
from shared.kafka import Outgoing, Producer, apply_topics
from shared.notify_events import SurgeAlert
from shared.snapshot import TicketSnapshot
from shared.tail import Tail
from shared.terms import AlertKind, Light, MatterSize, TicketType, Urgency
from shared.topics import NOTIFY, STATE
from shared.topics import TOPICS as ALL_TOPICS
from tests.builders import GRID, TUESDAY_MORNING, eventually, ticket
from tests.open_access import open_app

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
    app = open_app("dispatch")
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


def standing_at(offset: int) -> Watchers:
    """A ring of one partition that begins there."""
    watchers = Watchers((PLACES[0],))
    watchers.begin({PLACES[0]: offset})
    return watchers


async def heard(watchers: Watchers, position: str | None, blocks: int) -> list[bytes]:
    """The first blocks that somebody gets who comes with this position."""
    blocks_of = stream_api.watch(watchers, Wanted(), watchers.join(position), CLOCK, 30)
    return [await anext(blocks_of) for _ in range(blocks)]


async def test_nobody_is_given_a_position_beyond_what_he_was_sent() -> None:
    watchers = standing_at(5)
    watchers.tell([Change(PLACES[0], 5, b"event: ticket\ndata: {}\n\n")], {PLACES[0]: 6})
    hello, news = await heard(watchers, "5", 2)
    assert b"id: " not in hello, "a cut here would lose the ticket"
    assert news.endswith(b"id: 6\n\n")
    (greeting,) = await heard(watchers, "6", 1)
    assert b"id: 6\n" in greeting, "he has everything"


async def test_who_missed_something_is_given_a_position_only_together_with_being_told() -> None:
    hello, missed = await heard(standing_at(5), "3", 2)
    assert b"id: " not in hello
    assert missed == b"id: 5\nevent: missed\ndata: {}\n\n"


async def test_news_between_the_heartbeat_and_its_clock_takes_the_position_away() -> None:
    watchers = standing_at(5)
    cursor = watchers.join(None).cursor
    assert watchers.position_at(cursor) == "5"
    watchers.tell([Change(PLACES[0], 5, b"x")], {PLACES[0]: 6})
    assert watchers.position_at(cursor) == ""


@pytest.mark.timeout(180)
async def test_while_kafka_is_away_the_stream_says_so_and_afterwards_that_it_goes_on(tmp_path: Path) -> None:
    broker = NoidaBroker(tmp_path)
    await asyncio.to_thread(broker.start)
    try:
        await apply_topics(broker.bootstrap, ALL_TOPICS)
        async with living(broker.bootstrap) as (live, url):
            ear = Ear(url)
            await ear.hears('"is_following":true')
            ear.text = ""
            await asyncio.to_thread(broker.stop)
            await ear.hears('"is_following":false')
            assert not live.is_following
            ear.text = ""
            await asyncio.to_thread(broker.restart)
            await ear.hears('"is_following":true')
            producer = Producer(broker.bootstrap, "test")
            await producer.send([snapshot(4)])
            await ear.hears(str(ticket(4)))
            await producer.discard()
            await ear.go()
    finally:
        await asyncio.to_thread(broker.stop)


def test_a_record_that_cannot_be_read_is_passed_over() -> None:
    watchers = Watchers(PLACES)
    watchers.begin(dict.fromkeys(PLACES, 0))
    live = Live(lambda: Tail("127.0.0.1:1", TOPICS, client_id="t"), watchers)
    cursor, good, told = watchers.join(None).cursor, snapshot(1), alert()
    live.take([
        Record(STATE.name, 0, 0, b"", b"{", ()),
        Record(NOTIFY.name, 0, 0, b"\xff", told.value, told.headers),
        Record(STATE.name, 0, 1, good.key, good.value, ()),
    ])  # fmt: skip
    assert watchers.after[(STATE.name, 0)] == 2
    assert b'"version":1' in watchers.look(cursor, Wanted()).frames
    assert live.alerts == []


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
    async with httpx.AsyncClient(timeout=60) as http:
        return await http.get(url)
