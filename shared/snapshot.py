"""The latest public state of one ticket: what a record of `tickets-state` holds."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.terms import Light, MatterSize, TicketId, TicketType, Urgency


class TicketSnapshot(BaseModel):
    """The latest public state of one ticket, as `tickets-state` keeps it."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    ticket_id: TicketId
    ticket_no: str
    version: int
    state: str
    public_state: str
    ticket_type: TicketType
    category: str
    urgency: Urgency
    size: MatterSize
    county: str
    township: str | None
    grid: str | None
    unit: str | None
    supporting: tuple[str, ...] = ()
    cycle: int
    light: Light
    level: int
    accepted_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    exercise: bool
    queue_at: datetime | None = None
