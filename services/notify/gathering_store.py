"""SQL of early warning: where matters came up, how many there were by the hour, and the alerts that were given."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from services.notify.core.rates import Bucket
from shared.database import Database, Transaction, named_queries
from shared.permissions import Whereabouts
from shared.terms import TicketId

_SQL = named_queries("services.notify", "sql", "rates.sql")

Hour = tuple[str, str, datetime]
"""A group of categories, a township and an hour."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A matter that came up. `group` is the category's first four digits; "" stands for an unknown place."""

    ticket_id: TicketId
    category: str
    group: str
    township: str
    grid: str
    unit: str
    accepted_at: datetime

    @property
    def matter(self) -> str:
        """What must recur for it to be the same kind of thing at the same place."""
        return f"{self.category}/{self.grid}"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as it is kept. `place` is a township, or the ticket of a single critical matter."""

    id: UUID
    kind: str
    group: str
    place: str
    window_start: datetime
    window_end: datetime
    count: int
    threshold: int
    grids: tuple[str, ...]
    playbook: str
    to: str
    township: str = ""
    """Where a single critical matter lies; not kept, for the matter itself is."""


async def add_occurrences(tx: Transaction, found: Sequence[Occurrence]) -> frozenset[TicketId]:
    """Take matters down; the tickets that were not there before. Others with the same kinds of matters wait."""
    await tx.conn.fetch(_SQL["lock_matters"], [o.matter for o in found if o.grid])
    rows = await tx.conn.fetch(
        _SQL["add_occurrences"],
        [o.ticket_id for o in found],
        [o.category for o in found],
        [o.group for o in found],
        [o.township for o in found],
        [o.grid for o in found],
        [o.unit for o in found],
        [o.accepted_at for o in found],
    )
    return frozenset(row["ticket_id"] for row in rows)


async def mark_recurring(tx: Transaction, found: Sequence[Occurrence], days: int) -> list[tuple[datetime, Bucket]]:
    """When and where (the period is left open) matters turned out to recur through these."""
    placed = [o for o in found if o.grid]
    rows = await tx.conn.fetch(
        _SQL["mark_recurring"], [o.category for o in placed], [o.grid for o in placed], days
    )  # fmt: skip
    return [(row["accepted_at"], Bucket("", row["unit"], row["township"], row["category"][:2])) for row in rows]


async def recount_recurring(tx: Transaction, days: int, zone: ZoneInfo) -> list[tuple[datetime, Bucket, int]]:
    """The same of all, counted anew: how many on each day of the zone, and where; the day as its first instant."""
    rows = await tx.conn.fetch(_SQL["recount_recurring"], days, zone.key)
    return [
        (
            datetime.combine(row["day"], time(), zone),
            Bucket("", row["unit"], row["township"], row["category"]),
            row["n"],
        )
        for row in rows
    ]


async def count_hours(tx: Transaction, more: Mapping[Hour, int]) -> dict[Hour, int]:
    """Count matters by the hour; how many there are now."""
    groups, townships, hours = zip(*more, strict=True)
    rows = await tx.conn.fetch(
        _SQL["count_hours"], list(groups), list(townships), list(hours), list(more.values())
    )  # fmt: skip
    return {(row["grp"], row["township"], row["hour"]): row["n"] for row in rows}


async def same_hours(tx: Transaction, hours: Sequence[Hour], days: int) -> dict[Hour, list[int]]:
    """For each hour the counts of the same hour on the days before, one a day."""
    rows = await tx.conn.fetch(
        _SQL["same_hours"], [h[0] for h in hours], [h[1] for h in hours], [h[2] for h in hours], days
    )
    found: dict[Hour, list[int]] = {hour: [] for hour in hours}
    for row in rows:
        found[row["grp"], row["township"], row["hour"]].append(row["n"])
    return {hour: past + [0] * (days - len(past)) for hour, past in found.items()}


async def grids_with_matters(
    tx: Transaction, wanted: Mapping[str, Collection[str]], until: Mapping[str, datetime], hours: int
) -> dict[str, frozenset[str]]:
    """For each group those of the wanted grids that had matters of it within `hours` before the group's instant."""
    asked = [(group, grid, until[group]) for group, grids in wanted.items() for grid in sorted(grids)]
    rows = await tx.conn.fetch(
        _SQL["grids_with_matters"], [a[0] for a in asked], [a[1] for a in asked], [a[2] for a in asked], hours
    )  # fmt: skip
    return {group: frozenset(row["grid"] for row in rows if row["grp"] == group) for group in wanted}


async def count_matters(tx: Transaction, group: str, grids: Collection[str], until: datetime, hours: int) -> int:
    """How many matters of a group these grids had within `hours` before an instant."""
    (row,) = await tx.conn.fetch(_SQL["count_matters"], group, sorted(grids), until, hours)
    return int(row["n"])


async def given_alerts(tx: Transaction, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these alerts that were given."""
    return frozenset(row["id"] for row in await tx.conn.fetch(_SQL["given_alerts"], ids))


async def week_counts(database: Database, until: datetime, weeks: int) -> dict[tuple[str, str], list[int]]:
    """For each group and township the counts of the last `weeks` weeks before `until`, the oldest first."""
    found: dict[tuple[str, str], list[int]] = {}
    for row in await database.fetch(_SQL["week_counts"], until, weeks):
        found.setdefault((row["grp"], row["township"]), [0] * weeks)[weeks - row["week"]] = row["n"]
    return found


async def give_alerts(tx: Transaction, alerts: Sequence[Alert], now: datetime) -> frozenset[UUID]:
    """Keep alerts; the ids of those that were not given before."""
    rows = await tx.conn.fetch(
        _SQL["give_alerts"],
        [a.id for a in alerts],
        [a.kind for a in alerts],
        [a.group for a in alerts],
        [a.place for a in alerts],
        [a.window_start for a in alerts],
        [a.window_end for a in alerts],
        [a.count for a in alerts],
        [a.threshold for a in alerts],
        [",".join(a.grids) for a in alerts],
        [a.playbook for a in alerts],
        [a.to for a in alerts],
        now,
    )
    return frozenset(row["id"] for row in rows)


async def list_alerts(database: Database, since: datetime, limit: int, area: str) -> list[dict[str, object]]:
    """Alerts of an area given since then, the latest first, as the API shows them."""
    return [dict(row) for row in await database.fetch(_SQL["list_alerts"], since, limit, area)]


async def place_of_alert(database: Database, alert_id: UUID) -> Whereabouts | None:
    """Where an alert is; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_alert"], alert_id)
    return Whereabouts(rows[0]["area"]) if rows else None


async def read_alert(database: Database, alert_id: UUID) -> dict[str, object] | None:
    """One alert, as the API shows it."""
    rows = await database.fetch(_SQL["read_alert"], alert_id)
    return dict(rows[0]) if rows else None


async def grids_of(database: Database, alert: Mapping[str, object]) -> list[dict[str, object]]:
    """The grids that an alert is about, each with how many matters it had and which."""
    rows = await database.fetch(
        _SQL["grids_of_alert"], alert["category"], alert["grids"], alert["place"], alert["window_start"],
        alert["window_end"],
    )  # fmt: skip
    return [dict(row) for row in rows]


async def recurring_matters(
    database: Database, since: datetime, until: datetime, least: int, limit: int, area: str
) -> list[dict[str, object]]:
    """Kinds of matters in an area that came up at least `least` times in one grid, as the API shows them."""
    rows = await database.fetch(_SQL["recurring_matters"], since, until, least, limit, area)
    return [{("count" if key == "n" else key): value for key, value in row.items()} for row in rows]
