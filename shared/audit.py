"""The audit log: hash-chained rows that say who did what and what was refused; appended, never changed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from zlib import crc32

import asyncpg
import orjson

from shared.clock import Clock, utc_now
from shared.database import Database, Transaction, named_queries
from shared.errors import Problem, Rejected, Unavailable
from shared.telemetry import log
from shared.wake import Wake

_SQL = named_queries("shared", "sql", "access.sql")

CHAINS: Final = 16
"""Side by side, so that writers wait for each other one time in sixteen. Kept by the table's own check."""
PAGE: Final = 2000
FLUSH_S: Final = 1.0
MAX_WAITING: Final = 5000
"""Different refusals held between two writes; what goes beyond is counted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing done or refused. `act` is a route's operation or a command; `outcome` is `allowed`, `refused`, `done`.

    Ids and codes only: no words of a citizen, no name, no secret. `times` counts the same refusal within a second.
    """

    actor: str
    act: str
    outcome: str
    at: datetime
    credential: str = ""
    subject: str | None = None
    reason: str = ""
    peer: str | None = None
    times: int = 1
    detail: tuple[tuple[str, str | int | bool | None], ...] = ()

    def text(self) -> str:
        """The canonical JSON that is hashed: sorted keys, no blanks, UTC; the same entry gives the same bytes."""
        said: dict[str, object] = {
            "act": self.act, "actor": self.actor, "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "credential": self.credential, "outcome": self.outcome, "peer": self.peer, "reason": self.reason,
            "subject": self.subject, "times": self.times, "detail": dict(self.detail),
        }  # fmt: skip
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()


def chain_of(subject: str | None) -> int:
    """The chain for entries on a subject: one subject's stay in order among themselves."""
    return crc32((subject or "").encode("utf-8", "surrogatepass")) % CHAINS


async def append(tx: Transaction, entry: Entry) -> None:
    """Write an entry in the caller's transaction: the act and its entry are durable together, or neither is.

    Locks one of the chains until the commit, so do it late. Raises Rejected for text that JSON cannot hold.
    """
    await append_all(tx, chain_of(entry.subject), (entry,))


async def append_all(tx: Transaction, chain: int, entries: tuple[Entry, ...]) -> None:
    """Write several entries to one chain, in order."""
    try:
        texts = [entry.text() for entry in entries]
    except orjson.JSONEncodeError as error:
        raise Rejected(Problem("audit", "not_text", "an entry must be text")) from error
    if any("\\u0000" in text for text in texts):
        raise Rejected(Problem("audit", "not_text", "an entry holds no NUL"))
    await tx.conn.execute(_SQL["append_audit"], chain, texts)


class Trail:
    """Entries of requests, gathered and written a second later at most, so that being asked costs the asker nothing.

    A crash loses what was gathered in that second: an act that matters appends its entry in its own transaction.
    """

    def __init__(self, database: Database, chain: int, now: Clock = utc_now) -> None:
        """`chain` should differ between copies of a service."""
        self._database = database
        self._chain = chain % CHAINS
        self._now = now
        self._waiting: dict[Entry, int] = {}
        self._overflow = 0
        self._wake = Wake()

    def note(self, entry: Entry) -> None:
        """Take an entry on. The same again, but for its time, is counted and not kept twice."""
        key = replace(entry, at=datetime.min.replace(tzinfo=UTC), times=1)
        if key in self._waiting or len(self._waiting) < MAX_WAITING:
            self._waiting[key] = self._waiting.get(key, 0) + 1
        else:
            self._overflow += 1
        self._wake.ring()

    async def run(self, draining: asyncio.Event) -> None:
        """Write what was gathered, until draining; then once more."""
        while not draining.is_set():
            await self._wake.wait(60.0)
            try:
                async with asyncio.timeout(FLUSH_S):
                    await draining.wait()
            except TimeoutError:
                await self._try_to_flush()
        await self._try_to_flush()

    def ring(self) -> None:
        """Wake `run`, so that it sees that it should end."""
        self._wake.ring()

    async def flush(self) -> None:
        """Write what was gathered so far. Raises Unavailable, and keeps it."""
        waiting, overflow = self._waiting, self._overflow
        if not waiting:
            return
        self._waiting, self._overflow = {}, 0
        now = self._now()
        entries = [replace(entry, at=now, times=times) for entry, times in waiting.items()]
        if overflow:
            entries.append(Entry("system:audit", "overflow", "refused", now, reason="too-many", times=overflow))
        try:
            async with self._database.transaction() as tx:
                await append_all(tx, self._chain, tuple(entries))
        except Unavailable:
            self._overflow += overflow
            for entry, times in waiting.items():
                self._waiting[entry] = self._waiting.get(entry, 0) + times
            raise

    async def _try_to_flush(self) -> None:
        try:
            await self.flush()
        except Unavailable as error:
            log.warning("audit_not_written", error=str(error), waiting=len(self._waiting))


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends."""

    chain: int
    place: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """A place of a chain where the log is not what was written."""

    chain: int
    place: int
    what: str


async def read_heads(database: Database) -> list[Head]:
    """Where every chain ends now. Kept elsewhere they are anchors: what is older can no longer be made anew."""
    return [Head(row["chain"], row["place"], row["hash"]) for row in await database.fetch(_SQL["read_audit_heads"])]


async def verify(database: Database, anchors: Mapping[int, Head] | None = None) -> tuple[int, list[Fault]]:
    """Read the whole log; how many rows there are, and the first fault of each chain. Raises Unavailable.

    Finds a changed, removed, added or reordered row, also at the end, and with anchors a log that was made anew.
    Others may append meanwhile.
    """
    rows, faults = 0, []
    for chain in range(CHAINS):
        seen, fault = await _verify_chain(database, chain, (anchors or {}).get(chain))
        rows += seen
        faults += [fault] if fault else []
    return rows, faults


async def _verify_chain(database: Database, chain: int, anchor: Head | None) -> tuple[int, Fault | None]:
    place, promised, before = 0, 0, first_hash(chain)
    while True:
        page = await database.fetch(_SQL["read_audit"], chain, place, PAGE)
        for row in page:
            what = _wrong(row, chain, place, before)
            place, before = place + 1, row["hash"]
            if what is None and anchor is not None and anchor.place == place and anchor.hash != before:
                what = "is not what it was when the anchor was taken"
            if what is not None:
                return place, Fault(chain, place, what)
        if len(page) == PAGE:
            continue
        head = next((head for head in await read_heads(database) if head.chain == chain), None)
        if head is not None and head.place > max(place, promised):
            promised = head.place  # somebody appended since, or the end was cut off: one more look tells
            continue
        return place, _wrong_end(Head(chain, place, before), head, anchor)


def _wrong(row: "asyncpg.Record", chain: int, place: int, before: bytes) -> str | None:
    """What is wrong with the row that comes after `place`."""
    if row["place"] != place + 1:
        return f"the next row is number {row['place']}: rows are missing"
    if row["prev"] != before:
        return "does not follow the row before it"
    return None if row["hash"] == hash_after(before, chain, place + 1, row["entry"]) else "was changed"


def _wrong_end(found: Head, head: Head | None, anchor: Head | None) -> Fault | None:
    if head != found:
        said = f"its head says {head.place}" if head is not None else "it has no head"
        return Fault(found.chain, found.place + 1, f"the log ends at {found.place}, {said}")
    if anchor is not None and anchor.place > found.place:
        return Fault(found.chain, found.place + 1, f"the log ends at {found.place}, it had {anchor.place} rows once")
    return None


def first_hash(chain: int) -> bytes:
    """What a chain begins after."""
    return sha256(f"griddispatch audit {chain}".encode()).digest()


def hash_after(before: bytes, chain: int, place: int, text: str) -> bytes:
    """The hash of a row: over the hash before it, its chain and place, and its text."""
    return sha256(before + f"{chain}:{place}:{text}".encode()).digest()
