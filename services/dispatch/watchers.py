"""Who watches the live stream: one ring of ready-made frames for all, and a cursor each.

A frame is encoded once, whoever reads it. Nobody has a buffer of his own: a watcher is a number, how far in the ring he
has come. Whoever is slower than the ring is long has missed something, is told so, and reads the state anew.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from shared.tail import Place

CAPACITY: Final = 5_000
LIMIT: Final = 1_000
"""Watchers of one process at the most."""


class Change(Struct, frozen=True):
    """One piece of news: where it stood in which partition, what it is about, and its frame; `gone` is the short one.

    What has no place is told only to those who want every grid.
    """

    place: Place
    offset: int
    frame: bytes
    grid: str | None = None
    units: tuple[str, ...] = ()
    light: str | None = None
    gone: bytes = b""


class Wanted(NamedTuple):
    """What a watcher wants to see; an empty set wants everything.

    Grids are codes or their beginnings (a township's is the beginning of its grids'). Who leaves the wanted units or
    lights is told as gone; who is not in the wanted grids is not told at all.
    """

    grids: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    lights: frozenset[str] = frozenset()

    def frame(self, change: Change) -> bytes:
        """What of it a watcher gets: the whole, that it is gone, or nothing."""
        if self.grids and not (change.grid or "").startswith(tuple(self.grids)):
            return b""
        is_out = (self.units and self.units.isdisjoint(change.units)) or (
            self.lights and change.light not in self.lights
        )
        return change.gone if is_out else change.frame


class Seen(NamedTuple):
    """What a look brought: ready bytes, the cursor for the next look, and whether something was missed before them."""

    frames: bytes
    cursor: int
    has_missed: bool = False


class TooMany(Exception):
    """No more watchers in this process."""


class Watchers:
    """The ring. Lives in one event loop; nothing in it waits but `wait`."""

    def __init__(self, places: Iterable[Place], capacity: int = CAPACITY, limit: int = LIMIT) -> None:
        self._places = tuple(places)
        self._ring: deque[Change] = deque()
        self._capacity = capacity
        self._limit = limit
        self._told = 0
        self._next: dict[Place, int] = {}
        self._floor: dict[Place, int] = {}
        self._news = asyncio.Event()
        self._shared: dict[tuple[Wanted, int], bytes] = {}
        self.count = 0
        self.is_closed = False
        self.is_following = False

    @property
    def after(self) -> Mapping[Place, int]:
        """The next offset of every partition."""
        return dict(self._next)

    @property
    def position(self) -> str:
        """Where the stream stands, for resuming: the next offset of every partition in order; "" before it began."""
        return ".".join(str(self._next[place]) for place in self._places) if self._next else ""

    def position_at(self, cursor: int) -> str:
        """Where to resume for one who has come so far; "" while there is news he has not been sent."""
        return self.position if cursor == self._told else ""

    def enter(self) -> None:
        """Count somebody in. Raises TooMany."""
        if self.count >= self._limit or self.is_closed:
            raise TooMany(f"{self._limit} watch already")
        self.count += 1

    def leave(self) -> None:
        """Count somebody out."""
        self.count -= 1

    def follow(self, is_following: bool) -> None:
        """Say whether news comes in at all; everybody is told when that changes."""
        if is_following != self.is_following:
            self.is_following = is_following
            self._wake()

    def begin(self, began: Mapping[Place, int]) -> None:
        """Reading begins, or begins again, there. Where records are gone meanwhile, everybody has missed something."""
        if any(offset != self._next.get(place) for place, offset in began.items()):
            self._told += len(self._ring) + 1  # no cursor stands in the new ring
            self._ring.clear()
            self._next, self._floor = dict(began), dict(began)
            self._wake()

    def tell(self, changes: Sequence[Change], ends: Mapping[Place, int]) -> None:
        """Put news in the ring; `ends` are the next offsets, also of partitions whose records were no news."""
        for change in changes:
            if len(self._ring) >= self._capacity:
                lost = self._ring.popleft()
                self._floor[lost.place] = lost.offset + 1
            self._ring.append(change)
        self._told += len(changes)
        self._next.update(ends)
        if changes:
            self._wake()

    def join(self, last_event_id: str | None) -> Seen:
        """Where somebody begins who comes with this position; `has_missed` unless all since then is still here."""
        if not last_event_id:
            return Seen(b"", self._told)
        stood = self._read_position(last_event_id)
        if stood is None or any(not self._floor[p] <= stood[p] <= self._next[p] for p in self._places):
            return Seen(b"", self._told, True)
        since = [change for change in self._ring if change.offset >= stood[change.place]]
        oldest = self._told - len(self._ring)
        first = next((n for n, change in enumerate(self._ring, oldest) if since and change is since[0]), self._told)
        return Seen(b"", first)

    def look(self, cursor: int, wanted: Wanted) -> Seen:
        """What came since the cursor, as this watcher wants it, ending with the position."""
        oldest = self._told - len(self._ring)
        if cursor < oldest:
            return Seen(b"", self._told, True)
        if cursor == self._told:
            return Seen(b"", cursor)
        key = (wanted, cursor)
        if key not in self._shared:  # most watch the same and stand at the same place
            fresh = (self._ring[n] for n in range(cursor - oldest, len(self._ring)))
            frames = b"".join(map(wanted.frame, fresh))
            self._shared[key] = frames and frames + f"id: {self.position}\n\n".encode()
        return Seen(self._shared[key], self._told)

    async def wait(self, timeout_s: float) -> bool:
        """Wait for news, a change of following, or the end; False when there was none in time."""
        news = self._news
        try:
            async with asyncio.timeout(timeout_s):
                return await news.wait()
        except TimeoutError:
            return False

    def close(self) -> None:
        """Send everybody home: the process is about to end."""
        self.is_closed = True
        self._wake()

    def _wake(self) -> None:
        self._shared.clear()
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _read_position(self, text: str) -> Mapping[Place, int] | None:
        numbers = text.split(".")
        is_whole = len(numbers) == len(self._places) and all(
            n.isascii() and n.isdigit() and len(n) < 19 for n in numbers
        )
        return dict(zip(self._places, map(int, numbers), strict=True)) if is_whole and self._next else None
