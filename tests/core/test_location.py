"""A place is found in the finest grid that holds it, and an area with a fault is not used at all."""

import json
import runpy
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.area import InvalidArea
from services.intake.core.location import Clues, Gazetteer, Location, PlaceReason, clues_of
from services.intake.core.report import read_report
from shared.terms import PlaceLevel

DEPLOY = Path(__file__).parents[2] / "deploy"
SAMPLE = Gazetteer.from_geojson((DEPLOY / "areas/sample-county/grids.geojson").read_text(encoding="utf-8"))

Feature = dict[str, Any]


def square(
    code: str, west: float, south: float, size: float = 1, kind: str = "BASE", names: tuple[str, str] = ("", "")
) -> Feature:
    """A square grid; villages and townships are called by their codes unless `names` says otherwise."""
    village, township = (names[0] or f"V{code[:12]}", names[1] or f"T{code[:9]}")
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
    labels = {"name": f"G{code}", "village_name": village, "township_name": township}
    properties = {"grid_code": code, "village_code": code[:12], "township_code": code[:9], "kind": kind}
    properties |= {f"{key}_{language}": label for key, label in labels.items() for language in ("zh", "en")}
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def area(*features: Feature) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


A, B = "990101001001001", "990101001001002"
C, D = "990101100201001", "990101100202001"
SPECIAL = "990101001001901"

# Two squares of one village below, one of each of two villages of another township above, a market on the first.
TOWNS = area(
    square(A, 0, 0, names=("东风社区", "东风街道")),
    square(B, 1, 0, names=("东风社区", "东风街道")),
    square(C, 0, 1, names=("桃园村", "清溪镇")),
    square(D, 1, 1, names=("新桃园村", "清溪镇")),
    square(SPECIAL, 0.25, 0.25, 0.5, kind="SPECIALISED", names=("东风社区", "东风街道")),
)
COUNTY = Gazetteer.from_geojson(TOWNS)


def locate(**clues: Any) -> Location:
    return COUNTY.locate([Clues(**clues)])[0]


def test_a_point_inside_a_grid_lies_there() -> None:
    assert locate(lon=1.5, lat=0.5) == Location(
        PlaceLevel.GRID, "990101", "990101001", "990101001001", B, (), PlaceReason.IN_GRID
    )


def test_a_point_on_a_border_goes_to_the_smaller_grid_code() -> None:
    found = locate(lon=1, lat=0.1)
    assert (found.grid, found.also, found.reason) == (A, (B,), PlaceReason.ON_BORDER)


def test_a_point_where_four_grids_meet_names_all_of_them() -> None:
    found = locate(lon=1, lat=1)
    assert (found.grid, found.also) == (A, (B, C, D))


def test_a_hair_beside_the_border_there_is_no_doubt() -> None:
    assert locate(lon=1 + 1e-12, lat=0.1).grid == B
    assert locate(lon=1 - 1e-12, lat=0.1).grid == A


def test_a_specialised_grid_wins_over_the_base_grid_below_it() -> None:
    found = locate(lon=0.5, lat=0.5)
    assert (found.grid, found.also, found.reason) == (SPECIAL, (), PlaceReason.IN_SPECIALISED_GRID)


def test_the_border_of_a_specialised_grid_still_belongs_to_it() -> None:
    assert locate(lon=0.25, lat=0.5).grid == SPECIAL


@pytest.mark.parametrize(("lon", "lat"), [(2.0001, 0.5), (-180, 90), (0.5, -0.5), (119, 33)])
def test_a_point_outside_the_county_is_said_to_be_outside(lon: float, lat: float) -> None:
    found = locate(lon=lon, lat=lat, village_code="990101001001", address="桃园村")
    assert found == Location(PlaceLevel.COUNTY, "990101", reason=PlaceReason.OUT_OF_AREA)


@pytest.mark.parametrize(
    ("clues", "level", "code", "reason"),
    [
        ({"village_code": "990101100201"}, PlaceLevel.VILLAGE, "990101100201", PlaceReason.VILLAGE_CODE),
        ({"township_code": "990101100"}, PlaceLevel.TOWNSHIP, "990101100", PlaceReason.TOWNSHIP_CODE),
        ({"village_code": "990101100299"}, PlaceLevel.TOWNSHIP, "990101100", PlaceReason.TOWNSHIP_CODE),
        ({"village_code": "880101100201", "address": "桃园村"}, PlaceLevel.VILLAGE, "990101100201",
         PlaceReason.VILLAGE_NAMED),
        ({"address": "清溪镇桃园村3组"}, PlaceLevel.VILLAGE, "990101100201", PlaceReason.VILLAGE_NAMED),
        ({"address": "清溪镇老街"}, PlaceLevel.TOWNSHIP, "990101100", PlaceReason.TOWNSHIP_NAMED),
        ({"words": "东风社区的路灯坏了"}, PlaceLevel.VILLAGE, "990101001001", PlaceReason.VILLAGE_NAMED),
        ({"address": "桃园村", "words": "去东风社区办事"}, PlaceLevel.VILLAGE, "990101100201",
         PlaceReason.VILLAGE_NAMED),
        ({"words": "从桃园村到新桃园村的路"}, PlaceLevel.TOWNSHIP, "990101100", PlaceReason.TOWNSHIP_NAMED),
        ({"words": "从桃园村到东风社区"}, PlaceLevel.COUNTY, None, PlaceReason.AMBIGUOUS_NAMES),
        ({"words": "路灯坏了"}, PlaceLevel.COUNTY, None, PlaceReason.NO_CLUE),
        ({}, PlaceLevel.COUNTY, None, PlaceReason.NO_CLUE),
        ({"lon": 0.5}, PlaceLevel.COUNTY, None, PlaceReason.NO_CLUE),
    ],
)  # fmt: skip
def test_without_a_point_the_next_best_clue_decides(
    clues: dict[str, Any], level: PlaceLevel, code: str | None, reason: PlaceReason
) -> None:
    found = locate(**clues)
    assert (found.level, found.village or found.township, found.reason) == (level, code, reason)


def test_the_longer_of_two_names_is_the_one_meant() -> None:
    assert locate(address="新桃园村").village == "990101100202"


def test_a_village_name_borne_twice_is_settled_by_the_township_beside_it() -> None:
    twins = Gazetteer.from_geojson(
        area(square(A, 0, 0, names=("和平村", "东风街道")), square(C, 1, 0, names=("和平村", "清溪镇")))
    )
    alone, settled = twins.locate([Clues(address="和平村"), Clues(address="清溪镇和平村")])
    assert (alone.level, alone.reason) == (PlaceLevel.COUNTY, PlaceReason.AMBIGUOUS_NAMES)
    assert settled.village == C[:12]


def test_a_batch_is_answered_in_the_order_it_was_asked() -> None:
    asked = [Clues(lon=1.5, lat=0.5), Clues(), Clues(address="桃园村"), Clues(lon=9, lat=9), Clues(lon=0.1, lat=0.1)]
    assert [found.grid or found.reason for found in COUNTY.locate(asked)] == [
        B,
        PlaceReason.NO_CLUE,
        PlaceReason.VILLAGE_NAMED,
        PlaceReason.OUT_OF_AREA,
        A,
    ]
    assert COUNTY.locate([]) == []


def test_a_part_of_a_grid_may_lie_apart() -> None:
    feature = square(A, 0, 0)
    apart = square(A, 5, 5)["geometry"]["coordinates"]
    feature["geometry"] = {"type": "MultiPolygon", "coordinates": [feature["geometry"]["coordinates"], apart]}
    county = Gazetteer.from_geojson(area(feature))
    assert county.locate([Clues(lon=5.5, lat=5.5)])[0].grid == A


Change = Callable[[list[Feature]], object]


def properties(features: list[Feature], **values: object) -> None:
    features[0]["properties"].update(values)


def ring(features: list[Feature], *points: tuple[float, float]) -> None:
    features[0]["geometry"]["coordinates"] = [[list(point) for point in points]]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda f: properties(f, grid_code="99010100100100"), {"bad_code"}),
        (lambda f: properties(f, grid_code="99010100100100１"), {"bad_code"}),
        (lambda f: properties(f, grid_code=990101001001001), {"bad_code"}),
        (lambda f: properties(f, village_code="990101001002"), {"not_a_prefix"}),
        (lambda f: properties(f, township_code="990101002"), {"not_a_prefix"}),
        (lambda f: properties(f, name_zh=" "), {"bad_name"}),
        (lambda f: properties(f, kind="base"), {"bad_kind"}),
        (lambda f: properties(f, kind=[]), {"bad_kind"}),
        (lambda f: properties(f, village_name_zh="西风社区"), {"many_names"}),
        (lambda f: f.append(deepcopy(f[0])), {"duplicate_code"}),
        (lambda f: f.append(square("990102001001001", 7, 7)), {"many_counties"}),
        (lambda f: f.append(square("990101001002901", 7, 7, kind="SPECIALISED")), {"no_base_grid", "many_names"}),
        (lambda f: f.append({"type": "Feature"}), {"not_a_feature"}),
        (lambda f: f[0].update(geometry=None), {"bad_geometry"}),
        (lambda f: f[0].update(geometry={"type": "Point", "coordinates": [0, 0]}), {"bad_geometry"}),
        (lambda f: ring(f, (0, 0), (1, 0), (0, 0)), {"bad_ring"}),
        (lambda f: ring(f, (0, 0), (1, 0), (1, 1), (0, 1)), {"bad_ring"}),
        (lambda f: ring(f, (0, 0), (181, 0), (1, 1), (0, 0)), {"bad_ring"}),
        (lambda f: ring(f, (0, 0), (1, 0), (float("nan"), 1), (0, 0)), {"bad_ring"}),
        (lambda f: ring(f, (0, 0), (1, 1), (1, 0), (0, 1), (0, 0)), {"invalid_ring"}),
        (lambda f: ring(f, (0, 0), (1e-6, 0), (1e-6, 1e-6), (0, 0)), {"no_area"}),
        (lambda f: f.append(square("990101001001003", 0.9, 0, names=("东风社区", "东风街道"))), {"overlap"}),
    ],
)
def test_a_fault_in_the_area_is_refused_by_name(change: Change, codes: set[str]) -> None:
    features = json.loads(TOWNS)["features"]
    change(features)
    with pytest.raises(InvalidArea) as refusal:
        Gazetteer.from_geojson(area(*features))
    assert {problem.code for problem in refusal.value.problems} == codes


def test_ground_enclosed_by_a_township_and_covered_by_nobody_is_a_hole() -> None:
    around = [
        square(f"9901010010010{n:02d}", n % 3, n // 3, names=("东风社区", "东风街道")) for n in range(9) if n != 4
    ]
    with pytest.raises(InvalidArea) as refusal:
        Gazetteer.from_geojson(area(*around))
    assert [(problem.field, problem.code) for problem in refusal.value.problems] == [("990101001", "hole")]
    enclave = square(C, 1, 1, names=("桃园村", "清溪镇"))
    assert Gazetteer.from_geojson(area(*around, enclave)).locate([Clues(lon=1.5, lat=1.5)])[0].grid == C


def test_every_fault_of_an_area_is_listed() -> None:
    features = json.loads(TOWNS)["features"]
    features[0]["properties"]["kind"] = "?"
    features[1]["geometry"] = None
    features[2]["properties"]["grid_code"] = features[3]["properties"]["grid_code"]
    with pytest.raises(InvalidArea) as refusal:
        Gazetteer.from_geojson(area(*features))
    found = {problem.code for problem in refusal.value.problems}
    assert found == {"bad_kind", "bad_geometry", "not_a_prefix", "no_base_grid"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type":"FeatureCollection"}', area(), "[" * 100_000])
def test_what_is_no_collection_of_grids_is_refused(text: str) -> None:
    with pytest.raises(InvalidArea):
        Gazetteer.from_geojson(text)


def test_the_sample_county_is_what_its_generator_makes() -> None:
    made = runpy.run_path(str(DEPLOY / "areas/make_sample_area.py"))["sample_area"]()
    committed = (DEPLOY / "areas/sample-county/grids.geojson").read_text(encoding="utf-8")
    assert made == committed
    assert len(committed.encode()) < 60_000


def test_the_sample_county_has_its_townships_villages_and_grids() -> None:
    assert (SAMPLE.county, len(SAMPLE.townships), len(SAMPLE.villages), len(SAMPLE.grids)) == ("990101", 4, 15, 58)


@given(st.floats(119.21, 119.59), st.floats(33.11, 33.39))
def test_every_point_well_inside_the_sample_county_has_a_grid(lon: float, lat: float) -> None:
    assert SAMPLE.locate([Clues(lon=lon, lat=lat)])[0].level is PlaceLevel.GRID


def test_the_sample_matters_lie_where_they_say() -> None:
    lines = (DEPLOY / "samples/matters.ndjson").read_bytes().splitlines()
    tickets = [read_report(line) for line in lines]
    found = SAMPLE.locate([clues_of(ticket) for ticket in tickets])
    assert len(tickets) == 240
    for ticket, location in zip(tickets, found, strict=True):
        if location.grid and ticket.location and ticket.location.address:
            name = SAMPLE.villages[location.village or ""]
            assert name.zh in ticket.location.address or name.en in ticket.location.address
    reasons = {location.reason for location in found}
    assert {PlaceReason.IN_GRID, PlaceReason.IN_SPECIALISED_GRID, PlaceReason.OUT_OF_AREA} <= reasons
    assert {PlaceReason.VILLAGE_NAMED, PlaceReason.VILLAGE_CODE, PlaceReason.NO_CLUE} <= reasons
