"""Early warning: thresholds in whole numbers, growth over weeks, and clusters of grids that touch."""

from math import sqrt
from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.core.warning import (
    NeighboursRefused,
    cluster,
    growth_threshold,
    hour_of,
    is_growing,
    read_neighbours,
    spike_threshold,
    window_of,
)
from tests.services.notify.measured import measures
from tests.services.notify.values import local

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


def test_a_cluster_is_what_hangs_together_and_no_more() -> None:
    near = read_neighbours("grid,neighbour\n1,2\n2,3\n4,5\n3,9\n")
    assert cluster("1", {"1", "2", "3", "4", "5"}, near) == {"1", "2", "3"}
    assert cluster("1", {"1", "3"}, near) == {"1"}
    assert cluster("7", {"7", "1"}, near) == {"7"}


def test_neighbours_are_neighbours_both_ways() -> None:
    assert read_neighbours("grid,neighbour\n12,34\n\n") == {"12": frozenset({"34"}), "34": frozenset({"12"})}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1: must be"),
        ("a,b\n1,2\n", "1: must be"),
        ("grid,neighbour\n1\n", "2: must be two"),
        ("grid,neighbour\n1,1\n", "2: must be two"),
        ("grid,neighbour\n1,x\n", "2: must be two"),
        ("grid,neighbour\n1,2,3\n", "2: must be two"),
    ],
)
def test_a_list_of_neighbours_that_is_none_is_refused_by_its_line(text: str, problem: str) -> None:
    with pytest.raises(NeighboursRefused, match=problem):
        read_neighbours(text)


def test_hours_and_windows_begin_on_the_hour() -> None:
    assert hour_of(local("10 09:59")) == local("10 09:00")
    assert window_of(local("10 09:59"), 6) == local("10 08:00")
    assert window_of(local("10 13:59"), 6) == local("10 08:00")
    assert window_of(local("10 14:00"), 6) == local("10 14:00")
