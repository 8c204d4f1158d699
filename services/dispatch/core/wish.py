"""What is asked of a ticket through the other services."""

from typing import Final, TypeAlias

from shared.intake_events import (
    IncidentRecounted,
    ReopenRequested,
    TicketHastened,
    TicketSupplemented,
    WithdrawalRequested,
)
from shared.notify_events import ReopenAsked

Wish: TypeAlias = (
    TicketHastened | TicketSupplemented | WithdrawalRequested | ReopenRequested | ReopenAsked | IncidentRecounted
)
"""What is asked of a ticket through the other services; it may come too late, and then changes nothing."""
WISHES: Final = (
    TicketHastened, TicketSupplemented, WithdrawalRequested, ReopenRequested, ReopenAsked, IncidentRecounted,
)  # fmt: skip
