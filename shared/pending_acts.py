"""Acts that need two people 双人审批: one asks, another approves, and then it is done once, as it was approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from unicodedata import normalize
from uuid import UUID

import asyncpg
import orjson
from uuid_utils.compat import uuid7

from shared.actors import Actor, Forbidden, covers
from shared.database import Database, Transaction, named_queries
from shared.errors import Conflict, NotFound, Problem, Rejected

_SQL = named_queries("shared", "sql", "access.sql")

ActId = NewType("ActId", UUID)
VALID_FOR: Final = timedelta(days=2)
LONGEST: Final = timedelta(days=14)


class ActState(StrEnum):
    """Where an act stands."""

    ASKED = "ASKED"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    DONE = "DONE"
    LAPSED = "LAPSED"


@dataclass(frozen=True, slots=True)
class PendingAct:
    """An act on a subject, with what exactly is to be done, as canonical JSON."""

    id: ActId
    act: str
    subject: str
    detail: str
    jurisdiction: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    state: ActState = ActState.ASKED


def canonical(detail: Mapping[str, object]) -> str:
    """What is to be done, so that the same gives the same text."""
    return orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()


def same_person(one: str, other: str) -> bool:
    """Whether two ids are one person's: differences of case, width and blanks make nobody a second person."""
    return _plain(one) == _plain(other)


def _plain(person: str) -> str:
    return normalize("NFKC", person).casefold().strip()


def person_of(actor: Actor) -> str:
    """The person who acts. Raises Forbidden for a key or a service: two persons are two human beings."""
    if not actor.person or not _plain(actor.person) or actor.client is not None:
        raise Forbidden("no-person", "This takes a person, not a key.")
    return actor.person


def check_settle(pending: PendingAct, actor: Actor, now: datetime) -> None:
    """Whether this actor may approve or deny the act now.

    Raises NotFound outside their area, Conflict when it is settled or has run out, Forbidden for who asked for it.
    """
    person = person_of(actor)
    if not covers(actor.jurisdiction, pending.jurisdiction):
        raise NotFound(str(pending.id))
    if pending.state is not ActState.ASKED:
        raise Conflict(f"it is {pending.state} already", 0)
    if now >= pending.expires_at:
        raise Conflict("it has run out: ask again", 0)
    if same_person(person, pending.asked_by):
        raise Forbidden("same-person", "Somebody else must approve what you asked for.")


def check_use(pending: PendingAct, detail: str, actor: Actor, now: datetime) -> None:
    """Whether an approved act may be done now, in this form, by this actor: one of the two.

    Raises Conflict when it is not approved, has run out, or is not what was approved; Forbidden for a third person.
    """
    person = person_of(actor)
    if pending.state is not ActState.APPROVED or pending.settled_by is None:
        raise Conflict(f"it is {pending.state}", 0)
    if now >= pending.expires_at:
        raise Conflict("it has run out: ask again", 0)
    if pending.detail != detail:
        raise Conflict("this is not what was approved", 0)
    if not (same_person(person, pending.asked_by) or same_person(person, pending.settled_by)):
        raise Forbidden("third-person", "Only the two who agreed on it may do it.")


async def ask(
    tx: Transaction, act: str, subject: str, detail: Mapping[str, object], actor: Actor, code: str, now: datetime,
    valid_for: timedelta = VALID_FOR,
) -> PendingAct:  # fmt: skip
    """Ask for an act; `code` is the division or grid it concerns.

    Raises NotFound outside the actor's area, Forbidden for a key, Conflict when the same is under way already.
    """
    person = person_of(actor)
    if not covers(actor.jurisdiction, code):
        raise NotFound(subject)
    if not timedelta(0) < valid_for <= LONGEST:
        raise Rejected(Problem("valid_for", "out_of_range", f"at most {LONGEST.days} days"))
    pending = PendingAct(
        ActId(UUID(bytes=uuid7().bytes)), act, subject, canonical(detail), code, person, now, now + valid_for
    )
    await tx.conn.execute(_SQL["lapse_acts"], act, subject, now)
    args = (pending.id, act, subject, pending.detail, code, person, now, pending.expires_at)
    if await tx.conn.fetchval(_SQL["ask_act"], *args) is None:
        raise Conflict("the same is waiting for a second person already", 0)
    return pending


async def approve(tx: Transaction, act_id: ActId, actor: Actor, now: datetime) -> PendingAct:
    """Approve an act as the second person. Raises as `check_settle`, and NotFound for an unknown id."""
    return await _settle(tx, act_id, actor, ActState.APPROVED, now)


async def deny(tx: Transaction, act_id: ActId, actor: Actor, now: datetime) -> PendingAct:
    """Deny an act. Raises as `approve`."""
    return await _settle(tx, act_id, actor, ActState.DENIED, now)


async def use(
    tx: Transaction, act: str, subject: str, detail: Mapping[str, object], actor: Actor, now: datetime
) -> PendingAct:
    """Take the approval for an act that is done in this very transaction; it is used up with it.

    Raises as `check_use`, and Conflict when nobody approved it: a second person must first.
    """
    row = await tx.conn.fetchrow(_SQL["lock_approved_act"], act, subject)
    if row is None:
        raise Conflict("a second person must approve this first", 0)
    pending = _act(row)
    check_use(pending, canonical(detail), actor, now)
    await tx.conn.execute(_SQL["finish_act"], pending.id)
    return pending


async def list_waiting(database: Database, actor: Actor, now: datetime, limit: int = 200) -> list[PendingAct]:
    """What waits in the actor's area, the oldest first. Raises Unavailable."""
    if not actor.jurisdiction:
        return []
    return [_act(row) for row in await database.fetch(_SQL["list_acts"], actor.jurisdiction, now, limit)]


async def waiting_for(tx: Transaction, act: str, subject: str, now: datetime) -> PendingAct | None:
    """The act under way on a subject, if any; locked, so that nobody else settles it meanwhile."""
    row = await tx.conn.fetchrow(_SQL["lock_waiting_act"], act, subject, now)
    return None if row is None else _act(row)


async def _settle(tx: Transaction, act_id: ActId, actor: Actor, state: ActState, now: datetime) -> PendingAct:
    row = await tx.conn.fetchrow(_SQL["lock_act"], act_id)
    if row is None:
        raise NotFound(str(act_id))
    pending = _act(row)
    check_settle(pending, actor, now)
    await tx.conn.execute(_SQL["settle_act"], act_id, state, person_of(actor), now)
    return _act(dict(row) | {"state": state, "settled_by": person_of(actor), "settled_at": now})


def _act(row: "asyncpg.Record | dict[str, object]") -> PendingAct:
    values = dict(row)
    return PendingAct(**(values | {"state": ActState(str(values["state"]))}))
