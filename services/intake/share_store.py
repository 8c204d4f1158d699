"""SQL of shares: which units have a matter in hand."""

from services.intake.core.shares import Shares
from shared.database import Transaction, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.intake", "sql", "shares.sql")


async def save_shares(tx: Transaction, shares: Shares) -> None:
    """Write down what began and what ended; tickets that are not ours are passed over."""
    if shares.begun:
        begun = sorted(shares.begun.items())
        await tx.conn.execute(
            _SQL["begin_shares"], [one for one, _ in begun], [ticket_id for _, (ticket_id, _) in begun],
            [unit for _, (_, unit) in begun],
        )  # fmt: skip
    if shares.ended:
        await tx.conn.execute(_SQL["end_shares"], sorted(shares.ended))


async def units_with(tx: Transaction, ticket_id: TicketId) -> frozenset[str]:
    """The units that have a matter in hand; none has a closed one."""
    return frozenset(row["unit"] for row in await tx.conn.fetch(_SQL["units_with"], ticket_id))
