"""Bugs in intake and dispatch: accepting, commands, clocks, lists."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime

from services.dispatch import store
from services.dispatch.core.case import Case
from services.dispatch.core.story import RESOLVE_CLOCKS, Clock, Decision, Story
from services.dispatch.decisions import Decider, Verifiers
from services.dispatch.hands import Cause
from services.dispatch.timers import Timers
from services.intake import store as intake_store
from services.intake.doors import Doors
from services.intake.receive import Incoming, Received
from shared import clock
from shared.database import Transaction
from shared.steadiness import SteadyClock
from shared.terms import TicketId

_CLAIM_IN_PYTHON = """
WITH claimed AS (
    INSERT INTO request (source, key, fingerprint, ticket_id)
    SELECT g.source, g.key, g.fingerprint, g.ticket_id
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) AS g (source, key, fingerprint, ticket_id)
    WHERE NOT EXISTS (SELECT FROM request AS r WHERE r.source = g.source AND r.key = g.key)
    RETURNING source, key
)
SELECT source, key, nextval('ticket_number') AS number FROM claimed
"""


def version_not_compared() -> None:
    """M13: a command is carried out whatever version of the ticket it was given for."""
    decide_one = Decider._decide_one

    def careless(
        self: Decider, ticket_id: TicketId, case: Case | None, cause: Cause, now: datetime, verifiers: Verifiers
    ) -> Decision:
        if case is not None and cause.expected_version is not None:
            cause = replace(cause, expected_version=case.version)
        return decide_one(self, ticket_id, case, cause, now, verifiers)

    Decider._decide_one = careless  # type: ignore[method-assign]


def unique_in_python_only() -> None:
    """M17: whether a key is new is looked up and then written, and nothing in the table says no to a second."""
    intake_store._SQL["claim_requests"] = _CLAIM_IN_PYTHON  # type: ignore[index]


def told_before_commit() -> None:
    """M23: the caller is told 201 before the transaction has committed."""

    async def receive(self: Doors, reports: Sequence[Incoming], door: str) -> list[Received]:
        told: asyncio.Future[list[Received]] = asyncio.get_running_loop().create_future()

        async def commit() -> None:
            async with self.database.transaction() as tx:
                told.set_result(await self.receiver.receive(tx, reports, door=door))
                await asyncio.sleep(0.05)

        _LATE.add(task := asyncio.create_task(commit()))
        task.add_done_callback(_LATE.discard)
        return await told

    Doors.receive = receive  # type: ignore[method-assign]


FOR_WHOM = "a.unit = $6::text"
_LATE: set[asyncio.Task[None]] = set()
_SAVED_LATER: ContextVar[list[Sequence[store.Step]] | None] = ContextVar("saved_later", default=None)


def fired_in_a_second_transaction() -> None:
    """M18: an escalation is stated in one transaction, and that its clock rang is written in another."""
    save, ring = store.save, Timers._ring

    async def later(tx: Transaction, steps: Sequence[store.Step]) -> None:
        waiting = _SAVED_LATER.get()
        if waiting is None:
            await save(tx, steps)
        else:
            waiting.append(steps)

    async def torn(self: Timers, ticket_ids: Sequence[TicketId]) -> None:
        waiting: list[Sequence[store.Step]] = []
        token = _SAVED_LATER.set(waiting)
        try:
            await ring(self, ticket_ids)
        finally:
            _SAVED_LATER.reset(token)
        async with self._database.transaction() as tx:
            for steps in waiting:
                await save(tx, steps)

    store.save = later
    Timers._ring = torn  # type: ignore[method-assign]


def clock_runs_on() -> None:
    """M19: the clock of the handling limit is not stopped when the result is in."""
    stop = Story.stop

    def deaf(self: Story, *clocks: Clock, **named: str) -> None:
        left = [clock for clock in clocks if clock not in RESOLVE_CLOCKS]
        if left:
            stop(self, *left, **named)

    Story.stop = deaf  # type: ignore[method-assign]


def clock_believed() -> None:
    """M20: whatever is done and rings goes by the process's own clock, whether or not it was stepped."""

    def always(self: Timers) -> bool:
        return True

    def as_shown(self: SteadyClock) -> datetime:
        return clock.utc_now()

    Timers._looks_steady = always  # type: ignore[method-assign]
    SteadyClock.__call__ = as_shown  # type: ignore[method-assign]


def filter_missing() -> None:
    """M27: one list forgets whom it is for."""
    store._SQL["list_open_of"] = forgetful(store._SQL["list_open_of"])  # type: ignore[index]


def forgetful(query: str) -> str:
    """The list with its filter turned round. Raises LookupError when the filter is not written so any more: a bug that
    is none would be missed by every checker."""
    if FOR_WHOM not in query:
        raise LookupError(f"{FOR_WHOM} is not in the query any more")
    return query.replace(FOR_WHOM, "a.unit <> coalesce($6::text, '')")
