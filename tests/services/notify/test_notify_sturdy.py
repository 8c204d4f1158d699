"""Nothing that one row, one receiver or one wish does ends a loop or holds up the others."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.notify import store
from services.notify.aside import Aside
from services.notify.channels.base import in_turn
from services.notify.channels.guard import Guard
from services.notify.channels.http import IDLE_S, HttpClient
from services.notify.core.delivery import Outcome, Result, read_retry_after
from services.notify.core.followup import FollowUp, advance
from services.notify.core.target import read_url
from services.notify.followups import FollowUpLoop
from services.notify.gathering_store import Alert
from services.notify.store import Key
from services.notify.subscription_courier import KEEP, SubscriptionCourier
from services.notify.warnings import GrowthLoop, Warnings
from shared.database import Database, named_queries
from shared.errors import Unavailable
from shared.events import FollowUpAsked
from tests.builders import eventually
from tests.services.notify.measured import MeasuredStage
from tests.services.notify.receivers import RawReceiver, guard_for, status
from tests.services.notify.stage import Receiver, Stage
from tests.services.notify.subscribed import SubscribedStage, said
from tests.services.notify.values import HOTLINE, MORNING, NO, assigned, audited, envelope, escalated, rules, ticket

QUERIES = named_queries("services.notify", "sql", "queries.sql")
DELIVERED = Result(Outcome.DELIVERED)


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
    ],
)
def test_a_retry_after_beyond_all_numbers_is_none(text: str) -> None:
    assert read_retry_after(text, MORNING) is None


async def test_a_receiver_that_asks_for_the_end_of_time_is_a_failure_like_any_other(notify_database: Database) -> None:
    receiver = RawReceiver(status("503 No", "", "retry-after: Mon, 01 Jan 99999999999999999999 00:00:00 GMT"))
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        await stage.heard(said(assigned()))
        assert await stage.sender.deliver() == 1
    (kept,) = await stage.log(made.id)
    assert (kept["state"], kept["last_error"]) == ("QUEUED", "HTTP 503")


async def test_a_fault_of_ours_in_one_message_is_a_doubt_about_it_and_nothing_to_the_others() -> None:
    async def send(message: str) -> Result:
        if message == "bad":
            raise KeyError("a word of a citizen's")
        return DELIVERED

    results = await in_turn(["good", "bad", "fine"], send)
    assert [result.outcome for result in results] == [Outcome.DELIVERED, Outcome.AMBIGUOUS, Outcome.DELIVERED]
    assert "citizen" not in results[1].detail


async def test_whoever_ends_the_courier_is_not_taken_for_a_fault() -> None:
    begun = asyncio.Event()

    async def send(message: str) -> Result:
        begun.set()
        return await asyncio.Future[Result]()

    running = asyncio.create_task(in_turn(["one"], send))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_rules_that_grew_stricter_on_the_way_still_let_the_citizen_be_asked() -> None:
    strict = replace(rules(), attempts=3, least_bands=3)
    once = FollowUp(
        ticket(1), 1, NO, HOTLINE, exercise=False, caused_by="", opened_at=MORNING, next_at=MORNING, attempts=2,
        bands=frozenset({rules().bands[0].name}),
    )  # fmt: skip
    move = advance(once, strict, MORNING)
    assert isinstance(move.event, FollowUpAsked)


async def test_a_follow_up_that_cannot_go_on_holds_up_no_other(notify_database: Database, stage: Stage) -> None:
    stage.now = MORNING + timedelta(hours=12)  # no band is open
    for n in (1, 2, 3):
        await stage.hear(envelope(audited(), n=n))
    await notify_database.fetch("UPDATE follow_up SET source = repeat('x', 300) WHERE ticket_id = $1", ticket(2))
    await notify_database.fetch(
        "ALTER TABLE message ADD CONSTRAINT odd CHECK (length(recipient) < 200)"
    )  # what makes it odd does not matter
    stage.now = MORNING + timedelta(hours=24)
    loop = FollowUpLoop(notify_database, stage.follow_ups)
    assert await loop.advance_due() == 3
    assert await loop.advance_due() == 0, "the odd one is left aside"
    asked = [[type(event) for event in await stage.told(n)] for n in (1, 2, 3)]
    assert asked == [[FollowUpAsked], [], [FollowUpAsked]]


async def test_what_is_left_aside_comes_again_and_an_outage_leaves_nothing_aside() -> None:
    async def fails(keys: Collection[Key]) -> None:
        raise ValueError("odd")

    async def is_away(keys: Collection[Key]) -> None:
        raise Unavailable("the database")

    key = (ticket(1), 1)
    aside = Aside("test", troubled_s=0.0)
    await aside.each([key], fails)
    assert aside.keys() == []
    lasting = Aside("test")
    await lasting.each([key], fails)
    assert lasting.keys() == [key]
    other = Aside("test")
    with pytest.raises(Unavailable):
        await other.each([key], is_away)
    assert other.keys() == []


async def test_whoever_waited_longest_has_the_next_turn(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        sender = SubscriptionCourier(notify_database, stage.subscriptions, stage.bell, most_at_once=1)
        for owner in ("a", "b", "c"):
            await stage.subscribe(url, owner=owner)
        for n in range(1, 4):
            await stage.heard(said(assigned(), n=n))
        order: list[UUID] = []
        for _ in range(3):
            (ready,) = await sender.next_turns()
            order.append(ready.subscription.id)
            sender.end_turn(ready.subscription.id)
    assert len(set(order)) == 3, "the first in the list does not come again before the others had a turn"


async def test_who_has_no_turn_holds_no_connection() -> None:
    receiver = RawReceiver(status("204 No Content"))
    async with receiver.open() as url:
        client = HttpClient(read_url(url, guard_for(url).loopback), guard_for(url))
        await client.send(b"", ())

        async def at_rest() -> bool:
            return client.rest()

        await eventually(at_rest, within_s=IDLE_S + 30)


async def test_forgetting_keeps_up_with_delivering(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, "http://127.0.0.1:9/hook")
    await stage.subscribe("http://127.0.0.1:9/hook")
    for n in range(1, 31):
        await stage.heard(said(assigned(), n=n))
    await notify_database.fetch("UPDATE delivery SET state = 'DELIVERED', settled_at = '2026-01-01T00:00:00Z'")
    stage.now += KEEP + timedelta(days=1)
    sender = SubscriptionCourier(notify_database, stage.subscriptions, stage.bell, prune_batch=5)
    await sender.sweep()
    assert await notify_database.fetch("SELECT FROM delivery") == []


async def test_a_name_that_is_not_found_for_long_is_looked_up_once_however_many_ask() -> None:
    asked: list[str] = []
    found = asyncio.Event()

    async def slow(host: str, port: int) -> list[str]:
        asked.append(host)
        await found.wait()
        return ["93.184.216.34"]

    guard = Guard(resolve=slow)
    waiting = [asyncio.create_task(guard.find("slow.example.org", 443)) for _ in range(20)]

    async def all_wait() -> bool:
        return bool(asked)

    await eventually(all_wait)
    found.set()
    assert set(map(tuple, await asyncio.gather(*waiting))) == {("93.184.216.34",)}
    assert asked == ["slow.example.org"]
    await guard.find("slow.example.org", 443)
    assert len(asked) == 2, "what was found is judged for this connection only"


async def test_however_much_waits_for_one_bundle_a_pass_ties_a_part_of_it(stage: Stage) -> None:
    for n in range(1, 31):
        await stage.hear(envelope(escalated(), n=n))
    now = stage.clock()
    await store.tie_bundles(stage.database, "console", now, (), limit=10, most=4, most_tied=12)
    states = await stage.database.fetch(
        "SELECT state, count(*)::int AS n FROM message WHERE carrier IS NOT NULL GROUP BY 1"
    )
    assert {row["state"]: row["n"] for row in states} == {"QUEUED": 3, "CARRIED": 9}
    await store.tie_bundles(stage.database, "console", now, (), limit=10, most=4, most_tied=12)
    held = await stage.database.fetch(
        "SELECT count(*)::int AS n FROM message WHERE carrier IS NULL AND due_at > $1", now
    )
    assert held[0]["n"] == 12, "the rest waits for the next bundle, a part at a time"


async def test_strays_are_found_without_reading_the_queue(notify_database: Database, stage: Stage) -> None:
    await notify_database.fetch(
        """INSERT INTO message (id, ticket_id, template, recipient, channel, endpoint, policy, facts, caused_by, due_at,
            state, created_at, give_up_at)
        SELECT gen_random_uuid(), gen_random_uuid(), 'assigned', 'unit:x', 'console',
            CASE WHEN n % 10000 = 0 THEN 'left' ELSE 'console' END, 'RESEND', '{}', '', now(), 'QUEUED', now(), now()
        FROM generate_series(1, 20000) AS n"""
    )
    await notify_database.fetch("ANALYZE message")
    plan = await notify_database.fetch(f"EXPLAIN {QUERIES['read_strays']}", ["console"], 200)
    text = "\n".join(row[0] for row in plan)
    assert "Seq Scan on message" not in text, text
    strays = await store.read_strays(notify_database, ["console"], 200)
    assert [stray.endpoint for stray in strays] == ["left", "left"]


async def test_a_look_for_growth_that_failed_is_taken_again(notify_database: Database) -> None:
    measured = MeasuredStage(notify_database)

    class Away(Warnings):
        looks = 0

        async def growth(self, database: Database) -> list[Alert]:
            self.looks += 1
            if self.looks == 1:
                raise Unavailable("the database")
            return await super().growth(database)

    away = Away(measured.ledger, measured.measures, {}, measured.clock)
    loop = GrowthLoop(notify_database, away)
    with pytest.raises(Unavailable):
        await loop.look()
    await loop.look()
    await loop.look()
    assert away.looks == 2, "after the second, which came to its end, an hour passes"
