"""Webhook subscriptions: the use cases behind stream and HTTP, each in its caller's transaction."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_bytes
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace as put
from uuid_utils.compat import uuid7

from services.notify import store
from services.notify import subscription_store as kept
from services.notify.channels.guard import Guard
from services.notify.channels.signing import ED25519_PREFIX, HMAC_PREFIX
from services.notify.core.contacts import AddressBook
from services.notify.core.courtesy import Courtesy
from services.notify.core.plan import plan_stopped
from services.notify.core.subscription import (
    OVERLAP,
    News,
    Stop,
    Subject,
    Subscription,
    SubscriptionState,
    Wish,
    fits,
    learn,
    shown_url,
    tell,
)
from services.notify.core.target import TargetRefused, read_url
from services.notify.seals import Seals
from shared.acting import acting
from shared.actors import EVERYWHERE, covers
from shared.api_keys import KEY_CREDENTIAL
from shared.clock import Clock
from shared.database import Transaction
from shared.errors import Conflict, NotFound, Problem, Rejected
from shared.events import Envelope
from shared.terms import TicketId

MOST_PER_OWNER = 50
MOST_REPLAYED = 100_000
PAGE = 5_000
PUBLIC_PREFIX = "whpk_"
_KEY_BYTES = 32


class Signing(StrEnum):
    """How deliveries are signed: with a secret both sides have, or so that a public key verifies them."""

    HMAC = "hmac"
    ED25519 = "ed25519"


class SubscriptionsOff(Exception):
    """The settings hold no key to keep secrets with, so nobody can subscribe."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as its owner is shown it, this once: the secret itself, or the public half of a pair."""

    shown: str
    secret: str


@dataclass(frozen=True)
class Subscriptions:
    """Who hears of what. `ring` wakes the sender of deliveries, `ring_messages` that of messages."""

    seals: Seals
    guard: Guard
    book: AddressBook
    courtesy: Courtesy
    now: Clock
    ring: Callable[[], None]
    ring_messages: Callable[[], None]
    county: str = ""
    """Where that lies of which no place is known; without it only those hear of that who hear of everywhere."""

    # What is heard

    async def hear(self, tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        """Feed events to whom they fit, in the transaction that moves their positions: none is lost or told twice."""
        everybody = await kept.listening(tx) if self.seals.is_able else []
        if not everybody:
            return
        known = await kept.lock_subjects(tx, {e.ticket_id for e in envelopes})
        subjects, news = _follow(known, envelopes)
        await kept.save_subjects(tx, {t: s for t, s in subjects.items() if s != known[t]})
        if not news:
            return
        now = self.now()
        places = await kept.add_news(tx, news, now)
        active = [s for s in everybody if s.state is SubscriptionState.ACTIVE]
        placed = [put(n, seq=places[n.event_id]) for n in news if n.event_id in places]
        wanted = [(s.id, n) for n in placed for s in active if hears(s, n, self.county)]
        if wanted:
            await kept.add_deliveries(tx, wanted, now)
            tx.on_commit(self.ring)

    # What owners do

    async def create(
        self, tx: Transaction, owner: str, name: str, url: str, wish: Wish, signing: Signing
    ) -> tuple[Subscription, NewKey]:
        """Subscribe. Raises SubscriptionsOff, Rejected for an address that is not allowed, or for too many."""
        self._check_able()
        await self.check_target(url)
        if await kept.count_subscriptions(tx, owner) >= MOST_PER_OWNER:
            raise Rejected(Problem("", "too_many", f"an owner has at most {MOST_PER_OWNER} subscriptions"))
        now, identity = self.now(), uuid7()
        made = Subscription(
            identity, owner, name, url, wish, SubscriptionState.ACTIVE, None, 1, now, now, None, None, callers_area(),
            callers_key(),
        )  # fmt: skip
        key = new_key(signing)
        await kept.add_subscription(tx, made, self.seals.seal(identity, key.secret))
        return made, key

    async def change(
        self, tx: Transaction, owner: str, identity: UUID, version: int | None, **changes: object
    ) -> Subscription:
        """Change name, url or wish. Raises NotFound, Rejected, Conflict when `version` is not the current one."""
        standing = await self.locked(tx, owner, identity)
        if version is not None and version != standing.version:
            raise Conflict("the subscription has changed meanwhile", standing.version)
        changed = replace(standing, **changes, changed_at=self.now(), version=standing.version + 1)  # type: ignore[arg-type]
        if changed.url != standing.url:
            await self.check_target(changed.url)
        await kept.save_subscription(tx, changed)
        return changed

    async def set_state(self, tx: Transaction, owner: str, identity: UUID, state: SubscriptionState) -> Subscription:
        """Enable, disable or delete; doing it again changes nothing. Raises NotFound.

        Who enables it gives it their own key and area: the one it had may be no good any more.
        """
        standing = await self.locked(tx, owner, identity)
        key_is_new = state is SubscriptionState.ACTIVE and standing.made_with != callers_key()
        if standing.state is state and not key_is_new:
            return standing
        stopped_for = Stop.OWNER if state is SubscriptionState.DISABLED else None
        changed = replace(
            standing, state=state, stopped_for=stopped_for, changed_at=self.now(), version=standing.version + 1
        )  # fmt: skip
        if state is SubscriptionState.ACTIVE:
            changed = replace(changed, area=callers_area(), made_with=callers_key())
        await kept.save_subscription(tx, changed)
        tx.on_commit(self.ring)
        return changed

    async def rotate(
        self, tx: Transaction, owner: str, identity: UUID, signing: Signing, overlap: timedelta = OVERLAP
    ) -> tuple[NewKey, datetime]:
        """A new key; the one until now signs beside it for `overlap`. Raises NotFound, SubscriptionsOff."""
        self._check_able()
        standing = await self.locked(tx, owner, identity)
        key, until = new_key(signing), self.now() + overlap
        await kept.rotate_secret(tx, standing.id, self.seals.seal(standing.id, key.secret), until)
        return key, until

    async def ping(self, tx: Transaction, owner: str, identity: UUID) -> int:
        """Queue a test message; its number in the log. Raises NotFound, Conflict while disabled."""
        standing = await self._active(tx, owner, identity)
        (seq,) = await kept.add_deliveries(tx, [(standing.id, None)], self.now())
        tx.on_commit(self.ring)
        return seq

    async def replay(
        self, tx: Transaction, owner: str, identity: UUID, *, ticket_id: TicketId | None = None,
        since: datetime | None = None, until: datetime | None = None,
    ) -> int:  # fmt: skip
        """Queue again what fits of a ticket, or of a time; how many. Raises NotFound, Rejected,
        and Conflict while disabled."""
        standing, now, after, found = await self._active(tx, owner, identity), self.now(), 0, 0
        while True:
            page = await kept.page_news(tx, after, ticket_id, since, until, PAGE)
            wanted = [(standing.id, n) for n in page if hears(standing, n, self.county)]
            found += len(wanted)
            if found > MOST_REPLAYED:
                raise Rejected(Problem("", "too_many", f"more than {MOST_REPLAYED} events: ask for a shorter time"))
            if wanted:
                await kept.add_deliveries(tx, wanted, now, replay=True)
            if len(page) < PAGE:
                break
            after = page[-1].seq
        tx.on_commit(self.ring)
        return found

    # What receivers do

    async def stop(self, tx: Transaction, identity: UUID, why: Stop) -> None:
        """Disable what cannot be delivered to, and tell its owner by another channel. Once for each time."""
        standing = await kept.lock_subscription(tx, identity)
        if standing is None or standing.state is not SubscriptionState.ACTIVE:
            return
        now = self.now()
        stopped = replace(
            standing, state=SubscriptionState.DISABLED, stopped_for=why, changed_at=now, version=standing.version + 1
        )  # fmt: skip
        await kept.save_subscription(tx, stopped)
        place = shown_url(read_url(stopped.url, self.guard.loopback))
        await store.add_messages(tx, [plan_stopped(stopped, place, self.book, now)], now, self.courtesy)
        tx.on_commit(self.ring_messages)

    async def check_target(self, url: str) -> None:
        """Raises Rejected unless messages may go there, as far as can be told now; every connection is judged anew."""
        try:
            target = read_url(url, self.guard.loopback)
            await self.guard.find(target.host, target.port)
        except TargetRefused as refused:
            raise Rejected(Problem("url", "target", str(refused))) from refused
        except OSError:
            return  # nobody knows the name yet

    async def locked(self, tx: Transaction, owner: str, identity: UUID) -> Subscription:
        """An owner's subscription, locked; somebody else's, or another area's, is not there. Raises NotFound."""
        found = await kept.lock_subscription(tx, identity)
        if found is None or not is_owned(found, owner):
            raise NotFound("no such subscription")
        return found

    async def _active(self, tx: Transaction, owner: str, identity: UUID) -> Subscription:
        standing = await self.locked(tx, owner, identity)
        if standing.state is not SubscriptionState.ACTIVE:
            raise Conflict("the subscription is disabled: enable it first", standing.version, "disabled")
        return standing

    def _check_able(self) -> None:
        if not self.seals.is_able:
            raise SubscriptionsOff("no key to keep secrets with")


def callers_area() -> str:
    """The area of whoever asks; everywhere where this is no request."""
    return acting().area or EVERYWHERE


def callers_key() -> str | None:
    """The key of whoever asks; None where they show none."""
    credential = acting().actor.credential
    return credential.removeprefix(KEY_CREDENTIAL) if credential.startswith(KEY_CREDENTIAL) else None


def may_know(subscription: Subscription, news: News, county: str) -> bool:
    """Whether it happened where the owner acts. What has no place yet is the county's."""
    return covers(subscription.area, news.grid or news.township or county)


def hears(subscription: Subscription, news: News, county: str) -> bool:
    """Whether a subscription is told: what its owner may know of, as far as it fits the wish."""
    return may_know(subscription, news, county) and fits(subscription.wish, news)


def is_owned(subscription: Subscription, owner: str) -> bool:
    """Whether it is the owner's, and of the area they act for: ids of one area may be others' in the next."""
    return subscription.owner == owner and covers(callers_area(), subscription.area)


def new_key(signing: Signing) -> NewKey:
    """A fresh random key."""
    if signing is Signing.HMAC:
        secret = HMAC_PREFIX + base64.b64encode(token_bytes(_KEY_BYTES)).decode()
        return NewKey(secret, secret)
    private = Ed25519PrivateKey.generate()
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    return NewKey(PUBLIC_PREFIX + public, ED25519_PREFIX + base64.b64encode(private.private_bytes_raw()).decode())


def _follow(
    known: dict[TicketId, Subject], envelopes: Sequence[Envelope]
) -> tuple[dict[TicketId, Subject], list[News]]:
    """What is known after these events, and the news in each by what was known then."""
    subjects, news = dict(known), list[News]()
    for envelope in envelopes:
        subject = subjects[envelope.ticket_id] = learn(subjects[envelope.ticket_id], envelope.event)
        told = tell(envelope, subject)
        if told is not None:
            news.append(told)
    return subjects, news
