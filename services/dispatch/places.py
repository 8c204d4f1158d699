"""Which grids hold a point, for comparing a check-in with its ticket's grid."""

from collections.abc import Mapping
from typing import Any

from shapely import STRtree
from shapely.geometry import Point, shape


class Places:
    """The grids of the county as an index."""

    def __init__(self, grids: Mapping[str, Any]) -> None:
        """`grids` is the area's GeoJSON collection, WGS 84."""
        self._codes = [feature["properties"]["grid_code"] for feature in grids["features"]]
        self._tree = STRtree([shape(feature["geometry"]) for feature in grids["features"]])

    def find(self, lon: float | None, lat: float | None) -> frozenset[str] | None:
        """The codes of the grids that hold this point; None without a point."""
        if lon is None or lat is None:
            return None
        return frozenset(self._codes[n] for n in self._tree.query(Point(lon, lat), predicate="intersects"))
