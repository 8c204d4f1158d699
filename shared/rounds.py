"""Work that comes round: a step every so often in a transaction of its own, until asked to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from shared import telemetry
from shared.clock import Clock
from shared.database import Database, Transaction
from shared.errors import Unavailable
from shared.telemetry import log

Step = Callable[[Transaction, datetime], Awaitable[int]]
"""Does what is due now, a limited lot at a time; how much it did."""

EVERY_S = 30.0


async def come_round(
    name: str, step: Step, database: Database, now: Clock, stopping: asyncio.Event, every_s: float = EVERY_S
) -> None:
    """Take the step again at once as long as it finds work, else after `every_s` seconds."""
    while not stopping.is_set():
        done = 0
        try:
            async with database.transaction() as tx:
                done = await step(tx, now())
        except Unavailable as error:
            log.warning("round_waits", round=name, error=str(error))
        except Exception as error:  # a fault of ours in one round must not end the doors; it is seen, and tried again
            telemetry.TICKETS_FAULTY.labels(loop=name).inc()
            log.error("round_failed", round=name, error=repr(error))
        if done:
            continue
        try:
            async with asyncio.timeout(every_s):
                await stopping.wait()
        except TimeoutError:
            continue
