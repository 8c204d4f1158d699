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

    def __init__(self, source: Source, on_append: Callable[[], None]) -> None:
        """`on_append` is called after the commit of every transaction that stated something."""
        self.source = source
        self._on_append = on_append

    async def lock(self, tx: Transaction, ticket_ids: Sequence[TicketId]) -> dict[TicketId, int]:
        """Lock these tickets' stories until the transaction ends; versions reached, 0 where nothing was stated yet."""
        rows = await tx.conn.fetch(_SQL["lock_heads"], ticket_ids)
        versions = dict.fromkeys(ticket_ids, 0)
        versions.update((row["ticket_id"], row["version"]) for row in rows)
        return versions

    async def append(
        self, tx: Transaction, versions: Mapping[TicketId, int], drafts: Sequence[Draft]
    ) -> list[Envelope]:
        """State `drafts` in order. `versions` is what `lock` answered (0 for a ticket made in this transaction).

        Raises asyncpg.UniqueViolationError when somebody stated the same version meanwhile (the lock was not taken).
        """
        if not drafts:
            return []
        reached = dict(versions)
        envelopes = [self._envelope(draft, reached) for draft in drafts]
        await tx.conn.execute(
            _SQL["append_events"],
            [e.ticket_id for e in envelopes],
            [e.version for e in envelopes],
            [e.event.type for e in envelopes],
            [e.time for e in envelopes],
            [e.caused_by for e in envelopes],
            [e.traceparent for e in envelopes],
            [e.event.model_dump_json() for e in envelopes],
            [shard_of(e.ticket_id) for e in envelopes],
        )
        tx.on_commit(self._on_append)
        return envelopes

    def _envelope(self, draft: Draft, reached: dict[TicketId, int]) -> Envelope:
        version = reached[draft.ticket_id] = reached.get(draft.ticket_id, 0) + 1
        return Envelope(
            event_id(self.source, draft.ticket_id, version), self.source, draft.ticket_id, version, draft.time,
            draft.event, draft.caused_by, draft.traceparent,
        )  # fmt: skip
