"""The guard at the connection: what was judged is what is connected to, every time anew."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest

from services.notify.channels.guard import Guard
from services.notify.channels.http import HttpClient, NotSent
from services.notify.core.target import Target, TargetRefused
from tests.services.notify.receivers import RawReceiver, status


class Fickle:
    """A resolver that answers differently each time, and remembers what it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0)


async def test_a_name_that_changes_its_mind_is_refused_at_the_next_connection() -> None:
    guard = Guard(resolve=Fickle(["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "169.254.169.254"]))
    assert await guard.find("hook.example.org", 443) == ["8.8.8.8"]
    for _ in range(2):
        with pytest.raises(TargetRefused):
            await guard.find("hook.example.org", 443)


async def test_the_connection_goes_to_the_address_that_was_judged_and_nobody_is_asked_again() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        port = urlsplit(url).port or 0
        resolve = Fickle(["127.0.0.1"])
        client = HttpClient(Target("http", "localhost", port, "/hook"), Guard({("localhost", port)}, resolve))
        assert (await client.send(b"{}", [])).status == 204
        assert (await client.send(b"{}", [])).status == 204
        client.close()
    assert resolve.asked == ["localhost"]
    assert [headers["host"] for _, headers, _ in receiver.requests] == [f"localhost:{port}"] * 2


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "017700000001", "127.1", "::ffff:127.0.0.1", "localhost", "localhost."],
)
async def test_however_loopback_is_spelt_the_systems_own_answer_is_refused(host: str) -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        client = HttpClient(Target("http", host, urlsplit(url).port or 0, "/"), Guard())
        with pytest.raises(NotSent):
            await client.send(b"{}", [])
    assert receiver.connections == 0


async def test_a_name_that_nobody_knows_or_that_is_never_found_is_not_sent_to() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    async def slow(host: str, port: int) -> Sequence[str]:
        raise TimeoutError

    for resolve in (unknown, slow):
        client = HttpClient(Target("https", "hook.example.org", 443, "/"), Guard(resolve=resolve))
        with pytest.raises(NotSent, match="when looking the host up"):
            await client.send(b"{}", [])


async def test_the_second_address_is_tried_when_the_first_does_not_answer() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        port = urlsplit(url).port or 0
        guard = Guard({("localhost", port)}, Fickle(["127.0.0.2", "127.0.0.1"]))
        client = HttpClient(Target("http", "localhost", port, "/"), guard)
        assert (await client.send(b"{}", [])).status == 204
        client.close()


async def test_a_header_with_a_line_break_never_leaves() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        parts = urlsplit(url)
        place = ("127.0.0.1", parts.port or 0)
        client = HttpClient(Target("http", *place, "/"), Guard({place}))
        for headers in ([("x", "a\r\ny: b")], [("x\r\ny", "a")]):
            with pytest.raises(NotSent):
                await client.send(b"{}", headers)
        with pytest.raises(NotSent):
            await client.send(b"{}", [], path="/a\r\nx: y")
    assert receiver.connections == 0


async def test_twenty_requests_at_once_share_few_connections_afterwards() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        parts = urlsplit(url)
        place = ("127.0.0.1", parts.port or 0)
        client = HttpClient(Target("http", *place, "/"), Guard({place}))
        answers = await asyncio.gather(*(client.send(b"{}", []) for _ in range(20)))
        opened = receiver.connections
        await client.send(b"{}", [])
        client.close()
    assert [answer.status for answer in answers] == [204] * 20
    assert receiver.connections == opened
