"""Measuring as it happens: every event moves its ticket's record and the counts, in the event's own transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.notify import gathering_store, rates_store
from services.notify.core.measures import MeasureRules
from services.notify.core.rates import NOTHING, Bucket, Counts, add, change
from services.notify.core.record import HEARD, SAID, Record, counts_of, hear, without_own
from shared.database import Database, Transaction
from shared.events import Envelope
from shared.row_security import bookkeeping
from shared.terms import TicketId

Gather = Callable[[Transaction, Sequence[Envelope]], Awaitable[Mapping[Bucket, Counts]]]
"""Looks for what gathers among events, and answers with what that adds to the counts."""

_MEASURED: Final = (*HEARD, *SAID)


async def gather_nothing(tx: Transaction, envelopes: Sequence[Envelope]) -> Mapping[Bucket, Counts]:
    """Nobody looks for what gathers."""
    return {}


class Rates:
    """Keeps the counts. Whoever else locks a ticket's story locks it before calling here."""

    def __init__(self, rules: MeasureRules, gather: Gather = gather_nothing) -> None:
        self.rules = rules
        self._gather = gather

    async def hear(self, tx: Transaction, envelopes: Sequence[Envelope]) -> Mapping[TicketId, Record]:
        """Take events down, each once; the records of their tickets afterwards."""
        wanted = [e for e in envelopes if isinstance(e.event, _MEASURED)]
        if not wanted:
            return {}
        async with bookkeeping(tx):
            return await self._take_down(tx, wanted)

    async def _take_down(self, tx: Transaction, wanted: Sequence[Envelope]) -> Mapping[TicketId, Record]:
        before = await rates_store.lock_records(tx, {e.ticket_id for e in wanted})
        after = dict(before)
        for envelope in wanted:
            after[envelope.ticket_id] = hear(after[envelope.ticket_id], envelope)
        moved = {ticket_id: record for ticket_id, record in after.items() if record != before[ticket_id]}
        await rates_store.save_records(tx, moved)
        counts: dict[Bucket, Counts] = {}
        for ticket_id, record in moved.items():
            add(counts, change(self.counts_of(before[ticket_id]), self.counts_of(record)))
        add(counts, await self._gather(tx, wanted))
        await rates_store.add_counts(tx, {bucket: c for bucket, c in counts.items() if c != NOTHING})
        return after

    async def note(self, tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        """The same for whoever has no use for the records."""
        await self.hear(tx, envelopes)

    def counts_of(self, record: Record) -> dict[Bucket, Counts]:
        """What a ticket comes to."""
        return counts_of(record, self.rules.period_of)


async def recount(tx: Transaction, rules: MeasureRules, period: str = "") -> dict[Bucket, Counts]:
    """Every count anew, of a period or of all: from what was heard of each ticket, and this service's own ledger."""
    found: dict[Bucket, Counts] = {}
    async for page in rates_store.pages(tx):
        records = {ticket_id: without_own(record) for ticket_id, record in page.items()}
        for envelope in await rates_store.stated_about(tx, records.keys()):
            records[envelope.ticket_id] = hear(records[envelope.ticket_id], envelope)
        for record in records.values():
            add(found, counts_of(record, rules.period_of))
    days = rules.practice.recurring.counted_again_within_days
    for day, place, n in await gathering_store.recount_recurring(tx, days, rules.zone):
        add(found, {place._replace(period=rules.period_of(day)): Counts(recurrence_90d=n)})
    return {b: counts for b, counts in found.items() if counts != NOTHING and period in ("", b.period)}


async def compare(database: Database, rules: MeasureRules, period: str = "") -> dict[Bucket, Counts]:
    """What a recount adds to or takes from the counts that are kept; empty when they agree to the last digit.

    Both are read from one snapshot, so that work may go on meanwhile.
    """
    async with database.transaction() as tx:
        await tx.conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return change(await rates_store.all_counts(tx, period), await recount(tx, rules, period))


async def mend(database: Database, rules: MeasureRules, period: str) -> None:
    """Put the recount of a period in the place of its counts. Nobody can count meanwhile: for quiet hours."""
    async with database.transaction() as tx:
        await rates_store.hold_counts(tx)
        await rates_store.replace_counts(tx, period, await recount(tx, rules, period))


def recurrences(found: Sequence[tuple[datetime, Bucket]], rules: MeasureRules) -> dict[Bucket, Counts]:
    """Matters that recur, in counts."""
    counts: dict[Bucket, Counts] = {}
    for accepted_at, place in found:
        add(counts, {place._replace(period=rules.period_of(accepted_at)): Counts(recurrence_90d=1)})
    return counts
