"""Puts tickets away that ended long ago, a lot at a time, the oldest first."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from services.dispatch import store
from services.dispatch.core.story import ArchiveDue
from services.dispatch.decisions import Decider
from services.dispatch.hands import Cause
from shared.database import Database
from shared.rounds import keep_looking
from shared.singly import Singly
from shared.telemetry import log
from shared.terms import TicketId

EVERY_S = 60.0
LOT = 200


class Archiver:
    """The archiving loop. Any number of copies may run: the ticket's lock lets one of them put it away."""

    def __init__(
        self, database: Database, decider: Decider, clock_is_off: Callable[[], Awaitable[bool]], lot: int = LOT
    ) -> None:
        """Nothing is put away while `clock_is_off` says that this machine's clock is in doubt."""
        self._database = database
        self._decider = decider
        self._clock_is_off = clock_is_off
        self._lot = lot
        self._singly = Singly("archiver")

    async def run(self, stopping: asyncio.Event) -> None:
        """Put away what is due, lot after lot, until asked to stop."""
        await keep_looking("archiver", self.archive_due, stopping, EVERY_S, self._lot)

    async def archive_due(self) -> int:
        """One lot; how many tickets were put away. Raises Unavailable."""
        if await self._clock_is_off():
            return 0
        before = self._decider.now() - self._decider.book.archive.after
        found = await store.ended_before(self._database, before, self._lot, self._singly.left_aside())
        put_away = await self._singly.act(found, self._put_away) if found else []
        if put_away:
            log.info("tickets_archived", tickets=len(put_away))
        return len(put_away)

    async def _put_away(self, ticket_ids: Sequence[TicketId]) -> None:
        async with self._database.transaction() as tx:
            await self._decider.decide(tx, {t: [Cause(ArchiveDue(), "archiver")] for t in ticket_ids})
            await store.mark_archived(tx, ticket_ids, self._decider.now())
