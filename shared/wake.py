"""How loops of one process wait: for a bell, for their end, or at the pace of those who must look unasked."""

import asyncio


async def pause(stopping: asyncio.Event, seconds: float | None) -> None:
    """Return when asked to stop, or after so many seconds; None waits for the end alone."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


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


class Pace:
    """How long to leave a source alone: not at all while it gives, then longer and longer, up to a limit."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._pause_s = 0.0

    def after(self, found: object) -> float:
        """The pause, in seconds, after a look that found something or nothing."""
        self._pause_s = 0.0 if found else min(max(self._first_s, 2 * self._pause_s), self._longest_s)
        return self._pause_s
