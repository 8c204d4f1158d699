"""One typed function per named query of privacy: guards, views, a person's tickets, and what is due to be erased."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.intake.core.privacy import Guard
from shared.database import Database, Transaction, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.intake", "sql", "privacy.sql")


async def read_guard(tx: Transaction, ticket_id: TicketId) -> tuple[Guard, str] | None:
    """Who may see a matter, and the township it lies in, "" where that is not known."""
    row = await tx.conn.fetchrow(_SQL["read_guard"], ticket_id)
    if row is None:
        return None
    return Guard(row["confidential"], row["units"], row["persons"]), row["township"] or ""


async def insert_block(
    tx: Transaction, ticket_id: TicketId, unit: str | None, person: str | None, by: str, now: datetime
) -> None:  # fmt: skip
    """Keep a unit or a person from a matter."""
    await tx.conn.execute(_SQL["insert_block"], ticket_id, unit, person, by, now)


async def list_views(
    database: Database, subject: UUID | None, viewer: str | None, before: tuple[datetime, str, int], limit: int,
    area: str,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Who looked at what lies in the area, the latest first."""
    return await database.fetch(_SQL["list_views"], subject, viewer, *before, limit, area)


async def find_by_caller(tx: Transaction, marks: Sequence[bytes], area: str, most: int) -> Sequence[asyncpg.Record]:
    """The latest tickets of one telephone that lie in the area."""
    return await tx.conn.fetch(_SQL["find_by_caller"], marks, area, most)


async def find_items_by_caller(
    tx: Transaction, marks: Sequence[bytes], area: str, most: int
) -> Sequence[asyncpg.Record]:
    """What somebody with this telephone brought up last in sessions in the area, and is no ticket's."""
    return await tx.conn.fetch(_SQL["find_items_by_caller"], marks, area, most)


async def read_views_of_item(tx: Transaction, item_id: UUID) -> Sequence[asyncpg.Record]:
    """Who read what was brought up, in order."""
    return await tx.conn.fetch(_SQL["read_views_of_item"], item_id)


async def read_supplements(tx: Transaction, ticket_id: TicketId) -> Sequence[asyncpg.Record]:
    """What a citizen added, sealed."""
    return await tx.conn.fetch(_SQL["read_supplements"], ticket_id)


async def read_views_of(tx: Transaction, ticket_id: TicketId) -> Sequence[asyncpg.Record]:
    """Who looked at a ticket, in order."""
    return await tx.conn.fetch(_SQL["read_views_of"], ticket_id)


async def due_identities(tx: Transaction, closed_before: datetime, limit: int) -> list[TicketId]:
    """Tickets closed before then that still hold somebody's words."""
    return [TicketId(row["id"]) for row in await tx.conn.fetch(_SQL["due_identities"], closed_before, limit)]


async def erase_due_leads(tx: Transaction, moved_before: datetime, limit: int) -> list[UUID]:
    """Erase the words of leads that ended before then; which."""
    return [row["id"] for row in await tx.conn.fetch(_SQL["erase_due_leads"], moved_before, limit)]


async def erase_due_words(tx: Transaction, written_before: datetime, limit: int) -> list[UUID]:
    """Erase what was said in sessions before then; which."""
    return [row["id"] for row in await tx.conn.fetch(_SQL["erase_due_words"], written_before, limit)]
