"""SQL of following up beyond asking: draws, tasks of agents, links, and exclusions with their votes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notify.core.panel import Exclusion, ExclusionState, Vote
from services.notify.core.sampling import Draw, Way
from services.notify.store import Key
from shared.database import Database, Transaction, named_queries
from shared.terms import ExclusionReason, TicketId

_SQL = named_queries("services.notify", "sql", "followups.sql")


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a unit's draws of a period have come: all, and the calls among them that the lot decided."""

    drawn: int
    by_lot: int


@dataclass(frozen=True, slots=True)
class Task:
    """Somebody is to be called, or something to be looked at."""

    ticket_id: TicketId
    cycle: int
    way: Way
    ticket_no: str
    unit: str
    dedicated: bool
    made_at: datetime
    missed: int = 0
    agent: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is good for."""

    ticket_id: TicketId
    cycle: int
    purpose: str
    expires_at: datetime
    used_at: datetime | None


# Draws


async def lock_tallies(tx: Transaction, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Tally]:
    """How far these units' months (period, unit) have come, locked until the transaction ends."""
    rows = await tx.conn.fetch(_SQL["lock_draw_counts"], [p for p, _ in keys], [u for _, u in keys])
    return {(row["period"], row["unit"]): Tally(row["drawn"], row["by_lot"]) for row in rows}


async def save_draws(tx: Transaction, draws: Sequence[Draw], tallies: dict[tuple[str, str], Tally]) -> None:
    """Keep draws, and how far the months have come with them."""
    await tx.conn.execute(
        _SQL["save_draw_counts"],
        [period for period, _ in tallies],
        [unit for _, unit in tallies],
        [t.drawn for t in tallies.values()],
        [t.by_lot for t in tallies.values()],
    )
    await tx.conn.execute(
        _SQL["add_draws"],
        [d.ticket_id for d in draws],
        [d.cycle for d in draws],
        [d.period for d in draws],
        [d.unit for d in draws],
        [d.nth for d in draws],
        [d.lot for d in draws],
        [d.way.value for d in draws],
        [d.why for d in draws],
        [d.dedicated for d in draws],
        [d.drawn_at for d in draws],
    )


async def known_draws(tx: Transaction, keys: Iterable[Key]) -> frozenset[Key]:
    """Those of `keys` that were drawn for already."""
    wanted = list(keys)
    rows = await tx.conn.fetch(_SQL["known_draws"], [t for t, _ in wanted], [c for _, c in wanted])
    return frozenset((TicketId(row["ticket_id"]), row["cycle"]) for row in rows)


async def list_draws(
    database: Database, period: str, after: tuple[str, int], limit: int
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """A page of a period's draws after (unit, nth), and every unit's sums, as the API shows them."""
    draws = await database.fetch(_SQL["list_draws"], period, *after, limit)
    sums = await database.fetch(_SQL["sum_draws"], period)
    return [dict(row) for row in draws], [dict(row) for row in sums]


# Tasks


async def add_tasks(tx: Transaction, tasks: Sequence[Task]) -> None:
    """Keep new tasks; one that is there already stays."""
    if tasks:
        await tx.conn.execute(
            _SQL["add_tasks"],
            [t.ticket_id for t in tasks],
            [t.cycle for t in tasks],
            [t.way.value for t in tasks],
            [t.ticket_no for t in tasks],
            [t.unit for t in tasks],
            [t.dedicated for t in tasks],
            [t.made_at for t in tasks],
        )


async def list_tasks(database: Database, limit: int, area: str) -> list[Task]:
    """What is to be done now in an area, the oldest first."""
    return [_task(row) for row in await database.fetch(_SQL["list_tasks"], limit, area)]


async def claim_tasks(
    tx: Transaction, agent: str, unit: str, limit: int, *, dedicated: bool, now: datetime, until: datetime, area: str
) -> list[Task]:
    """Lease free tasks in an area to an agent; none that the agent's own house handled."""
    rows = await tx.conn.fetch(_SQL["claim_tasks"], agent, unit, limit, dedicated, now, until, area)
    return sorted((_task(row) for row in rows), key=lambda t: (t.made_at, t.ticket_id))


async def read_task(tx: Transaction, key: Key) -> Task | None:
    """One task that is not done, locked."""
    row = await tx.conn.fetchrow(_SQL["read_task"], *key)
    return None if row is None else _task(row)


async def miss_task(tx: Transaction, key: Key) -> None:
    """Nobody answered the call: the task is free again."""
    await tx.conn.execute(_SQL["miss_task"], *key)


async def finish_check(tx: Transaction, key: Key, now: datetime, *, confirmed: bool) -> None:
    """Somebody looked at the place."""
    await tx.conn.execute(_SQL["finish_check"], *key, now, confirmed)


def _task(row: asyncpg.Record) -> Task:
    return Task(
        TicketId(row["ticket_id"]), row["cycle"], Way(row["way"]), row["ticket_no"], row["unit"], row["dedicated"],
        row["made_at"], row["missed"], row["agent"], row["lease_until"],
    )  # fmt: skip


# Links


async def add_link(tx: Transaction, digest: bytes, link: Link) -> None:
    """Keep a link by the hash of its token."""
    await tx.conn.execute(_SQL["add_link"], digest, link.ticket_id, link.cycle, link.purpose, link.expires_at)


async def add_links(tx: Transaction, links: Sequence[tuple[bytes, Link]]) -> None:
    """Keep the links of messages, in one statement."""
    made = [link for _, link in links]
    await tx.conn.execute(
        _SQL["add_links"], [digest for digest, _ in links], [m.ticket_id for m in made], [m.cycle for m in made],
        [m.purpose for m in made], [m.expires_at for m in made],
    )  # fmt: skip


async def find_link(tx: Transaction, digest: bytes) -> Link | None:
    """The link of that hash."""
    row = await tx.conn.fetchrow(_SQL["find_link"], digest)
    if row is None:
        return None
    return Link(TicketId(row["ticket_id"]), row["cycle"], row["purpose"], row["expires_at"], row["used_at"])


async def use_link(tx: Transaction, digest: bytes, now: datetime) -> bool:
    """Use a link up; False when somebody else did."""
    return bool(await tx.conn.fetch(_SQL["use_link"], digest, now))


async def forget_links(tx: Transaction, now: datetime, limit: int) -> int:
    """Forget links that are no good any more; how many."""
    return len(await tx.conn.fetch(_SQL["forget_links"], now, limit))


# Callbacks


async def hear_callback(tx: Transaction, sender: str, identity: str, now: datetime) -> bool:
    """Remember what was handed in; False when it was handed in before."""
    return bool(await tx.conn.fetch(_SQL["hear_callback"], sender, identity, now))


async def forget_callbacks(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget what was handed in before; how many."""
    return len(await tx.conn.fetch(_SQL["forget_callbacks"], before, limit))


async def follow_up_of_message(tx: Transaction, message_id: UUID) -> Key | None:
    """What a message to a citizen asked about; None of any other message."""
    row = await tx.conn.fetchrow(_SQL["follow_up_of_message"], message_id)
    return None if row is None else (TicketId(row["ticket_id"]), row["cycle"])


# Words


async def add_words(tx: Transaction, key: Key, sealed: bytes, now: datetime) -> None:
    """Keep what a citizen wrote; what stands already stays."""
    await tx.conn.execute(_SQL["add_words"], *key, sealed, now)


async def erase_words(tx: Transaction, ticket_ids: Collection[TicketId]) -> list[TicketId]:
    """Erase all that the citizens of these tickets wrote; the ticket of each text."""
    return [TicketId(row["ticket_id"]) for row in await tx.conn.fetch(_SQL["erase_words"], list(ticket_ids))]


async def forget_words(tx: Transaction, before: datetime, limit: int) -> list[TicketId]:
    """Erase what was written before, `limit` texts at the most; the ticket of each."""
    return [TicketId(row["ticket_id"]) for row in await tx.conn.fetch(_SQL["forget_words"], before, limit)]


async def words_of(database: Database, ticket_id: TicketId) -> list[tuple[int, bytes, datetime]]:
    """What was written about a ticket: the cycle, the sealed words, when."""
    rows = await database.fetch(_SQL["words_of"], ticket_id)
    return [(row["cycle"], row["sealed"], row["said_at"]) for row in rows]


# Exclusions


async def read_exclusion(tx: Transaction, key: Key) -> Exclusion | None:
    """The request about a cycle, with its votes; stable while the ticket's story is locked."""
    row = await tx.conn.fetchrow(_SQL["read_exclusion"], *key)
    if row is None:
        return None
    votes = await tx.conn.fetch(_SQL["read_votes"], *key)
    return _exclusion(row, tuple(Vote(v["person"], v["unit"], v["granted"], v["at"]) for v in votes))


async def save_exclusion(tx: Transaction, e: Exclusion) -> None:
    """Keep a request and its votes."""
    await tx.conn.execute(
        _SQL["save_exclusion"], e.ticket_id, e.cycle, e.unit, e.reason.value, list(e.evidence), e.asked_by, e.asked_at,
        e.decide_by, e.state.value, e.sampled, e.checked_by,
    )  # fmt: skip
    for v in e.votes:
        await tx.conn.execute(_SQL["save_vote"], e.ticket_id, e.cycle, v.person, v.unit, v.grant, v.at)


async def late_exclusions(database: Database, now: datetime, limit: int, but: Collection[Key] = ()) -> list[Key]:
    """Requests whose panel has had its time, but these; unlocked, so look again under the lock."""
    rows = await database.fetch(_SQL["late_exclusions"], now, limit, [t for t, _ in but], [c for _, c in but])
    return [(TicketId(row["ticket_id"]), row["cycle"]) for row in rows]


async def list_exclusions(database: Database, state: str, unit: str, limit: int, area: str) -> list[Exclusion]:
    """Requests in an area, in a state, of a unit ("" is any), the latest first; without their votes."""
    return [_exclusion(row, ()) for row in await database.fetch(_SQL["list_exclusions"], state, unit, limit, area)]


def _exclusion(row: asyncpg.Record, votes: tuple[Vote, ...]) -> Exclusion:
    return Exclusion(
        TicketId(row["ticket_id"]), row["cycle"], row["unit"], ExclusionReason(row["reason"]), tuple(row["evidence"]),
        row["asked_by"], row["asked_at"], row["decide_by"], ExclusionState(row["state"]), votes, row["sampled"],
        row["checked_by"],
    )  # fmt: skip
