"""What is asked of a ticket through the other services, or decided there about it."""

from typing import Final, TypeAlias

from shared.intake_events import (
    IncidentRecounted,
    ReopenRequested,
    TicketHastened,
    TicketMerged,
    TicketNotAccepted,
    TicketRouted,
    TicketSplit,
    TicketSupplemented,
    TicketTransferred,
    WithdrawalRequested,
)
from shared.notify_events import ReopenAsked

Wish: TypeAlias = (
    TicketHastened | TicketSupplemented | WithdrawalRequested | ReopenRequested | ReopenAsked | IncidentRecounted
    | TicketMerged | TicketSplit | TicketNotAccepted | TicketTransferred | TicketRouted
)  # fmt: skip
"""What is asked of a ticket through the other services; it may come too late, and then changes nothing."""
WISHES: Final = (
    TicketHastened, TicketSupplemented, WithdrawalRequested, ReopenRequested, ReopenAsked, IncidentRecounted,
    TicketMerged, TicketSplit, TicketNotAccepted, TicketTransferred, TicketRouted,
)  # fmt: skip
