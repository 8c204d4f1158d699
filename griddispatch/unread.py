"""What a reader never got, by the tables of both: the owner's heads against the reader's positions."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.database import Database, named_queries
from shared.ledger import SHARDS
from shared.terms import Source, TicketId

PAGE: Final = 2000

_SQL = named_queries("shared", "sql", "recovery.sql")


@dataclass(frozen=True)
class Behind:
    """A story that its reader has read only up to a version."""

    ticket_id: TicketId
    read: int
    stated: int


async def behind(owner: Database, reader: Database, source: Source) -> list[Behind]:
    """Every story that the reader is behind in, in the order of ids. Raises Unavailable.

    What is under way just now is counted too: an event told again is dropped by whoever has it.
    """
    found: list[Behind] = []
    after = UUID(int=0)
    while rows := await owner.fetch(_SQL["heads_after"], after, PAGE):
        after = rows[-1]["ticket_id"]
        known = await reader.fetch(_SQL["positions_of"], source.value, [row["ticket_id"] for row in rows])
        read = {row["ticket_id"]: row["version"] for row in known}
        found += [
            Behind(TicketId(row["ticket_id"]), read.get(row["ticket_id"], 0), row["version"])
            for row in rows
            if read.get(row["ticket_id"], 0) < row["version"]
        ]
    return found


async def queue_again(owner: Database, stories: list[Behind]) -> int:
    """Put what is missing into the owner's outbox, for its relay to tell; how many events. Raises Unavailable."""
    queued = 0
    for first in range(0, len(stories), PAGE):
        page = stories[first : first + PAGE]
        (row,) = await owner.fetch(_SQL["queue_again"], [b.ticket_id for b in page], [b.read for b in page], SHARDS)
        queued += row["queued"]
    return queued
