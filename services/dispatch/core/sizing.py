"""Small or big: an ordered decision list, first hit wins, and it says which rule hit."""

from typing import NamedTuple

from services.dispatch.core.rulebook import Rulebook
from shared.terms import MatterSize, PlaceLevel, TicketType, Urgency


class Sizable(NamedTuple):
    """What sizing looks at of a matter."""

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
    if matter.urgency is Urgency.U1:
        return MatterSize.BIG, "SIZE_BIG_CRITICAL"
    if matter.confidential:
        return MatterSize.BIG, "SIZE_BIG_CONFIDENTIAL"
    if matter.place_level is not PlaceLevel.GRID:
        return MatterSize.BIG, f"SIZE_BIG_PLACE_UNRESOLVED level={matter.place_level}"
    if matter.confidence < book.least_confidence:
        return MatterSize.BIG, f"SIZE_BIG_UNSURE confidence={matter.confidence:.2f}"
    if matter.category in book.small_categories:
        return MatterSize.SMALL, f"SIZE_SMALL_ELIGIBLE category={matter.category}"
    return MatterSize.BIG, f"SIZE_BIG_DEFAULT category={matter.category}"
