"""Reads an area: the grids of one county from GeoJSON, refused as a whole when anything about them is wrong.

Codes: county 6 digits, township 9, village 12, grid 15; each starts with the code of what it lies in.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

import shapely

from shared.errors import Problem, Rejected

TINY_AREA = 1e-9
"""Square degrees, about 10 m²: smaller overlaps and gaps are rounding, not mistakes."""


class GridKind(StrEnum):
    """BASE 基础网格 tile the county; SPECIALISED 专属网格 lie over them: markets, parks, schools."""

    BASE = "BASE"
    SPECIALISED = "SPECIALISED"


class InvalidArea(Rejected):
    """The GeoJSON does not describe one county's grids; `problems` names every fault."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name in two languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The smallest area with a person in charge; `shape` is a shapely polygon in WGS84 degrees."""

    code: str
    kind: GridKind
    name: Name
    village_name: Name
    township_name: Name
    shape: shapely.Geometry

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


_CODES = {"grid_code": 15, "village_code": 12, "township_code": 9}
_NAMES = ("name", "village_name", "township_name")


def read_area(geojson: str) -> tuple[Grid, ...]:
    """The grids of one county in order of code. Raises `InvalidArea` with every problem found.

    Faults of single features are found first; how grids lie to each other is asked once all shapes are sound.
    """
    read = [_feature(index, feature) for index, feature in enumerate(_features(geojson))]
    problems = [problem for result in read if isinstance(result, list) for problem in result]
    grids = sorted((result for result in read if isinstance(result, Grid)), key=lambda grid: grid.code)
    problems += _code_problems(grids)
    if not problems:
        problems += [*_overlaps(grids), *_holes(grids)]
    if problems:
        raise InvalidArea(*problems)
    return tuple(grids)


def _features(geojson: str) -> Sequence[object]:
    try:
        collection = json.loads(geojson)
    except (ValueError, RecursionError) as error:
        raise InvalidArea(Problem("", "not_json", f"not JSON: {error}")) from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list) or collection.get("type") != "FeatureCollection":
        raise InvalidArea(Problem("", "not_a_collection", "must be a GeoJSON FeatureCollection"))
    if not features:
        raise InvalidArea(Problem("features", "empty", "must hold at least one grid"))
    return features


def _feature(index: int, feature: object) -> Grid | list[Problem]:
    where = f"features[{index}]"
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(properties, dict):
        return [Problem(where, "not_a_feature", "must be a Feature with properties")]
    problems = [*_property_problems(where, properties)]
    shape = _shape(f"{where}.geometry", feature.get("geometry"))
    if isinstance(shape, Problem):
        problems.append(shape)
    return problems or _grid(properties, shape)


def _grid(properties: Mapping[str, str], shape: shapely.Geometry) -> Grid:
    name, village, township = (Name(properties[f"{name}_zh"], properties[f"{name}_en"]) for name in _NAMES)
    return Grid(properties["grid_code"], GridKind(properties["kind"]), name, village, township, shape)


def _property_problems(where: str, properties: Mapping[str, object]) -> Iterator[Problem]:
    for key, digits in _CODES.items():
        code = properties.get(key)
        if not isinstance(code, str) or len(code) != digits or not (code.isascii() and code.isdigit()):
            yield Problem(f"{where}.{key}", "bad_code", f"must be {digits} digits")
        elif not str(properties.get("grid_code")).startswith(code):
            yield Problem(f"{where}.{key}", "not_a_prefix", "must be the beginning of grid_code")
    for key in (f"{name}_{language}" for name in _NAMES for language in ("zh", "en")):
        name = properties.get(key)
        if not isinstance(name, str) or not name.strip() or len(name) > 100:
            yield Problem(f"{where}.{key}", "bad_name", "must be a name of 1 to 100 characters")
    if properties.get("kind") not in tuple(GridKind):
        yield Problem(f"{where}.kind", "bad_kind", "must be BASE or SPECIALISED")


def _shape(where: str, geometry: object) -> shapely.Geometry | Problem:
    """The polygon, or the problem that keeps it from being one."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(parts, list) or not parts:
        return Problem(where, "bad_geometry", "must be a Polygon or MultiPolygon")
    polygons = [parts] if kind == "Polygon" else parts
    for rings in polygons:
        if not isinstance(rings, list) or not rings or not all(map(_is_ring, rings)):
            return Problem(where, "bad_ring", "every ring must be closed and hold 4 or more points in degrees")
    built = [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]
    shape = built[0] if len(built) == 1 else shapely.MultiPolygon(built)
    if not shapely.is_valid(shape):
        return Problem(where, "invalid_ring", shapely.is_valid_reason(shape))
    return shape if shape.area > TINY_AREA else Problem(where, "no_area", "must cover some ground")


def _is_ring(ring: object) -> bool:
    return isinstance(ring, list) and len(ring) >= 4 and all(map(_is_position, ring)) and ring[0] == ring[-1]


def _is_position(position: object) -> bool:
    if not isinstance(position, list) or len(position) != 2:
        return False
    return all(
        isinstance(degrees, int | float) and isfinite(degrees) and abs(degrees) <= limit
        for degrees, limit in zip(position, (180, 90), strict=True)
    )


def _code_problems(grids: Sequence[Grid]) -> Iterator[Problem]:
    for code, times in Counter(grid.code for grid in grids).items():
        if times > 1:
            yield Problem(code, "duplicate_code", f"is the code of {times} grids")
    counties = sorted({grid.county for grid in grids})
    if len(counties) > 1:
        yield Problem("grid_code", "many_counties", f"must all lie in one county, not in {', '.join(counties)}")
    yield from _name_problems((grid.village, grid.village_name) for grid in grids)
    yield from _name_problems((grid.township, grid.township_name) for grid in grids)
    served = {grid.village for grid in grids if grid.kind is GridKind.BASE}
    for code in sorted({grid.village for grid in grids} - served):
        yield Problem(code, "no_base_grid", "has specialised grids only")


def _name_problems(named: Iterable[tuple[str, Name]]) -> Iterator[Problem]:
    names = defaultdict(set)
    for code, name in named:
        names[code].add(name)
    for code, several in names.items():
        if len(several) > 1:
            yield Problem(code, "many_names", "has different names in different features")


def _overlaps(grids: Sequence[Grid]) -> Iterator[Problem]:
    base = [grid for grid in grids if grid.kind is GridKind.BASE]
    shapes = [grid.shape for grid in base]
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects").tolist()
    for one, other in zip(first, second, strict=True):
        if one < other and shapes[one].intersection(shapes[other]).area > TINY_AREA:
            yield Problem(base[one].code, "overlap", f"overlaps {base[other].code}")


def _holes(grids: Sequence[Grid]) -> Iterator[Problem]:
    """Ground that a township's base grids enclose but none of the county's covers."""
    covered = shapely.union_all([grid.shape for grid in grids if grid.kind is GridKind.BASE])
    shapes = defaultdict(list)
    for grid in grids:
        if grid.kind is GridKind.BASE:
            shapes[grid.township].append(grid.shape)
    for township, parts in shapes.items():
        rings = [ring for part in shapely.get_parts(shapely.union_all(parts)) for ring in part.interiors]
        if any(shapely.Polygon(ring).difference(covered).area > TINY_AREA for ring in rings):
            yield Problem(township, "hole", "encloses ground that belongs to no grid")
