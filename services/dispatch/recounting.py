"""At every start: open deadlines that were counted before the latest holiday notice came are counted again."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time
from uuid import UUID

from services.dispatch import store
from services.dispatch.core.recounting import recounted
from services.dispatch.core.story import NoticeCame
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.singly import Singly
from shared.telemetry import log
from shared.terms import TicketId

BATCH = 500
AGAIN_S = 5.0
NOBODY = UUID(int=0)


class Recounting:
    """One pass over the open deadlines in reach of the latest notice; any number of copies may make it."""

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
            try:
                async with asyncio.timeout(wait_s):
                    await stopping.wait()
            except TimeoutError:
                continue

    async def recount(self) -> int:
        """One pass; how many deadlines were moved. Raises Unavailable."""
        calendar = self._decider.book.calendar
        before = calendar.without_last_year()
        if before is None:
            return 0
        told = NoticeCame(before)
        moved: list[TicketId] = []

        async def act(ticket_ids: Sequence[TicketId]) -> None:
            moved.extend(await self._recount(ticket_ids, told))

        after: tuple[datetime, UUID] | None = (calendar.at(date(calendar.years[-1].year, 1, 1), time()), NOBODY)
        while after is not None:
            page = await store.list_in_hand(self._database, after, BATCH)
            after = page[-1] if len(page) == BATCH else None
            await self._singly.act([ticket_id for _, ticket_id in page], act)
        telemetry.DEADLINES_RECOUNTED.inc(len(moved))
        log.info("deadlines_recounted", tickets=len(moved), year=calendar.years[-1].year)
        return len(moved)

    async def _recount(self, ticket_ids: Sequence[TicketId], told: NoticeCame) -> list[TicketId]:
        """Which of them were moved."""
        book, now = self._decider.book, self._decider.now()
        cases = await store.find_cases(self._database, ticket_ids)
        concerned = [case.ticket_id for case in cases if recounted(case, told.before, book, now) is not None]
        if concerned:
            async with self._database.transaction() as tx:
                await self._decider.decide(tx, {t: [Cause(told, "holiday-notice")] for t in concerned})
        return concerned
