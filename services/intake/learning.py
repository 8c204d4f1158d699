"""What people teach the machine: a confirmed category becomes a lesson, kept for the next training."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.intake.core.lessons import lesson_of, line_of
from services.intake.store import Sealed
from services.intake.vault import OriginalWords, Vault
from shared.database import Database, Transaction, named_queries
from shared.errors import CannotOpen
from shared.events import Envelope
from shared.joint_events import TicketCategoryConfirmed
from shared.telemetry import log
from shared.terms import TicketId

_SQL = named_queries("services.intake", "sql", "lessons.sql")
PAGE: Final = 500


async def keep_lessons(tx: Transaction, vault: Vault, envelopes: Sequence[Envelope]) -> None:
    """Keep both choices, the machine's and the person's; and the counted words, where those may be learnt from."""
    chosen = {e.ticket_id: (e.event, e.time) for e in envelopes if isinstance(e.event, TicketCategoryConfirmed)}
    if not chosen:
        return
    words: dict[TicketId, OriginalWords] = {}
    for row in await tx.conn.fetch(_SQL["read_learnable"], list(chosen)):
        try:
            words[row["id"]] = vault.open(row["id"], Sealed(row["key_id"], row["wrapped_key"], row["sealed"]))
        except CannotOpen:  # the choice is kept all the same
            log.error("lesson_without_words", ticket_id=str(row["id"]))
    rows = [
        (ticket_id, e.auto_category, e.category, e.confidence, at, _line(words.get(ticket_id), e))
        for ticket_id, (e, at) in chosen.items()
    ]
    await tx.conn.execute(_SQL["keep_lessons"], *map(list, zip(*rows, strict=True)))


def _line(words: OriginalWords | None, event: TicketCategoryConfirmed) -> bytes | None:
    if words is None:
        return None
    return line_of(lesson_of(words.text, event.category, title=words.title or "", auto=event.auto_category))


async def read_lessons(database: Database) -> AsyncIterator[bytes]:
    """Every lesson that has words, as a line of NDJSON without its end, the oldest first. Raises Unavailable."""
    place = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    while rows := await database.fetch(_SQL["list_lessons"], *place, PAGE):
        for row in rows:
            yield row["grams"]
        place = rows[-1]["confirmed_at"], rows[-1]["ticket_id"]
