"""A webhook subscription lives with the key it was made with: its area is the key's, and it ends with the key."""

from datetime import timedelta
from typing import Any

from services.notify.core.subscription import Stop, Subscription, SubscriptionState
from shared.acting import act_for, one_request
from shared.actors import Actor, Scope
from shared.api_keys import ApiKey
from shared.clock import utc_now
from shared.database import Database
from shared.key_store import insert_key, revoke_key, rotate_key
from tests.access.values import PEPPER, key
from tests.services.notify.stage import Receiver
from tests.services.notify.subscribed import SubscribedStage, said
from tests.services.notify.values import assigned

COUNTY, TOWN = "990101", "990101001"
HERE = {"category": "150101", "township": TOWN, "grid": "990101001001001"}
ELSEWHERE = {"category": "150101", "township": "990101002", "grid": "990101002001001"}
MANAGES = frozenset({Scope("subscriptions:manage")})
DAY = timedelta(days=1)


async def keep(database: Database, **changes: Any) -> ApiKey:
    """A new key of a city's."""
    now = utc_now()
    _, made = key(**{"client": "city", "role": "integrator", "scopes": MANAGES, "created_at": now - DAY,
                     "expires_at": now + DAY, **changes})  # fmt: skip
    async with database.transaction() as tx:
        await insert_key(tx, made)
    return made


def ask_with(shown: ApiKey) -> None:
    """From here on the request is the one of whoever shows this key."""
    act_for(Actor("integrator", jurisdiction=shown.jurisdiction, credential=shown.credential), shown.jurisdiction)


async def subscribed(stage: SubscribedStage, url: str, shown: ApiKey) -> Subscription:
    with one_request():
        ask_with(shown)
        made, _ = await stage.subscribe(url)
    return made


async def told_of(stage: SubscribedStage, receiver: Receiver, n: int, place: dict[str, str]) -> bool:
    """Whether the receiver is told of one more ticket."""
    before = len(receiver.requests)
    await stage.heard(said(assigned(**place), n=n))
    while await stage.sender.deliver():
        pass
    return len(receiver.requests) > before


async def test_it_is_deaf_and_dumb_from_the_moment_its_key_is_revoked(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage, shown = SubscribedStage(notify_database, url), await keep(notify_database)
        made = await subscribed(stage, url, shown)
        assert await told_of(stage, receiver, 1, HERE)
        await stage.heard(said(assigned(**HERE), n=2))  # queued, not sent yet
        async with notify_database.transaction() as tx:
            await revoke_key(tx, shown.lookup, utc_now())
        assert not await told_of(stage, receiver, 3, HERE)
        await stage.sender.sweep()
    standing = await stage.standing(made.id)
    assert (standing.state, standing.stopped_for) == (SubscriptionState.DISABLED, Stop.KEY)
    messages = [row["recipient"] for row in await notify_database.fetch("SELECT recipient FROM message")]
    assert messages.count("owner:city") == 1


async def test_a_key_that_ran_out_ends_it_too(notify_database: Database) -> None:
    receiver, now = Receiver(204), utc_now()
    async with receiver.open() as url:
        stage = SubscribedStage(notify_database, url)
        shown = await keep(notify_database, created_at=now - 2 * DAY, expires_at=now - DAY)
        await subscribed(stage, url, shown)
        assert not await told_of(stage, receiver, 1, HERE)


async def test_it_goes_on_with_the_key_that_replaced_its_own(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage, shown = SubscribedStage(notify_database, url), await keep(notify_database)
        await subscribed(stage, url, shown)
        text, _ = key()
        async with notify_database.transaction() as tx:
            await rotate_key(tx, shown.lookup, text, PEPPER, utc_now(), timedelta(), DAY)
            await revoke_key(tx, shown.lookup, utc_now())
        assert await told_of(stage, receiver, 1, HERE)
        await stage.sender.sweep()
        assert await told_of(stage, receiver, 2, HERE)


async def test_it_hears_of_the_area_its_key_has_today(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage, shown = SubscribedStage(notify_database, url), await keep(notify_database, jurisdiction=COUNTY)
        await subscribed(stage, url, shown)
        assert await told_of(stage, receiver, 1, ELSEWHERE)
        await stage.heard(said(assigned(**ELSEWHERE), n=2))  # queued for the county, and not sent to the township
        await notify_database.fetch("UPDATE api_key SET jurisdiction = $1 WHERE lookup = $2", TOWN, shown.lookup)
        assert not await told_of(stage, receiver, 3, ELSEWHERE)
        assert await told_of(stage, receiver, 4, HERE)


async def test_who_enables_it_again_gives_it_their_new_key(notify_database: Database) -> None:
    receiver = Receiver(204)
    async with receiver.open() as url:
        stage, old = SubscribedStage(notify_database, url), await keep(notify_database)
        made = await subscribed(stage, url, old)
        async with notify_database.transaction() as tx:
            await revoke_key(tx, old.lookup, utc_now())
        new = await keep(notify_database, jurisdiction=TOWN)
        with one_request():
            act_for(Actor("integrator", jurisdiction=COUNTY, credential=new.credential), COUNTY)
            async with notify_database.transaction() as tx:
                await stage.subscriptions.set_state(tx, "city", made.id, SubscriptionState.ACTIVE)
        assert await told_of(stage, receiver, 1, HERE)
        assert not await told_of(stage, receiver, 2, ELSEWHERE)
