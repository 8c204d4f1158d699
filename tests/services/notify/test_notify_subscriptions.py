"""Webhook subscriptions: heard once with the position, told in order, signed, retried, stopped, replayed."""

import asyncio
import base64
import json
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from starlette.responses import Response

from services.notify import subscription_store as kept
from services.notify.core.delivery import DELAYS
from services.notify.core.subscription import PING, Stop, Subscription, SubscriptionState
from services.notify.seals import Seals
from services.notify.subscription_courier import KEEP, LEASE_S
from services.notify.subscriptions import MOST_PER_OWNER, Signing, SubscriptionsOff, callers_area
from shared.acting import act_for, one_request
from shared.actors import Actor
from shared.database import Database
from shared.errors import NotFound, Rejected
from shared.events import TicketAssigned, TicketEvaluated, TicketReceived, TicketSigned
from shared.intake_events import LeadCreated
from shared.terms import (
    AssignmentId,
    Channel,
    FollowUpOutcome,
    LeadId,
    LeadKind,
    Source,
)
from tests.builders import eventually, triaged
from tests.services.notify.stage import Receiver
from tests.services.notify.subscribed import SubscribedStage, said
from tests.services.notify.values import HOTLINE, MORNING, NO, assigned, audited

ONE_DAY = timedelta(days=1)
LAMPS = {"category": "150101", "township": "990101001", "grid": "990101001001001"}
SIGNED = TicketSigned(assignment_id=AssignmentId(UUID(int=77)), unit="water")


def received() -> TicketReceived:
    return TicketReceived(ticket_no=NO, source=HOTLINE, channel=Channel.PHONE)


async def test_a_subscriber_hears_of_all_three_services_and_of_nothing_but_ids_and_codes(
    notify_database: Database,
) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        _, key = await stage.subscribe(url)
        await stage.heard(said(received(), by=Source.INTAKE), said(assigned(**LAMPS)))
        await stage.heard(
            said(TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE), by=Source.NOTIFY),
            said(SIGNED, version=2),
        )
        while await stage.sender.deliver():
            pass
    bodies = [Webhook(key.shown).verify(body, headers) for headers, body in receiver.requests]
    assert sorted(b["type"].rpartition("griddispatch.")[2] for b in bodies) == [
        "ticket.assigned.v1", "ticket.evaluated.v1", "ticket.received.v1", "ticket.signed.v1",
    ]  # fmt: skip
    signed = next(b for b in bodies if b["type"].endswith("ticket.signed.v1"))
    assert signed["data"] == {
        "event_id": signed["data"]["event_id"], "source": "/griddispatch/dispatch",
        "ticket_id": "00000000-0000-0000-0000-000000000001", "version": 2, "unit": "water", "category": "150101",
        "township": "990101001", "grid": "990101001001001", "exercise": False,
    }  # fmt: skip


async def test_what_does_not_fit_the_wish_is_not_told(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        by_unit, _ = await stage.subscribe(url, units=["gas"])
        by_type, _ = await stage.subscribe(url, types=[TicketSigned.type])
        by_area, _ = await stage.subscribe(url, areas=["990101002"])
        by_category, _ = await stage.subscribe(url, categories=["15"])
        drills, _ = await stage.subscribe(url, exercises=True)
        await stage.heard(said(assigned(**LAMPS)), said(SIGNED, version=2), said(assigned(exercise=True), n=2))
    assert [len(await stage.log(s.id)) for s in (by_unit, by_type, by_area, by_category, drills)] == [0, 1, 0, 2, 3]


async def test_nothing_of_another_area_is_told_whatever_the_wish(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage, made = SubscribedStage(notify_database, url), dict[str, Subscription]()
        for area in ("990101001", "990101002", "990101", "990102"):
            with one_request():
                act_for(Actor("integrator", client="city", jurisdiction=area), area)
                made[area], _ = await stage.subscribe(url, areas=["99"] if area == "990101002" else [])
        await stage.heard(said(received(), by=Source.INTAKE))
        await stage.heard(said(assigned(**LAMPS)), said(SIGNED, version=2))
        heard = {area: len(await stage.log(one.id)) for area, one in made.items()}
        assert heard == {"990101001": 2, "990101002": 0, "990101": 3, "990102": 0}
        with one_request():
            act_for(Actor("integrator", client="city", jurisdiction="990101002"), "990101002")
            async with stage.database.transaction() as tx:
                again = await stage.subscriptions.replay(tx, "city", made["990101002"].id, since=MORNING - ONE_DAY)
            assert again == 0
            with pytest.raises(NotFound):
                async with stage.database.transaction() as tx:
                    await stage.subscriptions.ping(tx, "city", made["990101001"].id)
            listed = await kept.list_subscriptions(stage.database, "city", callers_area())
        assert [one.id for one in listed] == [made["990101002"].id]


async def test_sensitive_leads_and_hidden_tickets_are_told_to_nobody(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        everything, _ = await stage.subscribe(url)
        lead = LeadCreated(lead_id=LeadId(UUID(int=9)), kind=LeadKind.DISCIPLINE)
        await stage.heard(said(lead, by=Source.INTAKE), said(triaged(hidden=True), n=2, by=Source.INTAKE))
        await stage.heard(said(assigned(), n=2))
    assert await stage.log(everything.id) == []


async def test_an_event_that_comes_twice_is_told_once(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        for _ in range(2):
            await stage.heard(said(assigned()), said(SIGNED, version=2))
        assert len(await stage.log(made.id)) == 2


async def test_a_batch_that_is_rolled_back_leaves_no_delivery_and_comes_again(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        with pytest.raises(ZeroDivisionError):
            async with notify_database.transaction() as tx:
                await stage.subscriptions.hear(tx, [said(assigned())])
                raise ZeroDivisionError
        assert await stage.log(made.id) == []
        await stage.heard(said(assigned()))
        assert len(await stage.log(made.id)) == 1


async def test_a_story_is_told_in_order_even_while_its_first_event_is_refused(notify_database: Database) -> None:
    receiver = Receiver(500, 204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        await stage.heard(said(assigned()), said(SIGNED, version=2))
        await stage.heard(said(audited(), version=3))
        await stage.sender.deliver()
        assert await stage.sender.deliver() == 0, "what comes later waits for what failed"
        stage.now = MORNING + timedelta(seconds=7)
        while await stage.sender.deliver():
            pass
    told = [json.loads(body)["data"]["version"] for _, body in receiver.requests]
    assert told == [1, 1, 2, 3]
    assert [d["state"] for d in await stage.log(made.id)] == ["DELIVERED"] * 3
    assert receiver.ids[0] == receiver.ids[1]


async def test_other_stories_go_on_while_one_waits(notify_database: Database) -> None:
    receiver = Receiver(500, 204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        await stage.subscribe(url)
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
        await stage.heard(said(assigned(), n=2), said(SIGNED, version=2))
        assert await stage.sender.deliver() == 1
    assert json.loads(receiver.requests[-1][1])["data"]["ticket_id"].endswith("2")


async def test_a_receiver_that_is_gone_is_stopped_and_its_owner_hears_of_it_elsewhere(
    notify_database: Database,
) -> None:
    receiver = Receiver(410)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url, owner="city")
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
        await stage.heard(said(assigned(), n=2))
        assert await stage.sender.deliver() == 0
    standing = await stage.standing(made.id)
    assert (standing.state, standing.stopped_for) == (SubscriptionState.DISABLED, Stop.GONE)
    (told,) = await notify_database.fetch(
        "SELECT recipient, template, facts FROM message WHERE ticket_id = $1", made.id
    )
    assert (told["recipient"], told["template"]) == ("owner:city", "subscription_stopped")
    assert "/hook" not in told["facts"], "a path may hold a token"
    assert await stage.courier.deliver("console") >= 1


async def test_a_receiver_that_takes_nothing_through_the_whole_schedule_is_stopped(notify_database: Database) -> None:
    receiver = Receiver(404)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        await stage.heard(said(assigned()))
        for delay in DELAYS:
            stage.now += delay * 1.25 + timedelta(seconds=1)
            assert await stage.sender.deliver() == 1
    assert (await stage.standing(made.id)).stopped_for is Stop.UNREACHABLE
    (delivery,) = await stage.log(made.id)
    assert (delivery["state"], len(delivery["attempts"])) == ("FAILED", 11)


async def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(notify_database: Database) -> None:
    receiver = Receiver(Response(status_code=429, headers={"retry-after": "120"}), 204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        await stage.subscribe(url)
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
        await stage.heard(said(assigned(), n=2))
        stage.now += timedelta(seconds=119)
        assert await stage.sender.deliver() == 0
        stage.now += timedelta(seconds=2)
        assert await stage.sender.deliver() == 1


async def test_during_a_rotation_both_keys_verify_and_afterwards_only_the_new_one(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, old = await stage.subscribe(url)
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
        async with notify_database.transaction() as tx:
            new, until = await stage.subscriptions.rotate(tx, "city", made.id, Signing.HMAC)
        await stage.heard(said(SIGNED, version=2))
        await stage.sender.deliver()
        stage.now = until
        await stage.heard(said(audited(), version=3))
        await stage.sender.deliver()
    before, during, after = [(body, headers) for headers, body in receiver.requests]
    assert Webhook(old.shown).verify(*before)
    assert Webhook(old.shown).verify(*during) == Webhook(new.shown).verify(*during)
    assert Webhook(new.shown).verify(*after)
    for stale in ((new, before), (old, after)):
        with pytest.raises(WebhookVerificationError):
            Webhook(stale[0].shown).verify(*stale[1])


async def test_an_owner_may_have_only_a_public_key(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        _, key = await stage.subscribe(url, signing=Signing.ED25519)
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
    ((headers, body),) = receiver.requests
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.shown.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public.verify(base64.b64decode(headers["webhook-signature"].removeprefix("v1a,")), signed)


async def test_a_ping_says_only_that_it_is_one_and_stands_in_the_log(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, key = await stage.subscribe(url)
        async with notify_database.transaction() as tx:
            await stage.subscriptions.ping(tx, "city", made.id)
        await stage.sender.deliver()
    ((headers, body),) = receiver.requests
    assert Webhook(key.shown).verify(body, headers)["type"] == PING
    (delivery,) = await stage.log(made.id)
    assert (delivery["is_ping"], delivery["state"]) == (True, "DELIVERED")


async def test_what_was_missed_is_replayed_by_time_and_by_ticket_with_the_ids_it_had(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url, types=[TicketAssigned.type])
        later = MORNING + timedelta(hours=2)
        await stage.heard(said(assigned()), said(SIGNED, version=2), said(assigned(), n=2, at=later))
        while await stage.sender.deliver():
            pass
        async with notify_database.transaction() as tx:
            by_time = await stage.subscriptions.replay(tx, "city", made.id, since=later)
            by_ticket = await stage.subscriptions.replay(tx, "city", made.id, ticket_id=said(assigned()).ticket_id)
        while await stage.sender.deliver():
            pass
    assert (by_time, by_ticket) == (1, 1)
    once, again = receiver.ids[:2], receiver.ids[2:]
    assert len(set(once)) == 2
    assert sorted(again) == sorted(once)
    assert len({body for _, body in receiver.requests}) == 2, "the same news read the same again"


async def test_what_happens_while_disabled_is_not_queued_and_can_be_replayed(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        for state, ours in ((SubscriptionState.DISABLED, said(assigned())), (SubscriptionState.ACTIVE, None)):
            async with notify_database.transaction() as tx:
                await stage.subscriptions.set_state(tx, "city", made.id, state)
            if ours:
                await stage.heard(ours)
        assert await stage.log(made.id) == []
        async with notify_database.transaction() as tx:
            assert await stage.subscriptions.replay(tx, "city", made.id, since=MORNING - timedelta(hours=9)) == 1


async def test_a_sender_that_died_is_noticed_and_its_delivery_sent_again(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        await stage.heard(said(assigned()))
        await kept.claim_deliveries(notify_database, made.id, stage.clock(), limit=5, lease_s=-1)
        assert await stage.sender.deliver() == 0
        assert await stage.sender.sweep() == 1
        stage.now += timedelta(seconds=7)
        assert await stage.sender.deliver() == 1
    (delivery,) = await stage.log(made.id)
    assert [a["outcome"] for a in delivery["attempts"]] == ["AMBIGUOUS", "DELIVERED"]


async def test_what_is_old_is_forgotten_and_what_waits_for_it_is_given_up(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        await stage.heard(said(assigned()))
        await stage.sender.deliver()
        stage.now += KEEP + timedelta(days=1)
        await stage.sender.sweep()
    assert await stage.log(made.id) == []
    assert await notify_database.fetch("SELECT FROM feed") == []


async def test_addresses_of_our_own_network_are_refused_when_saved(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database)
    for url in ("http://127.0.0.1:9/", "https://10.0.0.1/", "https://localhost/", "https://2130706433/"):
        with pytest.raises(Rejected):
            await stage.subscribe(url)


async def test_an_owner_has_so_many_and_no_more(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, "http://127.0.0.1:9/hook")
    for _ in range(MOST_PER_OWNER):
        await stage.subscribe("http://127.0.0.1:9/hook")
    with pytest.raises(Rejected):
        await stage.subscribe("http://127.0.0.1:9/hook")
    await stage.subscribe("http://127.0.0.1:9/hook", owner="another")


async def test_somebody_elses_subscription_is_not_there(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, "http://127.0.0.1:9/hook")
    made, _ = await stage.subscribe("http://127.0.0.1:9/hook")
    with pytest.raises(NotFound):
        async with notify_database.transaction() as tx:
            await stage.subscriptions.ping(tx, "another", made.id)


async def test_without_a_key_to_keep_secrets_nobody_subscribes(notify_database: Database) -> None:
    stage = SubscribedStage(notify_database, "http://127.0.0.1:9/hook", seals=Seals({}))
    with pytest.raises(SubscriptionsOff):
        await stage.subscribe("http://127.0.0.1:9/hook")
    await stage.heard(said(assigned()))
    assert await notify_database.fetch("SELECT FROM feed") == []


async def test_the_loop_delivers_and_ends_when_told(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        made, _ = await stage.subscribe(url)
        stopping = asyncio.Event()
        running = asyncio.create_task(stage.sender.run(stopping))
        await stage.heard(said(assigned()), said(SIGNED, version=2))

        async def told() -> bool:
            return [d["state"] for d in await stage.log(made.id)] == ["DELIVERED"] * 2

        await eventually(told)
        stopping.set()
        stage.bell.ring()
        await running
    assert LEASE_S > 0
