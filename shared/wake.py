"""A bell between loops of one process: rung after a commit, heard by whoever waits for work."""

import asyncio


class Wake:
    """Remembers that it was rung until somebody waited."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter now, or at its next wait."""
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when rung, or after `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._rung.wait()
        except TimeoutError:
            return
        finally:
            self._rung.clear()
