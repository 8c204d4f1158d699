"""Work that comes round until asked to stop: a look every so often, or a step in a transaction of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shared import telemetry
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.telemetry import log
from shared.wake import pause

Look = Callable[[], Awaitable[int]]
"""Does what there is to do now, a limited lot at a time; how much there was. Raises Unavailable."""
Step = Callable[[Transaction, datetime], Awaitable[int]]
"""Does what is due now, a limited lot at a time; how much it did."""

EVERY_S = 30.0


async def keep_looking(name: str, look: Look, stopping: asyncio.Event, every_s: float, lot: int = 1) -> None:
    """Look again at once after a whole lot, else after `every_s` seconds; what is away is waited for.

    With a larger `lot` what comes little by little is gathered, and settled together.
    """
    while not stopping.is_set():
        found = 0
        try:
            found = await look()
        except Unavailable as error:
            log.warning("loop_waits", loop=name, error=str(error))
        if found < lot:
            await pause(stopping, every_s)


async def come_round(
    name: str, step: Step, database: Database, now: Clock, stopping: asyncio.Event, every_s: float = EVERY_S
) -> None:
    """Take the step as one looks: at once as long as it finds work, else after `every_s` seconds."""

    async def look() -> int:
        try:
            async with database.transaction() as tx:
                return await step(tx, now())
        except Unavailable:
            raise
        except Exception as error:  # a fault of ours in one round must not end the doors; it is seen, and tried again
            telemetry.TICKETS_FAULTY.labels(loop=name).inc()
            log.error("round_failed", loop=name, error=repr(error))
            return 0

    await keep_looking(name, look, stopping, every_s)
