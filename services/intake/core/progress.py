"""What a citizen sees of a ticket: five names for everything that may go on behind them."""

from enum import StrEnum

from shared.ending_events import TicketAnswered
from shared.events import (
    Event,
    TicketAssigned,
    TicketAudited,
    TicketClosed,
    TicketRedispatched,
    TicketReopened,
    TicketResolved,
)
from shared.joint_events import TicketResolvedWith

TELLING_EVENTS = (
    TicketAssigned,
    TicketRedispatched,
    TicketReopened,
    TicketResolved,
    TicketResolvedWith,
    TicketAudited,
    TicketClosed,
    TicketAnswered,
)
"""The events that may change what the citizen sees."""


class PublicState(StrEnum):
    """Accepted, in hand, solved, waiting for the citizen's word, closed."""

    ACCEPTED = "已受理"
    IN_HAND = "办理中"
    RESOLVED = "已办结"
    AWAITING_EVALUATION = "待评价"
    CLOSED = "已结案"


def public_state_after(event: Event) -> PublicState | None:
    """The name that `event` brings about; None when it changes nothing for the citizen."""
    match event:
        case TicketAssigned() | TicketReopened():  # a redispatch is an assignment too
            return PublicState.IN_HAND
        case TicketResolved() | TicketResolvedWith():
            return PublicState.RESOLVED
        case TicketAudited(follow_up=True):
            return PublicState.AWAITING_EVALUATION
        case TicketClosed() | TicketAnswered():
            return PublicState.CLOSED
        case _:
            return None
