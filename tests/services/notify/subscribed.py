"""A stage to which receivers subscribe: all three topics heard, deliveries sent over real HTTP."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from services.notify import subscription_store as kept
from services.notify.channels.guard import Guard
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import USUAL
from services.notify.core.subscription import Subscription, Wish
from services.notify.handlers import measure_nothing, routes
from services.notify.seals import Seals
from services.notify.subscription_courier import SubscriptionCourier
from services.notify.subscriptions import NewKey, Signing, Subscriptions
from shared.codec import Record
from shared.database import Database
from shared.events import Envelope, Event, event_id
from shared.positions import Incoming
from shared.terms import Source
from shared.wake import Wake
from tests.services.notify.stage import Stage
from tests.services.notify.values import ticket

SEALS = Seals({"k1": b"k" * 32})
TOPICS = {Source.DISPATCH: 0, Source.INTAKE: 1, Source.NOTIFY: 2}


class SubscribedStage(Stage):
    """One notify service without Kafka, to which places of this machine may subscribe."""

    def __init__(self, database: Database, *urls: str, seals: Seals = SEALS, send_s: float = 5.0) -> None:
        super().__init__(database, AddressBook())
        parts = [urlsplit(url) for url in urls]
        guard = Guard({(p.hostname or "", p.port or 0) for p in parts})
        self.bell = Wake()
        self.subscriptions = Subscriptions(
            seals, guard, AddressBook(), USUAL, self.clock, self.bell.ring, self.courier.ring, "990101"
        )
        self.sender = SubscriptionCourier(database, self.subscriptions, self.bell, send_s=send_s)
        self.topics = routes(self.follow_ups, measure_nothing, self.subscriptions)

    async def heard(self, *envelopes: Envelope) -> None:
        """Apply events as one batch of their writer's topic."""
        for source, place in TOPICS.items():
            mine = [Incoming(e, Record("topic", 0, 0, None, None)) for e in envelopes if e.source is source]
            if mine:
                async with self.database.transaction() as tx:
                    await self.topics[place].apply(tx, mine)

    async def subscribe(
        self, url: str, owner: str = "city", name: str = "hook", signing: Signing = Signing.HMAC, **wish: Any
    ) -> tuple[Subscription, NewKey]:
        """Somebody subscribes."""
        async with self.database.transaction() as tx:
            lists: dict[str, Any] = {k: v if isinstance(v, bool) else frozenset(v) for k, v in wish.items()}
            return await self.subscriptions.create(tx, owner, name, url, Wish(**lists), signing)

    async def standing(self, identity: UUID) -> Subscription:
        """The subscription as it is now."""
        found = await kept.read_subscription(self.database, identity)
        assert found is not None
        return found

    async def log(self, identity: UUID) -> list[dict[str, Any]]:
        """Its deliveries, the oldest first."""
        return (await kept.list_deliveries(self.database, identity, 2**62, "", 500))[::-1]


def said(
    event: Event, n: int = 1, version: int = 1, by: Source = Source.DISPATCH, at: datetime | None = None
) -> Envelope:
    """`event` as a writer's `version`-th statement about the n-th ticket."""
    from_ = at or datetime.fromisoformat("2026-03-10T01:15:00+00:00")
    return Envelope(event_id(by, ticket(n), version), by, ticket(n), version, from_, event)
