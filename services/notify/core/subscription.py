"""A webhook subscription: what somebody wants to hear of, what fits it, and the thin words that are sent."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from services.notify.core.target import Target
from shared.events import (
    EVENT_TYPES,
    Envelope,
    Event,
    TicketAssigned,
    TicketReceived,
    TicketTriaged,
    UnreadEvent,
    UnrecognisedEvent,
)
from shared.intake_events import LeadCreated, TicketRouted
from shared.joint_events import TicketCategoryConfirmed
from shared.terms import AssignmentKind, TicketId

PING = "org.griddispatch.webhook.ping.v1"
"""The type of a test message; no event has it."""
NEVER_TOLD: frozenset[type[Event]] = frozenset((LeadCreated, TicketRouted))
"""Sensitive leads are nobody's business but their own staff's."""
TELLABLE = frozenset(name for name, model in EVENT_TYPES.items() if model not in NEVER_TOLD)
"""The types that can be subscribed to."""
OVERLAP = timedelta(hours=24)
"""How long the previous key still signs after a change, if the owner says nothing else."""


class SubscriptionState(StrEnum):
    """Whether anything is delivered. What happens while DISABLED is not queued; it can be replayed afterwards."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class Stop(StrEnum):
    """Why a subscription is disabled.

    Its owner said so, the receiver wants no more or was away for too long, or the owner's key is no good any more.
    """

    OWNER = "OWNER"
    GONE = "GONE"
    UNREACHABLE = "UNREACHABLE"
    KEY = "KEY"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to hear of; nothing in a list means everything.

    `categories` and `areas` are beginnings of codes: 15 is all of 1501 and 150101, 990101001 a township with all its
    grids. What is not known yet of a ticket fits no list.
    """

    types: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    exercises: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """One receiver. `secrets` are its open signing keys, the new one first, and stand in no log."""

    id: UUID
    owner: str
    name: str
    url: str
    wish: Wish
    state: SubscriptionState
    stopped_for: Stop | None
    version: int
    created_at: datetime
    changed_at: datetime
    delivered_at: datetime | None
    previous_until: datetime | None
    area: str = "*"
    """The owner's, `*` everywhere: nothing of elsewhere is told, whatever the wish."""
    made_with: str | None = None
    """The key it was made with, or enabled with again: the area is that key's, and it ends with the key."""


class Subject(Struct, frozen=True):
    """What is known of one ticket."""

    unit: str = ""
    category: str = ""
    township: str = ""
    grid: str = ""
    exercise: bool = False
    hidden: bool = False


class News(Struct, frozen=True):
    """An event as subscribers hear of it: ids and codes only. `seq` is its place in the feed, 0 before it has one."""

    event_id: UUID
    ticket_id: TicketId
    source: str
    version: int
    type: str
    time: datetime
    unit: str
    category: str
    township: str
    grid: str
    exercise: bool
    seq: int = 0

    @property
    def story(self) -> str:
        """What is told in order: a ticket, as one source tells of it."""
        return f"{self.ticket_id}{self.source}"


def learn(subject: Subject, event: Event) -> Subject:
    """What is known of the ticket after `event`."""
    match event:
        case TicketReceived():
            return replace(subject, exercise=event.exercise)
        case TicketTriaged():
            return replace(
                subject, category=event.category, township=event.township or "", grid=event.grid or "",
                exercise=event.exercise, hidden=event.hidden,
            )  # fmt: skip
        case TicketAssigned(kind=AssignmentKind.LEAD):
            return replace(
                subject, unit=event.unit, category=event.category, township=event.township or "",
                grid=event.grid or "", exercise=event.exercise,
            )  # fmt: skip
        case TicketCategoryConfirmed():
            return replace(subject, category=event.category)
        case _:
            return subject


def tell(envelope: Envelope, subject: Subject) -> News | None:
    """The news in an event, given what is known of its ticket by then; None when nobody is told of it."""
    event = envelope.event
    if subject.hidden or event.type not in TELLABLE or isinstance(event, UnreadEvent | UnrecognisedEvent):
        return None
    unit = getattr(event, "unit", None)
    return News(
        envelope.id, envelope.ticket_id, envelope.source.value, envelope.version, event.type, envelope.time,
        unit if isinstance(unit, str) else subject.unit, subject.category, subject.township, subject.grid,
        subject.exercise,
    )  # fmt: skip


def fits(wish: Wish, news: News) -> bool:
    """Whether somebody with this wish hears of it. Drills are told only to who asked for drills."""
    return (
        (not wish.types or news.type in wish.types)
        and (not wish.units or news.unit in wish.units)
        and (not wish.categories or _begins(news.category, wish.categories))
        and (not wish.areas or _begins(news.grid or news.township, wish.areas))
        and (wish.exercises or not news.exercise)
    )


def message_id(subscription: UUID, news: News | None, seq: int) -> UUID:
    """The `webhook-id`: the same at every attempt and every replay, so that the receiver can tell a repeat."""
    return uuid5(subscription, str(news.event_id) if news else f"ping/{seq}")


def payload(news: News | None, pinged_at: datetime) -> str:
    """The body; the same text whenever the same news are told. A ping says nothing but that it is one."""
    if news is None:
        return _json({"type": PING, "timestamp": pinged_at.isoformat(), "data": {}})
    data = {
        "event_id": str(news.event_id), "source": news.source, "ticket_id": str(news.ticket_id),
        "version": news.version, "unit": news.unit or None, "category": news.category or None,
        "township": news.township or None, "grid": news.grid or None, "exercise": news.exercise,
    }  # fmt: skip
    return _json({"type": news.type, "timestamp": news.time.isoformat(), "data": data})


def shown_url(target: Target) -> str:
    """An address without its path, which may hold a token."""
    return f"{target.scheme}://{target.authority}/…"


def _begins(code: str, beginnings: Iterable[str]) -> bool:
    return any(code.startswith(beginning) for beginning in beginnings)


def _json(body: dict[str, object]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
