"""Small or big: an ordered decision list, first hit wins, and it says which rule hit; or a city case with its class."""

from typing import Final, NamedTuple, Protocol

from services.dispatch.core.extent import Extent, beyond_small
from services.dispatch.core.rule_sections import CaseClass
from services.dispatch.core.rulebook import Rulebook
from shared.events import TicketTriaged
from shared.terms import Channel, MatterSize, PlaceLevel, TicketType, Urgency

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_SMALL, _CRITICAL, _GRID, _NORMAL = MatterSize.SMALL, Urgency.U1, PlaceLevel.GRID, Urgency.U3
_DEFAULT: Final = "SIZE_BIG_DEFAULT"

CASE_CHANNELS = (Channel.GRID_PATROL, Channel.SENSOR)
"""Who files city-management cases 城管案卷: nobody complained, so the class of the case says how long it may take."""


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
    return MatterSize.BIG, f"{_DEFAULT} category={matter.category}"


def case_class_of(matter: Sizable, channel: Channel, book: Rulebook) -> CaseClass | None:
    """The class of a matter that is a city-management case: found by a patrol or a sensor, of a category with a class.

    What is urgent, confidential or unsure is none: its danger, its secret or a person comes first.
    """
    if channel not in CASE_CHANNELS or matter.urgency is not _NORMAL or matter.confidential:
        return None
    if matter.ticket_type not in book.sizing.sized_types or matter.confidence < book.least_confidence:
        return None
    return book.case_class_of(matter.category)


def first_size_of(matter: TicketTriaged, book: Rulebook, extent: Extent | None = None) -> tuple[MatterSize, str]:
    """The size of a matter that has just come in.

    What would be small is big by who says it, how often and of whom, and by how far it reaches.
    """
    size, rule = size_of(matter, book)
    against = _against_small(matter, book, extent) if size is _SMALL else None
    return (size, rule) if against is None else (MatterSize.BIG, against)


def is_doubtful(matter: TicketTriaged, rule: str, book: Rulebook, extent: Extent | None) -> bool:
    """Whether it is big only because no list calls its category small: no rule says that it must be big."""
    return rule.startswith(_DEFAULT) and _against_small(matter, book, extent) is None


def _against_small(matter: TicketTriaged, book: Rulebook, extent: Extent | None) -> str | None:
    """The rule by which a matter is big that its category would let be small, or None."""
    if matter.levels_up:
        return "SIZE_BIG_CAME_BACK"
    if extent is not None and (beyond := beyond_small(extent, book.sizing)):
        return beyond
    if matter.repeats_30d >= book.sizing.repeats_from:
        return f"SIZE_BIG_REPEATED count={matter.repeats_30d}"
    if matter.repeats_90d + 1 >= book.repeats.complex_from:
        return f"SIZE_BIG_REPEATED_IN_90_DAYS count={matter.repeats_90d}"
    if matter.reporters >= book.sizing.reporters_from:
        return f"SIZE_BIG_REPORTERS count={matter.reporters}"
    if is_about_its_place(matter.complained_about):
        return f"SIZE_BIG_ABOUT_ITS_PLACE unit={matter.complained_about}"
    return None


def is_about_its_place(complained_about: str | None) -> bool:
    """Whether a village or township is complained about: those who would handle it as a small matter."""
    return complained_about is not None and complained_about.startswith(("village:", "township:"))
