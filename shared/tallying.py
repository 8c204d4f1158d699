"""Adding up the ledger hour by hour, once and off the writers' path, so that a reconciliation answers at once."""

import asyncio
from datetime import timedelta
from typing import Final

from shared.database import Database, named_queries
from shared.errors import Unavailable
from shared.ledger import SHARDS
from shared.telemetry import log
from shared.wake import pause

PAUSE_S: Final = 30.0
MARGIN_S: Final = 60.0
"""An event is added up when it is so old; until then every reconciliation reads it anew."""
LONGEST: Final = timedelta(minutes=10)
SHORTEST: Final = timedelta(seconds=1)

_SQL = named_queries("shared", "sql", "replay.sql")


class Tallying:
    """The loop. Any number may run beside each other; without any, reconciliations are right and slower."""

    def __init__(self, database: Database, *, margin_s: float = MARGIN_S) -> None:
        self._database = database
        self._margin_s = margin_s
        self._stride = LONGEST

    async def run(self, stopping: asyncio.Event) -> None:
        """Add up until asked to stop."""
        while not stopping.is_set():
            try:
                behind = await self.step()
            except Unavailable as error:
                # A stretch too full for one statement must not be tried in the same length for ever.
                self._stride = max(SHORTEST, self._stride / 2)
                log.warning("tallying_waits", error=str(error), stride_s=self._stride.total_seconds())
                behind = False
            if not behind:
                await pause(stopping, PAUSE_S)

    async def step(self) -> bool:
        """Add up one stretch, at most ten minutes of recording; whether there is more. Raises Unavailable.

        What is settled is asked before the events are read, in a statement of its own: a transaction that ends
        between the two is then seen by the second.
        """
        async with self._database.transaction() as tx:
            upto = await tx.conn.fetchval(_SQL["lock_upto"])
            settled = await tx.conn.fetchval(_SQL["settled_before"], self._margin_s)
            if settled <= upto:
                return False
            end = min(settled, upto + self._stride)
            await tx.conn.execute(_SQL["add_up"], upto, end, SHARDS)
        self._stride = min(LONGEST, self._stride * 2)
        return bool(end < settled)
