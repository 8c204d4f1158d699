"""SQL of measuring: records of tickets, and the counts that follow from them."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
import orjson

from services.notify.core.rates import Bucket, Counts
from services.notify.core.record import SAID, Record
from shared.database import Database, Transaction, named_queries
from shared.events import EVENT_TYPES, Envelope, event_id
from shared.permissions import Whereabouts
from shared.terms import Source, TicketId

_SQL = named_queries("services.notify", "sql", "rates.sql")
_SAID: Final = [model.type for model in SAID]
_FIRST: Final = UUID(int=0)
PAGE: Final = 2000

_read = msgspec.json.Decoder(Record).decode
_write = msgspec.json.Encoder().encode


async def lock_records(tx: Transaction, ticket_ids: Collection[TicketId]) -> dict[TicketId, Record]:
    """These tickets' records, begun where there are none, locked until the transaction ends."""
    rows = await tx.conn.fetch(_SQL["lock_records"], list(ticket_ids))
    missing = set(ticket_ids) - {row["ticket_id"] for row in rows}
    if missing:
        await tx.conn.execute(_SQL["begin_records"], list(missing))
        rows += await tx.conn.fetch(_SQL["lock_records"], list(missing))
    return {TicketId(row["ticket_id"]): _read(row["doc"]) for row in rows}


async def save_records(tx: Transaction, records: Mapping[TicketId, Record]) -> None:
    """Keep records; they are locked."""
    if records:
        await tx.conn.execute(_SQL["save_records"], list(records), [_write(r).decode() for r in records.values()])


async def read_records(tx: Transaction, ticket_ids: Collection[TicketId]) -> dict[TicketId, Record]:
    """The records there are, unlocked."""
    rows = await tx.conn.fetch(_SQL["read_records"], list(ticket_ids))
    return {TicketId(row["ticket_id"]): _read(row["doc"]) for row in rows}


async def pages(tx: Transaction) -> AsyncIterator[dict[TicketId, Record]]:
    """Every record, page by page."""
    after = _FIRST
    while rows := await tx.conn.fetch(_SQL["page_records"], after, PAGE):
        yield {TicketId(row["ticket_id"]): _read(row["doc"]) for row in rows}
        after = rows[-1]["ticket_id"]


async def stated_about(tx: Transaction, ticket_ids: Collection[TicketId]) -> list[Envelope]:
    """What this service's own ledger holds of these tickets that measuring takes down, in order."""
    rows = await tx.conn.fetch(_SQL["own_events_of"], list(ticket_ids), _SAID)
    return [
        Envelope(
            event_id(Source.NOTIFY, row["ticket_id"], row["version"], row["epoch"]), Source.NOTIFY, row["ticket_id"],
            row["version"], row["time"], EVENT_TYPES[row["type"]].model_validate(orjson.loads(row["payload"])),
        )
        for row in rows
    ]  # fmt: skip


async def add_counts(tx: Transaction, counts: Mapping[Bucket, Counts]) -> None:
    """Add to the counts, which may also take away. Comes last in a transaction: these rows are everybody's."""
    if not counts:
        return
    buckets = sorted(counts)
    keys = _columns(buckets, 4)
    await tx.conn.execute(_SQL["begin_counts"], *keys)
    await tx.conn.execute(_SQL["add_counts"], *keys, *_columns((counts[b] for b in buckets), len(Counts._fields)))


async def read_counts(database: Database, period: str, by: str, area: str) -> dict[str, Counts]:
    """One period's counts in an area, by `unit`, `township` or `category`, in the order of the keys."""
    rows = await database.fetch(_SQL["read_counts"], period, by, area)
    return {row["key"]: Counts(*(row[name] for name in Counts._fields)) for row in rows}


async def place_of_ticket(database: Database, ticket_id: UUID) -> Whereabouts | None:
    """Where a ticket lies and which units led it; None when nothing is known of it. Raises Unavailable."""
    rows = await database.fetch(_SQL["place_of_ticket"], ticket_id)
    return Whereabouts(rows[0]["area"], tuple(filter(None, rows[0]["units"]))) if rows else None


async def all_counts(tx: Transaction, period: str = "") -> dict[Bucket, Counts]:
    """Every bucket of a period, or of all."""
    rows = await tx.conn.fetch(_SQL["all_counts"], period)
    return {
        Bucket(row["period"], row["unit"], row["township"], row["category"]): Counts(
            *(row[name] for name in Counts._fields)
        )
        for row in rows
    }


async def replace_counts(tx: Transaction, period: str, counts: Mapping[Bucket, Counts]) -> None:
    """Put other counts in the place of a period's; nobody counts until the transaction ends."""
    await tx.conn.execute(_SQL["clear_counts"], period)
    await add_counts(tx, counts)


async def hold_counts(tx: Transaction) -> None:
    """Let nobody count until the transaction ends. Comes before anything is read."""
    await tx.conn.execute(_SQL["hold_counts"])


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[list[object]]:
    """Rows as columns; `width` empty ones where there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
