"""The sample county as the demo needs it: where its grids are, and how a faraway point is brought into it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

Point = tuple[float, float]
"""Longitude and latitude, WGS 84 degrees."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of points."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, point: Point) -> bool:
        """Whether the point lies in the rectangle or on its edge."""
        return self.west <= point[0] <= self.east and self.south <= point[1] <= self.north

    def share(self, point: Point) -> Point:
        """How far east and north the point lies, each from 0 to 1; points outside count as on the edge."""
        width, height = self.east - self.west, self.north - self.south
        across = (point[0] - self.west) / width if width else 0.5
        up = (point[1] - self.south) / height if height else 0.5
        return min(1.0, max(0.0, across)), min(1.0, max(0.0, up))

    def at(self, share: Point) -> Point:
        """The point that far east and north."""
        return self.west + share[0] * (self.east - self.west), self.south + share[1] * (self.north - self.south)


def frame_of(points: Iterable[Point], spare: float = 0.0) -> Frame:
    """The smallest rectangle around the points, after leaving out a share `spare` at each end of both directions."""
    kept = list(points)
    lons, lats = sorted(p[0] for p in kept), sorted(p[1] for p in kept)
    cut = int(len(kept) * spare)
    last = len(kept) - 1 - cut
    return Frame(lons[cut], lats[cut], lons[last], lats[last])


@dataclass(frozen=True)
class County:
    """The centre of every grid by its code, and the frame around all of them."""

    centres: Mapping[str, Point]
    frame: Frame

    def fit(self, point: Point, origin: Frame) -> Point:
        """Bring a point of `origin` into the county: scaled, then drawn to the nearest centre of a grid.

        The same point always lands in the same place; neighbours stay neighbours.
        """
        lon, lat = self.frame.at(origin.share(point))
        near = min(self.centres.values(), key=lambda c: (c[0] - lon) ** 2 + (c[1] - lat) ** 2)
        return round(near[0] + (lon - near[0]) * 0.2, 6), round(near[1] + (lat - near[1]) * 0.2, 6)


def load_county(area: Path) -> County:
    """Read `grids.geojson` of an area."""
    features = json.loads((area / "grids.geojson").read_text(encoding="utf-8"))["features"]
    rings = {f["properties"]["grid_code"]: _outer_ring(f["geometry"]) for f in features}
    centres = {code: _middle(ring) for code, ring in rings.items()}
    return County(centres, frame_of(point for ring in rings.values() for point in ring))


def _outer_ring(geometry: Mapping[str, object]) -> list[Point]:
    rings = geometry["coordinates"]
    assert isinstance(rings, list)
    ring = rings[0][0] if geometry["type"] == "MultiPolygon" else rings[0]
    return [(lon, lat) for lon, lat, *_ in ring[:-1]]


def _middle(ring: list[Point]) -> Point:
    return sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)
