"""How the grids of a county lie to each other: codes and names that agree, no overlap, no ground left out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from math import cos, radians
from typing import Final

import numpy
import shapely

from services.intake.core.grids import TINY_AREA, Grid, GridKind, GridProblem, Name

METRES_PER_DEGREE: Final = 111_320.0
HAIR: Final = 1e-6
"""Degrees, about 10 cm: a gap of twice that width is a border drawn twice, not ground left out."""


def code_problems(grids: Sequence[Grid]) -> Iterator[GridProblem]:
    """Codes that stand twice, several counties, places with several names or without a base grid."""
    by_code: defaultdict[str, list[Grid]] = defaultdict(list)
    times = Counter(grid.code for grid in grids)
    for grid in grids:
        if any(grid.meets(earlier) for earlier in by_code[grid.code]):
            message = f"is the code of {times[grid.code]} grids"
            yield GridProblem(grid.code, "duplicate_code", message, grid.feature)
        by_code[grid.code].append(grid)
    counties = Counter(grid.county for grid in grids)
    if len(counties) > 1:
        stranger = min(grids, key=lambda grid: counties[grid.county])
        message = f"must all lie in one county, not in {', '.join(sorted(counties))}"
        yield GridProblem("grid_code", "many_counties", message, stranger.feature)
    yield from _name_problems((grid.village, grid.village_name, grid.feature) for grid in grids)
    yield from _name_problems((grid.township, grid.township_name, grid.feature) for grid in grids)
    served = {grid.village for grid in grids if grid.kind is GridKind.BASE}
    unserved = {grid.village: grid.feature for grid in grids if grid.village not in served}
    for code, feature in sorted(unserved.items()):
        yield GridProblem(code, "no_base_grid", "has specialised grids only", feature)


def _name_problems(named: Iterable[tuple[str, Name, int]]) -> Iterator[GridProblem]:
    names: dict[str, Name] = {}
    told = set()
    for code, name, feature in named:
        if names.setdefault(code, name) != name and code not in told:
            told.add(code)
            yield GridProblem(code, "many_names", "has different names in different features", feature)


def tiling_problems(grids: Sequence[Grid]) -> Iterator[GridProblem]:
    """Base grids that overlap, and ground that they enclose but none of them covers, on any day."""
    base = [grid for grid in grids if grid.kind is GridKind.BASE]
    yield from _overlaps(base)
    told: set[tuple[str, str]] = set()
    for day in _days_of_change(base):
        for problem in _holes([grid for grid in base if grid.holds_on(day)]):
            if (problem.field, problem.message) not in told:
                told.add((problem.field, problem.message))
                yield problem


def _days_of_change(grids: Sequence[Grid]) -> list[date]:
    """Days that stand for all others: every day on which some grid comes into force or is the first without one."""
    begins = {grid.valid_from or date.min for grid in grids}
    ends = {grid.valid_to + timedelta(days=1) for grid in grids if grid.valid_to is not None}
    return sorted(begins | ends)


def _overlaps(grids: Sequence[Grid]) -> Iterator[GridProblem]:
    shapes = numpy.array([grid.shape for grid in grids], dtype=object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(shapes[first], shapes[second]))
    for place in numpy.flatnonzero(shared > TINY_AREA).tolist():
        one, other = grids[first[place]], grids[second[place]]
        if one.meets(other):
            size = _square_metres(float(shared[place]), one.shape)
            yield GridProblem(one.code, "overlap", f"overlaps {other.code} by {size}", max(one.feature, other.feature))


def _holes(grids: Sequence[Grid]) -> Iterator[GridProblem]:
    """Ground inside the county's outer border that no base grid covers; named after the township that encloses it."""
    if not grids:
        return
    # Each grid a hair wider, or every hole would leak out along a border whose two sides differ in the last digits.
    shapes = shapely.buffer([grid.shape for grid in grids], HAIR, join_style="mitre")
    covered = shapely.union_all(shapes)
    rings = [shapely.Polygon(ring) for part in shapely.get_parts(covered) for ring in part.interiors]
    # What an enclave, a part of its own inside the ring of another, covers is no hole.
    gaps = [ground for ring in rings for ground in shapely.get_parts(ring.difference(covered))]
    tree = shapely.STRtree(shapes)
    for gap in gaps:
        hole = gap.buffer(HAIR, join_style="mitre")
        if gap.area <= TINY_AREA:
            continue
        around = [grids[place] for place in tree.query(hole, predicate="intersects").tolist()]
        townships = sorted({grid.township for grid in around})
        at = hole.representative_point()
        size = _square_metres(hole.area, hole)
        message = f"encloses {size} at {at.x:.6f},{at.y:.6f} that belong to no grid"
        if len(townships) > 1:
            message += f", together with {', '.join(townships[1:])}"
        yield GridProblem(townships[0], "hole", message, min(grid.feature for grid in around))


def _square_metres(square_degrees: float, near: shapely.Geometry) -> str:
    metres = square_degrees * METRES_PER_DEGREE**2 * cos(radians(near.centroid.y))
    return f"{metres:,.0f} m²"
