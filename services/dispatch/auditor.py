"""A second pair of eyes on the clocks: finds open tickets that no clock watches, by another way, and mends them."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

from services.dispatch import store
from services.dispatch.core.triggers import ClockLost
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.telemetry import log

EVERY_S = 15.0
GRACE = timedelta(minutes=1)
"""How long past its deadline a ticket may be without a handling clock before somebody looks."""
BATCH = 200


class Auditor:
    """The auditing loop. What it mends is counted, and the count is to stay at nothing."""

    def __init__(self, database: Database, decider: Decider) -> None:
        self._database = database
        self._decider = decider

    async def run(self, stopping: asyncio.Event) -> None:
        """Look again and again until asked to stop."""
        while not stopping.is_set():
            try:
                await self.audit()
            except Unavailable as error:
                log.warning("auditor_waits", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await stopping.wait()

    async def audit(self) -> int:
        """One look; how many tickets were mended. Raises Unavailable."""
        found = await store.without_clock(self._database, self._decider.now() - GRACE, BATCH)
        mended = 0
        if found:
            async with self._database.transaction() as tx:
                rulings = await self._decider.decide(tx, {t: [Cause(ClockLost(), "auditor")] for t in found})
            mended = sum(ruling.case is not None for ruling in rulings.values())
            telemetry.TIMERS_MENDED.inc(mended)
            log.error("clocks_mended", tickets=[str(ticket_id) for ticket_id in found])
        telemetry.AUDITED_AT.set(time.time())
        return mended
