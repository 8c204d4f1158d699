"""Small or big: an ordered decision list, first hit wins, and it says which rule hit."""

from typing import NamedTuple, Protocol

from services.dispatch.core.rulebook import Rulebook
from shared.terms import MatterSize, PlaceLevel, TicketType, Urgency

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_SMALL, _CRITICAL, _GRID = MatterSize.SMALL, Urgency.U1, PlaceLevel.GRID


class Sizable(Protocol):
    """What sizing looks at of a matter; a matter that triage has read has it all."""

    @property
    def ticket_type(self) -> TicketType: ...
    @property
    def category(self) -> str: ...
    @property
    def urgency(self) -> Urgency: ...
    @property
    def confidential(self) -> bool: ...
    @property
    def place_level(self) -> PlaceLevel: ...
    @property
    def confidence(self) -> float: ...


class Sized(NamedTuple):
    """The same of a matter whose case is known, with what a person made of it."""

    ticket_type: TicketType
    category: str
    urgency: Urgency
    confidential: bool
    place_level: PlaceLevel
    confidence: float


def size_of(matter: Sizable, book: Rulebook) -> tuple[MatterSize, str]:
    """The size of a matter, and the rule that decided with what it saw."""
    if matter.ticket_type in book.sizing.unsized_types:
        return MatterSize.UNSIZED, f"SIZE_NOT_SIZED type={matter.ticket_type}"
    if matter.ticket_type in book.sizing.big_types:
        return MatterSize.BIG, f"SIZE_BIG_{matter.ticket_type}"
    if matter.urgency is _CRITICAL:
        return MatterSize.BIG, "SIZE_BIG_CRITICAL"
    if matter.confidential:
        return MatterSize.BIG, "SIZE_BIG_CONFIDENTIAL"
    if matter.place_level is not _GRID:
        return MatterSize.BIG, f"SIZE_BIG_PLACE_UNRESOLVED level={matter.place_level}"
    if matter.confidence < book.least_confidence:
        return MatterSize.BIG, f"SIZE_BIG_UNSURE confidence={matter.confidence:.2f}"
    if matter.category in book.small_categories:
        return _SMALL, f"SIZE_SMALL_ELIGIBLE category={matter.category}"
    return MatterSize.BIG, f"SIZE_BIG_DEFAULT category={matter.category}"
