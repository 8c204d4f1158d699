"""Many tickets in one transaction; where that fails, each in its own, so that one at fault holds up no other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared import telemetry
from shared.errors import Unavailable
from shared.telemetry import log
from shared.terms import TicketId

TROUBLED_S = 60.0
"""How long a ticket that cannot be worked on (a fault of ours) is left aside before it is tried again."""


class Singly:
    """What one loop does to many tickets, and which of them are in trouble."""

    def __init__(self, loop: str) -> None:
        self._loop = loop
        self._troubled: dict[TicketId, float] = {}

    async def act(
        self, ticket_ids: Sequence[TicketId], act: Callable[[Sequence[TicketId]], Awaitable[None]]
    ) -> list[TicketId]:
        """Let `act`, a transaction of its own, do all of them, else one by one; which were done. Raises Unavailable."""
        try:
            await act(ticket_ids)
        except Unavailable:
            raise
        except Exception as error:  # a fault in one ticket must not hold up every other
            log.error("batch_failed", loop=self._loop, tickets=len(ticket_ids), error=repr(error))
            return [ticket_id for ticket_id in ticket_ids if await self._alone(ticket_id, act)]
        return list(ticket_ids)

    async def _alone(self, ticket_id: TicketId, act: Callable[[Sequence[TicketId]], Awaitable[None]]) -> bool:
        try:
            await act([ticket_id])
        except Unavailable:
            raise
        except Exception as error:  # named, counted and tried again later; the others go on
            self.leave_aside(ticket_id, error)
            return False
        return True

    def leave_aside(self, ticket_id: TicketId, error: Exception) -> None:
        """Leave a ticket alone for a while, because of an error: logged and counted."""
        self._troubled[ticket_id] = asyncio.get_running_loop().time() + TROUBLED_S
        telemetry.TICKETS_FAULTY.labels(loop=self._loop).inc()
        log.error("ticket_failed", loop=self._loop, ticket_id=str(ticket_id), error=repr(error))

    def left_aside(self) -> list[TicketId]:
        """The tickets in trouble, for as long as each is left alone; a query leaves them out, however many."""
        now = asyncio.get_running_loop().time()
        self._troubled = {ticket_id: until for ticket_id, until in self._troubled.items() if until > now}
        return [*self._troubled]
