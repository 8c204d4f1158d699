"""Grids of a county are taken all or not at all: each fault is told apart, found in its line, and measured."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from services.intake.core.area import Box, InvalidArea, feature_lines, read_area
from services.intake.core.location import Clues, Gazetteer

Feature = dict[str, Any]
Change = Callable[[list[Feature]], object]

BOX = Box(119.0, 33.0, 119.8, 33.5)
SIDE = 0.01
"""Degrees: about 930 m by 1,110 m here."""


def square(number: int, column: float, row: float) -> Feature:
    """A base grid of the one village, 0.01 degrees wide, counted in squares from 119.2, 33.1."""
    west, south = 119.2 + column * SIDE, 33.1 + row * SIDE
    east, north = west + SIDE, south + SIDE
    code = f"990101001001{number:03d}"
    names = {"name": f"网格{number}", "village_name": "东风社区", "township_name": "东风街道"}
    properties: dict[str, Any] = {
        "grid_code": code,
        "village_code": code[:12],
        "township_code": code[:9],
        "kind": "BASE",
    }
    properties |= {f"{key}_{language}": name for key, name in names.items() for language in ("zh", "en")}
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def three_by_three() -> list[Feature]:
    """Nine squares, numbered from 1, row by row from the south-west."""
    return [square(3 * row + column + 1, column, row) for row in range(3) for column in range(3)]


def written(features: list[Feature], **members: Any) -> str:
    """A collection with one feature a line, the first in line 2."""
    head = json.dumps({"type": "FeatureCollection", **members})[:-1]
    return f'{head}, "features": [\n' + ",\n".join(json.dumps(feature) for feature in features) + "\n]}\n"


def faults(text: str, box: Box = BOX) -> list[tuple[str, str, int]]:
    """Field, code and feature of each problem."""
    with pytest.raises(InvalidArea) as refusal:
        read_area(text, box)
    return [(problem.field, problem.code, getattr(problem, "feature", -1)) for problem in refusal.value.problems]


def points(feature: Feature) -> list[list[float]]:
    ring: list[list[float]] = feature["geometry"]["coordinates"][0]
    return ring


def swap(feature: Feature) -> None:
    feature["geometry"]["coordinates"] = [[[lat, lon] for lon, lat in points(feature)]]


def shift(feature: Feature, east: float) -> None:
    feature["geometry"]["coordinates"] = [[[lon + east, lat] for lon, lat in points(feature)]]


def put(feature: Feature, **values: Any) -> None:
    feature["properties"].update(values)


@pytest.mark.parametrize(
    ("change", "field", "code", "feature"),
    [
        (lambda f: swap(f[3]), "features[3].geometry", "swapped", 3),
        (lambda f: shift(f[2], 1.0), "features[2].geometry", "outside_box", 2),
        (lambda f: points(f[1]).pop(), "features[1].geometry", "bad_ring", 1),
        (lambda f: points(f[1]).__setitem__(slice(1, 3), points(f[1])[2:0:-1]), "features[1].geometry", "invalid_ring", 1),
        (lambda f: points(f[0])[1].append(12.5), "features[0].geometry", "bad_ring", 0),
        (lambda f: points(f[0])[1].__setitem__(0, True), "features[0].geometry", "bad_ring", 0),
        (lambda f: points(f[0])[1].__setitem__(0, 10**400), "features[0].geometry", "bad_ring", 0),
        (lambda f: f[0]["geometry"].update(coordinates=[[]]), "features[0].geometry", "bad_ring", 0),
        (lambda f: f[0]["geometry"].update(coordinates=[None]), "features[0].geometry", "bad_ring", 0),
        (lambda f: f.append(deepcopy(f[8])), "990101001001009", "duplicate_code", 9),
        (lambda f: put(f[4], valid_from="2026-02-30"), "features[4].valid_from", "bad_date", 4),
        (lambda f: put(f[4], valid_to="2026/3/1"), "features[4].valid_to", "bad_date", 4),
        (lambda f: put(f[4], valid_from=20260301), "features[4].valid_from", "bad_date", 4),
        (lambda f: put(f[4], valid_from="2026-03-02", valid_to="2026-03-01"), "features[4].valid_to", "backwards", 4),
        (lambda f: put(f[4], grid_code="990101001001x05"), "features[4].grid_code", "bad_code", 4),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_name_and_feature(change: Change, field: str, code: str, feature: int) -> None:
    features = three_by_three()
    change(features)
    assert (field, code, feature) in faults(written(features))


def test_longitude_and_latitude_swapped_are_recognised_without_a_box_when_no_such_latitude_exists() -> None:
    features = three_by_three()
    swap(features[0])
    with pytest.raises(InvalidArea, match="longitude comes first"):
        read_area(written(features))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (written(three_by_three(), crs={"type": "name", "properties": {"name": "EPSG:4490"}}), "bad_crs"),
        (written(three_by_three(), crs={"type": "name", "properties": {"name": "GCJ02"}}), "bad_crs"),
        (written(three_by_three()).replace('"kind": "BASE"', '"kind": "BASE", "kind": "BASE"', 1), "not_json"),
        ("\ufeff" + written(three_by_three()), "not_json"),
        (written([]), "empty"),
    ],
)
def test_a_collection_that_is_not_what_it_should_be_is_refused(text: str, code: str) -> None:
    assert [problem[1] for problem in faults(text)] == [code]


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"])
def test_a_collection_may_say_that_it_is_wgs84(name: str) -> None:
    assert len(read_area(written(three_by_three(), crs={"type": "name", "properties": {"name": name}}), BOX)) == 9


def test_a_hole_is_said_with_its_size_and_place() -> None:
    features = three_by_three()
    del features[4]
    with pytest.raises(InvalidArea) as refusal:
        read_area(written(features), BOX)
    (hole,) = refusal.value.problems
    assert (hole.field, hole.code) == ("990101001", "hole")
    # 0.01° is 1,113.2 m north to south and at 33.115° N 932.4 m east to west.
    assert hole.message == "encloses 1,037,936 m² at 119.215000,33.115000 that belong to no grid"


def test_ground_that_two_townships_enclose_together_is_a_hole_of_both() -> None:
    features = three_by_three()
    del features[4]
    for feature in features[4:]:
        code = "990101002001" + feature["properties"]["grid_code"][12:]
        put(feature, grid_code=code, village_code=code[:12], township_code=code[:9])
        put(feature, village_name_zh="西街", village_name_en="W", township_name_zh="西街道", township_name_en="W")
    assert faults(written(features)) == [("990101001", "hole", 0)]
    with pytest.raises(InvalidArea, match="together with 990101002"):
        read_area(written(features), BOX)


def test_an_overlap_is_said_of_both_grids_with_its_size() -> None:
    features = [*three_by_three(), square(10, 0.5, 0)]
    with pytest.raises(InvalidArea) as refusal:
        read_area(written(features), BOX)
    assert [(problem.field, problem.code) for problem in refusal.value.problems] == [
        ("990101001001001", "overlap"), ("990101001001002", "overlap"),
    ]  # fmt: skip
    assert "overlaps 990101001001010 by 519," in refusal.value.problems[0].message


def test_a_grid_that_takes_another_s_place_on_a_later_day_is_no_overlap() -> None:
    features = three_by_three()
    put(features[4], valid_to="2026-06-30")
    successor = square(10, 1, 1)
    put(successor, valid_from="2026-07-01")
    text = written([*features, successor])
    assert len(read_area(text, BOX)) == 10
    middle = [Clues(lon=119.215, lat=33.115)]
    on = {
        day: Gazetteer.from_geojson(text, day).locate(middle)[0].grid for day in (date(2026, 6, 30), date(2026, 7, 1))
    }
    assert on == {date(2026, 6, 30): "990101001001005", date(2026, 7, 1): "990101001001010"}
    assert Gazetteer.from_geojson(text).locate(middle)[0].grid == "990101001001010"


@pytest.mark.parametrize(
    ("ends", "begins", "code"), [("2026-07-01", "2026-07-01", "overlap"), ("2026-06-30", "2026-07-02", "hole")]
)
def test_a_day_with_two_grids_on_one_ground_or_with_none_is_refused(ends: str, begins: str, code: str) -> None:
    features = three_by_three()
    put(features[4], valid_to=ends)
    successor = square(10, 1, 1)
    put(successor, valid_from=begins)
    assert [problem[1] for problem in faults(written([*features, successor]))] == [code]


def test_one_code_may_stand_twice_when_the_days_do_not_meet() -> None:
    features = three_by_three()
    put(features[4], valid_to="2026-06-30")
    again = square(5, 1, 1)
    put(again, valid_from="2026-07-01")
    assert len(read_area(written([*features, again]), BOX)) == 10


def test_a_county_whose_grids_have_all_ended_cannot_be_asked() -> None:
    features = three_by_three()
    for feature in features:
        put(feature, valid_to="2026-06-30")
    with pytest.raises(InvalidArea, match="no grid is in force"):
        Gazetteer.from_geojson(written(features), date(2026, 7, 1))


def test_the_line_of_a_feature_is_found_however_the_file_is_laid_out() -> None:
    features = three_by_three()
    assert feature_lines(written(features)) == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert feature_lines(json.dumps({"type": "FeatureCollection", "features": features})) == [1] * 9
    pretty = json.dumps({"features": features[:2], "note": 'a "features": [ {', "type": "FeatureCollection"}, indent=1)
    first, second = feature_lines(pretty)
    lines = pretty.splitlines()
    assert (lines[first - 1], lines[second - 1]) == ("  {", "  {")
    assert '"990101001001002"' in "".join(lines[second - 1 : second + 4])


@pytest.mark.parametrize("text", ["", "]]}}{[", '{"features": 3}', '{"a": {"features": [{}]}}', '"' * 99])
def test_a_broken_file_has_no_lines_of_features(text: str) -> None:
    assert feature_lines(text) == []
