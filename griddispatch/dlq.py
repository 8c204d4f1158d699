"""Dead letters by hand: list them, look at one, send it to its topic again, or give it up with a reason."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.database import Database, connect, named_queries
from shared.errors import NotFound, Problem, Rejected, Unavailable
from shared.kafka import Outgoing, Producer
from shared.positions import headers_from_json

_SQL = named_queries("shared", "sql", "messaging.sql")

DEAD = "DEAD"
STATES = (DEAD, "REPLAYED", "DISCARDED")


@asynccontextmanager
async def dead_letters(dsn: str) -> AsyncIterator["DeadLetters"]:
    """The dead letters of the service whose database this is. Raises Unavailable, or Rejected when it has none."""
    database = await connect(dsn, size=1, application="griddispatch-dlq")
    try:
        yield DeadLetters(database)
    except asyncpg.UndefinedTableError as error:
        raise Rejected(Problem("dsn", "not_migrated", "no tables here; run: griddispatch db migrate")) from error
    finally:
        await database.close()


class DeadLetters:
    """The dead-letter table of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, states: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """The latest first, without their content."""
        return [dict(row) for row in await self._database.fetch(_SQL["list_dead"], list(states), limit)]

    async def shown(self, number: int) -> dict[str, Any]:
        """One with everything that is kept of it. Raises NotFound."""
        rows = await self._database.fetch(_SQL["read_dead"], number)
        if not rows:
            raise NotFound(f"no dead letter {number}")
        return dict(rows[0])

    async def discard(self, number: int, reason: str) -> None:
        """Give one up. Raises NotFound, Rejected when it is settled already."""
        async with self._database.transaction() as tx:
            await _locked(tx.conn, number)
            await tx.conn.execute(_SQL["settle_dead"], number, "DISCARDED", reason)

    async def replay(self, number: int, producer: Producer, note: str) -> None:
        """Send one to its topic again, as it was, and settle it.

        Whoever has applied it drops it as seen. Sent but not settled (we die between) means it may be sent once
        more. Raises NotFound, Rejected when it is settled already, Unavailable when Kafka does not take it.
        """
        async with self._database.transaction() as tx:
            row = await _locked(tx.conn, number)
            headers = headers_from_json(row["headers"])
            again = Outgoing(row["topic"], row["key"], row["value"], headers, row["partition"])
            if not all(await producer.send([again])):
                raise Unavailable("kafka did not acknowledge the record; it is still DEAD")
            await tx.conn.execute(_SQL["settle_dead"], number, "REPLAYED", note)


async def _locked(conn: Any, number: int) -> Any:
    row = await conn.fetchrow(_SQL["read_dead"], number)
    if row is None:
        raise NotFound(f"no dead letter {number}")
    if row["state"] != DEAD:
        raise Rejected(Problem("id", "settled", f"dead letter {number} is {row['state']} already"))
    return row
