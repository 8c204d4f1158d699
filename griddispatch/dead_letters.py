"""Dead letters by hand: find them, look at one, send it to its topic again, or give it up: two people for that."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Final

import asyncpg

from shared.actors import EVERYWHERE, Actor
from shared.audit import Entry, append
from shared.clock import utc_now
from shared.database import Database, Transaction, connect, named_queries
from shared.errors import NotFound, Problem, Rejected, Unavailable
from shared.kafka import Outgoing, Producer
from shared.pending_acts import approve, ask, use, waiting_for
from shared.positions import headers_from_json

_SQL = named_queries("shared", "sql", "messaging.sql")

DEAD = "DEAD"
STATES = (DEAD, "REPLAYED", "DISCARDED")
DISCARD: Final = "discard_dead_letter"
AT_ONCE: Final = 10_000
"""So many are settled with one command."""


class Discarding(StrEnum):
    """How far the giving up of a dead letter has come."""

    ASKED = "asked for"
    DONE = "discarded"


@asynccontextmanager
async def dead_letters(dsn: str, operator: str = "operator") -> AsyncIterator["DeadLetters"]:
    """The dead letters of the service whose database this is. Raises Unavailable, or Rejected when it has none."""
    database = await connect(dsn, size=1, application="griddispatch-dlq")
    try:
        yield DeadLetters(database, operator)
    except asyncpg.UndefinedTableError as error:
        raise Rejected(Problem("dsn", "not_migrated", "no tables here; run: griddispatch db migrate")) from error
    finally:
        await database.close()


class DeadLetters:
    """The dead-letter table of one service. Whatever is done is in the audit log, in the same transaction."""

    def __init__(self, database: Database, operator: str = "operator") -> None:
        """`operator` is the person who sits here."""
        self._database = database
        self._actor = Actor("operator", person=operator, jurisdiction=EVERYWHERE)

    async def found(self, ticket: str | None, first: int | None, last: int | None) -> tuple[list[int], bool]:
        """The numbers of the dead letters of a ticket, in a range, or both, in the order of their places; and whether
        there are more than the 10,000 that one command settles.

        Raises Rejected when nothing says which.
        """
        if ticket is None and first is None and last is None:
            raise Rejected(Problem("ids", "missing", "say which: numbers, --ticket, or --from and --to"))
        key = None if ticket is None else ticket.encode()
        rows = await self._database.fetch(_SQL["find_dead"], key, first or 0, last or 2**62, AT_ONCE + 1)
        return [row["id"] for row in rows[:AT_ONCE]], len(rows) > AT_ONCE

    async def listed(self, states: Sequence[str], limit: int) -> list[dict[str, Any]]:
        """The latest first, without their content."""
        return [dict(row) for row in await self._database.fetch(_SQL["list_dead"], list(states), limit)]

    async def shown(self, number: int) -> dict[str, Any]:
        """One with everything that is kept of it. Raises NotFound."""
        rows = await self._database.fetch(_SQL["read_dead"], number)
        if not rows:
            raise NotFound(f"no dead letter {number}")
        return dict(rows[0])

    async def discard(self, number: int, reason: str) -> "Discarding":
        """Give one up: the first person asks for it, another who says the same agrees, and then it is done.

        Raises NotFound, Rejected when it is settled already, Forbidden for who asked for it themselves, Conflict
        when it was asked for with another reason.
        """
        subject, detail, now = f"dead-letter/{number}", {"reason": reason}, utc_now()
        async with self._database.transaction() as tx:
            await _locked(tx.conn, number)
            asked = await waiting_for(tx, DISCARD, subject, now)
            if asked is None:
                await ask(tx, DISCARD, subject, detail, self._actor, EVERYWHERE, now)
                await self._write(tx, "dlq.discard-asked", number)
                return Discarding.ASKED
            if asked.settled_by is None:
                await approve(tx, asked.id, self._actor, now)
            await use(tx, DISCARD, subject, detail, self._actor, now)
            await tx.conn.execute(_SQL["settle_dead"], number, "DISCARDED", reason)
            await self._write(tx, "dlq.discard", number)
        return Discarding.DONE

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
            await self._write(tx, "dlq.replay", number)

    async def _write(self, tx: Transaction, act: str, number: int) -> None:
        await append(tx, Entry(self._actor.name, act, "done", utc_now(), subject=f"dead-letter/{number}"))


async def _locked(conn: Any, number: int) -> Any:
    row = await conn.fetchrow(_SQL["read_dead"], number)
    if row is None:
        raise NotFound(f"no dead letter {number}")
    if row["state"] != DEAD:
        raise Rejected(Problem("id", "settled", f"dead letter {number} is {row['state']} already"))
    return row
