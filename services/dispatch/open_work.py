"""Everything that is open, looked at page by page, so that each statement ends in time however much is open."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.dispatch.store import FIRST, Place
from shared.database import Database, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.dispatch", "sql", "open_work.sql")
PAGE: Final = 10_000
UNWATCHED_SHOWN: Final = 100


@dataclass
class OpenWork:
    """What is open in an area. Pages are looked at one after another: a ticket that moves meanwhile may be counted in
    neither or in both."""

    tickets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many, by (state, light)."""
    unwatched: list[TicketId] = field(default_factory=list)
    """Without a running clock, of their own or of the open ticket they wait for: must be none."""
    unassigned: int = 0
    """How many wait for a unit."""
    unassigned_since: datetime | None = None


async def look_over(database: Database, area: str, page: int = PAGE) -> OpenWork:
    """All that is open in `area` now. Raises Unavailable."""
    work, place = OpenWork(), FIRST
    while True:
        following: Place | None = None
        for row in await database.fetch(_SQL["open_page"], area, page, *place):
            if row["state"] is None:
                following = row["queue_at"], row["ticket_id"]
                continue
            work.tickets[row["state"], row["light"]] += row["tickets"]
            work.unwatched += map(TicketId, row["unwatched"] or ())
            work.unassigned += row["unassigned"]
            work.unassigned_since = min(filter(None, (work.unassigned_since, row["since"])), default=None)
        if following is None:
            return work
        place = following
