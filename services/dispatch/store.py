"""One typed function per query of the dispatch service; the only caller of its SQL."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from asyncpg import Record

from services.dispatch.core.case import Case
from services.dispatch.core.story import Clock, Decision, Timer
from services.dispatch.core.triggers import TimerDue
from services.dispatch.core.whistle_shares import WhistleCount
from shared.database import Database, Transaction, named_queries
from shared.joint_events import GuardRefused
from shared.permissions import Whereabouts
from shared.terms import AssignmentId, TicketId

_SQL = named_queries("services.dispatch", "sql", "queries.sql")
SEPARATOR = "\x1f"
LATE_COUNTED = 100_000
Place = tuple[datetime, UUID]
"""Where in the order of queues a ticket stands."""
FIRST: Final[Place] = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_ENCODER = msgspec.json.Encoder()
_CASE = msgspec.json.Decoder(Case)


@dataclass(frozen=True, slots=True)
class Step:
    """One decision to be saved: the case before (None: new), what was decided, by what."""

    before: Case | None
    decision: Decision
    trigger: str
    now: datetime


async def read_cases(tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, Case]:
    """The cases of these tickets; tickets without a case are left out."""
    rows = await tx.conn.fetch(_SQL["read_cases"], ticket_ids)
    return {row["ticket_id"]: _CASE.decode(row["doc"]) for row in rows}


async def read_children(tx: Transaction, mains: Sequence[TicketId]) -> list[Case]:
    """The cases of all tickets that wait for one of these."""
    return [_CASE.decode(row["doc"]) for row in await tx.conn.fetch(_SQL["read_children"], mains)]


async def find_cases(database: Database, ticket_ids: Sequence[TicketId]) -> list[Case]:
    """The cases of these tickets, only to be looked at."""
    return [_CASE.decode(row["doc"]) for row in await database.fetch(_SQL["read_cases"], ticket_ids)]


async def tickets_of(database: Database, assignment_ids: Sequence[AssignmentId]) -> dict[AssignmentId, TicketId]:
    """Which ticket each assignment belongs to; unknown ones are left out."""
    rows = await database.fetch(_SQL["ticket_of_assignments"], assignment_ids)
    return {row["id"]: row["ticket_id"] for row in rows}


async def save(tx: Transaction, steps: Sequence[Step]) -> None:
    """Write what was decided: cases, assignments, results, clocks, explanations. One statement a table, not a ticket.

    At most one step per ticket; the caller holds the tickets' heads.
    """
    opened = [s.decision.case for s in steps if s.before is None]
    changed = [s.decision.case for s in steps if s.before is not None and s.decision.case != s.before]
    await _many(tx, "insert_cases", ((*_case_row(case), case.accepted_at) for case in opened))
    await _many(tx, "update_cases", map(_case_row, changed))
    fresh, moved = _assignment_rows(steps)
    await _many(tx, "update_assignments", moved)  # ended leads first, so that a new one finds its place free
    await _many(tx, "insert_assignments", fresh)
    await _many(tx, "insert_results", _result_rows(steps))
    await _many(tx, "insert_notes", _note_rows(steps))
    await _many(tx, "insert_refusals", _refusal_rows(steps))
    timers = [(s.decision.case.ticket_id, key, timer) for s in steps for key, timer in s.decision.timers.items()]
    await _many(tx, "stop_timers", ((t, key.clock, key.subject) for t, key, timer in timers if timer is None))
    await _many(tx, "set_timers", (_timer_row(ticket_id, timer) for ticket_id, _, timer in timers if timer is not None))
    await _many(tx, "insert_decisions", (_decision_row(s) for s in steps if s.decision.events))


async def _many(tx: Transaction, query: str, rows: Iterable[Sequence[Any]]) -> None:
    columns = list(zip(*rows, strict=True))
    if columns:
        await tx.conn.execute(_SQL[query], *columns)


def _case_row(c: Case) -> tuple[Any, ...]:
    doc = _ENCODER.encode(c).decode()
    into = c.merge.into if c.merge is not None else None
    place = c.grid or c.village or c.township or c.county
    return (c.ticket_id, c.version, c.state, c.previous_state, c.light, c.due_at, c.closed_at, doc, into, place,
            c.category, c.urgency, c.queue_at)  # fmt: skip


def _assignment_rows(steps: Sequence[Step]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of new assignments, and of those that changed or stand elsewhere in their unit's queue."""
    fresh, moved = [], []
    for s in steps:
        case, known = s.decision.case, {a.id: a for a in s.before.assignments} if s.before else {}
        was_moved = s.before is not None and s.before.raised != case.raised
        for a in case.assignments:
            if a.id not in known:
                fresh.append(
                    (case.ticket_id, a.id, a.kind, a.unit, a.state, a.previous_state, a.due_at, a.handler, a.ended_at,
                     a.due_at - case.raised)
                )  # fmt: skip
            elif known[a.id] != a or (was_moved and a.is_live):
                moved.append(
                    (a.id, a.state, a.previous_state, a.due_at, a.handler, a.ended_at, a.due_at - case.raised)
                )  # fmt: skip
    return fresh, moved


def _result_rows(steps: Sequence[Step]) -> list[tuple[Any, ...]]:
    return [
        (r.assignment_id, s.decision.case.version, s.decision.case.ticket_id, r.action, r.reply, r.note,
         SEPARATOR.join(r.evidence), r.legal_basis, s.now)
        for s in steps
        for r in s.decision.results
    ]  # fmt: skip


def _note_rows(steps: Sequence[Step]) -> list[tuple[Any, ...]]:
    return [
        (s.decision.case.ticket_id, s.decision.case.version, place, n.kind, n.subject, n.person, n.text, s.now)
        for s in steps
        for place, n in enumerate(s.decision.notes)
    ]


def _refusal_rows(steps: Sequence[Step]) -> list[tuple[Any, ...]]:
    return [
        refusal_row(event, s.decision.case.ticket_id, s.now)
        for s in steps
        for event in s.decision.events
        if isinstance(event, GuardRefused)
    ]


def refusal_row(refused: GuardRefused, ticket_id: TicketId | None, now: datetime) -> tuple[Any, ...]:
    """One line of the burden report; without a ticket for a request that is about none."""
    return (ticket_id, refused.code, refused.unit, refused.target, refused.category, refused.rule, now)


def _timer_row(ticket_id: TicketId, t: Timer) -> tuple[Any, ...]:
    return (ticket_id, t.clock, t.subject, t.cycle, t.step, t.fire_at, t.limit, t.started_at, t.due_at)


def _decision_row(s: Step) -> tuple[Any, ...]:
    case = s.decision.case
    return (case.ticket_id, case.version, s.trigger, SEPARATOR.join(s.decision.explanation), s.now)


async def tickets_with_due_timers(
    database: Database, now: datetime, limit: int, but: Sequence[TicketId] = ()
) -> list[TicketId]:
    """Tickets that have a clock to ring, without those named."""
    return [row["ticket_id"] for row in await database.fetch(_SQL["tickets_with_due_timers"], now, limit, but)]


async def late_timers(database: Database, before: datetime) -> Record:
    """How many clocks should have rung by then (counted to a hundred thousand), and since when: `clocks`, `since`."""
    return (await database.fetch(_SQL["late_timers"], before, LATE_COUNTED))[0]


async def read_due_timers(
    tx: Transaction, ticket_ids: Sequence[TicketId], now: datetime
) -> dict[TicketId, list[tuple[TimerDue, datetime]]]:
    """The clocks that have reached their step, earliest first, each with the instant it was to ring."""
    due: dict[TicketId, list[tuple[TimerDue, datetime]]] = {}
    for r in await tx.conn.fetch(_SQL["read_due_timers"], ticket_ids, now):
        timer = TimerDue(
            Clock(r["clock"]), r["cycle"], r["step"], r["fire_at"], r["clock_limit"], r["started_at"], r["due_at"],
            r["subject"],
        )  # fmt: skip
        due.setdefault(r["ticket_id"], []).append((timer, r["fire_at"]))
    return due


async def read_running_timers(tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, list[Timer]]:
    """Every running clock of tickets whose heads the caller holds; asks nothing when there are none."""
    running: dict[TicketId, list[Timer]] = {}
    for r in await tx.conn.fetch(_SQL["read_running_timers"], ticket_ids) if ticket_ids else ():
        timer = Timer(
            Clock(r["clock"]), r["cycle"], r["step"], r["fire_at"], r["clock_limit"], r["started_at"], r["due_at"],
            r["subject"],
        )  # fmt: skip
        running.setdefault(r["ticket_id"], []).append(timer)
    return running


async def without_clock(
    database: Database, overdue_since: datetime, limit: int, but: Sequence[TicketId], page: int, after: Place = FIRST
) -> tuple[list[TicketId], Place | None]:
    """Tickets in hand that no clock watches, but those named, among the next `page` open ones; and where to go on."""
    rows = await database.fetch(_SQL["without_clock"], overdue_since, limit, but, page, *after)
    end = next(((row["queue_at"], row["ticket_id"]) for row in rows if row["is_end"]), None)
    return [row["ticket_id"] for row in rows if not row["is_end"]], end


async def ended_before(
    database: Database, before: datetime, limit: int, but: Sequence[TicketId] = ()
) -> list[TicketId]:
    """Tickets that ended until then and were not put away, without those named, the oldest first."""
    return [TicketId(row["ticket_id"]) for row in await database.fetch(_SQL["ended_before"], before, limit, but)]


async def mark_archived(tx: Transaction, ticket_ids: Sequence[TicketId], now: datetime) -> None:
    """Remember of those that are put away that they are."""
    await tx.conn.execute(_SQL["mark_archived"], ticket_ids, now)


async def list_in_hand(database: Database, after: tuple[datetime, UUID], limit: int) -> list[tuple[datetime, TicketId]]:
    """(due_at, ticket_id) of what is in hand, in that order, after the given."""
    rows = await database.fetch(_SQL["list_in_hand"], *after, limit)
    return [(row["due_at"], row["ticket_id"]) for row in rows]


async def list_clocked(database: Database, since: datetime, after: UUID, limit: int) -> list[TicketId]:
    """Tickets with a clock that runs to that instant or beyond, in order, after the given."""
    return [TicketId(row["ticket_id"]) for row in await database.fetch(_SQL["list_clocked"], since, after, limit)]


async def read_clock(database: Database) -> datetime:
    """What the database's clock shows."""
    at: datetime = (await database.fetch(_SQL["read_clock"]))[0]["now"]
    return at


async def next_timer(database: Database) -> datetime | None:
    """When the next clock rings."""
    rows = await database.fetch(_SQL["next_timer"])
    at: datetime | None = rows[0]["fire_at"]
    return at


async def read_decisions(database: Database, ticket_id: TicketId) -> list[Record]:
    """Every explanation of a ticket, in order."""
    return await database.fetch(_SQL["read_decisions"], ticket_id)


async def read_notes(database: Database, ticket_id: TicketId) -> list[Record]:
    """People's words on a ticket, in order."""
    return await database.fetch(_SQL["read_notes"], ticket_id)


async def precedents(database: Database, category: str, area: str, limit: int) -> list[Mapping[str, Any]]:
    """Minutes of meetings and decisions on returns in an area, of a category or those below it; the latest first."""
    return [dict(row) for row in await database.fetch(_SQL["precedents"], category, area, limit)]


async def add_refusals(tx: Transaction, rows: Sequence[Sequence[Any]]) -> None:
    """Keep refusals of requests that are about no ticket, as `refusal_row` makes them."""
    await _many(tx, "insert_refusals", rows)


async def burden(
    database: Database, since: datetime, until: datetime, zone: str, area: str, county: str
) -> list[Mapping[str, Any]]:
    """Refused push-downs in an area, by month, unit, code and rule; the busiest first within a month."""
    return [dict(row) for row in await database.fetch(_SQL["burden"], since, until, zone, area, county)]


async def whistle_counts(database: Database, since: datetime, until: datetime, area: str) -> list[WhistleCount]:
    """Tickets and whistles of each township in an area between two instants."""
    rows = await database.fetch(_SQL["whistle_counts"], since, until, area)
    return [WhistleCount(row["township"], row["tickets"], row["whistled"]) for row in rows]


async def list_open(
    database: Database, unit: str | None, state: str | None, after: tuple[datetime, UUID], limit: int, area: str
) -> list[tuple[AssignmentId, Case]]:
    """Open assignments in an area in the order of queues, after the given (queue_at, id), each with its case."""
    if unit is None:
        rows = await database.fetch(_SQL["list_open"], state, *after, limit, area)
    else:
        rows = await database.fetch(_SQL["list_open_of"], state, *after, limit, area, unit)
    return [(row["id"], _CASE.decode(row["doc"])) for row in rows]


async def place_of_ticket(database: Database, ticket_id: UUID) -> Whereabouts | None:
    """Where a ticket lies and which units have it; None when there is no case. Raises Unavailable."""
    return _place(await database.fetch(_SQL["place_of_ticket"], ticket_id))


async def place_of_assignment(database: Database, assignment_id: UUID) -> Whereabouts | None:
    """Where an assignment lies and whose it is; None when there is none. Raises Unavailable."""
    return _place(await database.fetch(_SQL["place_of_assignment"], assignment_id))


def _place(rows: Sequence[Record]) -> Whereabouts | None:
    return Whereabouts(rows[0]["place"], tuple(filter(None, rows[0]["units"]))) if rows else None
