"""Events of matters that end without work, and of those that ended long ago; all are stated by dispatch.

As in `shared.events`, none holds a name, an address or anybody's words.
"""

from datetime import datetime
from typing import ClassVar

from shared.event import Event as Event
from shared.terms import TicketType, TransferTarget, Urgency


class TicketAnswered(Event):
    """A question was answered directly 直接答复, by an entry of what is known; no unit works on it.

    `unit` is the centre that answered. Told in the place of a closing: the ticket is final with it, unless its citizen
    says that it was no answer.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.answered.v1"
    ticket_no: str
    source: str
    unit: str
    knowledge: str
    ticket_type: TicketType
    category: str
    township: str | None = None
    cycle: int
    exercise: bool = False


class TicketArchived(Event):
    """The ticket was put away for good 归档, so long after its end as the rules say: nothing can reopen it."""

    type: ClassVar[str] = "org.griddispatch.ticket.archived.v1"
    ended_as: str
    cycle: int


class TicketCallBackAsked(Event):
    """A critical matter went to another line, and its hotline is to find out by `due_at` whether help came 回访核实.

    Stated at the transfer, and again while nobody has found that it did.
    """

    type: ClassVar[str] = "org.griddispatch.ticket.call-back-asked.v1"
    ticket_no: str
    source: str
    target: TransferTarget
    cycle: int
    due_at: datetime
    urgency: Urgency
    exercise: bool = False


class TicketCalledBack(Event):
    """Somebody found out whether help came after a transfer; where it did, nobody asks any more."""

    type: ClassVar[str] = "org.griddispatch.ticket.called-back.v1"
    target: TransferTarget
    helped: bool
    on_time: bool
    cycle: int
