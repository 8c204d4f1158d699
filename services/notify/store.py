"""All SQL of notify: one typed function per named query."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from services.notify.core.courtesy import USUAL, Courtesy, Notice, handling, merge_notices, next_bundles
from services.notify.core.delivery import Result, Verdict
from services.notify.core.followup import Answer, FollowUp, FollowUpState, RecordedBy
from services.notify.core.message import (
    NOTICES,
    Audience,
    Message,
    MessageState,
    PlannedMessage,
    Policy,
    Template,
)
from services.notify.core.plan import with_urgency
from shared.database import Database, Transaction, named_queries
from shared.ledger import Ledger
from shared.terms import Satisfaction, TicketId, Urgency

_SQL = named_queries("services.notify", "sql", "queries.sql")

MOST_TIED = 5_000
"""Messages that one pass ties into bundles, or holds: well within what one statement may take."""

Fetch = Callable[..., Awaitable[Sequence[asyncpg.Record]]]
Key = tuple[TicketId, int]
"""A follow-up's key: ticket and cycle."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How an attempt ended and what becomes of its message. `result` is None when no attempt was made.

    `standing` is where the message must still stand: otherwise somebody else has settled it.
    """

    message: Message
    verdict: Verdict
    result: Result | None
    standing: MessageState = MessageState.LEASED


async def lock_stories(tx: Transaction, ledger: Ledger, ticket_ids: Collection[TicketId]) -> dict[TicketId, int]:
    """Lock these tickets' stories, begun or not, until the transaction ends; the versions reached.

    This comes before any lock on rows of the same tickets: one order for all, no deadlock between ours.
    """
    versions = await ledger.lock(tx, sorted(set(ticket_ids)))
    unbegun = [ticket_id for ticket_id, version in versions.items() if version == 0]
    if unbegun:
        await tx.conn.fetch(_SQL["lock_beginnings"], unbegun)
        versions |= await ledger.lock(tx, unbegun)
    return versions


# Messages


async def note_exercises(tx: Transaction, ticket_ids: Sequence[TicketId]) -> None:
    """Remember that these tickets are drills."""
    if ticket_ids:
        await tx.conn.execute(_SQL["note_exercises"], ticket_ids)


async def exercises_among(tx: Transaction, ticket_ids: Sequence[TicketId]) -> frozenset[TicketId]:
    """Which of these tickets are drills."""
    rows = await tx.conn.fetch(_SQL["exercises_among"], ticket_ids) if ticket_ids else []
    return frozenset(row["ticket_id"] for row in rows)


async def add_messages(
    tx: Transaction, messages: Sequence[PlannedMessage], now: datetime, courtesy: Courtesy = USUAL
) -> None:
    """Queue messages by the rules of `courtesy`, or keep them as suppressed; one that is there already stays as it is.

    Supervision becomes as urgent as its ticket; it, and a reminder, is merged with what the same person was told of the
    kind a while ago.
    """
    if not messages:
        return
    formal = list({m.ticket_id for m in messages if m.template in NOTICES})
    if formal:
        urgencies = {r["ticket_id"]: Urgency(r["urgency"]) for r in await tx.conn.fetch(_SQL["urgencies_of"], formal)}
        rows = await tx.conn.fetch(_SQL["notices_of"], formal, [template.value for template in NOTICES])
        known = [
            Notice(row["id"], row["ticket_id"], row["recipient"], row["due_at"], Template(row["template"]))
            for row in rows
        ]
        messages = merge_notices(with_urgency(messages, urgencies), known, courtesy)
    kept = [handling(message, courtesy) for message in messages]
    await tx.conn.execute(
        _SQL["add_messages"],
        [m.id for m in messages],
        [m.ticket_id for m in messages],
        [m.template.value for m in messages],
        [m.recipient for m in messages],
        [m.endpoint.channel.value for m in messages],
        [m.endpoint.name for m in messages],
        [m.policy.value for m in messages],
        [orjson.dumps(m.facts).decode() for m in messages],
        [m.caused_by for m in messages],
        [m.send_at for m in messages],
        [m.suppressed for m in messages],
        now,
        [m.urgency.value for m in messages],
        [h.audience.value for h in kept],
        [h.bundle for h in kept],
        [int(h.window.total_seconds()) for h in kept],
        [h.give_up_at for h in kept],
        [m.traceparent for m in messages],
    )


async def suppress_asks(tx: Transaction, ticket_ids: Sequence[TicketId], why: str, now: datetime) -> None:
    """Keep back what still waits to have these tickets' citizens asked."""
    if ticket_ids:
        await tx.conn.execute(_SQL["suppress_asks"], ticket_ids, why, now)


async def put_off(
    database: Database, endpoint: str, now: datetime, quiet: Mapping[Audience, datetime], limit: int
) -> None:
    """Let what is due for those who are not to be disturbed wait until they may be, `limit` of each audience."""
    for audience, until in quiet.items():
        await database.fetch(_SQL["put_off"], endpoint, now, audience.value, until, limit)


async def tie_bundles(
    database: Database, endpoint: str, now: datetime, quiet: Collection[Audience], *, limit: int, most: int,
    most_tied: int = MOST_TIED,
) -> None:  # fmt: skip
    """Tie up what is due and travels together, `most` in one, in up to `limit` bundles; hold what came too soon.

    However much waits, one pass touches `most_tied` messages of each kind.
    """
    audiences = [audience.value for audience in quiet]
    due = await database.fetch(_SQL["due_bundles"], endpoint, now, audiences, limit, most_tied)
    if not due:
        return
    async with database.transaction() as tx:
        rows = await tx.conn.fetch(_SQL["lock_bundles"], endpoint, [row["bundle"] for row in due])
        left = {row["name"]: row["left_at"] for row in rows}
        next_at = next_bundles(left, {row["bundle"]: row["window_s"] for row in due}, now)
        held = {name: at for name, at in next_at.items() if at > now}
        if held:
            await tx.conn.execute(_SQL["hold_bundles"], endpoint, list(held), list(held.values()), now, most_tied)
        ready = [name for name in next_at if name not in held]
        if ready:
            await tx.conn.execute(_SQL["tie_bundles"], endpoint, ready, now, audiences, most, most_tied)


async def claim_messages(
    database: Database, endpoint: str, now: datetime, *, limit: int, lease_s: float, quiet: Collection[Audience] = ()
) -> list[Message]:
    """Lease due messages of one endpoint and note their attempts, in one committed statement; urgent ones first."""
    audiences = [audience.value for audience in quiet]
    rows = await database.fetch(_SQL["claim_messages"], endpoint, now, limit, lease_s, audiences)
    return await _messages(database.fetch, rows)


async def read_lost(database: Database, limit: int) -> list[Message]:
    """Messages whose lease ran out before an outcome was recorded."""
    return await _messages(database.fetch, await database.fetch(_SQL["read_lost"], limit))


async def read_strays(database: Database, endpoints: Collection[str], limit: int) -> list[Message]:
    """Waiting messages whose endpoint is none of `endpoints`."""
    return await _messages(database.fetch, await database.fetch(_SQL["read_strays"], list(endpoints), limit))


async def read_expired(database: Database, endpoint: str, now: datetime, limit: int) -> list[Message]:
    """Waiting messages of one endpoint that are not to wait any longer."""
    return await _messages(database.fetch, await database.fetch(_SQL["read_expired"], endpoint, now, limit))


async def read_sent(tx: Transaction, ids: Collection[UUID]) -> list[Message]:
    """Those of these messages whose receipts are awaited."""
    return await _messages(tx.conn.fetch, await tx.conn.fetch(_SQL["read_sent"], list(ids)))


async def read_unreceipted(database: Database, now: datetime, limit: int) -> list[Message]:
    """Messages whose receipts did not come in time."""
    return await _messages(database.fetch, await database.fetch(_SQL["read_unreceipted"], now, limit))


async def release_messages(tx: Transaction, messages: Sequence[Message]) -> None:
    """Put claimed messages back whose turn did not come."""
    if messages:
        await tx.conn.execute(_SQL["release_messages"], [m.id for m in messages], [m.attempt for m in messages])


async def settle_messages(tx: Transaction, settled: Sequence[Settled], now: datetime) -> frozenset[UUID]:
    """Record outcomes; the ids of the messages that still stood where they should at that attempt, and so moved."""
    rows = await tx.conn.fetch(
        _SQL["settle_messages"],
        [s.message.id for s in settled],
        [s.message.attempt for s in settled],
        [s.verdict.state.value for s in settled],
        [s.verdict.due_at for s in settled],
        [s.verdict.error for s in settled],
        [s.result.outcome.value if s.result else None for s in settled],
        [s.result.detail if s.result else "" for s in settled],
        now,
        [s.standing.value for s in settled],
    )
    return frozenset(row["id"] for row in rows)


async def prune_messages(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget messages that were settled before, `limit` at the most; how many it were."""
    return len(await tx.conn.fetch(_SQL["prune_messages"], before, limit))


async def list_messages(database: Database, ticket_id: TicketId) -> list[dict[str, object]]:
    """One ticket's messages with their attempts, oldest first, as the API shows them."""
    messages = [dict(row) for row in await database.fetch(_SQL["list_messages"], ticket_id)]
    attempts = [dict(row) for row in await database.fetch(_SQL["list_attempts"], ticket_id)]
    tries: dict[object, list[dict[str, object]]] = {message["id"]: [] for message in messages}
    for attempt in attempts:
        tries.get(attempt.pop("message_id"), []).append(attempt)
    return [message | {"attempts": tries[message["id"]]} for message in messages]


async def _messages(fetch: Fetch, rows: Sequence[asyncpg.Record]) -> list[Message]:
    """The messages of `rows`, in their order, each with what it carries."""
    carriers = [row["id"] for row in rows if row["carrier"] is not None]
    carried: dict[UUID, list[Message]] = {}
    for row in await fetch(_SQL["read_carried"], carriers) if carriers else ():
        carried.setdefault(row["carrier"], []).append(_message(row, ()))
    return [_message(row, carried.get(row["id"], ())) for row in rows]


def _message(row: asyncpg.Record, carried: Iterable[Message]) -> Message:
    return Message(
        row["id"], TicketId(row["ticket_id"]), Template(row["template"]), row["recipient"], row["channel"],
        Policy(row["policy"]), orjson.loads(row["facts"]), row["caused_by"], row["created_at"], row["attempts"],
        Urgency(row["urgency"]), row["endpoint"], row["give_up_at"], tuple(carried), row.get("due_at"),
        row["traceparent"],
    )  # fmt: skip


# Follow-ups


async def save_follow_ups(tx: Transaction, follow_ups: Sequence[FollowUp]) -> None:
    """Insert new follow-ups and move known ones; their tickets' stories are locked."""
    if not follow_ups:
        return
    await tx.conn.execute(
        _SQL["save_follow_ups"],
        [f.ticket_id for f in follow_ups],
        [f.cycle for f in follow_ups],
        [f.ticket_no for f in follow_ups],
        [f.source for f in follow_ups],
        [f.exercise for f in follow_ups],
        [f.caused_by for f in follow_ups],
        [f.state.value for f in follow_ups],
        [f.attempts for f in follow_ups],
        [",".join(sorted(f.bands)) for f in follow_ups],
        [f.opened_at for f in follow_ups],
        [f.next_at for f in follow_ups],
        [f.ended_at for f in follow_ups],
        [f.answer.contacted if f.answer else None for f in follow_ups],
        [f.answer.solved if f.answer else None for f in follow_ups],
        [f.answer.satisfaction.value if f.answer else None for f in follow_ups],
        [f.answer.recorded_by.value if f.answer else None for f in follow_ups],
        [f.answer.service.value if f.answer and f.answer.service else None for f in follow_ups],
        [f.answer.truthful if f.answer else None for f in follow_ups],
    )


async def due_follow_ups(database: Database, now: datetime, limit: int, but: Collection[Key] = ()) -> list[Key]:
    """Whose turn has come, but these; unlocked, so look again under the lock."""
    rows = await database.fetch(_SQL["due_follow_ups"], now, limit, [t for t, _ in but], [c for _, c in but])
    return [(TicketId(row["ticket_id"]), row["cycle"]) for row in rows]


async def read_follow_ups(tx: Transaction, keys: Iterable[Key]) -> Mapping[Key, FollowUp]:
    """Those of `keys` that exist."""
    wanted = list(keys)
    rows = await tx.conn.fetch(_SQL["read_follow_ups"], [t for t, _ in wanted], [c for _, c in wanted])
    return {(f.ticket_id, f.cycle): f for f in map(_follow_up, rows)}


async def follow_ups_of(database: Database, ticket_id: TicketId) -> list[FollowUp]:
    """One ticket's follow-ups in the order of their cycles."""
    return [_follow_up(row) for row in await database.fetch(_SQL["follow_ups_of"], ticket_id)]


def _follow_up(row: asyncpg.Record) -> FollowUp:
    state = FollowUpState(row["state"])
    return FollowUp(
        TicketId(row["ticket_id"]), row["cycle"], row["ticket_no"], row["source"], row["exercise"], row["caused_by"],
        row["opened_at"], row["next_at"], state, row["attempts"], frozenset(row["bands"]), row["ended_at"],
        _answer(row) if state is FollowUpState.ANSWERED else None,
    )  # fmt: skip


def _answer(row: asyncpg.Record) -> Answer:
    service = None if row["service"] is None else Satisfaction(row["service"])
    satisfaction, recorded_by = Satisfaction(row["satisfaction"]), RecordedBy(row["recorded_by"])
    return Answer(row["contacted"], row["solved"], satisfaction, recorded_by, service, row["truthful"])
