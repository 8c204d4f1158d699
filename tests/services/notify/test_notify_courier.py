"""The courier: each message once, outcomes recorded with their events, crashes recovered by policy."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest

from services.notify import store
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.delivery import DELAYS, Outcome, Result
from services.notify.core.message import Message
from services.notify.courier import Courier
from shared.database import Database
from shared.events import FollowUpAsked, NotificationDelivered, NotificationFailed
from shared.terms import Urgency
from tests.builders import eventually
from tests.observability.metrics import value
from tests.services.notify.stage import Stage
from tests.services.notify.values import MORNING, assigned, audited, envelope, escalated, local

DELIVERED = Result(Outcome.DELIVERED)
FAILED = Result(Outcome.FAILED, "HTTP 500")
AMBIGUOUS = Result(Outcome.AMBIGUOUS, "ReadTimeout")
IN_VAIN = {"channel": "console", "outcome": "failed"}
BOT = Endpoint("bot", ChannelKind.WEBHOOK, "http://127.0.0.1:9/", "bot")


class Scripted:
    """A channel that answers as told and remembers what it got; the last answer stays."""

    batch = 200

    def __init__(self, *results: Result) -> None:
        self.got: list[Message] = []
        self.closed = False
        self._results = list(results)

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        self.got += messages
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        return [result] * len(messages)

    async def close(self) -> None:
        self.closed = True


def with_channel(stage: Stage, channel: Scripted, *, lease_s: float = 60.0) -> Courier:
    return Courier(stage.database, stage.ledger, {"console": channel}, stage.clock, lease_s=lease_s)


async def test_a_delivered_message_is_recorded_with_its_attempt_and_its_event(stage: Stage) -> None:
    await stage.hear(envelope(assigned()))
    assert await stage.courier.deliver("console") == 1
    (message,) = await stage.messages()
    assert (message["state"], message["last_error"], message["settled_at"]) == ("DELIVERED", "", MORNING)
    assert message["attempts"] == [
        {"n": 1, "started_at": MORNING, "ended_at": MORNING, "outcome": "DELIVERED", "detail": ""}
    ]
    (told,) = await stage.told()
    assert isinstance(told, NotificationDelivered)
    assert told.notification_id == message["id"]
    assert await stage.courier.deliver("console") == 0


async def test_nothing_is_sent_before_its_hour(stage: Stage) -> None:
    await stage.hear(envelope(escalated(notify_at=local("11 08:30"))))
    assert await stage.courier.deliver("console") == 0
    stage.now = local("11 08:30")
    assert await stage.courier.deliver("console") == 1


async def test_a_failed_attempt_comes_again_by_the_schedule_with_the_same_id(stage: Stage) -> None:
    channel = Scripted(FAILED, FAILED, DELIVERED)
    courier, failed = with_channel(stage, channel), value("griddispatch_notifications_total", **IN_VAIN) or 0
    await stage.hear(envelope(assigned()))
    await courier.deliver("console")
    assert value("griddispatch_notifications_total", **IN_VAIN) == failed + 1
    assert await courier.deliver("console") == 0
    stage.now = MORNING + timedelta(seconds=6)
    await courier.deliver("console")
    stage.now += timedelta(seconds=36)
    await courier.deliver("console")
    (message,) = await stage.messages()
    assert message["state"] == "DELIVERED"
    assert [m.id for m in channel.got] == [message["id"]] * 3
    assert [m.attempt for m in channel.got] == [1, 2, 3]
    assert [a["outcome"] for a in message["attempts"]] == ["FAILED", "FAILED", "DELIVERED"]
    assert [type(e) for e in await stage.told()] == [NotificationDelivered]


async def test_after_eleven_failures_it_is_given_up_and_said_so(stage: Stage) -> None:
    courier = with_channel(stage, Scripted(FAILED))
    await stage.hear(envelope(assigned(urgency=Urgency.U1)))
    for delay in DELAYS:
        stage.now += delay * 1.2
        assert await courier.deliver("console") == 1
    (message,) = await stage.messages()
    assert (message["state"], message["last_error"], len(message["attempts"])) == ("FAILED", "HTTP 500", 11)
    (told,) = await stage.told()
    assert isinstance(told, NotificationFailed)
    assert (told.attempts, told.reason) == (11, "HTTP 500")


async def test_a_survey_in_doubt_is_not_sent_again_and_shown_as_unknown(stage: Stage) -> None:
    courier = with_channel(stage, Scripted(AMBIGUOUS))
    await stage.hear(envelope(audited()))
    await courier.deliver("console")
    stage.now += timedelta(hours=1)
    assert await courier.deliver("console") == 0
    (message,) = await stage.messages()
    assert message["state"] == "UNKNOWN"
    told = (await stage.told())[-1]
    assert isinstance(told, NotificationFailed)
    assert told.reason == "unknown whether it arrived: ReadTimeout"


async def test_a_duty_in_doubt_is_sent_again(stage: Stage) -> None:
    channel = Scripted(AMBIGUOUS, DELIVERED)
    courier = with_channel(stage, channel)
    await stage.hear(envelope(escalated()))
    await courier.deliver("console")
    stage.now += timedelta(seconds=7)
    await courier.deliver("console")
    assert (await stage.messages())[0]["state"] == "DELIVERED"
    assert len({m.id for m in channel.got}) == 1


async def test_a_courier_that_died_leaves_its_duties_to_the_next_and_its_surveys_unknown(stage: Stage) -> None:
    await stage.hear(envelope(assigned(), version=1), envelope(audited(), version=2))
    claimed = await store.claim_messages(stage.database, "console", stage.now, limit=200, lease_s=0.0)
    assert len(claimed) == 2
    assert await stage.courier.deliver("console") == 0
    assert await stage.courier.sweep() == 2
    stage.now += timedelta(seconds=7)
    assert await stage.courier.deliver("console") == 1
    messages = {m["template"]: m for m in await stage.messages()}
    assert messages["follow_up"]["state"] == "UNKNOWN"
    assert messages["assigned"]["state"] == "DELIVERED"
    assert [a["outcome"] for a in messages["assigned"]["attempts"]] == ["AMBIGUOUS", "DELIVERED"]
    assert [type(e) for e in await stage.told()] == [FollowUpAsked, NotificationFailed, NotificationDelivered]


async def test_a_lease_that_runs_is_respected(stage: Stage) -> None:
    await stage.hear(envelope(assigned()))
    await store.claim_messages(stage.database, "console", stage.now, limit=200, lease_s=60.0)
    assert await stage.courier.sweep() == 0
    assert await stage.courier.deliver("console") == 0


async def test_an_outcome_that_comes_after_the_lease_changes_nothing_and_states_nothing(stage: Stage) -> None:
    release, sending = asyncio.Event(), asyncio.Event()

    class Slow(Scripted):
        async def send_many(self, messages: Sequence[Message]) -> list[Result]:
            sending.set()
            await release.wait()
            return await super().send_many(messages)

    await stage.hear(envelope(audited()))
    late = asyncio.create_task(with_channel(stage, Slow(DELIVERED), lease_s=0.0).deliver("console"))
    await sending.wait()
    assert await stage.courier.sweep() == 1
    release.set()
    await late
    (message,) = await stage.messages()
    assert message["state"] == "UNKNOWN"
    assert [type(e) for e in await stage.told()] == [FollowUpAsked, NotificationFailed]


async def test_couriers_side_by_side_send_each_message_once(stage: Stage) -> None:
    await stage.hear(*(envelope(assigned(), n) for n in range(1, 301)))
    channels = [Scripted(DELIVERED) for _ in range(4)]
    couriers = [with_channel(stage, channel) for channel in channels]
    while sum(await asyncio.gather(*(courier.deliver("console") for courier in couriers))):
        pass
    got = [m.id for channel in channels for m in channel.got]
    assert len(got) == len(set(got)) == 300
    (row,) = await stage.database.fetch("SELECT count(*), max(version) FROM event")
    assert tuple(row) == (300, 1)


async def test_first_statements_about_a_ticket_from_two_sides_do_not_collide(stage: Stage) -> None:
    for n in range(1, 21):
        await stage.hear(envelope(assigned(), n, 1))
    tellings = [stage.hear(envelope(audited(), n, 2)) for n in range(1, 21)]
    await asyncio.gather(stage.courier.deliver("console"), *tellings)
    await stage.courier.deliver("console")
    for n in range(1, 21):
        assert {type(e) for e in await stage.told(n)} == {FollowUpAsked, NotificationDelivered}
        assert len(await stage.told(n)) == 3


async def test_an_endpoint_that_left_the_book_fails_openly(notify_database: Database) -> None:
    stage = Stage(notify_database, AddressBook(exact={"unit:water": BOT}))
    await stage.hear(envelope(assigned()))
    assert await stage.courier.sweep() == 1
    (message,) = await stage.messages()
    assert (message["state"], message["last_error"]) == ("FAILED", "its endpoint is no longer in the address book")
    assert [type(e) for e in await stage.told()] == [NotificationFailed]


async def test_a_silent_endpoint_holds_up_nobody_else(notify_database: Database) -> None:
    never = asyncio.Event()

    class Silent(Scripted):
        async def send_many(self, messages: Sequence[Message]) -> list[Result]:
            await never.wait()
            return [AMBIGUOUS] * len(messages)

    stage = Stage(notify_database, AddressBook(exact={"unit:water": BOT}))
    channels = {"console": Scripted(DELIVERED), "bot": Silent(AMBIGUOUS)}
    courier = Courier(notify_database, stage.ledger, channels, stage.clock)
    stopping = asyncio.Event()
    running = asyncio.create_task(courier.run(stopping))
    await stage.hear(envelope(assigned(), 1), envelope(assigned(unit="gas"), 2))
    courier.ring()

    async def gas_was_told() -> bool:
        return bool((await stage.messages(2))[0]["state"] == "DELIVERED")

    await eventually(gas_was_told, within_s=60)
    assert (await stage.messages(1))[0]["state"] == "LEASED"
    stopping.set()
    never.set()
    await running
    assert channels["console"].closed and channels["bot"].closed


async def test_the_loop_is_woken_by_the_commit_and_ends_when_asked(stage: Stage) -> None:
    channel = Scripted(DELIVERED)
    courier = with_channel(stage, channel)
    stopping = asyncio.Event()
    running = asyncio.create_task(courier.run(stopping))
    await stage.hear(envelope(assigned()))
    courier.ring()

    async def told() -> bool:
        return len(channel.got) == 1

    await eventually(told, within_s=60)
    stopping.set()
    async with asyncio.timeout(60):
        await running


IMPOSSIBLE = (
    "UPDATE message SET state = 'LEASED'",
    "UPDATE message SET settled_at = now()",
    "UPDATE message SET state = 'SUPPRESSED', settled_at = now()",
    "UPDATE message SET state = 'ELSEWHERE'",
    "UPDATE message SET state = 'SENT', settled_at = now()",
    "INSERT INTO receipt (gateway, reference, noted_at) VALUES ('sms', 'sid-1', now())",
    "INSERT INTO receipt (gateway, reference, state, noted_at) VALUES ('sms', 'sid-1', 'PERHAPS', now())",
    "UPDATE message SET attempts = 12",
    "INSERT INTO attempt (message_id, n, started_at) SELECT id, 0, now() FROM message",
    "INSERT INTO attempt (message_id, n, started_at, outcome) SELECT id, 1, now(), 'DELIVERED' FROM message",
    "INSERT INTO attempt (message_id, n, started_at) VALUES (gen_random_uuid(), 1, now())",
    "UPDATE follow_up SET satisfaction = 'SATISFIED'",
    "UPDATE follow_up SET state = 'UNREACHABLE', next_at = NULL, ended_at = now(), satisfaction = 'SATISFIED'",
    "UPDATE follow_up SET state = 'ANSWERED', next_at = NULL, ended_at = now()",
    "UPDATE follow_up SET next_at = NULL",
    "UPDATE follow_up SET state = 'ANSWERED', next_at = NULL, ended_at = now(), contacted = true, solved = true, "
    "satisfaction = 'SATISFIED', recorded_by = 'UNIT'",
)


async def test_the_tables_themselves_refuse_what_cannot_be(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    for change in IMPOSSIBLE:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=r"violates (check|foreign key) constraint"):
            await stage.database.fetch(change)
