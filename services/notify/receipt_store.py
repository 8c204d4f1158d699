"""SQL of receipts: one typed function per named query."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.notify.core.delivery import Awaited, ReceiptState
from shared.database import Transaction, named_queries

_SQL = named_queries("services.notify", "sql", "receipts.sql")


async def expect_receipts(
    tx: Transaction, awaited: Mapping[Awaited, UUID], now: datetime
) -> dict[tuple[str, str], ReceiptState]:
    """Remember whose references these are; what was heard of them before, by (gateway, reference)."""
    gateways, references = [a.gateway for a in awaited], [a.reference for a in awaited]
    rows = await tx.conn.fetch(_SQL["expect_receipts"], gateways, references, list(awaited.values()), now)
    return {(row["gateway"], row["reference"]): ReceiptState(row["state"]) for row in rows if row["state"]}


async def hear_receipt(
    tx: Transaction, gateway: str, reference: str, state: ReceiptState, now: datetime
) -> tuple[UUID | None, ReceiptState]:
    """Take a receipt down, the first of a reference counts; the message, None while unknown, and what counts."""
    row = await tx.conn.fetchrow(_SQL["hear_receipt"], gateway, reference, state.value, now)
    assert row is not None
    return row["message_id"], ReceiptState(row["state"])


async def forget_receipts(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget receipts of what nobody sent; how many."""
    return len(await tx.conn.fetch(_SQL["forget_receipts"], before, limit))
