"""SQL of webhook subscriptions: who wants what, the feed of what there was, and every delivery of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notify.core.delivery import Result, Verdict
from services.notify.core.subscription import News, Stop, Subject, Subscription, SubscriptionState, Wish
from shared.database import Database, Transaction, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.notify", "sql", "subscriptions.sql")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A subscription as its sender needs it: with its keys, still sealed, the new one first."""

    subscription: Subscription
    secrets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing in a sender's hands for its `attempt`-th attempt. `news` is None for a ping, and `is_gone` when the
    feed does not hold it any more."""

    seq: int
    subscription_id: UUID
    attempt: int
    created_at: datetime
    claimed_at: datetime
    news: News | None = None
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """How an attempt ended and what becomes of its delivery."""

    delivery: Delivery
    verdict: Verdict
    result: Result


# Subscriptions


async def add_subscription(tx: Transaction, made: Subscription, secret: bytes) -> None:
    """Insert a new, active one."""
    await tx.conn.execute(
        _SQL["add_subscription"], made.id, made.owner, made.name, made.url, *_wish(made.wish), secret, made.created_at,
        made.area, made.made_with,
    )  # fmt: skip


async def count_subscriptions(tx: Transaction, owner: str) -> int:
    """How many an owner has; nobody adds one for them until the transaction ends."""
    return int(await tx.conn.fetchval(_SQL["count_subscriptions"], owner) or 0)


async def list_subscriptions(database: Database, owner: str, area: str) -> list[Subscription]:
    """An owner's in their area, the oldest first."""
    return [_subscription(row) for row in await database.fetch(_SQL["list_subscriptions"], owner, area)]


async def read_subscription(database: Database, identity: UUID) -> Subscription | None:
    """One that is not deleted."""
    rows = await database.fetch(_SQL["read_subscription"], identity)
    return _subscription(rows[0]) if rows else None


async def lock_subscription(tx: Transaction, identity: UUID) -> Subscription | None:
    """The same, locked."""
    row = await tx.conn.fetchrow(_SQL["lock_subscription"], identity)
    return _subscription(row) if row else None


async def save_subscription(tx: Transaction, changed: Subscription) -> None:
    """Write what may change of one that is locked."""
    await tx.conn.execute(
        _SQL["save_subscription"], changed.id, changed.name, changed.url, *_wish(changed.wish), changed.state,
        changed.stopped_for, changed.changed_at, changed.area, changed.made_with,
    )  # fmt: skip


async def rotate_secret(tx: Transaction, identity: UUID, secret: bytes, previous_until: datetime) -> None:
    """Let a new key sign, and the one until now beside it."""
    await tx.conn.execute(_SQL["rotate_secret"], identity, secret, previous_until)


async def keyless_subscriptions(database: Database, limit: int) -> list[UUID]:
    """Active ones whose key is no good any more."""
    return [row["id"] for row in await database.fetch(_SQL["keyless_subscriptions"], limit)]


async def listening(tx: Transaction) -> list[Subscription]:
    """Every subscription that is not deleted and has a good key, if it has one, with the area of that key."""
    return [_subscription(row) for row in await tx.conn.fetch(_SQL["listening"])]


# The feed


async def lock_subjects(tx: Transaction, ticket_ids: Collection[TicketId]) -> dict[TicketId, Subject]:
    """What is known of these tickets, locked until the transaction ends."""
    wanted = sorted(ticket_ids)
    await tx.conn.execute(_SQL["begin_subjects"], wanted)
    return {
        TicketId(r["ticket_id"]): Subject(
            r["unit"], r["category"], r["township"], r["grid"], r["exercise"], r["hidden"]
        )
        for r in await tx.conn.fetch(_SQL["lock_subjects"], wanted)
    }


async def save_subjects(tx: Transaction, subjects: Mapping[TicketId, Subject]) -> None:
    """Write what became known."""
    if subjects:
        found = list(subjects.values())
        await tx.conn.execute(
            _SQL["save_subjects"], list(subjects), [s.unit for s in found], [s.category for s in found],
            [s.township for s in found], [s.grid for s in found], [s.exercise for s in found],
            [s.hidden for s in found],
        )  # fmt: skip


async def add_news(tx: Transaction, news: Sequence[News], now: datetime) -> dict[UUID, int]:
    """Add to the feed, in order; the places of those that are new, by event."""
    rows = await tx.conn.fetch(
        _SQL["add_news"], [n.event_id for n in news], [n.ticket_id for n in news], [n.source for n in news],
        [n.version for n in news], [n.type for n in news], [n.time for n in news], [n.unit for n in news],
        [n.category for n in news], [n.township for n in news], [n.grid for n in news], [n.exercise for n in news], now,
    )  # fmt: skip
    return {row["event_id"]: row["seq"] for row in rows}


async def page_news(
    tx: Transaction, after: int, ticket_id: TicketId | None, since: datetime | None, until: datetime | None, limit: int
) -> list[News]:
    """What the feed holds of a ticket, or of a time, behind the place `after`."""
    rows = await tx.conn.fetch(_SQL["page_news"], after, ticket_id, since, until, limit)
    return [_news(row, row["seq"]) for row in rows]


# Deliveries


async def add_deliveries(
    tx: Transaction, wanted: Sequence[tuple[UUID, News | None]], now: datetime, *, replay: bool = False
) -> list[int]:
    """Queue (subscription, news) in order, None for a ping; their numbers."""
    rows = await tx.conn.fetch(
        _SQL["add_deliveries"], [s for s, _ in wanted], [n.seq if n else None for _, n in wanted],
        [n.story if n else None for _, n in wanted], replay, now,
    )  # fmt: skip
    return [row["seq"] for row in rows]


async def ready_subscriptions(database: Database, now: datetime, but: Collection[UUID]) -> list[Sealed]:
    """Active subscriptions but these for which something is due."""
    rows = await database.fetch(_SQL["ready_subscriptions"], now, list(but))
    return [
        Sealed(_subscription(row), (row["secret"], *_still_open(row["previous"], row["previous_until"], now)))
        for row in rows
    ]


async def claim_deliveries(
    database: Database, identity: UUID, now: datetime, *, limit: int, lease_s: float
) -> list[Delivery]:
    """Lease what is due at one subscription, of each story the first only, in one committed statement."""
    rows = await database.fetch(_SQL["claim_deliveries"], identity, now, limit, lease_s)
    return [_delivery(row) for row in rows]


async def lost_deliveries(database: Database, limit: int) -> list[Delivery]:
    """Those whose lease ran out; without their news, which nobody needs to settle them."""
    return [
        Delivery(r["seq"], r["subscription_id"], r["attempts"], r["created_at"], r["claimed_at"])
        for r in await database.fetch(_SQL["lost_deliveries"], limit)
    ]


async def release_deliveries(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Put back what had no turn."""
    if deliveries:
        await tx.conn.execute(_SQL["release_deliveries"], [d.seq for d in deliveries], [d.attempt for d in deliveries])


async def settle_deliveries(tx: Transaction, tried: Sequence[Tried], now: datetime) -> None:
    """Record how attempts ended, and let what waits behind a delivery wait as long as it does."""
    if not tried:
        return
    await tx.conn.fetch(
        _SQL["settle_deliveries"], [t.delivery.seq for t in tried], [t.delivery.attempt for t in tried],
        [t.verdict.state.value for t in tried], [t.verdict.due_at for t in tried], [t.result.detail for t in tried],
        [t.result.outcome.value for t in tried], [t.delivery.claimed_at for t in tried], now,
    )  # fmt: skip
    again = [t.delivery.seq for t in tried if t.verdict.due_at is not None]
    if again:
        await tx.conn.execute(_SQL["hold_followers"], again)


async def note_delivered(tx: Transaction, identity: UUID, now: datetime) -> None:
    """Remember when a subscription last took something."""
    await tx.conn.execute(_SQL["note_delivered"], identity, now)


async def list_deliveries(
    database: Database, identity: UUID, before: int, state: str, limit: int
) -> list[dict[str, object]]:
    """A subscription's deliveries with their attempts, the latest first."""
    rows = await database.fetch(_SQL["list_deliveries"], identity, before, state, limit)
    tries: dict[int, list[dict[str, object]]] = {row["seq"]: [] for row in rows}
    for row in await database.fetch(_SQL["list_delivery_attempts"], list(tries)):
        attempt = dict(row)
        tries[attempt.pop("delivery_seq")].append(attempt)
    return [
        {
            "seq": row["seq"], "type": row["type"], "event_id": row["event_id"], "ticket_id": row["ticket_id"],
            "version": row["version"], "replay": row["replay"], "is_ping": row["feed_seq"] is None,
            "state": row["state"], "due_at": row["due_at"], "created_at": row["created_at"],
            "settled_at": row["settled_at"], "last_error": row["last_error"], "attempts": tries[row["seq"]],
        }
        for row in rows
    ]  # fmt: skip


async def prune(database: Database, before: datetime, limit: int) -> int:
    """Forget what is older than `before`, at most `limit` of each kind; whether there may be more is up to whoever
    compares the answer with the limit."""
    found = 0
    for query in ("prune_deliveries", "prune_stale", "prune_feed"):
        found = max(found, len(await database.fetch(_SQL[query], before, limit)))
    return found


def _wish(wish: Wish) -> tuple[list[str], list[str], list[str], list[str], bool]:
    return sorted(wish.types), sorted(wish.units), sorted(wish.categories), sorted(wish.areas), wish.exercises


def _still_open(previous: bytes | None, until: datetime | None, now: datetime) -> tuple[bytes, ...]:
    return (previous,) if previous is not None and until is not None and now < until else ()


def _subscription(row: asyncpg.Record) -> Subscription:
    types, units, categories, areas = (frozenset(row[name]) for name in ("types", "units", "categories", "areas"))
    stopped_for = None if row["stopped_for"] is None else Stop(row["stopped_for"])
    return Subscription(
        row["id"], row["owner"], row["name"], row["url"], Wish(types, units, categories, areas, row["exercises"]),
        SubscriptionState(row["state"]), stopped_for, row["version"], row["created_at"], row["changed_at"],
        row["delivered_at"], row["previous_until"], row["area"], row["made_with"],
    )  # fmt: skip


def _delivery(row: asyncpg.Record) -> Delivery:
    kept = row["event_id"] is not None
    news = _news(row, row["feed_seq"]) if kept else None
    is_gone = row["feed_seq"] is not None and not kept
    return Delivery(
        row["seq"], row["subscription_id"], row["attempts"], row["created_at"], row["claimed_at"], news, is_gone
    )  # fmt: skip


def _news(row: asyncpg.Record, seq: int) -> News:
    return News(
        row["event_id"], TicketId(row["ticket_id"]), row["source"], row["version"], row["type"], row["time"],
        row["unit"], row["category"], row["township"], row["grid"], row["exercise"], seq,
    )  # fmt: skip
