"""The epoch of a service's ledger: raised after its database was restored to an earlier point, and never lowered."""

from datetime import UTC, datetime
from typing import Final

from shared.database import Database, Transaction, named_queries

_SQL = named_queries("shared", "sql", "recovery.sql")
_BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)


async def read_epoch(database: Database) -> int:
    """The present epoch; 0 where nothing was ever restored. Raises Unavailable."""
    (row,) = await database.fetch(_SQL["read_epoch"])
    return int(row["epoch"])


def next_epoch(present: int, now: datetime) -> int:
    """The epoch after this one: seconds since 2026, so that two restores of one dump do not come to the same."""
    return max(present + 1, int((now - _BEGINNING).total_seconds()))


async def raise_epoch(tx: Transaction, now: datetime, by: str, reason: str) -> int:
    """Begin the next epoch; answers with it. The service and its relay must stand still."""
    present = int(await tx.conn.fetchval(_SQL["read_epoch"]))
    raised = next_epoch(present, now)
    await tx.conn.execute(_SQL["raise_epoch"], raised, by, reason)
    return raised
