"""One typed function per named query of listening: nothing else in intake reads or writes its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from services.intake.core.listening import ItemState, Tally
from services.intake.store import Sealed
from shared.database import Database, Transaction, named_queries
from shared.permissions import Whereabouts
from shared.terms import ItemId, SessionId, SessionKind, TicketId

_SQL = named_queries("services.intake", "sql", "listening.sql")


@dataclass(frozen=True, slots=True)
class Session:
    """One session, without its words."""

    id: SessionId
    kind: SessionKind
    unit: str
    held_at: datetime
    township: str | None
    village: str | None
    grid: str | None
    heads: int
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """Something brought up, without its words; `unit` is its session's host, `area` where that was held."""

    id: ItemId
    session_id: SessionId
    state: ItemState
    due_on: date | None
    lon: float | None
    lat: float | None
    ticket_id: TicketId | None
    unit: str
    kind: SessionKind
    area: str


@dataclass(frozen=True, slots=True)
class Move:
    """Where something brought up goes, and what that takes."""

    to: ItemState
    by: str
    due_on: date | None = None
    ticket_id: TicketId | None = None
    missed: bool = False


async def insert_session(
    tx: Transaction, session: Session, area: str, external_id: str, by: str, now: datetime
) -> SessionId | None:  # fmt: skip
    """Keep a new session, which lies in `area`; None when the unit recorded one under this id before."""
    found: UUID | None = await tx.conn.fetchval(
        _SQL["insert_session"], session.id, session.kind, session.unit, external_id, session.held_at, session.township,
        session.village, session.grid, session.heads, by, now, area,
    )  # fmt: skip
    return None if found is None else SessionId(found)


async def find_session(tx: Transaction, unit: str, external_id: str) -> SessionId | None:
    """The session that the unit recorded under this id; None where it lies in another area than one acts for."""
    found: UUID | None = await tx.conn.fetchval(_SQL["find_session"], unit, external_id)
    return None if found is None else SessionId(found)


async def lock_session(tx: Transaction, session_id: SessionId) -> Session | None:
    """A session, for the rest of the transaction nobody else's to change."""
    row = await tx.conn.fetchrow(_SQL["lock_session"], session_id)
    return None if row is None else Session(**(dict(row) | {"kind": SessionKind(row["kind"])}))


async def list_sessions(
    database: Database, unit: str | None, before: tuple[datetime, UUID], open_only: bool, limit: int, area: str
) -> Sequence[asyncpg.Record]:
    """Sessions of a unit, or of all, held before the cursor, the newest first."""
    return await database.fetch(_SQL["list_sessions"], unit, *before, open_only, limit, area)


async def read_session(database: Database, session_id: SessionId) -> asyncpg.Record | None:
    """A session's row."""
    rows = await database.fetch(_SQL["read_session"], session_id)
    return rows[0] if rows else None


async def close_session(tx: Transaction, session_id: SessionId, by: str, now: datetime) -> None:
    """Close a session that the caller has locked."""
    await tx.conn.execute(_SQL["close_session"], session_id, now, by)


async def count_items(tx: Transaction, session_id: SessionId) -> Tally:
    """How what was brought up stands."""
    rows = await tx.conn.fetch(_SQL["count_items"], session_id)
    return Tally({ItemState(row["state"]): row["times"] for row in rows})


async def insert_item(
    tx: Transaction, item_id: ItemId, session_id: SessionId, theme: str | None, point: tuple[float, float] | None,
    by: str, caller: bytes | None, now: datetime,
) -> None:  # fmt: skip
    """Keep something brought up in a session that the caller has locked; `caller` is the mark of who did."""
    lon, lat = point or (None, None)
    await tx.conn.execute(_SQL["insert_item"], item_id, session_id, theme, lon, lat, now, by, caller)


async def list_items(database: Database, session_id: SessionId) -> Sequence[asyncpg.Record]:
    """What was brought up in a session, in order."""
    return await database.fetch(_SQL["list_items"], session_id)


async def read_item(tx: Transaction, item_id: ItemId) -> Item | None:
    """Something brought up."""
    row = await tx.conn.fetchrow(_SQL["read_item"], item_id)
    if row is None:
        return None
    return Item(**(dict(row) | {"state": ItemState(row["state"]), "kind": SessionKind(row["kind"])}))


async def lock_item(tx: Transaction, item_id: ItemId) -> Item | None:
    """Something brought up, as it stays until the transaction ends: its session is locked."""
    known = await read_item(tx, item_id)
    if known is None:
        return None
    await lock_session(tx, known.session_id)
    return await read_item(tx, item_id)


async def move_item(tx: Transaction, item_id: ItemId, move: Move, now: datetime) -> None:
    """Bring something to where it goes."""
    await tx.conn.execute(
        _SQL["move_item"], item_id, move.to, move.due_on, move.ticket_id, move.missed, now, move.by
    )  # fmt: skip


async def list_commitments(
    database: Database, unit: str | None, after: tuple[date, UUID], until: date, limit: int, area: str
) -> Sequence[asyncpg.Record]:
    """Promises due up to a day, the nearest first."""
    return await database.fetch(_SQL["list_commitments"], *after, until, unit, limit, area)


async def list_missed(tx: Transaction, today: date, limit: int) -> list[ItemId]:
    """Promises whose day is over."""
    return [ItemId(row["id"]) for row in await tx.conn.fetch(_SQL["list_missed"], today, limit)]


async def count_themes(
    database: Database, since: datetime, until: datetime, area: str
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """What was brought up in sessions held from `since` to before `until`, by kind and theme."""
    return await database.fetch(_SQL["count_themes"], since, until, area)


async def insert_word(
    tx: Transaction, word_id: UUID, session_id: SessionId, item_id: ItemId | None, kind: str, sealed: Sealed,
    now: datetime,
) -> None:  # fmt: skip
    """Keep words of a session or of something brought up."""
    await tx.conn.execute(
        _SQL["insert_word"], word_id, session_id, item_id, kind, now, sealed.key_id, sealed.wrapped_key, sealed.words
    )  # fmt: skip


async def read_words(tx: Transaction, item_id: ItemId) -> Sequence[asyncpg.Record]:
    """What was said about something, on either side, in order."""
    return await tx.conn.fetch(_SQL["read_words"], item_id)


async def read_topic(database: Database, session_id: SessionId) -> asyncpg.Record | None:
    """Topic and place of a session, still sealed."""
    rows = await database.fetch(_SQL["read_topic"], session_id)
    return rows[0] if rows else None


async def erase_item_words(tx: Transaction, item_id: ItemId) -> int:
    """Forget what was said about something, on either side; how much there was."""
    return len(await tx.conn.fetch(_SQL["erase_item_words"], item_id))


async def log_view(tx: Transaction, item_id: ItemId, viewer: str, purpose: str, now: datetime) -> None:
    """Remember that somebody reads what was brought up."""
    await tx.conn.execute(_SQL["log_talk_view"], item_id, viewer, purpose, now)


async def mark_ticket(tx: Transaction, ticket_id: TicketId, session_id: SessionId, self_fixed_by: str | None) -> None:
    """Where a ticket came up, and who had fixed it already."""
    await tx.conn.execute(_SQL["mark_ticket"], ticket_id, session_id, self_fixed_by)


async def place_of_session(database: Database, session_id: UUID) -> Whereabouts | None:
    """Where a session was held, and whose it is; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_session"], session_id)
    return Whereabouts(rows[0]["area"], (rows[0]["unit"],)) if rows else None


async def place_of_item(database: Database, item_id: UUID) -> Whereabouts | None:
    """Where an item was brought up, and in whose session; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_item"], item_id)
    return Whereabouts(rows[0]["area"], (rows[0]["unit"],)) if rows else None


async def place_of_act(database: Database, act_id: UUID) -> Whereabouts | None:
    """Which area an act of two persons concerns; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_act"], act_id)
    return Whereabouts(rows[0]["area"]) if rows else None
