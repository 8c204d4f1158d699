"""What moves a ticket because of another one about the same thing."""

from datetime import datetime
from typing import Final, TypeAlias

from msgspec import Struct

from services.dispatch.core.story import Timer
from shared.intake_events import TicketMerged
from shared.terms import TicketId


class PutAside(Struct, frozen=True):
    """Intake merged the ticket, as `word` says; `running` are its clocks as they stand."""

    word: TicketMerged
    running: tuple[Timer, ...] = ()


class ChildJoined(Struct, frozen=True):
    """A ticket waits for this one from now on; `due_at` is its deadline."""

    ticket_id: TicketId
    due_at: datetime
    own_follow_up: bool


class ChildLeft(Struct, frozen=True):
    """One that waited for this one does no more; `earliest` is the deadline of those that still do."""

    due_at: datetime
    earliest: datetime | None = None


class MainResolved(Struct, frozen=True):
    """The ticket that this one waits for was closed; `unit` led it."""

    main: TicketId
    unit: str


class MainEnded(Struct, frozen=True):
    """The ticket that this one waits for ended with nothing done: withdrawn, refused, or handed on."""

    main: TicketId


FamilyWord: TypeAlias = ChildJoined | ChildLeft | MainResolved | MainEnded
FAMILY_WORDS: Final = (ChildJoined, ChildLeft, MainResolved, MainEnded)
"""What tickets of one incident tell each other."""
