"""How far a matter reaches, as it was said at the door or found on the spot, and which figure makes it big."""

from msgspec import Struct

from services.dispatch.core.rule_sections import SizingRules
from shared.events import TicketTriaged


class Extent(Struct, frozen=True, omit_defaults=True):
    """What is known of a matter's reach; 0 where nobody said anything. Money is in yuan, effort in minutes of work."""

    units: int = 0
    grids: int = 0
    households: int = 0
    people: int = 0
    money_yuan: int = 0
    effort_minutes: int = 0

    def beside(self, other: "Extent | None") -> "Extent":
        """What is known from both: of each figure what this one says, else what the other says."""
        if other is None:
            return self
        return Extent(
            self.units or other.units, self.grids or other.grids, self.households or other.households,
            self.people or other.people, self.money_yuan or other.money_yuan,
            self.effort_minutes or other.effort_minutes,
        )  # fmt: skip


def extent_of(matter: TicketTriaged) -> Extent | None:
    """What the door was told, or None where it was told nothing."""
    if not (
        matter.also_grids or matter.involved_units or matter.involved_grids or matter.households or matter.people
        or matter.money_yuan or matter.effort_minutes
    ):  # fmt: skip
        return None
    found = Extent(
        matter.involved_units, max(matter.involved_grids, _across(matter)), matter.households, matter.people,
        matter.money_yuan, matter.effort_minutes,
    )  # fmt: skip
    return None if found == Extent() else found


def _across(matter: TicketTriaged) -> int:
    """How many grids it lies in where a township's border runs through it: on any other border one grid has it."""
    townships = {grid[:9] for grid in matter.also_grids} - {matter.township}
    return 1 + len(matter.also_grids) if townships else 0


def beyond_small(extent: Extent, rules: SizingRules) -> str | None:
    """The first figure that a small matter may not reach, as a rule with what it saw; None: it may be small."""
    for figure, from_ in (
        ("units", rules.units_from), ("grids", rules.grids_from), ("households", rules.households_from),
        ("people", rules.people_from),
    ):  # fmt: skip
        if (count := getattr(extent, figure)) >= from_:
            return f"SIZE_BIG_{figure.upper()} count={count}"
    if extent.money_yuan > rules.money_above:
        return f"SIZE_BIG_MONEY yuan={extent.money_yuan}"
    if extent.effort_minutes > rules.effort_minutes_at_most:
        return f"SIZE_BIG_EFFORT minutes={extent.effort_minutes}"
    return None


def is_complex_by(extent: Extent | None, rules: SizingRules) -> bool:
    """Whether so many units owe it that it is complex."""
    return extent is not None and extent.units >= rules.complex_units_from
