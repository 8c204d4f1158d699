"""Things a loop stumbles over: left aside for a while, so that one of them never holds up the others."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from services.notify.store import Key
from shared.errors import Unavailable
from shared.telemetry import log

TROUBLED_S: Final = 60.0


class Aside:
    """What of one loop is left aside, and until when."""

    def __init__(self, name: str, troubled_s: float = TROUBLED_S) -> None:
        """`name` stands in the log."""
        self._name = name
        self._troubled_s = troubled_s
        self._until: dict[Key, float] = {}

    def keys(self) -> list[Key]:
        """What is to be left alone now."""
        now = asyncio.get_running_loop().time()
        self._until = {key: until for key, until in self._until.items() if until > now}
        return [*self._until]

    async def each(self, keys: Sequence[Key], act: Callable[[Collection[Key]], Awaitable[None]]) -> None:
        """Let `act` do all at once; where that fails, one by one, and whose turn fails is left aside.

        Raises Unavailable.
        """
        try:
            await act(keys)
        except Unavailable:
            raise
        except Exception as error:  # a fault in one of them must not hold up the others
            log.error("batch_failed", loop=self._name, things=len(keys), error=type(error).__name__)
            for key in keys:
                await self._alone(key, act)

    async def _alone(self, key: Key, act: Callable[[Collection[Key]], Awaitable[None]]) -> None:
        try:
            await act([key])
        except Unavailable:
            raise
        except Exception as error:  # named, and tried again later
            self._until[key] = asyncio.get_running_loop().time() + self._troubled_s
            log.error("left_aside", loop=self._name, ticket_id=str(key[0]), cycle=key[1], error=type(error).__name__)
