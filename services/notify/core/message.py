"""A message: one thing told to one recipient, as it is planned and as it is handed to a channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.notify.core.contacts import Endpoint
from shared.terms import TicketId, Urgency

Facts = Mapping[str, str | int]
"""Codes, numbers and instants (ISO 8601); never a citizen's words."""


class Template(StrEnum):
    """The kinds of message."""

    ASSIGNED = "assigned"
    REMINDED = "reminded"
    DEEMED_SIGNED = "deemed_signed"
    ESCALATED = "escalated"
    CALL_BACK = "call_back"
    ANSWERED = "answered"
    FOLLOW_UP = "follow_up"
    UNREACHABLE = "unreachable"
    SUBSCRIPTION_STOPPED = "subscription_stopped"
    SURGE = "surge"


FACTS: Mapping[Template, frozenset[str]] = {
    Template.ASSIGNED: frozenset(
        ["ticket_no", "unit", "kind", "category", "urgency", "size", "mark", "grid", "cycle", "due_at", "sign_by"],
    ),
    Template.REMINDED: frozenset(["ticket_no", "unit", "clock", "cycle", "due_at", "urgency"]),
    Template.DEEMED_SIGNED: frozenset(["ticket_no", "unit", "sign_by", "urgency"]),
    Template.CALL_BACK: frozenset(["ticket_no", "target", "due_at", "urgency"]),
    Template.ANSWERED: frozenset(["ticket_no", "knowledge"]),
    Template.ESCALATED: frozenset(["ticket_no", "unit", "clock", "level", "cycle", "due_at", "urgency"]),
    Template.FOLLOW_UP: frozenset(["ticket_no", "cycle", "attempt", "link"]),
    Template.UNREACHABLE: frozenset(["ticket_no", "cycle", "link"]),
    Template.SUBSCRIPTION_STOPPED: frozenset(["name", "place", "reason"]),
    Template.SURGE: frozenset(
        ["kind", "category", "place", "count", "threshold", "playbook", "plan_zh", "plan_en", "since"]
    ),
}
"""What is known to each kind of message, and so may stand in its texts."""


class Policy(StrEnum):
    """What to do when nobody knows whether a message arrived: say it again, or rather not."""

    RESEND = "RESEND"
    AT_MOST_ONCE = "AT_MOST_ONCE"


POLICIES: Mapping[Template, Policy] = {
    Template.ASSIGNED: Policy.RESEND,
    Template.REMINDED: Policy.RESEND,
    Template.DEEMED_SIGNED: Policy.RESEND,
    Template.ESCALATED: Policy.RESEND,
    Template.CALL_BACK: Policy.RESEND,
    Template.ANSWERED: Policy.RESEND,
    # Nobody likes to be asked the same twice; the next attempt comes anyway.
    Template.FOLLOW_UP: Policy.AT_MOST_ONCE,
    Template.UNREACHABLE: Policy.AT_MOST_ONCE,
    Template.SUBSCRIPTION_STOPPED: Policy.RESEND,
    Template.SURGE: Policy.RESEND,
}


class Audience(StrEnum):
    """Whose peace the quiet hours protect."""

    OFFICIAL = "OFFICIAL"
    CITIZEN = "CITIZEN"


AUDIENCES: Mapping[Template, Audience] = {
    Template.ASSIGNED: Audience.OFFICIAL,
    Template.REMINDED: Audience.OFFICIAL,
    Template.DEEMED_SIGNED: Audience.OFFICIAL,
    Template.ESCALATED: Audience.OFFICIAL,
    Template.CALL_BACK: Audience.OFFICIAL,
    # The hotline hears of it, and calls the citizen.
    Template.ANSWERED: Audience.CITIZEN,
    Template.FOLLOW_UP: Audience.CITIZEN,
    Template.UNREACHABLE: Audience.CITIZEN,
    Template.SUBSCRIPTION_STOPPED: Audience.OFFICIAL,
    Template.SURGE: Audience.OFFICIAL,
}


NOTICES = (Template.ESCALATED, Template.REMINDED, Template.DEEMED_SIGNED)
"""What is said of deadlines: in bundles, and not twice about one ticket within a day."""


class MessageState(StrEnum):
    """Where a message stands; the last four are final. CARRIED: it travels within another to the same recipient. SENT:
    a gateway took it and will say whether it arrived."""

    QUEUED = "QUEUED"
    LEASED = "LEASED"
    SENT = "SENT"
    CARRIED = "CARRIED"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """A message to be sent at `send_at`. Its id follows from what caused it: a replay plans the same message.

    `suppressed` says why it must not leave; empty when it may.
    """

    id: UUID
    ticket_id: TicketId
    template: Template
    recipient: str
    endpoint: Endpoint
    send_at: datetime
    policy: Policy
    facts: Facts
    caused_by: str
    suppressed: str = ""
    urgency: Urgency = Urgency.U3
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message in a courier's hands for its `attempt`-th attempt (from 1). `carried` travels with it."""

    id: UUID
    ticket_id: TicketId
    template: Template
    recipient: str
    channel: str
    policy: Policy
    facts: Facts
    caused_by: str
    created_at: datetime
    attempt: int
    urgency: Urgency = Urgency.U3
    endpoint: str = ""
    give_up_at: datetime | None = None
    carried: tuple["Message", ...] = ()
    due_at: datetime | None = None
    traceparent: str | None = None
