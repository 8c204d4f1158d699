"""Stating facts: ledger and outbox rows in the caller's transaction, versions drawn under the ticket lock."""

from collections.abc import Callable, Mapping, Sequence

from shared.database import Transaction, named_queries
from shared.events import Draft, Envelope, event_id
from shared.terms import Source, TicketId

SHARDS = 8
"""Relay shards. A ticket's shard follows from its id, so its events never overtake each other."""

_SQL = named_queries("shared", "sql", "messaging.sql")


def shard_of(ticket_id: TicketId) -> int:
    """The relay shard that publishes this ticket's events."""
    return ticket_id.int % SHARDS


class Ledger:
    """One service's append-only story of its tickets."""

    def __init__(self, source: Source, on_append: Callable[[], None], epoch: int = 0) -> None:
        """`on_append` is called after the commit of every transaction that stated something.

        `epoch` is what the tables say (`read_epoch`); it changes only while the service stands still.
        """
        self.source = source
        self.epoch = epoch
        self._on_append = on_append

    async def lock(self, tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, int]:
        """Lock these tickets' stories until the transaction ends; versions reached, 0 where nothing was stated yet."""
        rows = await tx.conn.fetch(_SQL["lock_heads"], ticket_ids)
        versions = dict.fromkeys(ticket_ids, 0)
        versions.update((row["ticket_id"], row["version"]) for row in rows)
        return versions

    async def append(self, tx: Transaction, versions: Mapping[TicketId, int], drafts: Sequence[Draft]) -> None:
        """State `drafts` in order. `versions` is what `lock` answered (0 for a ticket made in this transaction).

        Raises asyncpg.UniqueViolationError when somebody stated the same version meanwhile (the lock was not taken).
        """
        if not drafts:
            return
        await tx.conn.execute(
            _SQL["append_events"],
            [d.ticket_id for d in drafts],
            _numbers(versions, drafts),
            [d.event.type for d in drafts],
            [d.time for d in drafts],
            [d.caused_by for d in drafts],
            [d.traceparent for d in drafts],
            [d.event.model_dump_json() for d in drafts],
            [shard_of(d.ticket_id) for d in drafts],
            self.epoch,
        )
        tx.on_commit(self._on_append)

    def envelopes(self, versions: Mapping[TicketId, int], drafts: Sequence[Draft]) -> list[Envelope]:
        """What `append` states, as others will read it."""
        numbered = zip(_numbers(versions, drafts), drafts, strict=True)
        return [
            Envelope(
                event_id(self.source, d.ticket_id, version, self.epoch), self.source, d.ticket_id, version, d.time,
                d.event, d.caused_by, d.traceparent, self.epoch,
            )
            for version, d in numbered
        ]  # fmt: skip


def _numbers(versions: Mapping[TicketId, int], drafts: Sequence[Draft]) -> list[int]:
    """The version of each draft: dense per ticket, from the one reached."""
    reached = dict(versions)
    numbers = []
    for draft in drafts:
        reached[draft.ticket_id] = version = reached.get(draft.ticket_id, 0) + 1
        numbers.append(version)
    return numbers
