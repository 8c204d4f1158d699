"""Where webhooks may go, case by case from a file: judged when an address is saved, and again at the connection."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.notify.channels.guard import Guard
from services.notify.channels.http import HttpClient, NotSent
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL
from services.notify.core.delivery import read_answer
from services.notify.core.target import Target, TargetRefused
from services.notify.seals import Seals
from services.notify.subscriptions import Subscriptions
from shared.errors import Rejected
from tests.services.notify.receivers import RawReceiver, guard_for, status
from tests.services.notify.values import MORNING, ROOT

LINES = (ROOT / "tests" / "corpus" / "webhook_targets.ndjson").read_text(encoding="utf-8").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]
ADDRESSES = [case for case in CASES if "url" in case]
CONNECTED = [case for case in ADDRESSES if case["connect"]]
REDIRECTS = [case for case in CASES if "location" in case]


class Finder:
    """A resolver that answers as the case says."""

    def __init__(self, found: Sequence[str]) -> None:
        self._found = found

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        return self._found


def saving() -> Subscriptions:
    """Whoever judges an address that is saved; no name is known yet."""

    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    guard = Guard(resolve=unknown)
    return Subscriptions(Seals({}), guard, AddressBook(), USUAL, lambda: MORNING, lambda: None, lambda: None)


def test_the_file_is_as_large_as_it_says() -> None:
    assert len(CASES) == len({case["id"] for case in CASES}) >= 260
    assert len(REDIRECTS) == 10
    assert sum(case["save"] == "taken" for case in ADDRESSES) == 90


@pytest.mark.parametrize("case", ADDRESSES, ids=[case["id"] for case in ADDRESSES])
async def test_when_it_is_saved(case: dict[str, Any]) -> None:
    if case["save"] == "taken":
        await saving().check_target(case["url"])
    else:
        with pytest.raises(Rejected) as refused:
            await saving().check_target(case["url"])
        assert "latest/meta-data" not in str(refused.value)


@pytest.mark.parametrize("case", CONNECTED, ids=[case["id"] for case in CONNECTED])
async def test_when_it_is_connected_to_even_if_it_had_been_saved(case: dict[str, Any]) -> None:
    parts = urlsplit(case["url"])
    host, port = parts.hostname or "", parts.port or 443
    guard = Guard(resolve=Finder(case["finds"]))
    if case["connect"] == "taken":
        assert await guard.find(host, port) == case["finds"]
        return
    with pytest.raises(TargetRefused):
        await guard.find(host, port)
    client = HttpClient(Target("https", host, port, "/hook"), guard)
    with pytest.raises(NotSent, match="host"):
        await client.send(b"{}", [])


async def test_a_redirect_is_a_failure_and_nobody_else_is_ever_asked_for() -> None:
    behaviours = [status(f"{c['status']} Elsewhere", "", f"location: {c['location']}") for c in REDIRECTS]
    receiver = RawReceiver(*behaviours)
    async with receiver.open() as url:
        parts = urlsplit(url)
        client = HttpClient(Target("http", parts.hostname or "", parts.port or 0, "/hook"), guard_for(url))
        answers = [await client.send(b"{}", []) for _ in REDIRECTS]
        client.close()
    assert [a.status for a in answers] == [c["status"] for c in REDIRECTS]
    assert {read_answer(a.status, a.retry_after, MORNING).outcome.value for a in answers} == {"FAILED"}
    assert len(receiver.requests) == len(REDIRECTS)
