"""What fell due: claims tickets whose clocks reached a step, and lets each ring in the transaction of its effect."""

import asyncio
from collections.abc import Sequence

from services.dispatch import store
from services.dispatch.decisions import Decider, timer_cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.steadiness import Steadiness, now_s
from shared.telemetry import log
from shared.terms import TicketId
from shared.wake import Wake

POLL_S = 0.5
TROUBLED_S = 60.0
"""How long a ticket whose clock cannot ring (a fault of ours) is left aside, so that it cannot hold up the others."""


class Timers:
    """The timer loop. Any number of copies may run: the ticket's lock lets one of them ring."""

    def __init__(self, database: Database, decider: Decider, batch: int) -> None:
        self._database = database
        self._decider = decider
        self._batch = batch
        self._idle = Wake()
        self._troubled: dict[TicketId, float] = {}
        self._steadiness = Steadiness()

    async def run(self, stopping: asyncio.Event) -> None:
        """Ring what is due until asked to stop."""
        while not stopping.is_set():
            try:
                rung = await self.ring_due()
            except Unavailable as error:
                log.warning("timers_wait", error=str(error))
                rung = 0
            if not rung:
                await self._idle.wait(POLL_S)

    async def ring_due(self) -> int:
        """One pass; how many tickets had a clock ring; none while this machine's clock is in doubt."""
        if await self.clock_is_off():
            return 0
        now = self._decider.now()
        clear = await store.tickets_with_due_timers(self._database, now, self._batch, self._left_aside())
        if not clear:
            return 0
        try:
            await self._ring(clear)
        except Unavailable:
            raise
        except Exception as error:  # a fault in one ticket's rules must not hold up every other clock
            log.error("timer_batch_failed", tickets=len(clear), error=repr(error))
            await self._ring_singly(clear)
        return len(clear)

    async def clock_is_off(self) -> bool:
        """Whether the wall clock jumped and has not proved itself against the database's since. Raises Unavailable."""
        steps = self._steadiness.steps
        if self._steadiness.look(*now_s()):
            return False
        if self._steadiness.steps > steps:
            telemetry.CLOCK_STEPS.inc()
            log.error("clock_step", steps=self._steadiness.steps)
        database = await store.read_clock(self._database)
        return not self._steadiness.compare(*now_s(), database.timestamp())

    async def _ring(self, ticket_ids: Sequence[TicketId]) -> None:
        async with self._database.transaction() as tx:
            await self._decider.ledger.lock(tx, sorted(ticket_ids))
            now = self._decider.now()
            due = await store.read_due_timers(tx, ticket_ids, now)
            causes = {ticket_id: [timer_cause(timer) for timer, _ in timers] for ticket_id, timers in due.items()}
            await self._decider.decide(tx, causes)
        for timers in due.values():
            for timer, fire_at in timers:
                telemetry.TIMERS_FIRED.labels(clock=timer.clock.value).inc()
                telemetry.TIMER_LATENESS.observe((now - fire_at).total_seconds())

    async def _ring_singly(self, ticket_ids: Sequence[TicketId]) -> None:
        for ticket_id in ticket_ids:
            try:
                await self._ring([ticket_id])
            except Unavailable:
                raise
            except Exception as error:  # named, counted and tried again later; the others go on
                self._troubled[ticket_id] = asyncio.get_running_loop().time() + TROUBLED_S
                log.error("timer_failed", ticket_id=str(ticket_id), error=repr(error))

    def _left_aside(self) -> list[TicketId]:
        """The tickets in trouble, for as long as each is left alone; the database leaves them out, however many."""
        now = asyncio.get_running_loop().time()
        self._troubled = {ticket_id: until for ticket_id, until in self._troubled.items() if until > now}
        return [*self._troubled]
