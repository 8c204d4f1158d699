"""kill -9 of a delivering process around its send: nothing is lost; what may be said twice is, under the same id."""

import base64
import signal
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from griddispatch.embedded.process import ChildProcess, Program
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from shared.clock import FastClock, utc_now
from shared.database import Database
from tests.builders import eventually
from tests.services.notify.measured import told
from tests.services.notify.stage import Receiver, Stage
from tests.services.notify.test_notify_service import NOWHERE, environment
from tests.services.notify.values import MORNING, audited, escalated

HOOK = Endpoint("hook", ChannelKind.WEBHOOK, "https://receiver.example/hook", "hook")
FASTER = 20.0
"""A retry of minutes comes within seconds, and it is still the same morning."""


def courier(dsn: str, url: str, folder: Path, clock: FastClock, failpoint: str = "") -> ChildProcess:
    """The courier alone, as a process that dies at the point."""
    place = httpx.URL(url)
    book = folder / "contacts.toml"
    book.write_text(f'default = "hook"\n[endpoints.hook]\nchannel = "webhook"\nurl = "{url}"\nsecret = "hook"\n')
    secret = base64.b64encode(b"s" * 32).decode()
    settings = environment(
        dsn, NOWHERE, 0, clock=str(clock), contacts=str(book), failpoint=failpoint,
        loopback_targets=f"{place.host}:{place.port}", webhook_secrets=f'{{"hook": "whsec_{secret}"}}',
    )  # fmt: skip
    log = folder / ("killed.log" if failpoint else "again.log")
    return ChildProcess(
        "courier", Program([sys.executable, "-m", "services.notify", "--only", "courier"], settings), log
    )


async def states(stage: Stage) -> dict[str, str]:
    """How the message of each text stands."""
    return {str(m["template"]): str(m["state"]) for n in (1, 2) for m in await stage.messages(n)}


@pytest.mark.parametrize(("point", "sent_before"), [("courier.claimed@1", 0), ("courier.sent@1", 1)])
async def test_a_courier_killed_around_its_send_loses_nothing_and_asks_nobody_twice(
    notify_database: Database, notify_dsn: str, tmp_path: Path, point: str, sent_before: int
) -> None:
    """An escalation is told again, under its id; a survey is not, for nobody knows whether it was heard, and the
    follow-up goes on to its next attempt."""
    stage = Stage(notify_database, AddressBook({"hook": HOOK}, default=HOOK))
    await stage.hear(told(escalated(), 1), told(audited(), 2))
    ids = {str(m["template"]): str(m["id"]) for n in (1, 2) for m in await stage.messages(n)}
    assert sorted(ids) == ["escalated", "follow_up"]
    clock, receiver = FastClock(MORNING, utc_now(), FASTER), Receiver(204)
    async with receiver.open() as url:
        killed = courier(notify_dsn, url, tmp_path, clock, point)
        try:

            async def is_dead() -> bool:
                return killed.exit_code is not None

            await eventually(is_dead, within_s=60, what=f"dying at {point}")
        finally:
            killed.kill()
        assert killed.exit_code == -signal.SIGKILL, killed.log_tail(20)
        assert await states(stage) == {"escalated": "LEASED", "follow_up": "LEASED"}, "claimed, and nothing noted"
        assert Counter(receiver.ids) == Counter(dict.fromkeys(ids.values(), sent_before))
        # The claims of a dead courier are free when their lease runs out; here it runs out at once.
        await notify_database.fetch("UPDATE message SET lease_until = clock_timestamp() - interval '1 second'")
        again = courier(notify_dsn, url, tmp_path, clock)
        try:

            async def is_settled() -> bool:
                assert again.exit_code is None, again.log_tail(20)
                return await states(stage) == {"escalated": "DELIVERED", "follow_up": "UNKNOWN"}

            await eventually(is_settled, within_s=90, what="both being settled")
        finally:
            again.kill()
    assert Counter(receiver.ids) == Counter({ids["escalated"]: sent_before + 1, ids["follow_up"]: sent_before})
    asked = await stage.database.fetch("SELECT state, next_at > $1 AS goes_on FROM follow_up", stage.clock())
    assert [(row["state"], row["goes_on"]) for row in asked] == [("OPEN", True)], "silence is no answer: it asks again"
