"""What fell due: claims tickets whose clocks reached a step, and lets each ring in the transaction of its effect."""

import asyncio
from collections.abc import Sequence

from services.dispatch import store
from services.dispatch.decisions import Decider, timer_cause
from shared import telemetry
from shared.database import Database
from shared.errors import Unavailable
from shared.rounds import keep_looking
from shared.singly import Singly
from shared.steadiness import SteadyClock
from shared.telemetry import log
from shared.terms import TicketId

POLL_S = 0.5


class Timers:
    """The timer loop. Any number of copies may run: the ticket's lock lets one of them ring."""

    def __init__(self, database: Database, decider: Decider, batch: int, machine: SteadyClock) -> None:
        """`machine` is the clock of this machine, by which `decider` goes too."""
        self._machine = machine
        self._database = database
        self._decider = decider
        self._batch = batch
        self._singly = Singly("timers")
        self._steps = 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Ring what is due until asked to stop."""
        await keep_looking("timers", self.ring_due, stopping, POLL_S)

    async def ring_due(self) -> int:
        """One pass; how many tickets had a clock ring; none while this machine's clock is in doubt."""
        if await self.clock_is_off():
            return 0
        now = self._decider.now()
        clear = await store.tickets_with_due_timers(self._database, now, self._batch, self._singly.left_aside())
        if clear:
            await self._singly.act(clear, self._ring)
        return len(clear)

    async def clock_is_off(self) -> bool:
        """Whether the wall clock jumped and has not proved itself against the database's since. Raises Unavailable."""
        if self._looks_steady():
            return False
        database = await store.read_clock(self._database)
        return not self._machine.compare(database)

    def _looks_steady(self) -> bool:
        is_steady = self._machine.look()
        if (steps := self._machine.steps) > self._steps:
            telemetry.CLOCK_STEPS.inc(steps - self._steps)
            log.error("clock_step", steps=steps)
            self._steps = steps
        return is_steady

    async def _ring(self, ticket_ids: Sequence[TicketId]) -> None:
        async with self._database.transaction() as tx:
            await self._decider.ledger.lock(tx, sorted(ticket_ids))
            now = self._decider.now()
            due = await store.read_due_timers(tx, ticket_ids, now)
            causes = {ticket_id: [timer_cause(timer) for timer, _ in timers] for ticket_id, timers in due.items()}
            await self._decider.decide(tx, causes)
            if not self._looks_steady():  # between the look before and this one every instant that was read is good
                raise Unavailable("the clock was stepped while clocks rang; nothing rang")
        for timers in due.values():
            for timer, fire_at in timers:
                telemetry.TIMERS_FIRED.labels(clock=timer.clock.value).inc()
                telemetry.TIMER_LATENESS.observe((now - fire_at).total_seconds())
