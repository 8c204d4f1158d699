"""One typed function per query of the console's views; the only caller of its SQL. Everything here only looks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import Record

from services.dispatch import store
from services.dispatch.core.case import Case
from services.dispatch.core.story import Clock, Timer
from shared.database import Database, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.dispatch", "sql", "board.sql")
_MESSAGING = named_queries("shared", "sql", "messaging.sql")
_CASE = msgspec.json.Decoder(Case)


@dataclass(frozen=True)
class QueueFilter:
    """Which open tickets; None wants every one. Places and categories are codes or their beginnings."""

    states: list[str] | None = None
    lights: list[str] | None = None
    urgencies: list[str] | None = None
    place: str | None = None
    category: str | None = None
    due_before: datetime | None = None
    unit: str | None = None


async def read_queue(database: Database, wanted: QueueFilter, after: tuple[datetime, UUID], limit: int) -> list[Case]:
    """Open tickets in the order of queues, after the given (queue_at, ticket_id)."""
    common = (
        wanted.states, wanted.lights, wanted.urgencies, wanted.place, wanted.category, wanted.due_before, *after, limit,
    )  # fmt: skip
    if wanted.unit is None:
        rows = await database.fetch(_SQL["queue"], *common)
    else:
        rows = await database.fetch(_SQL["queue_of_unit"], *common, wanted.unit)
    return [_CASE.decode(row["doc"]) for row in rows]


async def count_places(database: Database) -> list[Record]:
    """Open tickets by place and light."""
    return await database.fetch(_SQL["count_places"])


async def unit_loads(database: Database, now: datetime, area: str) -> list[Record]:
    """Open work in the area of each unit that has some."""
    return await database.fetch(_SQL["unit_loads"], now, area)


async def unit_results(database: Database, since: datetime, area: str) -> dict[str, Record]:
    """What each unit handed in since then, of the area's tickets."""
    return {row["unit"]: row for row in await database.fetch(_SQL["unit_results"], since, area)}


async def read_timers(database: Database, ticket_id: TicketId) -> list[Timer]:
    """The running clocks of a ticket, the next to ring first."""
    return [
        Timer(
            Clock(r["clock"]), r["cycle"], r["step"], r["fire_at"], r["clock_limit"], r["started_at"], r["due_at"],
            r["subject"],
        )
        for r in await database.fetch(_SQL["read_timers"], ticket_id)
    ]  # fmt: skip


async def read_story(database: Database, ticket_id: TicketId) -> list[Record]:
    """What this service stated of a ticket, in order."""
    return await database.fetch(_MESSAGING["read_events"], ticket_id)


async def read_family(database: Database, ticket_id: TicketId, into: TicketId | None) -> list[Record]:
    """Id and number of the ticket that this one waits for, if any, and of those that wait for this one (`waits`)."""
    return await database.fetch(_SQL["read_family"], ticket_id, into)


async def system_state(database: Database, now: datetime) -> dict[str, Mapping[str, Any]]:
    """How the queues between the services stand: unpublished, parked, dead, and clocks that are late."""
    (outbox,) = await database.fetch(_MESSAGING["outbox_state"])
    (parked,) = await database.fetch(_MESSAGING["parked_state"])
    (dead,) = await database.fetch(_MESSAGING["count_dead"])
    late = await store.late_timers(database, now)
    return {
        "outbox": dict(outbox), "parked": dict(parked), "dead": {"letters": dead["count"]}, "late": dict(late),
    }  # fmt: skip


async def list_dead(database: Database, states: list[str], limit: int) -> list[Mapping[str, Any]]:
    """Dead letters, the newest first; keys as text, bodies not at all."""
    return [
        {**row, "key": (row["key"] or b"").decode("utf-8", "backslashreplace")}
        for row in map(dict, await database.fetch(_MESSAGING["list_dead"], states, limit))
    ]
