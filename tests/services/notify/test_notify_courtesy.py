"""The courier's manners on real tables: quiet hours, bundles, the supervision budget, second channels, dead receivers."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.courtesy import USUAL
from services.notify.core.delivery import UNTRIED, Outcome, Result
from services.notify.courier import Courier
from shared.database import Database
from shared.events import NotificationDelivered, NotificationFailed
from shared.terms import Urgency
from tests.builders import eventually
from tests.services.notify.receivers import RawReceiver, hang_up, status
from tests.services.notify.stage import Stage
from tests.services.notify.test_notify_courier import AMBIGUOUS, DELIVERED, FAILED, Scripted
from tests.services.notify.test_notify_webhook import channel
from tests.services.notify.values import assigned, audited, envelope, escalated, local

PHONE = Endpoint("phone", ChannelKind.SMS)
BOT = Endpoint("bot", ChannelKind.WECOM, fallback="phone")
GROUP = Endpoint("group", ChannelKind.WECOM, digest=timedelta(minutes=10))


def courier(stage: Stage, **channels: Scripted) -> Courier:
    return Courier(stage.database, stage.ledger, channels, stage.clock, fallbacks={"bot": PHONE})


async def states(stage: Stage, n: int = 1) -> list[tuple[Any, ...]]:
    return [(m["template"], m["state"]) for m in await stage.messages(n)]


async def test_at_night_only_what_is_urgent_is_sent_and_the_rest_comes_in_the_morning(stage: Stage) -> None:
    stage.now = local("10 22:00")
    await stage.hear(
        envelope(assigned(urgency=Urgency.U1), 1),
        envelope(assigned(urgency=Urgency.U2), 2),
        envelope(assigned(), 3),
    )
    assert await stage.courier.deliver("console") == 2
    assert [await states(stage, n) for n in (1, 2, 3)] == [
        [("assigned", "DELIVERED")], [("assigned", "DELIVERED")], [("assigned", "QUEUED")],
    ]  # fmt: skip
    assert (await stage.messages(3))[0]["due_at"] == local("11 08:00")
    stage.now = local("11 07:59")
    assert await stage.courier.deliver("console") == 0
    stage.now = local("11 08:00")
    assert await stage.courier.deliver("console") == 1


async def test_a_retry_does_not_come_at_night_either(stage: Stage) -> None:
    way = Scripted(FAILED, DELIVERED)
    lane = courier(stage, console=way)
    stage.now = local("10 20:59")
    await stage.hear(envelope(assigned()))
    assert await lane.deliver("console") == 1
    stage.now = local("10 21:00")
    assert await lane.deliver("console") == 0
    stage.now = local("11 08:00")
    assert await lane.deliver("console") == 1
    assert await states(stage) == [("assigned", "DELIVERED")]


async def test_supervision_of_an_urgent_ticket_is_sent_at_night(stage: Stage) -> None:
    stage.now = local("10 22:00")
    await stage.hear(envelope(assigned(urgency=Urgency.U1), version=1))
    await stage.hear(envelope(escalated(), version=2))
    await stage.courier.deliver("console")
    assert await states(stage) == [("assigned", "DELIVERED"), ("escalated", "DELIVERED")]


async def test_the_second_supervision_of_one_ticket_within_a_day_is_merged_and_not_sent_again(stage: Stage) -> None:
    way = Scripted(DELIVERED)
    lane = courier(stage, console=way)
    await stage.hear(envelope(escalated(), version=1))
    await lane.deliver("console")
    stage.now += timedelta(hours=3)
    await stage.hear(envelope(escalated(clock="SIGN"), version=2))
    await lane.deliver("console")
    messages = {m["state"]: m for m in await stage.messages()}
    assert len(way.got) == 1
    assert messages["SUPPRESSED"]["last_error"] == f"merged into notice {messages['DELIVERED']['id']}"
    stage.now += timedelta(hours=21)
    await stage.hear(envelope(escalated(level=2), version=3))
    await lane.deliver("console")
    assert len(way.got) == 2


async def test_how_long_a_notice_stands_is_the_packs_to_say(notify_database: Database) -> None:
    hourly = replace(USUAL, notice_every=timedelta(hours=2))
    stage = Stage(notify_database, AddressBook(), courtesy=hourly)
    way = Scripted(DELIVERED)
    lane = courier(stage, console=way)
    await stage.hear(envelope(escalated(), version=1))
    await lane.deliver("console")
    stage.now += timedelta(hours=3)
    await stage.hear(envelope(escalated(clock="SIGN"), version=2))
    await lane.deliver("console")
    assert len(way.got) == 2


async def test_notices_to_one_unit_come_in_bundles_at_most_one_an_hour(stage: Stage) -> None:
    way = Scripted(DELIVERED)
    lane = courier(stage, console=way)
    await stage.hear(*(envelope(escalated(), n) for n in range(1, 4)), envelope(escalated(to="unit:gas"), 4))
    assert await lane.deliver("console") == 2
    assert sorted((m.recipient, len(m.carried)) for m in way.got) == [("unit:gas", 0), ("unit:water", 2)]
    stage.now += timedelta(minutes=20)
    await stage.hear(envelope(escalated(), 5), envelope(escalated(), 6))
    assert await lane.deliver("console") == 0
    stage.now += timedelta(minutes=40)
    assert await lane.deliver("console") == 1
    assert len(way.got[-1].carried) == 1
    for n in range(1, 7):
        assert await states(stage, n) == [("escalated", "DELIVERED")]
        assert [type(e) for e in await stage.told(n)] == [NotificationDelivered]


async def test_a_bundle_that_failed_comes_again_as_it_was_although_more_has_come(stage: Stage) -> None:
    way = Scripted(FAILED, DELIVERED)
    lane = courier(stage, console=way)
    await stage.hear(envelope(escalated(), 1), envelope(escalated(), 2))
    await lane.deliver("console")
    await stage.hear(envelope(escalated(), 3))
    stage.now += timedelta(seconds=7)
    await lane.deliver("console")
    first, again = way.got
    assert (first.id, [m.id for m in first.carried]) == (again.id, [m.id for m in again.carried])
    assert [(await states(stage, n))[0][1] for n in (1, 2, 3)] == ["DELIVERED", "DELIVERED", "QUEUED"]


async def test_urgent_notices_are_not_bundled(stage: Stage) -> None:
    way = Scripted(DELIVERED)
    lane = courier(stage, console=way)
    for n in (1, 2):
        await stage.hear(envelope(assigned(urgency=Urgency.U1), n, 1), envelope(escalated(), n, 2))
    assert await lane.deliver("console") == 4
    assert all(m.carried == () for m in way.got)


async def test_a_group_gets_its_assignments_as_a_digest(notify_database: Database) -> None:
    stage = Stage(notify_database, AddressBook(default=GROUP))
    way = Scripted(DELIVERED)
    lane = courier(stage, group=way)
    await stage.hear(*(envelope(assigned(), n) for n in range(1, 6)), envelope(audited(), 6))
    assert await lane.deliver("group") == 2
    assert sorted((m.template.value, len(m.carried)) for m in way.got) == [("assigned", 4), ("follow_up", 0)]


async def test_couriers_side_by_side_tie_each_message_into_one_bundle(stage: Stage) -> None:
    await stage.hear(*(envelope(escalated(), n) for n in range(1, 101)))
    ways = [Scripted(DELIVERED) for _ in range(4)]
    lanes = [courier(stage, console=way) for way in ways]
    await asyncio.gather(*(lane.deliver("console") for lane in lanes))
    got = [m for way in ways for one in way.got for m in (one, *one.carried)]
    assert len(got) == len({m.id for m in got}) == 100
    assert sum(len(way.got) for way in ways) == 1


@pytest.mark.parametrize(("urgency", "failing"), [(Urgency.U1, 3), (Urgency.U2, 4)])
async def test_what_is_urgent_soon_goes_by_the_second_channel(
    notify_database: Database, urgency: Urgency, failing: int
) -> None:
    stage = Stage(notify_database, AddressBook(exact={"unit:water": BOT}))
    bot, phone = Scripted(FAILED), Scripted(DELIVERED)
    lane = courier(stage, bot=bot, phone=phone)
    await stage.hear(envelope(assigned(urgency=urgency)))
    for wait in (0, 7, 40, 400, 2500):
        stage.now += timedelta(seconds=wait)
        await lane.deliver("bot")
    assert len(bot.got) == failing
    assert await lane.deliver("phone") == 1
    assert [(m["channel"], m["state"]) for m in await stage.messages()] == [
        ("wecom", "FAILED"), ("sms", "DELIVERED"),
    ]  # fmt: skip
    assert [type(e) for e in await stage.told()] == [NotificationFailed, NotificationDelivered]
    assert bot.got[0].id != phone.got[0].id


async def test_a_receiver_that_is_gone_is_followed_by_the_second_channel_at_once(notify_database: Database) -> None:
    stage = Stage(notify_database, AddressBook(exact={"unit:water": BOT}))
    lane = courier(stage, bot=Scripted(Result(Outcome.GONE, "HTTP 410", is_alive=True)), phone=Scripted(DELIVERED))
    await stage.hear(envelope(escalated(), 1), envelope(escalated(), 2))
    assert await lane.deliver("bot") == 1
    assert await lane.deliver("phone") == 1
    for n in (1, 2):
        assert sorted(m["state"] for m in await stage.messages(n)) == ["DELIVERED", "FAILED"]


async def test_a_survey_in_doubt_takes_no_second_channel(notify_database: Database) -> None:
    stage = Stage(notify_database, AddressBook(default=BOT))
    lane = courier(stage, bot=Scripted(AMBIGUOUS), phone=Scripted(DELIVERED))
    await stage.hear(envelope(audited()))
    await lane.deliver("bot")
    assert await lane.deliver("phone") == 0
    assert await states(stage) == [("follow_up", "UNKNOWN")]


async def test_while_a_receiver_is_dead_its_messages_keep_their_attempts_and_wait(stage: Stage) -> None:
    way = Scripted(FAILED)
    lane = courier(stage, console=way)
    await stage.hear(*(envelope(assigned(urgency=Urgency.U2), n) for n in range(1, 21)))
    await lane.deliver("console")
    assert len(way.got) == 20
    stage.now += timedelta(seconds=7)  # the first pause is ten seconds, give or take a fifth
    assert await lane.deliver("console") == 0
    stage.now += timedelta(seconds=30)
    assert await lane.deliver("console") == 1
    assert await lane.deliver("console") == 0


async def test_what_waited_too_long_for_a_dead_receiver_goes_by_the_second_channel(notify_database: Database) -> None:
    stage = Stage(notify_database, AddressBook(default=BOT))
    lane = courier(stage, bot=Scripted(FAILED), phone=Scripted(DELIVERED))
    await stage.hear(*(envelope(assigned(), n) for n in range(1, 13)))
    await lane.deliver("bot")
    await stage.hear(envelope(assigned(urgency=Urgency.U1), 13))
    await lane.deliver("bot")
    assert (await stage.messages(13))[0]["attempts"] == []
    for seconds in (12, 30, 60):
        stage.now += timedelta(seconds=seconds)
        await lane.deliver("bot")
    stage.now += timedelta(seconds=60)
    await lane.deliver("bot")
    await lane.deliver("bot")
    assert await lane.deliver("phone") >= 1
    assert [m["state"] for m in await stage.messages(13)][-1] == "DELIVERED"


async def test_a_message_whose_turn_did_not_come_keeps_no_attempt(stage: Stage) -> None:
    lane = courier(stage, console=Scripted(UNTRIED, DELIVERED))
    await stage.hear(envelope(assigned()))
    await lane.deliver("console")
    (message,) = await stage.messages()
    assert (message["state"], message["attempts"]) == ("QUEUED", [])
    await lane.deliver("console")
    assert [a["n"] for a in (await stage.messages())[0]["attempts"]] == [1]


async def test_what_is_urgent_goes_first(stage: Stage) -> None:
    way = Scripted(DELIVERED)
    lane = courier(stage, console=way)
    urgencies = [Urgency.U3, Urgency.U2, Urgency.U1, Urgency.U3, Urgency.U1]
    await stage.hear(*(envelope(assigned(urgency=u), n) for n, u in enumerate(urgencies, 1)))
    await lane.deliver("console")
    assert [m.urgency for m in way.got] == sorted(urgencies)


async def test_a_dead_receiver_with_many_waiting_does_not_slow_another(notify_database: Database) -> None:
    dead, alive = RawReceiver(hang_up), RawReceiver(status("204 No Content"))
    async with dead.open() as dead_url, alive.open() as url, channel(dead_url, send_s=1.0) as bad, channel(url) as good:
        book = AddressBook(exact={"unit:water": Endpoint("bad", ChannelKind.WEBHOOK)}, default=Endpoint("good", ChannelKind.WEBHOOK))  # fmt: skip
        stage = Stage(notify_database, book)
        await stage.hear(*(envelope(assigned(), n) for n in range(1, 1001)))
        lanes = Courier(notify_database, stage.ledger, {"bad": bad, "good": good}, stage.clock)
        stopping = asyncio.Event()
        running = asyncio.create_task(lanes.run(stopping))
        await stage.hear(*(envelope(assigned(unit="gas"), n) for n in range(2001, 2101)))
        lanes.ring()

        async def all_arrived() -> bool:
            return len(alive.requests) == 100

        await eventually(all_arrived, within_s=60)
        stopping.set()
        await running
    assert len(dead.requests) < 60
    (waiting,) = await notify_database.fetch("SELECT count(*) FROM message WHERE state = 'QUEUED' AND attempts = 0")
    assert waiting["count"] > 900


async def test_a_stray_bundle_fails_openly_with_all_it_carries(stage: Stage) -> None:
    lane = courier(stage, console=Scripted(FAILED))
    await stage.hear(envelope(escalated(), 1), envelope(escalated(), 2))
    await lane.deliver("console")
    assert await Courier(stage.database, stage.ledger, {}, stage.clock).sweep() == 1
    for n in (1, 2):
        assert await states(stage, n) == [("escalated", "FAILED")]
        assert [type(e) for e in await stage.told(n)] == [NotificationFailed]


async def test_what_cannot_be_in_a_bundle_the_tables_refuse(stage: Stage) -> None:
    await stage.hear(envelope(assigned()))
    for change in ("state = 'CARRIED'", "carrier = id", "urgency = 'U4'", "audience = 'ALL'", "give_up_at = NULL"):
        with pytest.raises(Exception, match=r"violates (check|not-null) constraint"):
            await stage.database.fetch(f"UPDATE message SET {change}")
