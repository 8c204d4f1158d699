"""The version rule per (source, ticket): seen already, next, or too early; what is too early is parked.

The order is (epoch, version): a source that was restored to an earlier point states versions anew, in the next epoch.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from shared import telemetry
from shared.codec import Record, decode
from shared.database import Transaction, named_queries
from shared.events import Envelope
from shared.telemetry import log
from shared.terms import Source, TicketId

_SQL = named_queries("shared", "sql", "messaging.sql")

Apply = Callable[[Transaction, Sequence[Envelope]], Awaitable[None]]
"""Applies events in the order given, inside the transaction: per ticket that is the order of their versions."""

Reached = tuple[int, int]
"""How far a story was read: the epoch of the last event, and its version."""


class Incoming(Struct, frozen=True):
    """A decoded event together with the record it came in."""

    envelope: Envelope
    record: Record


async def apply_in_order(tx: Transaction, incoming: Sequence[Incoming], apply: Apply) -> int:
    """Apply each event exactly once and in its ticket's order; park what is ahead, drop what was seen.

    Answers with how many were applied.

    All of `incoming` comes from one source. Works in the caller's transaction: an effect commits with its position.
    """
    if not incoming:
        return 0
    source = incoming[0].envelope.source
    stories = _by_ticket(incoming)
    moved = await _advance(tx, source, stories)
    fresh = [i for ticket_id, story in stories.items() if ticket_id in moved for i in story]
    doubtful = {ticket_id: story for ticket_id, story in stories.items() if ticket_id not in moved}
    if doubtful:
        fresh += await _sort_out(tx, source, doubtful)
    envelopes = [i.envelope for i in fresh]
    envelopes += await _release_parked(tx, source, {e.ticket_id: (e.epoch, e.version) for e in envelopes})
    telemetry.EVENTS_APPLIED.labels(source=source.name.lower()).inc(len(envelopes))
    if envelopes:
        await apply(tx, envelopes)
    return len(envelopes)


def _by_ticket(incoming: Sequence[Incoming]) -> dict[TicketId, list[Incoming]]:
    stories: defaultdict[TicketId, list[Incoming]] = defaultdict(list)
    for i in incoming:
        stories[i.envelope.ticket_id].append(i)
    return stories


async def _advance(tx: Transaction, source: Source, stories: Mapping[TicketId, Sequence[Incoming]]) -> set[TicketId]:
    """The tickets whose events are exactly the next ones, moved in one statement."""
    dense = {t: story for t, story in stories.items() if _is_dense(story)}
    rows = await tx.conn.fetch(
        _SQL["advance_positions"],
        source.value,
        list(dense),
        [story[0].envelope.version - 1 for story in dense.values()],
        [story[-1].envelope.version for story in dense.values()],
        [story[0].envelope.epoch for story in dense.values()],
    )
    return {row["ticket_id"] for row in rows}


def _is_dense(story: Sequence[Incoming]) -> bool:
    first = story[0].envelope
    return all(i.envelope.version == first.version + k and i.envelope.epoch == first.epoch for k, i in enumerate(story))


async def _sort_out(tx: Transaction, source: Source, stories: Mapping[TicketId, Sequence[Incoming]]) -> list[Incoming]:
    rows = await tx.conn.fetch(_SQL["lock_positions"], source.value, sorted(stories))
    reached: dict[TicketId, Reached] = {row["ticket_id"]: (row["epoch"], row["version"]) for row in rows}
    fresh: list[Incoming] = []
    early: list[Incoming] = []
    for ticket_id, story in stories.items():
        for i in sorted(story, key=lambda i: (i.envelope.epoch, i.envelope.version)):
            match _place(i.envelope, reached[ticket_id]):
                case "next":
                    reached[ticket_id] = (i.envelope.epoch, i.envelope.version)
                    fresh.append(i)
                case "early":
                    early.append(i)
                case _:
                    telemetry.EVENTS_DUPLICATE.labels(source=source.name.lower()).inc()
    await _set_positions(tx, source, {i.envelope.ticket_id: reached[i.envelope.ticket_id] for i in fresh})
    await _park(tx, early)
    return fresh


def _place(event: Envelope, reached: Reached) -> Literal["next", "early", "seen"]:
    """Where an event stands to what was read. News of a later epoch under an old version is news: its source forgot
    what it had said under it."""
    epoch, version = reached
    if event.epoch < epoch:
        return "seen"
    if event.epoch > epoch and event.version <= version:
        log.warning("story_taken_back", ticket_id=str(event.ticket_id), held=version, epoch=event.epoch)
        return "next"
    if event.version == version + 1:
        return "next"
    return "early" if event.version > version else "seen"


async def _set_positions(tx: Transaction, source: Source, reached: Mapping[TicketId, Reached]) -> None:
    if reached:
        await tx.conn.execute(_SQL["set_positions"], source.value, *_columns(reached))


def _columns(reached: Mapping[TicketId, Reached]) -> tuple[list[TicketId], list[int], list[int]]:
    """Tickets, versions, epochs."""
    return list(reached), [version for _, version in reached.values()], [epoch for epoch, _ in reached.values()]


async def _park(tx: Transaction, early: Sequence[Incoming]) -> None:
    if not early:
        return
    telemetry.EVENTS_PARKED.labels(source=early[0].envelope.source.name.lower()).inc(len(early))
    await tx.conn.execute(
        _SQL["park"],
        [i.envelope.ticket_id for i in early],
        [i.envelope.source.value for i in early],
        [i.envelope.version for i in early],
        [i.record.topic for i in early],
        [i.record.key for i in early],
        [i.record.value for i in early],
        [headers_to_json(i.record) for i in early],
        [i.envelope.epoch for i in early],
    )


async def _release_parked(tx: Transaction, source: Source, reached: Mapping[TicketId, Reached]) -> list[Envelope]:
    """The parked events whose turn has come after `reached`; they leave the table, the positions move on.

    What was parked of an epoch that is over leaves the table too, without effect.
    """
    rows = await tx.conn.fetch(_SQL["read_parked"], source.value, list(reached)) if reached else []
    released: list[Envelope] = []
    now = dict(reached)
    for row in rows:
        epoch, version = now[row["ticket_id"]]
        if row["version"] == version + 1 and row["epoch"] >= epoch:
            now[row["ticket_id"]] = (row["epoch"], row["version"])
            record = Record(row["topic"], -1, -1, row["key"], row["value"], headers_from_json(row["headers"]))
            released.append(decode(record))
    if rows:
        if released:
            telemetry.EVENTS_REPAIRED.labels(source=source.name.lower()).inc(len(released))
        await _set_positions(tx, source, now)
        await tx.conn.execute(_SQL["unpark"], source.value, *_columns(now))
    return released


def headers_to_json(record: Record) -> str:
    """Headers as a JSON array of pairs; bytes as latin-1 text, so that any byte survives."""
    return json.dumps([[name, None if value is None else value.decode("latin-1")] for name, value in record.headers])


def headers_from_json(text: str) -> list[tuple[str, bytes | None]]:
    """The reverse of headers_to_json."""
    return [(name, None if value is None else value.encode("latin-1")) for name, value in json.loads(text)]
