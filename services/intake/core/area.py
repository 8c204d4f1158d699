"""Reads an area: the grids of one county from GeoJSON, refused as a whole when anything about them is wrong.

Codes: county 6 digits, township 9, village 12, grid 15; each starts with the code of what it lies in.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any, Final, NamedTuple

import shapely

from services.intake.core.grids import TINY_AREA, Grid, GridKind, GridProblem, InvalidArea, Name, in_force
from services.intake.core.tiling import code_problems, tiling_problems

__all__ = [
    "TINY_AREA", "Box", "Grid", "GridKind", "GridProblem", "InvalidArea", "Name", "feature_lines", "in_force",
    "read_area",
]  # fmt: skip


class Box(NamedTuple):
    """Where the county may lie, WGS84 degrees."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, other: "Box") -> bool:
        """Whether all of the other lies inside, borders included."""
        return self.west <= other.west and other.east <= self.east and self.south <= other.south <= other.north <= (
            self.north
        )  # fmt: skip

    @property
    def swapped(self) -> "Box":
        """The box with longitude and latitude in each other's place."""
        return Box(self.south, self.west, self.north, self.east)


WORLD: Final = Box(-180, -90, 180, 90)
WGS84_NAMES: Final = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326")

_CODES: Final = {"grid_code": 15, "village_code": 12, "township_code": 9}
_NAMES: Final = ("name", "village_name", "township_name")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def read_area(geojson: str, box: Box = WORLD) -> tuple[Grid, ...]:
    """The grids of one county in order of code. Raises `InvalidArea` with every problem found.

    Faults of single features are found first; how grids lie to each other is asked once all shapes are sound. Grids
    that lie outside `box` are refused, and told apart when only their longitude and latitude stand the wrong way.
    """
    read = [_feature(index, feature, box) for index, feature in enumerate(_features(geojson))]
    problems = [problem for result in read if isinstance(result, list) for problem in result]
    grids = sorted((result for result in read if isinstance(result, Grid)), key=lambda grid: grid.code)
    problems += code_problems(grids)
    if not problems:
        problems += tiling_problems(grids)
    if problems:
        raise InvalidArea(*problems)
    return tuple(grids)


def feature_lines(geojson: str) -> list[int]:
    """The line, from 1, in which each feature of the collection begins; as many as are found in broken JSON."""
    lines: list[int] = []
    depth, seen, line, is_inside, last = 0, 0, 1, False, ""
    for token in _TOKEN.finditer(geojson):
        text = token[0]
        if text in "[{":
            is_inside = is_inside or (depth == 1 and last == '"features"' and text == "[")
            if is_inside and depth == 2 and text == "{":
                line += geojson.count("\n", seen, token.start())
                seen = token.start()
                lines.append(line)
            depth += 1
        elif text in "]}":
            depth -= 1
            is_inside = is_inside and depth > 1
        last = text
    return lines


def _features(geojson: str) -> Sequence[object]:
    try:
        collection = json.loads(geojson, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError) as error:
        raise InvalidArea(GridProblem("", "not_json", f"not JSON: {error}")) from error
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list) or collection.get("type") != "FeatureCollection":
        raise InvalidArea(GridProblem("", "not_a_collection", "must be a GeoJSON FeatureCollection"))
    if not features:
        raise InvalidArea(GridProblem("features", "empty", "must hold at least one grid"))
    named = _crs_name(collection.get("crs"))
    if named not in (None, *WGS84_NAMES):
        raise InvalidArea(GridProblem("crs", "bad_crs", f"must be WGS84, not {named!r}"))
    return features


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in one object")
    return found


def _crs_name(crs: object) -> object:
    """The name of the coordinate system that a collection claims, if any."""
    properties = crs.get("properties") if isinstance(crs, dict) else crs
    return properties.get("name") if isinstance(properties, dict) else properties


def _feature(index: int, feature: object, box: Box) -> Grid | list[GridProblem]:
    where = f"features[{index}]"
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(feature, dict) or not isinstance(properties, dict):
        return [GridProblem(where, "not_a_feature", "must be a Feature with properties", index)]
    found = [(f"{where}.{key}", code, message) for key, code, message in _property_problems(properties)]
    shape = _shape(feature.get("geometry"), box)
    if isinstance(shape, tuple):
        found.append((f"{where}.geometry", *shape))
    if isinstance(shape, tuple) or found:
        return [GridProblem(*problem, index) for problem in found]
    name, village, township = (Name(properties[f"{name}_zh"], properties[f"{name}_en"]) for name in _NAMES)
    first, last = _day(properties.get("valid_from")), _day(properties.get("valid_to"))
    return Grid(
        properties["grid_code"], GridKind(properties["kind"]), name, village, township, shape, first, last, index
    )  # fmt: skip


def _property_problems(properties: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    for key, digits in _CODES.items():
        code = properties.get(key)
        if not isinstance(code, str) or len(code) != digits or not (code.isascii() and code.isdigit()):
            yield key, "bad_code", f"must be {digits} digits"
        elif not str(properties.get("grid_code")).startswith(code):
            yield key, "not_a_prefix", "must be the beginning of grid_code"
    for key in (f"{name}_{language}" for name in _NAMES for language in ("zh", "en")):
        name = properties.get(key)
        if not isinstance(name, str) or not name.strip() or len(name) > 100:
            yield key, "bad_name", "must be a name of 1 to 100 characters"
    if properties.get("kind") not in tuple(GridKind):
        yield "kind", "bad_kind", "must be BASE or SPECIALISED"
    first, last = properties.get("valid_from"), properties.get("valid_to")
    for key, day in (("valid_from", first), ("valid_to", last)):
        if day is not None and _day(day) is None:
            yield key, "bad_date", "must be a day, YYYY-MM-DD"
    if (_day(first) or date.min) > (_day(last) or date.max):
        yield "valid_to", "backwards", "lies before valid_from"


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:  # the thirty-first of February
        return None


def _shape(geometry: object, box: Box) -> shapely.Geometry | tuple[str, str]:
    """The polygon, or code and message of the problem that keeps it from being one."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(parts, list) or not parts:
        return "bad_geometry", "must be a Polygon or MultiPolygon"
    polygons = [parts] if kind == "Polygon" else parts
    if not all(isinstance(rings, list) and rings for rings in polygons):
        return "bad_ring", "every polygon must have a ring"
    fault = next((fault for rings in polygons for ring in rings if (fault := _ring_fault(ring))), None)
    if fault:
        return fault
    built = [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]
    shape = built[0] if len(built) == 1 else shapely.MultiPolygon(built)
    bounds = Box(*shape.bounds)
    if not box.holds(bounds):
        return ("swapped", _SWAPPED) if box.holds(bounds.swapped) else ("outside_box", "lies outside the county's box")
    if not shapely.is_valid(shape):
        return "invalid_ring", shapely.is_valid_reason(shape)
    return shape if shape.area > TINY_AREA else ("no_area", "must cover some ground")


_SWAPPED: Final = "longitude and latitude stand the wrong way round: longitude comes first"


def _ring_fault(ring: object) -> tuple[str, str] | None:
    if not isinstance(ring, list) or len(ring) < 4:
        return "bad_ring", "every ring must hold 4 or more points"
    if not all(map(_is_pair, ring)):
        return "bad_ring", "every point must be two finite numbers, longitude and latitude"
    if not all(_in_degrees(lon, lat) for lon, lat in ring):
        if all(_in_degrees(lat, lon) for lon, lat in ring):
            return "swapped", _SWAPPED
        return "bad_ring", "every point must lie within 180 degrees of longitude and 90 of latitude"
    return None if ring[0] == ring[-1] else ("bad_ring", "every ring must be closed: its last point is its first")


def _is_pair(position: object) -> bool:
    return isinstance(position, list) and len(position) == 2 and all(map(_is_number, position))


def _is_number(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and isfinite(value))


def _in_degrees(lon: float, lat: float) -> bool:
    return abs(lon) <= WORLD.east and abs(lat) <= WORLD.north
