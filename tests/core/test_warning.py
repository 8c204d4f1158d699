"""Early warning: thresholds in whole numbers, growth over weeks, and clusters of grids that touch."""

import json
from math import sqrt
from statistics import fmean, pstdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.core.warning import (
    Cluster,
    Neighbours,
    NeighboursRefused,
    edges,
    growth_threshold,
    hour_of,
    is_growing,
    spike_threshold,
    touching,
    window_of,
)
from tests.services.notify.measured import measures
from tests.services.notify.values import AREA, local

RULES = measures().warning


@pytest.mark.parametrize(
    ("past", "threshold"),
    [
        ([], 5),
        ([0] * 28, 5),
        ([1] * 28, 5),
        ([7] * 28, 7),
        ([2] * 14 + [4] * 14, 6),  # mean 3, deviation 1
        ([10] * 14 + [12] * 14, 14),  # mean 11, deviation 1
        ([0] * 27 + [28], 17),  # mean 1, deviation 5.196…
    ],
)
def test_a_spike_begins_at_mean_and_three_deviations_but_never_below_five(past: list[int], threshold: int) -> None:
    assert spike_threshold(past, RULES) == threshold


@given(st.lists(st.integers(0, 500), min_size=1, max_size=28))
def test_the_threshold_is_the_smallest_whole_number_that_will_do(past: list[int]) -> None:
    border = fmean(past) + 3 * pstdev(past)
    found = spike_threshold(past, RULES)
    assert found >= max(5, border - 1e-6)
    assert found == 5 or found - 1 < border + 1e-6 * (1 + sqrt(border))


@pytest.mark.parametrize(
    ("weeks", "grows"),
    [
        ([4] * 7 + [4, 5, 6, 7, 12], True),
        ([4] * 7 + [4, 5, 6, 6, 12], False),
        ([4] * 8 + [5, 6, 7, 7], False),
        ([4] * 7 + [4, 5, 6, 7, 8], True),
        ([4] * 7 + [7, 8, 9, 10, 8], False),
        ([0] * 11 + [9], False),
        ([1, 2, 3, 4, 9], False),
    ],
)
def test_slow_growth_is_four_weeks_up_and_well_above_the_mean(weeks: list[int], grows: bool) -> None:
    assert is_growing(weeks, RULES) is grows


def test_growth_below_one_and_a_half_times_the_mean_is_none() -> None:
    weeks = [20] * 7 + [20, 21, 22, 23, 24]
    assert not is_growing(weeks, RULES)
    assert growth_threshold(weeks, RULES) == 32  # 1.5 x 250 / 12 = 31.25


def cluster_of(around: str, there: set[str], near: Neighbours) -> set[str]:
    cluster = Cluster(around, near)
    while ahead := cluster.ahead():
        cluster.grow(ahead & there)
    return cluster.grids


def test_a_cluster_is_what_hangs_together_and_no_more() -> None:
    pairs = {"1": "2", "2": "13", "3": "29", "4": "5", "5": "4", "9": "3"}
    near = {grid: frozenset(others) for grid, others in pairs.items()}
    assert cluster_of("1", {"1", "2", "3", "4", "5"}, near) == {"1", "2", "3"}
    assert cluster_of("1", {"1", "3"}, near) == {"1"}
    assert cluster_of("7", {"7", "1"}, near) == {"7"}


def test_a_cluster_asks_for_no_grid_twice() -> None:
    ring = {"1": frozenset("24"), "2": frozenset("13"), "3": frozenset("24"), "4": frozenset("31")}
    cluster = Cluster("1", ring)
    asked = []
    while ahead := cluster.ahead():
        asked += sorted(ahead)
        cluster.grow(ahead)
    assert asked == ["2", "4", "3"]


def square(code: str, x: float, kind: str = "BASE") -> dict[str, Any]:
    ring = [[x, 0.0], [x + 1, 0.0], [x + 1, 1.0], [x, 1.0], [x, 0.0]]
    return {
        "properties": {"grid_code": code, "kind": kind}, "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip


def test_grids_that_touch_are_neighbours_both_ways_and_others_are_not() -> None:
    features = [square("1", 0), square("2", 1), square("3", 2.000001), square("4", 4), square("9", 1, "SPECIALISED")]
    near = touching({"features": features})
    assert near == {"1": frozenset({"2"}), "2": frozenset({"1", "3"}), "3": frozenset({"2"})}
    assert edges({"1", "2", "3"}, near) == [("1", "2"), ("2", "3")]


def test_the_sample_area_s_neighbours_are_known_from_its_polygons_alone() -> None:
    near = touching(json.loads((AREA / "grids.geojson").read_text(encoding="utf-8")))
    assert "990101001001002" in near["990101001001001"]
    assert all(a in near[b] and a != b for a in near for b in near[a])
    assert not [grid for grid in near if grid.endswith("901")]


@pytest.mark.parametrize("grids", [{}, {"features": [{}]}, {"features": [{"properties": {"grid_code": "1"}}]}, []])
def test_what_is_no_collection_of_polygons_is_refused(grids: Any) -> None:
    with pytest.raises(NeighboursRefused):
        touching(grids)


def test_hours_and_windows_begin_on_the_hour() -> None:
    assert hour_of(local("10 09:59")) == local("10 09:00")
    assert window_of(local("10 09:59"), 6) == local("10 08:00")
    assert window_of(local("10 13:59"), 6) == local("10 08:00")
    assert window_of(local("10 14:00"), 6) == local("10 14:00")
