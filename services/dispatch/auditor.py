"""A second pair of eyes on the clocks: finds open tickets that no clock watches, by another way, and mends them."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from services.dispatch import store
from services.dispatch.core.story import ClockLost
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.recent import rest_s
from shared.singly import Singly
from shared.telemetry import log
from shared.terms import TicketId
from shared.wake import pause

EVERY_S = 15.0
GRACE = timedelta(minutes=1)
"""How long past its deadline a ticket may be without a handling clock before somebody looks."""
BATCH = 200
PAGE = 10_000
"""Open tickets that one statement looks at."""


class Auditor:
    """The auditing loop. What it mends is counted, and the count is to stay at nothing."""

    def __init__(self, database: Database, decider: Decider, page: int = PAGE) -> None:
        self._database = database
        self._page = page
        self._decider = decider
        self._singly = Singly("auditor")

    async def run(self, stopping: asyncio.Event) -> None:
        """Look again and again until asked to stop."""
        while not stopping.is_set():
            began = time.monotonic()
            try:
                await self.audit()
            except Unavailable as error:
                log.warning("auditor_waits", error=str(error))
            await pause(stopping, rest_s(time.monotonic() - began, EVERY_S))

    async def audit(self) -> int:
        """One look at all that is open, page by page; how many tickets were mended. Raises Unavailable."""
        overdue_since, but = self._decider.now() - GRACE, self._singly.left_aside()
        place: store.Place | None = store.FIRST
        mended = 0
        while place is not None:
            found, place = await store.without_clock(self._database, overdue_since, BATCH, but, self._page, place)
            mended += len(await self._singly.act(found, self._mend)) if found else 0
        telemetry.AUDITED_AT.set(time.time())
        return mended

    async def _mend(self, ticket_ids: Sequence[TicketId]) -> None:
        async with self._database.transaction() as tx:
            await self._decider.decide(tx, {t: [Cause(ClockLost(), "auditor")] for t in ticket_ids})
        telemetry.TIMERS_MENDED.inc(len(ticket_ids))
        log.error("clocks_mended", tickets=[str(ticket_id) for ticket_id in ticket_ids])
