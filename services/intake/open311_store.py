"""One typed function per named query of Open311: what is listed, and how it is found again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.intake.core.open311_query import Search, Status
from services.intake.core.open311_view import Shown
from services.intake.core.progress import PublicState
from shared.database import Database, named_queries

_SQL = named_queries("services.intake", "sql", "open311.sql")


async def list_requests(database: Database, search: Search, hidden_rules: Sequence[str]) -> list[Shown]:
    """A page of the tickets that may be listed, the newest first; not those on which one of `hidden_rules` fired."""
    closed = [status is Status.CLOSED for status in search.statuses]
    arguments = [search.start, *search.before, closed, _patterns(hidden_rules), search.limit, search.offset]
    if search.codes:
        rows = await database.fetch(_SQL["list_requests_of_services"], *arguments, search.codes)
    else:
        rows = await database.fetch(_SQL["list_requests"], *arguments)
    return [_shown(row, withheld=False) for row in rows]


async def read_requests(database: Database, numbers: Sequence[str], hidden_rules: Sequence[str]) -> list[Shown]:
    """The tickets that have one of these numbers."""
    rows = await database.fetch(_SQL["read_requests_by_number"], numbers, _patterns(hidden_rules))
    return [_shown(row, withheld=row["withheld"]) for row in rows]


async def read_number(database: Database, ticket_id: UUID) -> str | None:
    """A ticket's number by its id."""
    rows = await database.fetch(_SQL["read_number"], ticket_id)
    return str(rows[0]["ticket_no"]) if rows else None


async def is_recent(database: Database, source: str, idempotency_key: str, since: datetime) -> bool:
    """Whether this idempotency key led to a ticket received after `since`."""
    return bool(await database.fetch(_SQL["find_recent_request"], source, f"k:{idempotency_key}", since))


def _patterns(rules: Sequence[str]) -> list[str]:
    """How each rule looks in a ticket's explanation; `%` and `_` are no letters there, so they are taken literally."""
    escaped = (rule.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for rule in rules)
    return [f'%"rule":"{rule}"%' for rule in escaped]


def _shown(row: asyncpg.Record, *, withheld: bool) -> Shown:
    return Shown(
        ticket_id=row["id"],
        ticket_no=row["ticket_no"],
        public_state=PublicState(row["public_state"]),
        received_at=row["received_at"],
        updated_at=row["updated_at"],
        category=row["category"],
        township=row["township"],
        village=row["village"],
        grid=row["grid"],
        withheld=withheld,
    )
