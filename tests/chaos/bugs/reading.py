"""Bugs in reading: how a group's offsets and a ticket's order are kept."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from shared import stream
from shared.bookmarks import Bookmarks
from shared.codec import Record
from shared.consumer import Consumer, MayBegin
from shared.database import Transaction
from shared.events import Envelope
from shared.positions import Apply, Incoming
from shared.stream import POLL_S, Route, Stream, _next_offsets

_SET = """
INSERT INTO position (ticket_id, source, version) SELECT ticket_id, $1, version
FROM unnest($2::uuid[], $3::int[]) AS g (ticket_id, version)
ON CONFLICT (ticket_id, source) DO UPDATE SET version = greatest(position.version, excluded.version)
"""


def no_version_rule() -> None:
    """M3: whatever is read is given effect to, seen before or not."""

    async def apply_all(tx: Transaction, incoming: Sequence[Incoming], apply: Apply) -> int:
        envelopes = [i.envelope for i in incoming]
        await _move_to(tx, envelopes)
        await apply(tx, envelopes)
        return len(envelopes)

    stream.apply_in_order = apply_all  # type: ignore[attr-defined]


def position_by_itself() -> None:
    """M4: how far a story was read commits by itself, before the effects do."""
    in_order = stream.apply_in_order  # type: ignore[attr-defined]

    async def torn(tx: Transaction, incoming: Sequence[Incoming], apply: Apply) -> int:
        fresh: list[Envelope] = []

        async def gather(_: Transaction, envelopes: Sequence[Envelope]) -> None:
            fresh.extend(envelopes)

        conn = await asyncpg.connect(os.environ["GRIDDISPATCH_DATABASE_DSN"])
        try:
            async with conn.transaction():
                await in_order(Transaction(conn), incoming, gather)  # type: ignore[arg-type]
        finally:
            await conn.close()
        if fresh:
            await apply(tx, fresh)
        return len(fresh)

    stream.apply_in_order = torn  # type: ignore[attr-defined]


def offsets_first() -> None:
    """M5: offsets are committed before the records are given effect to."""

    async def read(self: Stream, consumer: Consumer, bookmarks: Bookmarks) -> None:
        while not self._stopping.is_set():
            records = await consumer.poll(POLL_S)
            if records:
                await consumer.commit(_next_offsets(records))
            by_topic: defaultdict[str, list[Record]] = defaultdict(list)
            for record in records:
                by_topic[record.topic].append(record)
            for topic, share in by_topic.items():
                await self._settle(self._routes[topic], share)

    Stream._read = read  # type: ignore[method-assign]


def bare_commit() -> None:
    """M6: a commit that does not say which offsets commits all that was fetched."""

    async def commit(self: Consumer, finished: Mapping[tuple[str, int], int]) -> None:
        await asyncio.sleep(0.03)  # as a broker in no hurry: by then the reader has the next records in hand
        await self._client.commit(None)

    Consumer.commit = commit  # type: ignore[method-assign]


def begin_at_the_end() -> None:
    """M7: a group that never read begins with what comes next."""

    async def nothing(self: Consumer, may_begin: MayBegin) -> None:
        self._client._auto_offset_reset = "latest"

    Consumer._begin = nothing  # type: ignore[method-assign]


def commit_by_itself() -> None:
    """M8: the client commits what it fetched, on its own and on time."""
    begin = Consumer._begin

    async def automatic(self: Consumer, may_begin: MayBegin) -> None:
        await begin(self, may_begin)
        self._client._enable_auto_commit = True
        self._client._auto_commit_interval_ms = 100

    async def nothing(self: Consumer, finished: Mapping[tuple[str, int], int]) -> None:
        await asyncio.sleep(0)

    Consumer._begin = automatic  # type: ignore[method-assign]
    Consumer.commit = nothing  # type: ignore[method-assign]


def apply_over_gaps() -> None:
    """M14: what comes early is not parked but given effect to; what it overtook is dropped."""

    async def newest(tx: Transaction, incoming: Sequence[Incoming], apply: Apply) -> int:
        source = incoming[0].envelope.source.value
        rows = await tx.conn.fetch(
            "SELECT ticket_id, version FROM position WHERE source = $1 AND ticket_id = ANY($2::uuid[])",
            source, [i.envelope.ticket_id for i in incoming],
        )  # fmt: skip
        reached = {row["ticket_id"]: row["version"] for row in rows}
        fresh = []
        for i in incoming:
            if i.envelope.version > reached.get(i.envelope.ticket_id, 0):
                reached[i.envelope.ticket_id] = i.envelope.version
                fresh.append(i.envelope)
        if fresh:
            await _move_to(tx, fresh)
            await apply(tx, fresh)
        return len(fresh)

    stream.apply_in_order = newest  # type: ignore[attr-defined]


def bury_and_go_on() -> None:
    """M15: behind a dead record its story goes on as if it had been given effect to."""
    bury = Stream._bury

    async def buried(self: Stream, route: Route[Any], record: Record, reason: str, tries: int) -> None:
        await bury(self, route, record, reason, tries)
        headers = {name: (value or b"").decode() for name, value in record.headers}
        if "ce_version" in headers:
            async with self._database.transaction() as tx:
                ticket, version = UUID(headers["ce_subject"]), int(headers["ce_version"])
                await tx.conn.execute(_SET, headers["ce_source"], [ticket], [version])

    Stream._bury = buried  # type: ignore[method-assign]


async def _move_to(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
    tops: dict[UUID, int] = {}
    for e in envelopes:
        tops[e.ticket_id] = max(tops.get(e.ticket_id, 0), e.version)
    if envelopes:
        await tx.conn.execute(_SET, envelopes[0].source.value, list(tops), list(tops.values()))
