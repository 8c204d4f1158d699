"""One typed function per named query of sensitive leads: nothing else in intake reads or writes their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.intake.core.leads import Area, LeadState, Standing, SubjectLevel
from services.intake.store import Sealed
from shared.acting import acting
from shared.audit import Entry, append
from shared.database import Database, Transaction, named_queries
from shared.permissions import Whereabouts
from shared.terms import LeadId, LeadKind, TicketId, Urgency

_SQL = named_queries("services.intake", "sql", "leads.sql")
_NOT_SEALED = Sealed("", None, None)


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead as it is kept; `sealed` is empty while the words are still the ticket's."""

    lead_id: LeadId
    ticket_id: TicketId | None
    standing: Standing
    level: SubjectLevel
    area: Area
    implicit: bool = False
    was_confidential: bool = False
    sealed: Sealed = _NOT_SEALED
    outcome: str | None = None
    visit_unit: str | None = None
    take_over_by: datetime | None = None
    urgency: Urgency = Urgency.U3


async def insert_leads(tx: Transaction, leads: Sequence[Lead], now: datetime) -> None:
    """Keep new leads; a ticket that has one already gets no second."""
    if not leads:
        return
    await tx.conn.execute(
        _SQL["insert_leads"],
        [lead.lead_id for lead in leads],
        [lead.ticket_id for lead in leads],
        [lead.standing.kind for lead in leads],
        [lead.standing.state for lead in leads],
        [lead.level for lead in leads],
        [lead.area.county for lead in leads],
        [lead.area.township for lead in leads],
        [lead.area.village for lead in leads],
        [lead.standing.target for lead in leads],
        [lead.implicit for lead in leads],
        [lead.standing.recorded_by for lead in leads],
        [lead.was_confidential for lead in leads],
        [lead.sealed.key_id or None for lead in leads],
        [lead.sealed.wrapped_key for lead in leads],
        [lead.sealed.words for lead in leads],
        now,
        [lead.take_over_by for lead in leads],
        [lead.urgency for lead in leads],
    )


async def suspect_tickets(tx: Transaction, ticket_ids: Sequence[TicketId], now: datetime) -> None:
    """Hold these tickets, whose rows the caller holds, until a person has looked."""
    if ticket_ids:
        await tx.conn.execute(_SQL["suspect_tickets"], ticket_ids, now)


async def read_lead(tx: Transaction, lead_id: LeadId) -> Lead | None:
    """Lock a lead."""
    row = await tx.conn.fetchrow(_SQL["read_lead"], lead_id)
    if row is None:
        return None
    standing = Standing(
        LeadKind(row["kind"]), LeadState(row["state"]), row["target"], row["recorded_by"], row["recorded_at"]
    )
    return Lead(
        LeadId(row["id"]), TicketId(row["ticket_id"]) if row["ticket_id"] else None, standing,
        SubjectLevel(row["subject_level"]), Area(row["county"], row["township"], row["village"]), row["implicit"],
        row["was_confidential"], Sealed(row["key_id"] or "", row["wrapped_key"], row["sealed"]), row["outcome"],
        row["visit_unit"], row["take_over_by"], Urgency(row["urgency"]),
    )  # fmt: skip


async def list_suspected(database: Database, limit: int, area: str) -> list[LeadId]:
    """Suspicions in an area that wait for a person, the oldest first."""
    return [LeadId(row["id"]) for row in await database.fetch(_SQL["list_suspected"], limit, area)]


async def place_of_lead(database: Database, lead_id: UUID) -> Whereabouts | None:
    """Where a lead lies and which body has it; None when there is none. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_lead"], lead_id)
    return Whereabouts(rows[0]["area"], (rows[0]["target"],)) if rows else None


async def list_overdue(tx: Transaction, recorded_before: datetime, limit: int) -> list[LeadId]:
    """Lock suspicions that nobody looked at in time."""
    return [LeadId(row["id"]) for row in await tx.conn.fetch(_SQL["list_overdue"], recorded_before, limit)]


async def list_of_target(database: Database, target: str, until: datetime, limit: int) -> list[dict[str, object]]:
    """What was handed to one body, the newest first, without what it says."""
    return [dict(row) for row in await database.fetch(_SQL["list_of_target"], target, until, limit)]


async def list_recorded(database: Database, person: str, since: datetime) -> list[dict[str, object]]:
    """What one person recorded since then, without what it says."""
    return [dict(row) for row in await database.fetch(_SQL["list_recorded"], person, since)]


async def move_lead(
    tx: Transaction, lead_id: LeadId, to: LeadState, now: datetime, by: str, outcome: str | None = None
) -> None:
    """Let a lead take a step."""
    await tx.conn.execute(_SQL["move_lead"], lead_id, to, now, by, outcome)


async def confirm_lead(
    tx: Transaction, lead_id: LeadId, kind: LeadKind, level: SubjectLevel, target: str, sealed: Sealed, now: datetime,
    by: str, take_over_by: datetime, urgency: Urgency,
) -> None:  # fmt: skip
    """A suspicion becomes a lead, with the words sealed here."""
    await tx.conn.execute(
        _SQL["confirm_lead"], lead_id, kind, level, target, now, by, sealed.key_id or None, sealed.wrapped_key,
        sealed.words, take_over_by, urgency,
    )  # fmt: skip


async def list_untaken(tx: Transaction, now: datetime, limit: int) -> dict[LeadId, str]:
    """Lock leads whose body did not take them in hand in time; the body of each."""
    return {LeadId(row["id"]): row["target"] for row in await tx.conn.fetch(_SQL["list_untaken"], now, limit)}


async def escalate_leads(tx: Transaction, above: Mapping[LeadId, str], now: datetime) -> None:
    """Keep who hears that these lie too long."""
    await tx.conn.execute(_SQL["escalate_leads"], list(above), list(above.values()), now)


async def list_escalated(database: Database, body: str | None, limit: int) -> list[dict[str, object]]:
    """What lies too long, for the body above or (None) everywhere, without what it says."""
    return [dict(row) for row in await database.fetch(_SQL["list_escalated"], body, limit)]


async def route_ticket(tx: Transaction, ticket_id: TicketId, now: datetime) -> None:
    """The ticket ends, empty."""
    await tx.conn.execute(_SQL["route_ticket"], ticket_id, now)


async def clear_ticket(tx: Transaction, ticket_id: TicketId, confidential: bool, now: datetime) -> None:
    """The ticket is an ordinary one after all."""
    await tx.conn.execute(_SQL["clear_ticket"], ticket_id, confidential, now)


async def name_visitor(tx: Transaction, lead_id: LeadId, officer: str, unit: str) -> None:
    """An officer calls on whoever said it, in private."""
    await tx.conn.execute(_SQL["name_visitor"], lead_id, officer, unit)


async def insert_note(tx: Transaction, note_id: UUID, lead_id: LeadId, by: str, sealed: Sealed, now: datetime) -> None:
    """Keep what was added to a lead."""
    await tx.conn.execute(
        _SQL["insert_note"], note_id, lead_id, by, now, sealed.key_id, sealed.wrapped_key, sealed.words
    )  # fmt: skip


async def read_notes(tx: Transaction, lead_id: LeadId) -> list[asyncpg.Record]:
    """What was added, still sealed."""
    return await tx.conn.fetch(_SQL["read_notes"], lead_id)


async def log_lead_view(tx: Transaction, lead_id: LeadId, viewer: str, purpose: str, now: datetime) -> None:
    """Remember that somebody reads a lead: with the purpose here, without it in the audit log's chain."""
    await tx.conn.execute(_SQL["log_lead_view"], lead_id, viewer, purpose, now)
    await append(tx, Entry(viewer, "view_lead", "done", now, acting().actor.credential, str(lead_id)))


async def count_leads(database: Database, target: str) -> dict[LeadKind, int]:
    """How many leads one body has, by kind."""
    return {LeadKind(row["kind"]): row["count"] for row in await database.fetch(_SQL["count_leads"], target)}


async def spare_ticket(tx: Transaction, ticket_id: TicketId) -> None:
    """The ticket is not to be suspected again."""
    await tx.conn.execute(_SQL["spare_ticket"], ticket_id)
