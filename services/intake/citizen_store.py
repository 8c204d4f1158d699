"""What the citizen's page reads beside the ticket itself."""

from services.intake.core.citizen_view import Step
from shared.database import Transaction, named_queries
from shared.terms import TicketId

_SQL = named_queries("services.intake", "sql", "citizen.sql")


async def read_timeline(tx: Transaction, ticket_id: TicketId, merged_into: TicketId | None) -> list[Step]:
    """What happened, in order."""
    rows = await tx.conn.fetch(_SQL["read_timeline"], ticket_id, merged_into)
    return [Step(row["at"], row["what"]) for row in rows]
