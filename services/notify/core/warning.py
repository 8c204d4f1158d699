"""Early warning 风险预警: sudden spikes, slow growth, spread over neighbouring grids. All in whole numbers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil, isqrt
from typing import Any

from shapely import STRtree
from shapely.errors import ShapelyError
from shapely.geometry import shape

from services.notify.core.judgement_rules import WarningRules
from services.notify.core.measures import exactly

HOUR = timedelta(hours=1)

Neighbours = Mapping[str, frozenset[str]]
"""The grids that touch a grid; both ways."""


class NeighboursRefused(ValueError):
    """The grids of the area cannot be used."""


SEAM = 1e-5
"""In degrees: about a metre."""
_BASE = "BASE"


def hour_of(instant: datetime) -> datetime:
    """The hour in which an instant lies, in UTC."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def window_of(instant: datetime, hours: int) -> datetime:
    """The beginning of the stretch of so many hours that an instant lies in; one stretch follows the other."""
    hour = hour_of(instant)
    return hour - timedelta(hours=int(hour.timestamp()) // 3600 % hours)


def spike_threshold(past: Sequence[int], rules: WarningRules) -> int:
    """From how many matters in an hour on it is a spike, given the counts of the same hour on the days before.

    The smallest whole number that is at least `spike_least` and at least mean + sigmas x standard deviation.
    """
    if not past:
        return rules.spike_least
    n, total, squares = len(past), sum(past), sum(count * count for count in past)
    sigmas = exactly(rules.spike_sigmas)
    scatter = ceil(sigmas * sigmas * (n * squares - total * total))
    above = isqrt(scatter)
    above += above * above < scatter
    return max(rules.spike_least, -((-total - above) // n))


def is_growing(weeks: Sequence[int], rules: WarningRules) -> bool:
    """Whether the last of these weeks, the oldest first, ends a slow growth: up for weeks, and well above the mean."""
    if len(weeks) < max(rules.growth_mean_weeks, rules.growth_weeks + 1):
        return False
    rises = all(earlier < later for earlier, later in pairwise(weeks[-rules.growth_weeks - 1 :]))
    return rises and weeks[-1] >= growth_threshold(weeks, rules)


def growth_threshold(weeks: Sequence[int], rules: WarningRules) -> int:
    """From how many matters on the last week stands out: the smallest whole number not below factor x mean."""
    long = weeks[-rules.growth_mean_weeks :]
    return ceil(exactly(rules.growth_factor) * sum(long) / len(long))


class Cluster:
    """The grids that hang together with a first one by touching each other, found step by step from there."""

    def __init__(self, around: str, neighbours: Neighbours) -> None:
        self.grids = {around}
        self._looked_at = {around}
        self._edge: Collection[str] = self.grids
        self._neighbours = neighbours

    def ahead(self) -> frozenset[str]:
        """What touches the grids found last and was not asked for before; empty when the cluster is whole."""
        near = {grid for found in self._edge for grid in self._neighbours.get(found, ())} - self._looked_at
        self._looked_at |= near
        return frozenset(near)

    def grow(self, found: Collection[str]) -> None:
        """Those of what lay ahead that belong to it."""
        self.grids |= set(found)
        self._edge = found


def touching(grids: Mapping[str, Any]) -> Neighbours:
    """Which base grids touch which, from a parsed collection of polygons with a `grid_code` each (WGS 84, degrees).

    Seams that do not quite meet count as touching up to SEAM. Raises NeighboursRefused for what is no such collection.
    """
    try:
        base = [f for f in grids["features"] if f["properties"].get("kind", _BASE) == _BASE]
        codes = [str(f["properties"]["grid_code"]) for f in base]
        shapes = [shape(f["geometry"]) for f in base]
    except (KeyError, TypeError, AttributeError, ValueError, ShapelyError) as error:
        raise NeighboursRefused(f"the grids are no collection of polygons: {type(error).__name__}") from error
    one, other = STRtree(shapes).query(shapes, predicate="dwithin", distance=SEAM)
    found: dict[str, set[str]] = {}
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if a != b:
            found.setdefault(codes[a], set()).add(codes[b])
    return {grid: frozenset(near) for grid, near in found.items()}


def edges(grids: Collection[str], neighbours: Neighbours) -> list[tuple[str, str]]:
    """Which of these grids touch each other; each pair once, in order."""
    return sorted((a, b) for a in grids for b in neighbours.get(a, frozenset()) if a < b and b in grids)
