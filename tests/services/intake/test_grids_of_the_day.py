"""Grids with days of their own are asked on their days only, also by a service that has been running for months."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest

from services.intake.app import judge_by, read_area
from services.intake.core.location import Clues, Gazetteer
from services.intake.triage import TriageLoop
from tests.builders import AREA, TUESDAY_MORNING
from tests.services.intake.desk import IN_FIRST_GRID, Desk, report, rules

POINT = Clues(IN_FIRST_GRID["lon"], IN_FIRST_GRID["lat"])
OLD, NEW = "990101001001001", "990101001001099"
LAST_DAY_OF_THE_OLD = datetime.fromisoformat("2026-06-30T23:59:59+08:00")
FIRST_DAY_OF_THE_NEW = datetime.fromisoformat("2026-07-01T00:00:00+08:00")


def redrawn() -> str:
    """The sample county, whose first grid is followed by another one from July on."""
    collection = json.loads((AREA / "grids.geojson").read_text(encoding="utf-8"))
    (old,) = (f for f in collection["features"] if f["properties"]["grid_code"] == OLD)
    new = {**old, "properties": {**old["properties"], "grid_code": NEW, "valid_from": "2026-07-01"}}
    old["properties"]["valid_to"] = "2026-06-30"
    collection["features"].append(new)
    return json.dumps(collection)


def grid_on(gazetteer: Gazetteer, day: date) -> str | None:
    return gazetteer.on(day).locate([POINT])[0].grid


def test_a_point_lies_in_the_grid_of_the_day() -> None:
    gazetteer = Gazetteer.from_geojson(redrawn(), date(2026, 3, 10))
    assert gazetteer.locate([POINT])[0].grid == OLD
    assert grid_on(gazetteer, date(2026, 6, 30)) == OLD
    assert grid_on(gazetteer, date(2026, 7, 1)) == NEW
    assert grid_on(gazetteer.on(date(2026, 7, 1)), date(2026, 6, 30)) == OLD, "a clock may be set back"


def test_nothing_is_built_anew_while_the_same_grids_are_in_force() -> None:
    gazetteer = Gazetteer.from_geojson(redrawn(), date(2026, 3, 10))
    assert gazetteer.on(date(2026, 6, 30)) is gazetteer
    assert gazetteer.on(date(2026, 7, 1)) is not gazetteer


def test_a_county_without_a_grid_of_the_day_does_not_start(tmp_path: Path) -> None:
    collection = json.loads((AREA / "grids.geojson").read_text(encoding="utf-8"))
    for feature in collection["features"]:
        feature["properties"]["valid_from"] = "2026-07-01"
    (tmp_path / "grids.geojson").write_text(json.dumps(collection), encoding="utf-8")
    with pytest.raises(ValueError, match="no grid is in force 2026-06-30"):
        read_area(tmp_path, date(2026, 6, 30))
    assert read_area(tmp_path, date(2026, 7, 1)).grids


async def test_triage_goes_over_to_the_new_grid_at_midnight_of_the_county(desk: Desk) -> None:
    time = LAST_DAY_OF_THE_OLD
    gazetteer = Gazetteer.from_geojson(redrawn(), TUESDAY_MORNING.date())
    loop = TriageLoop(
        desk.database, desk.ledger, desk.vault, gazetteer, judge_by(rules()), rule_pack=rules().version,
        now=lambda: time, wake=desk.received,
    )  # fmt: skip
    before = await desk.take_in(report(1))
    await loop.triage_batch()
    time = FIRST_DAY_OF_THE_NEW
    after = await desk.take_in(report(2))
    await loop.triage_batch()
    assert [(await desk.stated(ticket_id))[1]["grid"] for ticket_id in (before, after)] == [OLD, NEW]
