"""Bookmarks: what was finished is noted at the brokers behind the reader's back, so that reading waits for nobody."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Offsets = Mapping[tuple[str, int], int]
"""The next offset to read, by (topic, partition)."""


class Bookmarks:
    """Commits offsets in the order they were noted, one commit at a time, always the newest of each partition.

    A bookmark that is lost is harmless: the records come again, and what they say is known.
    """

    def __init__(self, commit: Callable[[Offsets], Awaitable[None]]) -> None:
        """`commit` ends in its time and answers for its own faults."""
        self._commit = commit
        self._noted: dict[tuple[str, int], int] = {}
        self._writing: asyncio.Task[None] | None = None

    def note(self, offsets: Offsets) -> None:
        """Everything before these offsets is finished. Raises what the commit before raised."""
        self._noted.update(offsets)
        if self._writing is not None and self._writing.done():
            self._writing.result()
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="bookmarks")

    async def settle(self) -> None:
        """Return when everything noted was committed, or given up. Raises what `commit` raised."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._noted:
            offsets, self._noted = self._noted, {}
            await self._commit(offsets)
