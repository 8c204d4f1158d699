"""Delivering to subscribers: a turn for each receiver that something is due for, apart from all others."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from services.notify import subscription_store as kept
from services.notify.channels.base import BATCH, SEND_S, in_turn
from services.notify.channels.guard import Guard
from services.notify.channels.http import HttpClient, InDoubt, NotSent
from services.notify.channels.signing import KeyRefused, Sign, read_keys, sign
from services.notify.core.breaker import Breaker
from services.notify.core.delivery import LOST, Outcome, Result, Verdict, judge, read_answer
from services.notify.core.message import MessageState, Policy
from services.notify.core.subscription import Stop, Subscription, message_id, payload
from services.notify.core.target import TargetRefused, read_url
from services.notify.seals import Seals
from services.notify.subscription_store import Delivery, Sealed, Tried
from services.notify.subscriptions import Subscriptions, may_know
from shared import telemetry
from shared.clock import utc_now
from shared.database import Database
from shared.errors import CannotOpen, Unavailable
from shared.telemetry import log
from shared.wake import Wake, pause

POLL_S = 0.5
LEASE_S = 60.0
MOST_AT_ONCE = 64
"""Receivers that are sent to at the same time; with BATCH it bounds what is in memory, whatever is queued."""
SWEEP_S = 5.0
SWEEP_BATCH = 500
KEEP = timedelta(days=14)
"""How long what was delivered, and what can be replayed, is kept: as long as the topics keep it."""
PRUNE_BATCH = 5_000
PRUNE_ROUNDS = 10
"""So many batches a sweep: what is forgotten keeps up with what is delivered."""
CHANNEL = "subscription"

_FORGOTTEN = Result(Outcome.GONE, "older than what is kept", is_alive=True)
_ELSEWHERE = Result(Outcome.GONE, "not of the area of the owner's key", is_alive=True)
_UNSENT = (_FORGOTTEN, _ELSEWHERE)
KEYLESS_BATCH = 100


class Sender:
    """The way to one receiver, with the keys that sign now."""

    def __init__(
        self, subscription: Subscription, keys: Sequence[Sign], guard: Guard, county: str, send_s: float = SEND_S
    ) -> None:
        """What has no place yet is the `county`'s. Raises TargetRefused."""
        self._county = county
        self.version, self.area = subscription.version, subscription.area
        self.keys = tuple(keys)
        self._subscription = subscription
        self._client = HttpClient(read_url(subscription.url, guard.loopback), guard, send_s=send_s)

    async def send(self, delivery: Delivery) -> Result:
        """One attempt; never raises for what the receiver does."""
        if delivery.is_gone:
            return _FORGOTTEN
        if delivery.news is not None and not may_know(self._subscription, delivery.news, self._county):
            return _ELSEWHERE
        identity = message_id(self._subscription.id, delivery.news, delivery.seq)
        body = payload(delivery.news, delivery.created_at)
        headers = (("content-type", "application/json"), *sign(self.keys, str(identity), utc_now(), body))
        try:
            answer = await self._client.send(body.encode(), headers)
        except NotSent as error:
            return Result(Outcome.FAILED, str(error))
        except InDoubt as error:
            return Result(Outcome.AMBIGUOUS, str(error))
        return read_answer(answer.status, answer.retry_after, utc_now())

    def rest(self) -> bool:
        """Let go of connections that are not used; whether none is left."""
        return self._client.rest()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()


class SubscriptionCourier:
    """The delivery loop. Any number of copies may run: a lease lets one of them send, a story's order holds for all."""

    def __init__(
        self, database: Database, subscriptions: Subscriptions, bell: Wake, *, lease_s: float = LEASE_S,
        send_s: float = SEND_S, most_at_once: int = MOST_AT_ONCE, prune_batch: int = PRUNE_BATCH,
    ) -> None:  # fmt: skip
        """`bell` is rung when something may be due."""
        self._database = database
        self._subscriptions = subscriptions
        self._seals: Seals = subscriptions.seals
        self._now = subscriptions.now
        self._lease_s = lease_s
        self._send_s = send_s
        self._most_at_once = most_at_once
        self._prune_batch = prune_batch
        self._senders: dict[UUID, Sender] = {}
        self._breakers: dict[UUID, Breaker] = {}
        self._busy: set[UUID] = set()
        self._turns: dict[UUID, int] = {}
        self._turn_numbers = count(1)
        self._wake = bell
        self._pruned_at: datetime | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until asked to stop, and finish what is in hand."""
        try:
            async with asyncio.TaskGroup() as turns:
                turns.create_task(self._sweep(stopping), name="subscriptions:sweep")
                while not stopping.is_set():
                    for sealed in await self.next_turns():
                        turns.create_task(self._turn(sealed), name=f"subscriptions:{sealed.subscription.id}")
                    await self._wake.wait(POLL_S)
        finally:
            for sender in self._senders.values():
                sender.close()

    async def deliver(self) -> int:
        """One turn for everybody that something is due for, one after the other; how much was tried."""
        ready = await kept.ready_subscriptions(self._database, self._now(), ())
        return sum([await self.take_turn(sealed) for sealed in ready])

    async def take_turn(self, sealed: Sealed) -> int:
        """Send what is due at one receiver, as much as it is trusted with; how much. Raises Unavailable."""
        subscription, now = sealed.subscription, self._now()
        breaker = self._breakers.get(subscription.id, Breaker())
        room = breaker.room(now, BATCH)
        if room == 0:
            return 0
        try:
            sender = self._sender(sealed)
        except (TargetRefused, CannotOpen, KeyRefused) as error:
            log.error("subscription_unusable", subscription_id=str(subscription.id), error=str(error))
            self._breakers[subscription.id] = Breaker(open_until=now + timedelta(minutes=1))
            return 0
        claimed = await kept.claim_deliveries(
            self._database, subscription.id, now, limit=room, lease_s=self._lease_s
        )  # fmt: skip
        if not claimed:
            return 0
        results = await in_turn(claimed, sender.send)
        now = self._now()
        self._breakers[subscription.id] = breaker.after(results, now, random.random())
        await self._record(subscription, [_tried(d, r, now) for d, r in zip(claimed, results, strict=True)], now)
        return len(claimed)

    async def sweep(self) -> int:
        """Settle what its sender left behind, and forget what is old; how much was settled. Raises Unavailable."""
        now = self._now()
        lost = await kept.lost_deliveries(self._database, SWEEP_BATCH)
        async with self._database.transaction() as tx:
            await kept.settle_deliveries(tx, [_tried(d, LOST, now) for d in lost], now)
        await self._end_keyless()
        self._rest()
        is_time = self._pruned_at is None or now - self._pruned_at > timedelta(minutes=1)
        for _ in range(PRUNE_ROUNDS if is_time else 0):
            if await kept.prune(self._database, now - KEEP, self._prune_batch) < self._prune_batch:
                self._pruned_at = now  # else the next sweep goes on
                break
        return len(lost)

    async def _end_keyless(self) -> None:
        """Disable what was made with a key that is no good any more, and tell the owner; it is deaf already."""
        for identity in await kept.keyless_subscriptions(self._database, KEYLESS_BATCH):
            async with self._database.transaction() as tx:
                await self._subscriptions.stop(tx, identity, Stop.KEY)

    def _rest(self) -> None:
        """Receivers come and go: who has no turn holds no connection, and who was never in trouble no memory."""
        at_rest = [i for i, sender in self._senders.items() if i not in self._busy and sender.rest()]
        for identity in at_rest:
            del self._senders[identity]
        self._breakers = {identity: b for identity, b in self._breakers.items() if b != Breaker()}

    async def next_turns(self) -> list[Sealed]:
        """Whose turn begins: something is due, none is under way, and the breaker lets through.

        Whoever's last turn is longest ago comes first, so that many with much to hear do not shut out the others.
        """
        room = self._most_at_once - len(self._busy)
        if room <= 0:
            return []
        now = self._now()
        try:
            ready = await kept.ready_subscriptions(self._database, now, self._busy)
        except Unavailable as error:
            log.warning("subscriptions_wait", error=str(error))
            return []
        trusted = [s for s in ready if self._breakers.get(s.subscription.id, Breaker()).room(now, 1)]
        chosen = sorted(trusted, key=lambda s: self._turns.get(s.subscription.id, 0))[:room]
        for sealed in chosen:
            self._busy.add(sealed.subscription.id)
            self._turns[sealed.subscription.id] = next(self._turn_numbers)
        return chosen

    def end_turn(self, identity: UUID) -> None:
        """A receiver may have its next turn."""
        self._busy.discard(identity)

    async def _turn(self, sealed: Sealed) -> None:
        tried = 0
        try:
            tried = await self.take_turn(sealed)
        except Unavailable as error:
            log.warning("subscriptions_wait", subscription_id=str(sealed.subscription.id), error=str(error))
        finally:
            self.end_turn(sealed.subscription.id)
        if tried:
            self._wake.ring()

    async def _record(self, subscription: Subscription, tried: Sequence[Tried], now: datetime) -> None:
        """Write outcomes in one transaction. What cannot be written is found by the sweep, and sent again."""
        turns = [t for t in tried if t.result.outcome is not Outcome.UNTRIED]
        async with self._database.transaction() as tx:
            await kept.release_deliveries(tx, [t.delivery for t in tried if t.result.outcome is Outcome.UNTRIED])
            await kept.settle_deliveries(tx, turns, now)
            if any(t.result.outcome is Outcome.DELIVERED for t in turns):
                await kept.note_delivered(tx, subscription.id, now)
            why = _stop_of(subscription, turns)
            if why is not None:
                await self._subscriptions.stop(tx, subscription.id, why)
        for outcome, times in Counter(t.result.outcome.value.lower() for t in turns).items():
            telemetry.NOTIFICATIONS.labels(channel=CHANNEL, outcome=outcome).inc(times)

    def _sender(self, sealed: Sealed) -> Sender:
        """The way there; made anew when the subscription changed, or a key's time is over."""
        identity = sealed.subscription.id
        sender = self._senders.get(identity)
        wanted = (sealed.subscription.version, sealed.subscription.area)
        fresh = sender is not None and (sender.version, sender.area) == wanted
        if sender is None or not fresh or len(sender.keys) != len(sealed.secrets):
            if sender is not None:
                sender.close()
            keys = read_keys(" ".join(self._seals.open(identity, secret) for secret in sealed.secrets))
            sender = self._senders[identity] = Sender(
                sealed.subscription, keys, self._subscriptions.guard, self._subscriptions.county, self._send_s
            )  # fmt: skip
        return sender

    async def _sweep(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                found = await self.sweep()
                if found:
                    log.warning("deliveries_swept", found=found)
            except Unavailable as error:
                log.warning("subscriptions_wait", error=str(error))
            await pause(stopping, SWEEP_S)


def _tried(delivery: Delivery, result: Result, now: datetime) -> Tried:
    if result.outcome is Outcome.UNTRIED:
        return Tried(delivery, Verdict(MessageState.QUEUED, None, ""), result)
    return Tried(delivery, judge(Policy.RESEND, delivery.attempt, result, now, random.random()), result)


def _stop_of(subscription: Subscription, tried: Sequence[Tried]) -> Stop | None:
    """Whether its receiver wants no more, or has taken nothing since something began to fail that is given up now."""
    if any(t.result.outcome is Outcome.GONE and t.result not in _UNSENT for t in tried):
        return Stop.GONE
    if any(t.result.outcome is Outcome.DELIVERED for t in tried):
        return None
    given_up = [
        t.delivery.created_at for t in tried if t.verdict.state is MessageState.FAILED and t.result not in _UNSENT
    ]
    last = subscription.delivered_at
    return Stop.UNREACHABLE if given_up and (last is None or last < min(given_up)) else None
