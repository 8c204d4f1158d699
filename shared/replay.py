"""The ledger told again: its events as the records they were, ticket by ticket, in bounded pages, from any place."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from shared.database import Database, named_queries
from shared.errors import Problem, Rejected, Unavailable
from shared.kafka import Outgoing, Send
from shared.ledger import SHARDS
from shared.relay import LEASE_S, RENEW_S, record_of
from shared.terms import Source, TicketId

STRETCH: Final = 2000
"""Events looked at per page: what is held in memory, and how much is sent again after a break."""
SEND_TRIES: Final = 3

_REPLAY = named_queries("shared", "sql", "replay.sql")
_MESSAGING = named_queries("shared", "sql", "messaging.sql")
_LAST_TICKET = TicketId(UUID(int=2**128 - 1))


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the ledger's order: behind this version of this ticket."""

    ticket_id: TicketId
    version: int

    def __str__(self) -> str:
        return f"{self.ticket_id}/{self.version}"


BEGINNING: Final = Place(TicketId(UUID(int=0)), 0)


def read_place(text: str) -> Place:
    """Read what `str(place)` wrote. Raises ValueError."""
    ticket_id, _, version = text.partition("/")
    return Place(TicketId(UUID(ticket_id)), int(version))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events: of one ticket, stated of instants in [since, until), of some types; None does not narrow."""

    ticket: TicketId | None = None
    since: datetime | None = None
    until: datetime | None = None
    types: tuple[str, ...] | None = None

    @property
    def leaves_gaps(self) -> bool:
        """Whether a ticket's story may come out with versions missing."""
        return (self.since, self.until, self.types) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Page:
    """Some events as records, in order; `last` is where the page ends, also when nothing in it was wanted."""

    records: tuple[Outgoing, ...]
    tickets: tuple[TicketId, ...]
    types: tuple[str, ...]
    """Of each record."""
    last: Place


async def pages(
    database: Database, source: Source, topic: str, selection: Selection, after: Place = BEGINNING,
    stretch: int = STRETCH,
) -> AsyncIterator[Page]:  # fmt: skip
    """The selected events after a place, as records for `topic`: ids, keys, headers and bytes as they were at first.

    Each page is one short statement over at most `stretch` events, so memory and locks are bounded however long the
    ledger is. What is stated about a ticket already passed does not come any more. Raises Unavailable.
    """
    upto = selection.ticket or _LAST_TICKET
    if selection.ticket is not None and after == BEGINNING:
        after = Place(selection.ticket, 0)
    types = None if selection.types is None else list(selection.types)
    while True:
        rows = await database.fetch(
            _REPLAY["walk_ledger"], after.ticket_id, after.version, upto, stretch,
            selection.since, selection.until, types,
        )  # fmt: skip
        if not rows:
            return
        page = _page(rows, source, topic)
        yield page
        after = page.last


def _page(rows: Sequence[asyncpg.Record], source: Source, topic: str) -> Page:
    wanted = [row for row in rows if row["wanted"]]
    return Page(
        tuple(record_of(row, source, topic) for row in wanted),
        tuple(dict.fromkeys(TicketId(row["ticket_id"]) for row in wanted)),
        tuple(row["type"] for row in wanted),
        Place(TicketId(rows[-1]["ticket_id"]), rows[-1]["version"]),
    )


async def send_in_order(send: Send, records: Sequence[Outgoing]) -> None:
    """Send until Kafka has acknowledged everything; after a failure go on from the first record in doubt.

    A record may then come twice, never none and never out of its ticket's order at first sight. Raises Unavailable
    after three tries.
    """
    left = list(records)
    for _ in range(SEND_TRIES):
        if not left:
            return
        acknowledged = await send(left)
        left = [record for record, certain in zip(left, acknowledged, strict=True) if not certain]
    if left:
        raise Unavailable(f"kafka did not acknowledge {len(left)} records")


class SoleWriter:
    """Holds every relay shard of a service, so that nobody else publishes while its topic is written again.

    `now` is a monotonic clock in seconds.
    """

    def __init__(self, database: Database, holder: str, now: Callable[[], float]) -> None:
        self._database = database
        self._holder = holder
        self._now = now
        self._renew_at = 0.0

    async def take(self) -> None:
        """Take all shards. Raises Rejected, holding none, while a relay has any of them."""
        await self._database.fetch(_MESSAGING["ensure_leases"], SHARDS)
        if not await self._renewed():
            await self.release()
            reason = f"its relay publishes, or died less than {LEASE_S:g} s ago: stop it and try again"
            raise Rejected(Problem("service", "relay_running", reason))

    async def keep(self) -> None:
        """To be called between pages. Raises Unavailable when a shard was lost meanwhile."""
        if self._now() >= self._renew_at and not await self._renewed():
            raise Unavailable("a relay has taken over while the topic was written again: stop it and resume")

    async def release(self) -> None:
        """Let the relays go on."""
        await self._database.fetch(_MESSAGING["release_leases"], self._holder)

    async def _renewed(self) -> bool:
        rows = await self._database.fetch(_MESSAGING["renew_leases"], self._holder, SHARDS, LEASE_S)
        self._renew_at = self._now() + RENEW_S
        return len(rows) == SHARDS
