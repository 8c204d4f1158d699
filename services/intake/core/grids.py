"""What a grid is, and what may be wrong with one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

import shapely

from shared.errors import Problem, Rejected

TINY_AREA = 1e-9
"""Square degrees, about 10 m²: smaller overlaps and gaps are rounding, not mistakes."""


class GridKind(StrEnum):
    """BASE 基础网格 tile the county; SPECIALISED 专属网格 lie over them: markets, parks, schools."""

    BASE = "BASE"
    SPECIALISED = "SPECIALISED"


@dataclass(frozen=True, slots=True)
class GridProblem(Problem):
    """A problem that lies with one feature of the collection, by its place from 0; -1 when with none alone."""

    feature: int = -1


class InvalidArea(Rejected):
    """The GeoJSON does not describe one county's grids; `problems` names every fault."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name in two languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The smallest area with a person in charge; `shape` is a shapely polygon in WGS84 degrees.

    It is in force from `valid_from` to `valid_to`, both days included; None leaves that side open. `feature` is its
    place in the collection it was read from.
    """

    code: str
    kind: GridKind
    name: Name
    village_name: Name
    township_name: Name
    shape: shapely.Geometry
    valid_from: date | None = None
    valid_to: date | None = None
    feature: int = field(default=-1, compare=False)

    @property
    def village(self) -> str:
        """Code of the village (村/社区) it lies in."""
        return self.code[:12]

    @property
    def township(self) -> str:
        """Code of the township (乡镇/街道) it lies in."""
        return self.code[:9]

    @property
    def county(self) -> str:
        """Code of the county it lies in."""
        return self.code[:6]

    def holds_on(self, day: date) -> bool:
        """Whether the grid is in force on that day."""
        return (self.valid_from or day) <= day <= (self.valid_to or day)

    def meets(self, other: "Grid") -> bool:
        """Whether the two are in force on a common day."""
        first = max(self.valid_from or date.min, other.valid_from or date.min)
        return self.holds_on(first) and other.holds_on(first)


def in_force(grids: Iterable[Grid], on: date | None) -> tuple[Grid, ...]:
    """The grids of that day; without a day those that hold until further notice."""
    return tuple(grid for grid in grids if (grid.valid_to is None if on is None else grid.holds_on(on)))
