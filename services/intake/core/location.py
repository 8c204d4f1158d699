"""Finds the place of a matter: grid, else village, else township, else county, and says why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

import numpy
import shapely
from ahocorasick_rs import AhoCorasick, MatchKind
from numpy.typing import NDArray

from services.intake.core.area import Grid, GridKind, GridProblem, InvalidArea, Name, in_force, read_area
from services.intake.core.report import NewTicket, Place
from shared.terms import PlaceLevel

NOWHERE: Final = -1
"""In an array of places: no grid holds the point."""


class PlaceReason(StrEnum):
    """Why a matter was put where it is."""

    IN_GRID = "IN_GRID"
    IN_SPECIALISED_GRID = "IN_SPECIALISED_GRID"
    ON_BORDER = "ON_BORDER"
    VILLAGE_CODE = "VILLAGE_CODE"
    TOWNSHIP_CODE = "TOWNSHIP_CODE"
    VILLAGE_NAMED = "VILLAGE_NAMED"
    TOWNSHIP_NAMED = "TOWNSHIP_NAMED"
    AMBIGUOUS_NAMES = "AMBIGUOUS_NAMES"
    OUT_OF_AREA = "OUT_OF_AREA"
    NO_CLUE = "NO_CLUE"


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known about where a matter is: WGS84 degrees or none, codes as given, address and words to look in."""

    lon: float | None = None
    lat: float | None = None
    village_code: str | None = None
    township_code: str | None = None
    address: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    """The answer. Codes are filled down to `level`; `also` holds the other grids that meet at a point on a border."""

    level: PlaceLevel
    county: str
    township: str | None = None
    village: str | None = None
    grid: str | None = None
    also: tuple[str, ...] = ()
    reason: PlaceReason = PlaceReason.NO_CLUE


def clues_of(ticket: NewTicket) -> Clues:
    """The clues that a report holds."""
    place = ticket.location or Place()
    words = f"{ticket.title}\n{ticket.text}" if ticket.title else ticket.text
    return Clues(place.lon, place.lat, place.village_code, place.township_code, place.address or "", words)


class Gazetteer:
    """One county's grids, ready to be asked. Immutable once built; asking it blocks for microseconds only."""

    def __init__(self, grids: Sequence[Grid], known: Sequence[Grid] | None = None) -> None:
        """Take grids that `read_area` has found sound, in order of code; `known` are those of other days as well."""
        self.grids = tuple(grids)
        self._known = self.grids if known is None else tuple(known)
        self.county = grids[0].county
        self.villages = {grid.village: grid.village_name for grid in grids}
        self.townships = {grid.township: grid.township_name for grid in grids}
        self._tree = shapely.STRtree([grid.shape for grid in grids])
        is_base = numpy.array([grid.kind is GridKind.BASE for grid in grids], dtype=bool)
        self._rank = numpy.arange(len(grids)) + len(grids) * is_base
        self._names = _codes_by_name(self.villages, self.townships)
        self._keys = tuple(self._names)
        self._finder = AhoCorasick(self._keys, matchkind=MatchKind.LeftmostLongest)

    @classmethod
    def from_geojson(cls, text: str, on: date | None = None) -> "Gazetteer":
        """Build from the text of a GeoJSON file the grids in force on a day, or until further notice without one.

        Raises `InvalidArea` with every problem, also when no grid is in force.
        """
        known = read_area(text)
        grids = in_force(known, on)
        if not grids:
            raise InvalidArea(GridProblem("features", "none_in_force", f"no grid is in force {on or 'any longer'}"))
        return cls(grids, known)

    def on(self, day: date) -> "Gazetteer":
        """The gazetteer of that day: this one as long as the same grids are in force, also when none is any longer.

        Cheap to ask; building another takes some milliseconds for a thousand grids.
        """
        grids = in_force(self._known, day)
        return self if not grids or grids == self.grids else Gazetteer(grids, self._known)

    def locate(self, clues: Sequence[Clues]) -> list[Location]:
        """Place a whole batch: one location for each of `clues`, in the same order."""
        points = {i: (c.lon, c.lat) for i, c in enumerate(clues) if c.lon is not None and c.lat is not None}
        hits = self._hits(points)
        return [self._at(hits[i]) if i in hits else self._without_point(c) for i, c in enumerate(clues)]

    def places(self, lon: NDArray[numpy.float64], lat: NDArray[numpy.float64]) -> NDArray[numpy.intp]:
        """For each point the place in `grids` of the one that `locate` would name, or NOWHERE.

        Two arrays of one length, WGS84 degrees; made for whole histories, a few microseconds a point.
        """
        order = numpy.lexsort((lon, numpy.round(lat, 2)))  # neighbours one after the other find the tree in the cache
        asked, found = self._tree.query(shapely.points(lon[order], lat[order]), predicate="intersects")
        best = numpy.full(len(lon), 2 * len(self.grids), dtype=numpy.intp)
        numpy.minimum.at(best, order[asked], self._rank[found])
        return numpy.where(best < 2 * len(self.grids), best % len(self.grids), NOWHERE)

    def _hits(self, points: dict[int, tuple[float, float]]) -> dict[int, list[Grid]]:
        """For each point the grids that hold it, borders included."""
        hits: dict[int, list[Grid]] = {index: [] for index in points}
        if points:
            order = list(points)
            asked, found = self._tree.query(shapely.points(list(points.values())), predicate="intersects").tolist()
            for point, grid in zip(asked, found, strict=True):
                hits[order[point]].append(self.grids[grid])
        return hits

    def _at(self, hits: list[Grid]) -> Location:
        if not hits:
            return Location(PlaceLevel.COUNTY, self.county, reason=PlaceReason.OUT_OF_AREA)
        specialised = [grid for grid in hits if grid.kind is GridKind.SPECIALISED]
        codes = sorted(grid.code for grid in specialised or hits)
        reason = PlaceReason.IN_SPECIALISED_GRID if specialised else PlaceReason.IN_GRID
        if len(codes) > 1:
            reason = PlaceReason.ON_BORDER
        code, *also = codes
        return Location(PlaceLevel.GRID, self.county, code[:9], code[:12], code, tuple(also), reason)

    def _without_point(self, clues: Clues) -> Location:
        """The first clue that leads somewhere: codes, then the address, then the words."""
        for code in (clues.village_code, clues.township_code, clues.village_code and clues.village_code[:9]):
            if code in self.villages:
                return self._inside(code, PlaceReason.VILLAGE_CODE)
            if code in self.townships:
                return self._inside(code, PlaceReason.TOWNSHIP_CODE)
        located = self._named(clues.address)
        return self._named(clues.words) if located.reason is PlaceReason.NO_CLUE else located

    def _inside(self, code: str, reason: PlaceReason) -> Location:
        if len(code) == 12:
            return Location(PlaceLevel.VILLAGE, self.county, code[:9], code, reason=reason)
        return Location(PlaceLevel.TOWNSHIP, self.county, code, reason=reason)

    def _named(self, text: str) -> Location:
        """The village or township named in `text`; a village in a township that is named too goes first."""
        found = {index for index, _, _ in self._finder.find_matches_as_indexes(text.lower())} if text else set()
        codes = {code for index in found for code in self._names[self._keys[index]]}
        townships = {code for code in codes if len(code) == 9}
        villages = codes - townships
        villages = {code for code in villages if code[:9] in townships} or villages
        if len(villages) == 1:
            return self._inside(villages.pop(), PlaceReason.VILLAGE_NAMED)
        townships = {code[:9] for code in villages} or townships
        if len(townships) == 1:
            return self._inside(townships.pop(), PlaceReason.TOWNSHIP_NAMED)
        reason = PlaceReason.AMBIGUOUS_NAMES if codes else PlaceReason.NO_CLUE
        return Location(PlaceLevel.COUNTY, self.county, reason=reason)


def _codes_by_name(*named: dict[str, Name]) -> dict[str, list[str]]:
    """Every name, lower case, with the codes of all places that bear it."""
    codes: dict[str, list[str]] = {}
    for code, name in (item for names in named for item in names.items()):
        for spelling in _spellings(name):
            codes.setdefault(spelling.lower(), []).append(code)
    return codes


def _spellings(name: Name) -> Iterable[str]:
    return {name.zh, name.en}
