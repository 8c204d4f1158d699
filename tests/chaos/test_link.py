"""The link does what its weather says, and otherwise nothing to what passes it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.chaos.stage.link import COMMIT, Link, Weather


@asynccontextmanager
async def echoing(heard: list[bytes]) -> AsyncIterator[Link]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1000):
                heard.append(data)
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link(server.sockets[0].getsockname()[1])
    await link.start()
    try:
        yield link
    finally:
        await link.stop()
        server.close()


async def say(link: Link, words: bytes, within_s: float = 10.0) -> bytes:
    """What comes back through the link; nothing when it was cut."""
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        try:
            writer.write(words)
            return await reader.read(1000)
        except ConnectionError:
            return b""
        finally:
            writer.transport.abort()


async def test_a_link_in_good_weather_changes_nothing() -> None:
    async with echoing([]) as link:
        assert await say(link, b"hello") == b"hello"


async def test_a_silent_link_says_nothing_until_the_weather_changes() -> None:
    async with echoing([]) as link:
        link.weather = Weather(silent_back=True)
        answer = asyncio.create_task(say(link, b"hello"))
        done, _ = await asyncio.wait({answer}, timeout=0.3)
        assert not done
        link.weather = Weather()
        assert await answer == b"hello"


async def test_a_commit_reaches_the_server_and_its_answer_is_swallowed() -> None:
    heard: list[bytes] = []
    async with echoing(heard) as link:
        link.weather = Weather(swallow_commits=1)
        assert await say(link, COMMIT) == b""
        assert heard == [COMMIT]
        assert await say(link, COMMIT) == COMMIT
        assert link.swallowed == 1


@pytest.mark.parametrize("weather", [Weather(refuse=True), Weather(loss=1.0)])
async def test_a_link_that_refuses_or_loses_is_cut(weather: Weather) -> None:
    async with echoing([]) as link:
        link.weather = weather
        assert await say(link, b"hello") == b""


async def test_an_open_connection_can_be_torn_down() -> None:
    async with echoing([]) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"hello")
        assert await reader.read(1000) == b"hello"
        link.cut()
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                assert await reader.read(1000) == b""
        writer.transport.abort()
