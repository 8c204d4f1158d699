"""One typed function per named query of incidents, repeats, and what citizens do with number and code."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import TypeAlias
from uuid import UUID

import asyncpg

from services.intake.core.incidents import MOST_CANDIDATES, Incident, Match, Member, Place, Trace
from services.intake.core.repeats import Prior
from services.intake.store import Sealed
from shared.database import Database, Transaction, named_queries
from shared.permissions import Whereabouts
from shared.terms import IncidentId, SplitReason, TicketId, TicketType, Urgency

LARGEST_ID = 2**63 - 1
"""Of what the database counts by itself; a larger number is nobody's."""
_SQL = named_queries("services.intake", "sql", "incidents.sql")

_MERGING = 7_310_422
"""The first half of the locks on groups of categories."""

MOST_PRIORS = 50
"""Earlier tickets that are looked at of one caller."""


Row: TypeAlias = asyncpg.Record


@dataclass(frozen=True, slots=True)
class Joining:
    """A ticket that becomes part of an incident."""

    incident_id: IncidentId
    ticket_id: TicketId
    rule: str
    own_follow_up: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket whose row the caller holds; `number` is its ticket number."""

    trace: Trace
    number: str
    is_triaged: bool
    is_main: bool
    merged_into: TicketId | None
    hidden: bool
    public_state: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion whose row the caller holds."""

    ticket_id: TicketId
    into: TicketId
    rule: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """A matter that ends in intake: how, why, on which ground, and which other way is open."""

    ticket_id: TicketId
    ended: str
    why: str | None = None
    basis: str | None = None
    route: str | None = None


async def lock_groups(tx: Transaction, groups: Iterable[str]) -> None:
    """Keep others from merging within these groups of categories until the transaction ends.

    Raises asyncpg.LockNotAvailableError when somebody else holds one for too long.
    """
    await tx.conn.execute(_SQL["lock_groups"], _MERGING, sorted({int(group) for group in groups}))


async def lock_groups_of(tx: Transaction, ticket_ids: Sequence[TicketId]) -> None:
    """Keep others from merging into these tickets until the transaction ends; before any of their rows is locked."""
    rows = await tx.conn.fetch(_SQL["groups_of"], ticket_ids)
    await lock_groups(tx, [row["category_group"] for row in rows])


async def find_standing(
    tx: Transaction, places: Iterable[Place], closed_since: datetime
) -> list[Trace]:  # fmt: skip
    """Tickets under any of these cells, components and addresses that others may still belong to."""
    keys: dict[str, list[int]] = {"cell": [], "component": [], "address": []}
    for kind, key in places:
        keys[kind].append(key)
    rows = await tx.conn.fetch(_SQL["find_standing"], *keys.values(), closed_since, MOST_CANDIDATES)
    return [_trace(row) for row in rows]


async def find_priors(tx: Transaction, callers: Sequence[bytes], since: datetime) -> list[tuple[bytes, Prior]]:
    """Earlier tickets of these callers, received since then; of each caller at most MOST_PRIORS."""
    rows = await tx.conn.fetch(_SQL["find_priors"], callers, since, MOST_PRIORS)
    return [
        (
            row["caller"],
            Prior(
                TicketId(row["id"]), TicketId(row["main"]), row["category"], row["place"], Urgency(row["urgency"]),
                row["received_at"], row["closed_at"], row["confidential"], row["exercise"],
            ),
        )
        for row in rows
    ]  # fmt: skip


async def find_open_of_callers(tx: Transaction, callers: Sequence[bytes], since: datetime) -> list[asyncpg.Record]:
    """What these callers have open; columns as the query names them."""
    return await tx.conn.fetch(_SQL["find_open_of_callers"], callers, since, MOST_PRIORS)


async def open_incidents(tx: Transaction, mains: Mapping[IncidentId, TicketId], now: datetime) -> None:
    """Make and lock the incidents of these main tickets; those that are there are only locked."""
    await tx.conn.execute(_SQL["open_incidents"], list(mains), list(mains.values()), now)
    await tx.conn.fetch(_SQL["lock_incidents"], list(mains))


async def lock_incident(tx: Transaction, incident_id: IncidentId) -> bool:
    """Whoever counts an incident has it alone; False when there is none."""
    return bool(await tx.conn.fetch(_SQL["lock_incidents"], [incident_id]))


async def insert_members(
    tx: Transaction, joinings: Sequence[Joining], now: datetime, by: str, note: str | None = None
) -> None:  # fmt: skip
    """Write down that these tickets are part of their incidents, and why where somebody said so."""
    await tx.conn.execute(
        _SQL["insert_members"],
        [j.incident_id for j in joinings],
        [j.ticket_id for j in joinings],
        [j.rule for j in joinings],
        [j.own_follow_up for j in joinings],
        now,
        by,
        note,
    )


async def read_incidents(tx: Transaction, incident_ids: Sequence[IncidentId]) -> dict[IncidentId, Incident]:
    """These incidents with every ticket they have now."""
    rows = await tx.conn.fetch(_SQL["read_members"], incident_ids)
    mains: dict[IncidentId, Member] = {}
    others: defaultdict[IncidentId, list[Member]] = defaultdict(list)
    for row in rows:
        member = Member(TicketId(row["id"]), row["received_at"], Urgency(row["urgency"]), row["caller"])
        if row["is_main"]:
            mains[IncidentId(row["incident_id"])] = member
        else:
            others[IncidentId(row["incident_id"])].append(member)
    return {
        incident_id: Incident(main, tuple(sorted(others[incident_id], key=lambda m: m.ticket_id)))
        for incident_id, main in mains.items()
    }


async def insert_suggestions(tx: Transaction, found: Mapping[TicketId, Match], now: datetime) -> None:
    """Put these before a dispatcher; what was suggested before stays as it is."""
    if found:
        matches = list(found.values())
        await tx.conn.execute(
            _SQL["insert_suggestions"], list(found), [m.into for m in matches], [m.rule for m in matches],
            [m.likeness for m in matches], [m.distance_m for m in matches], now,
        )  # fmt: skip


async def place_of_suggestion(database: Database, suggestion_id: int) -> Whereabouts | None:
    """The smallest area that holds both tickets of a suggestion; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_suggestion"], suggestion_id)
    if not rows:
        return None
    digits = takewhile(lambda pair: pair[0] == pair[1], zip(rows[0]["area"], rows[0]["other"], strict=False))
    return Whereabouts("".join(one for one, _ in digits))


async def place_of_incident(database: Database, incident_id: UUID) -> Whereabouts | None:
    """Where an incident's main ticket lies; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_incident"], incident_id)
    return Whereabouts(rows[0]["area"]) if rows else None


async def list_suggestions(database: Database, after: int, limit: int, area: str) -> list[dict[str, object]]:
    """Open suggestions in the order they were made, after that id."""
    return [dict(row) for row in await database.fetch(_SQL["list_suggestions"], after, limit, area)]


async def read_suggestion(tx: Transaction, suggestion_id: int) -> Suggestion | None:
    """Lock one suggestion for deciding it."""
    if not 0 < suggestion_id <= LARGEST_ID:
        return None
    row = await tx.conn.fetchrow(_SQL["read_suggestion"], suggestion_id)
    if row is None:
        return None
    into = TicketId(row["into_ticket"])
    return Suggestion(TicketId(row["ticket_id"]), into, row["rule"], row["state"] == "OPEN")


async def decide_suggestion(
    tx: Transaction, suggestion_id: int, state: str, now: datetime, by: str, note: str | None
) -> None:
    """Write down what became of a suggestion, and why."""
    await tx.conn.execute(_SQL["decide_suggestion"], suggestion_id, state, now, by, note)


async def settle_suggestions(
    tx: Transaction, between: Iterable[TicketId], now: datetime, by: str, note: str | None
) -> None:  # fmt: skip
    """Take what was suggested between any two of these as accepted."""
    await tx.conn.execute(_SQL["settle_suggestions"], sorted(set(between)), now, by, note)


async def find_by_number(tx: Transaction, ticket_no: str, area: str) -> TicketId | None:
    """The ticket of that number, or the one it waits for, if it lies in the area and may be known of."""
    found = await tx.conn.fetchval(_SQL["find_by_number"], ticket_no, area)
    return None if found is None else TicketId(found)


async def lock_tickets(tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, Held]:
    """Lock these tickets in id order; those that are not there are left out."""
    rows = await tx.conn.fetch(_SQL["lock_tickets"], ticket_ids)
    return {
        TicketId(row["id"]): Held(
            _trace(row, confidential=row["confidential"], is_lead=row["hidden"]), row["ticket_no"],
            row["state"] == "TRIAGED", row["is_main"],
            TicketId(row["merged_into"]) if row["merged_into"] else None, row["hidden"], row["public_state"],
            row["closed_at"],
        )
        for row in rows
        if row["category"] is not None
    }  # fmt: skip


async def merge_ticket(tx: Transaction, ticket_id: TicketId, into: TicketId, now: datetime) -> None:
    """Let a ticket wait for another one and stand as that one stands."""
    await tx.conn.execute(_SQL["merge_ticket"], ticket_id, into, now)


async def split_ticket(
    tx: Transaction, ticket_id: TicketId, now: datetime, by: str, reason: SplitReason, note: str | None = None
) -> None:  # fmt: skip
    """Let a ticket stand alone again."""
    await tx.conn.execute(_SQL["split_ticket"], ticket_id, now)
    await tx.conn.execute(_SQL["end_membership"], ticket_id, now, by, reason, note)


async def read_incident(database: Database, incident_id: IncidentId) -> dict[str, object] | None:
    """An incident with its tickets, as a dispatcher sees it."""
    rows = await database.fetch(_SQL["read_incident"], incident_id)
    if not rows:
        return None
    tickets = await database.fetch(_SQL["read_incident_tickets"], incident_id)
    return {**dict(rows[0]), "tickets": [dict(row) for row in tickets]}


async def count_hastens(
    tx: Transaction, ticket_ids: Sequence[TicketId], day: date, now: datetime
) -> dict[TicketId, int]:
    """Of these tickets those for which asking today counts, with the number of days on which it did."""
    rows = await tx.conn.fetch(_SQL["count_hastens"], list(dict.fromkeys(ticket_ids)), day, now)
    return {TicketId(row["ticket_id"]): row["count"] for row in rows}


async def hastened_before(tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, int]:
    """Of these tickets, which the caller holds, those whose citizens have asked for speed, with the number of days."""
    rows = await tx.conn.fetch(_SQL["hastened_before"], ticket_ids) if ticket_ids else []
    return {TicketId(row["ticket_id"]): row["count"] for row in rows}


async def lock_for_ending(tx: Transaction, ticket_id: TicketId) -> Row | None:
    """Lock a ticket that is to end; columns as the query names them."""
    return await tx.conn.fetchrow(_SQL["lock_for_ending"], ticket_id)


async def end_tickets(tx: Transaction, endings: Sequence[Ending], now: datetime) -> None:
    """Let these matters end here."""
    await tx.conn.execute(
        _SQL["end_tickets"],
        [e.ticket_id for e in endings],
        [e.ended for e in endings],
        [e.why for e in endings],
        [e.basis for e in endings],
        [e.route for e in endings],
        now,
    )


async def try_code(tx: Transaction, ticket_no: str, now: datetime, since: datetime) -> tuple[int, datetime]:
    """Count a try of a query code; how many there were, and since when they are counted."""
    await tx.conn.execute(_SQL["forget_old_tries"], since)
    row = await tx.conn.fetchrow(_SQL["try_code"], ticket_no, now, since)
    assert row is not None
    return row["tries"], row["since"]


async def forget_tries(tx: Transaction, ticket_no: str) -> None:
    """The code was right: what was tried before does not count."""
    await tx.conn.execute(_SQL["forget_tries"], ticket_no)


async def read_by_number(tx: Transaction, ticket_no: str) -> asyncpg.Record | None:
    """A ticket by its number; columns as the query names them."""
    return await tx.conn.fetchrow(_SQL["read_by_number"], ticket_no)


async def lock_ticket(tx: Transaction, ticket_id: TicketId) -> None:
    """Nobody else changes this ticket until the transaction ends."""
    await tx.conn.fetch(_SQL["lock_ticket"], ticket_id)


async def ask_withdrawal(tx: Transaction, ticket_id: TicketId, now: datetime) -> None:
    """Remember that the citizen takes the matter back."""
    await tx.conn.execute(_SQL["ask_withdrawal"], ticket_id, now)


async def insert_supplement(
    tx: Transaction, supplement_id: UUID, ticket_id: TicketId, sealed: Sealed, now: datetime
) -> None:  # fmt: skip
    """Keep what the citizen added, sealed."""
    await tx.conn.execute(
        _SQL["insert_supplement"], supplement_id, ticket_id, now, sealed.key_id, sealed.wrapped_key, sealed.words
    )  # fmt: skip


async def count_supplements(tx: Transaction, ticket_id: TicketId) -> int:
    """How often the citizen added something."""
    return int(await tx.conn.fetchval(_SQL["count_supplements"], ticket_id))


async def read_supplements(tx: Transaction, ticket_id: TicketId) -> list[asyncpg.Record]:
    """What the citizen added, still sealed."""
    return await tx.conn.fetch(_SQL["read_supplements"], ticket_id)


def sealed_of(row: Row) -> Sealed:
    """What a row holds sealed."""
    return Sealed(row["key_id"], row["wrapped_key"], row["sealed"])


def _trace(row: asyncpg.Record, *, confidential: bool = False, is_lead: bool = False) -> Trace:
    """What merging looks at, from a row; what is found standing is neither confidential nor a lead."""
    return Trace(
        TicketId(row["id"]), row["received_at"], row["category"], TicketType(row["ticket_type"]),
        Urgency(row["urgency"]), row["signature"] or b"", row["lon"], row["lat"], row["cell"], row["component"],
        (row["address"],) if row["address"] is not None else (), (row["caller"],) if row["caller"] else (),
        row["party"], "", confidential, row["exercise"], is_lead,
    )  # fmt: skip
