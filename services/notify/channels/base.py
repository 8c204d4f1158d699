"""What a channel promises, and how it takes its messages in turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from services.notify.core.breaker import FAILURES
from services.notify.core.delivery import UNTRIED, Outcome, Result
from services.notify.core.message import Message
from shared.telemetry import log

T = TypeVar("T")

SEND_S = 15.0
"""The longest that one attempt may take."""
TURN_S = 10.0
"""What has not had its turn after this long goes back to the queue, its attempt uncounted."""
WORKERS = 4
"""Messages on their way to one endpoint at once."""
BATCH = 200


class Channel(Protocol):
    """A way to one endpoint."""

    batch: int
    """How many messages it takes at once at the most."""

    async def send_many(self, messages: Sequence[Message]) -> list[Result]:
        """Try each message once; how each went, in the order given. Ends within TURN_S + SEND_S and never raises for a
        message; one whose turn did not come is UNTRIED.

        A message's id goes along, the same at every attempt, so that the receiver can tell a repeat.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


async def in_turn(
    messages: Sequence[T], send: Callable[[T], Awaitable[Result]], *, workers: int = WORKERS,
    turn_s: float = TURN_S,
) -> list[Result]:  # fmt: skip
    """Send `messages`, `workers` at a time; results in their order.

    Stops early, leaving the rest UNTRIED, when time is up or the receiver has failed so often in a row that it must be
    dead: a dead receiver costs a few attempts, not the whole batch's. A fault of ours in one message ends its attempt
    in doubt, and no other's.
    """
    results = [UNTRIED] * len(messages)
    places = iter(range(len(messages)))
    deadline = asyncio.get_running_loop().time() + turn_s
    failures = 0

    async def work() -> None:
        nonlocal failures
        for place in places:
            if failures >= FAILURES or asyncio.get_running_loop().time() > deadline:
                return
            results[place] = result = await _attempt(messages[place], send)
            failures = 0 if result.receiver_is_alive else failures + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(min(workers, len(messages))):
            group.create_task(work())
    return results


async def _attempt(message: T, send: Callable[[T], Awaitable[Result]]) -> Result:
    try:
        return await send(message)
    except Exception as error:  # whatever one message or its receiver does, the others of the endpoint go on
        log.error("attempt_broke_off", error=type(error).__name__)
        return Result(Outcome.AMBIGUOUS, f"broken off by {type(error).__name__}")
