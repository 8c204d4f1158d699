"""At every start: open deadlines that a late holiday notice or an order of standstill concerns are counted again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, time
from uuid import UUID

from services.dispatch import store
from services.dispatch.core.recounting import recounted
from services.dispatch.core.standstill import concerns, ordered
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.core.step_clocks import steps_moved
from services.dispatch.core.story import NoticeCame
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.singly import Singly
from shared.telemetry import log
from shared.terms import TicketId
from shared.wake import pause

BATCH = 500
AGAIN_S = 5.0
NOBODY = UUID(int=0)
Act = Callable[[Sequence[TicketId]], Awaitable[None]]


class Recounting:
    """One pass over open deadlines in reach of the latest notice and of orders; any number of copies may make it."""

    def __init__(self, database: Database, decider: Decider) -> None:
        self._database = database
        self._decider = decider
        self._singly = Singly("recounting")

    async def run(self, stopping: asyncio.Event) -> None:
        """Make the pass, however often the database is away, and wait to be asked to stop."""
        wait_s: float | None = AGAIN_S
        while not stopping.is_set():
            try:
                if wait_s is not None:
                    await self.recount()
                    wait_s = None
            except Unavailable as error:
                log.warning("recounting_waits", error=str(error))
            await pause(stopping, wait_s)

    async def recount(self) -> int:
        """One pass; how many deadlines were moved. Raises Unavailable."""
        calendar = self._decider.book.calendar
        moved: list[TicketId] = []
        before = calendar.without_last_year()
        if before is not None:
            told = NoticeCame(before)

            seen: set[TicketId] = set()

            async def hear(ticket_ids: Sequence[TicketId]) -> None:
                seen.update(ticket_ids)
                moved.extend(await self._recount(ticket_ids, told))

            async def hear_rest(ticket_ids: Sequence[TicketId]) -> None:
                await self._singly.act([t for t in ticket_ids if t not in seen], hear)

            since = calendar.at(date(calendar.years[-1].year, 1, 1), time())
            await self._walk_in_hand(since, hear)
            await self._walk_clocked(since, hear_rest)
        for order in self._decider.org.standstills:
            moved += await self._stand_still(order)
        telemetry.DEADLINES_RECOUNTED.inc(len(moved))
        log.info("deadlines_recounted", tickets=len(moved), year=calendar.years[-1].year)
        return len(moved)

    async def _walk_in_hand(self, since: datetime, act: Act) -> None:
        after: tuple[datetime, UUID] | None = (since, NOBODY)
        while after is not None:
            page = await store.list_in_hand(self._database, after, BATCH)
            after = page[-1] if len(page) == BATCH else None
            await self._singly.act([ticket_id for _, ticket_id in page], act)

    async def _walk_clocked(self, since: datetime, act: Act) -> None:
        after: UUID | None = NOBODY
        while after is not None:
            page = await store.list_clocked(self._database, since, after, BATCH)
            after = page[-1] if len(page) == BATCH else None
            await act(page)

    async def _recount(self, ticket_ids: Sequence[TicketId], told: NoticeCame) -> list[TicketId]:
        """Which of them were moved: the ticket's deadline, a unit's, or that of a single step."""
        book, now = self._decider.book, self._decider.now()
        cases = await store.find_cases(self._database, ticket_ids)
        async with self._database.transaction() as tx:
            running = await store.read_running_timers(tx, ticket_ids)
            concerned = [
                case.ticket_id for case in cases
                if recounted(case, told.before, book, now) is not None
                or steps_moved(running.get(case.ticket_id, ()), told.before, book, now)
            ]  # fmt: skip
            if concerned:
                await self._decider.decide(tx, {t: [Cause(told, "holiday-notice")] for t in concerned})
        return concerned

    async def _stand_still(self, order: Standstill) -> list[TicketId]:
        """Which tickets of the order's area had not stood still by it yet."""
        calendar, moved = self._decider.book.calendar, list[TicketId]()
        told = ordered(order, calendar)

        async def act(ticket_ids: Sequence[TicketId]) -> None:
            cases = await store.find_cases(self._database, ticket_ids)
            concerned = [case.ticket_id for case in cases if concerns(order, case, calendar)]
            if concerned:
                async with self._database.transaction() as tx:
                    await self._decider.decide(tx, {t: [Cause(told, f"standstill:{order.id}")] for t in concerned})
            moved.extend(concerned)

        await self._walk_in_hand(told.since, act)
        return moved
