"""One typed function per named query: what intake keeps, and how it is found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.intake.core.incidents import Trace
from services.intake.core.location import Location
from services.intake.core.progress import PublicState
from services.intake.core.report import NewTicket, Place
from services.intake.core.shares import answering
from services.intake.core.triage import Triage
from shared.acting import acting
from shared.audit import Entry, append
from shared.database import Database, Transaction, named_queries
from shared.permissions import Whereabouts
from shared.terms import TicketId

_SQL = named_queries("services.intake", "sql", "queries.sql")
_NOWHERE = Place()

Key: TypeAlias = tuple[str, str]
"""A source and one of the keys under which it hands a matter in: `x:` its own id, `k:` its idempotency key."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a source is told about a matter it handed in, the first time and every time after."""

    ticket_id: TicketId
    ticket_no: str
    query_code: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Sealed:
    """One matter's words as the vault keeps them; both byte fields are None once erased."""

    key_id: str
    wrapped_key: bytes | None
    words: bytes | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Wants `key` for `ticket_id`, on behalf of a report with this fingerprint (32 bytes)."""

    key: Key
    fingerprint: bytes
    ticket_id: TicketId


@dataclass(frozen=True, slots=True)
class Request:
    """What is kept under a key: the first answer, and the fingerprint of the report that got it."""

    receipt: Receipt
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """A matter about to be stored."""

    receipt: Receipt
    ticket: NewTicket
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What triage found out about one ticket; `explanation` is JSON.

    `trace` is what others are compared with, None for what is never merged; `merged_into` the ticket it waits for.
    """

    ticket_id: TicketId
    triage: Triage
    place: Location
    explanation: str
    trace: Trace | None = None
    merged_into: TicketId | None = None
    hidden: bool = False
    reach: Mapping[str, int] = field(default_factory=dict)
    """Figures of its reach, by the fields of the event that hold them."""


async def claim_requests(tx: Transaction, claims: Sequence[Claim]) -> dict[Key, int]:
    """The keys won, each with a ticket number's sequence.

    Raises asyncpg.LockNotAvailableError when a key stays in another open transaction for too long.
    """
    rows = await tx.conn.fetch(
        _SQL["claim_requests"],
        [c.key[0] for c in claims],
        [c.key[1] for c in claims],
        [c.fingerprint for c in claims],
        [c.ticket_id for c in claims],
    )
    return {(row["source"], row["key"]): row["number"] for row in rows}


async def read_requests(tx: Transaction, keys: Sequence[Key]) -> dict[Key, Request]:
    """What is kept under these keys."""
    if not keys:
        return {}
    rows = await tx.conn.fetch(_SQL["read_requests"], [source for source, _ in keys], [key for _, key in keys])
    return {
        (row["source"], row["key"]): Request(
            Receipt(TicketId(row["ticket_id"]), row["ticket_no"], row["query_code"], row["received_at"]),
            row["fingerprint"],
        )
        for row in rows
    }


async def repoint_requests(tx: Transaction, tickets: Mapping[Key, TicketId]) -> None:
    """Let keys won in this transaction lead to tickets that were there before."""
    if tickets:
        sources, keys = zip(*tickets, strict=True)
        await tx.conn.execute(_SQL["repoint_requests"], sources, keys, list(tickets.values()))


async def release_requests(tx: Transaction, given_back: Sequence[Key]) -> None:
    """Give back keys won in this transaction."""
    if given_back:
        sources, keys = zip(*given_back, strict=True)
        await tx.conn.execute(_SQL["release_requests"], sources, keys)


async def insert_tickets(tx: Transaction, fresh: Sequence[Fresh], key_id: str, received_at: datetime) -> None:
    """Store new matters, sealed under the ring's key `key_id`."""
    tickets = [f.ticket for f in fresh]
    places = [t.location or _NOWHERE for t in tickets]
    await tx.conn.execute(
        _SQL["insert_tickets"],
        [f.receipt.ticket_id for f in fresh],
        [f.receipt.ticket_no for f in fresh],
        [f.receipt.query_code for f in fresh],
        [t.source for t in tickets],
        [t.external_id for t in tickets],
        [t.channel for t in tickets],
        [t.exercise for t in tickets],
        [t.confidential for t in tickets],
        [t.reported_at for t in tickets],
        [t.ticket_type for t in tickets],
        [t.category for t in tickets],
        [p.lon for p in places],
        [p.lat for p in places],
        [p.township_code for p in places],
        [p.village_code for p in places],
        [f.sealed.wrapped_key for f in fresh],
        [f.sealed.words for f in fresh],
        key_id,
        received_at,
        [t.vulnerable for t in tickets],
        [t.answered_by for t in tickets],
    )


async def claim_untriaged(tx: Transaction, limit: int, but: Sequence[TicketId] = ()) -> list[asyncpg.Record]:
    """Lock the oldest untriaged matters that nobody holds, leaving some out; columns as the query names them."""
    return await tx.conn.fetch(_SQL["claim_untriaged"], limit, but)


async def save_triage(tx: Transaction, verdicts: Sequence[Verdict], now: datetime, rule_pack: str) -> None:
    """Write down what was found out about matters claimed in this transaction."""
    traces = [v.trace for v in verdicts]
    found = [None if t is None or t.confidential or t.is_lead else t for t in traces]  # what others may be merged into
    await tx.conn.execute(
        _SQL["save_triage"],
        [v.ticket_id for v in verdicts],
        [v.triage.ticket_type for v in verdicts],
        [v.triage.category for v in verdicts],
        [v.triage.urgency for v in verdicts],
        [v.triage.confidence for v in verdicts],
        [v.place.level for v in verdicts],
        [v.place.township for v in verdicts],
        [v.place.village for v in verdicts],
        [v.place.grid for v in verdicts],
        [v.explanation for v in verdicts],
        [t.callers[0] if t and t.callers else None for t in traces],
        [t.signature or None if t else None for t in traces],
        [t.cell if t else None for t in found],
        [t.addresses[0] if t and t.addresses else None for t in found],
        now,
        rule_pack,
    )
    rare = [(v, t) for v, t in zip(verdicts, found, strict=True) if _is_rare(v)]
    if rare:
        await tx.conn.execute(
            _SQL["save_rare"],
            [v.ticket_id for v, _ in rare],
            [t.component if t else None for _, t in rare],
            [v.trace.party if v.trace else None for v, _ in rare],
            [v.merged_into for v, _ in rare],
            [v.hidden for v, _ in rare],
        )


def _is_rare(verdict: Verdict) -> bool:
    trace = verdict.trace
    has_keys = trace is not None and (trace.component is not None or trace.party is not None)
    return has_keys or verdict.merged_into is not None or verdict.hidden


async def set_public_states(tx: Transaction, states: Mapping[TicketId, PublicState], now: datetime) -> None:
    """Bring the citizen's view up to date; tickets that are not ours are passed over."""
    if states:
        await tx.conn.execute(_SQL["set_public_states"], list(states), list(states.values()), now)


async def read_ticket(database: Database, ticket_id: TicketId) -> dict[str, object] | None:
    """The public view of a ticket."""
    rows = await database.fetch(_SQL["read_ticket"], ticket_id)
    return dict(rows[0]) if rows else None


async def read_explanation(database: Database, ticket_id: TicketId) -> str | None:
    """Why a ticket was triaged as it was, as JSON: a list of rules with what they saw; None for an unknown ticket."""
    rows = await database.fetch(_SQL["read_explanation"], ticket_id)
    return rows[0]["explanation"] or "[]" if rows else None


async def read_sealed(tx: Transaction, ticket_id: TicketId) -> Sealed | None:
    """A matter's words, still sealed."""
    row = await tx.conn.fetchrow(_SQL["read_sealed"], ticket_id)
    return Sealed(row["key_id"], row["wrapped_key"], row["sealed"]) if row else None


async def place_of_ticket(database: Database, ticket_id: UUID, above: Mapping[str, str]) -> Whereabouts | None:
    """Where a ticket lies, and who answers for it: who has it in hand, and who stands above. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_ticket"], ticket_id)
    return Whereabouts(rows[0]["area"], answering(rows[0]["units"], above)) if rows else None


async def log_view(tx: Transaction, ticket_id: TicketId, viewer: str, purpose: str, now: datetime) -> None:
    """Remember that somebody reads a matter's words: with the purpose here, without it in the audit log's chain."""
    await tx.conn.execute(_SQL["log_view"], ticket_id, viewer, purpose, now)
    await append(tx, Entry(viewer, "view_words", "done", now, acting().actor.credential, str(ticket_id)))


async def erase_words(tx: Transaction, ticket_id: TicketId) -> bool:
    """Erase a matter's words; False when there was nothing left to erase."""
    return bool(await tx.conn.fetch(_SQL["erase_words"], ticket_id))
