"""Things to be done at simulated instants: a heap and nothing else."""

from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """Entries by instant; entries of one instant come out as they went in."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, T]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, at: float, entry: T) -> None:
        """Put an entry down for an instant."""
        self._count += 1
        heappush(self._entries, (at, self._count, entry))

    def take_due(self, now: float, limit: int) -> list[T]:
        """Take out what is due, the earliest first, at most `limit` entries."""
        due: list[T] = []
        while self._entries and self._entries[0][0] <= now and len(due) < limit:
            due.append(heappop(self._entries)[2])
        return due
