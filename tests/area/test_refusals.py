"""What is wrong with an area is refused by file and line, all of it at once, and never half."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from griddispatch.area import app
from tests.area.county import EAST, GRID, OTHER_GRID, VILLAGE, WEST, WEST_GRID, changed, county, with_rows
from tests.area.pack import write_pack

RUN = CliRunner()
Files = dict[str, bytes]
ORDERS = "id,document_no,townships,valid_from,valid_to\n"


def checked(folder: Path, files: Files, *options: str) -> tuple[int, list[str]]:
    """Write the county and its pack, run the check, and give its exit code and lines."""
    area, pack = folder / "small", write_pack(folder / "pack")
    area.mkdir()
    for name, content in files.items():
        (area / name).write_bytes(content)
    done = RUN.invoke(app, ["check", str(area), "--pack", str(pack), "--on", "2026-03-14", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.output.splitlines()


def without(name: str) -> Files:
    return {file: content for file, content in county().items() if file != name}


def raw(name: str, content: bytes) -> Files:
    return {**county(), name: content}


def in_a_circle() -> Files:
    """Roads below police below roads."""
    files = changed("units.toml", 'en = "Roads"', 'en = "Roads"\nparent = "police"')
    files["units.toml"] = files["units.toml"].replace(b'en = "Police"', b'en = "Police"\nparent = "roads"')
    return files


def swapped() -> Files:
    """The second grid with longitude and latitude in each other's place."""
    files = county()
    collection = json.loads(files["grids.geojson"])
    (ring,) = collection["features"][1]["geometry"]["coordinates"]
    before = json.dumps(ring)
    return changed("grids.geojson", before, json.dumps([[lat, lon] for lon, lat in ring]))


# Each row: the files, and how the line of the fault begins.
REFUSED = [
    # units
    (changed("units.toml", 'id = "water"', 'id = "roads"'), "units.toml:18: duplicate_unit"),
    (changed("units.toml", 'id = "water"', 'id = "Water Office"'), "units.toml:18: bad_id"),
    (changed("units.toml", 'id = "water"', 'id = "grid:1"'), "units.toml:18: bad_id"),
    (changed("units.toml", 'zh = "水务局"\n', ""), "units.toml:18: missing_key"),
    (changed("units.toml", 'en = "Water"', 'en = "Water"\nnickname = "W"'), "units.toml:18: unknown_key"),
    (changed("units.toml", "liaison = false", 'liaison = "no"'), "units.toml:26: bad_type"),
    (changed("units.toml", 'kind = "PROPERTY"', 'kind = "ESTATE"'), "units.toml:38: bad_kind"),
    (changed("units.toml", 'kind = "PROPERTY"', 'kind = "GRID"'), "units.toml:38: bad_kind"),
    (changed("units.toml", 'kind = "PROPERTY"', 'kind = "PROPERTY"\nenforcement = true'), "units.toml:38: cannot_enforce"),
    (changed("units.toml", 'kind = "PROPERTY"', 'kind = "COMMAND_CENTRE"'), "units.toml:38: two_centres"),
    (changed("units.toml", "valid_from = 2026-06-01", "valid_from = 2026-06-01\nvalid_to = 2026-05-01"), "units.toml:38: backwards"),
    (changed("units.toml", "valid_from = 2026-06-01", 'valid_from = "2026-06-01"'), "units.toml:38: bad_type"),
    (changed("units.toml", 'parent = "township:990101001"\nvalid', "valid"), "units.toml:38: no_supervisor"),
    (changed("units.toml", 'parent = "township:990101001"', 'parent = "township:990101009"'), "units.toml:31: missing_parent"),
    (in_a_circle(), "units.toml:13: cycle"),
    (changed("units.toml", 'leads = ["15"]', 'leads = ["155"]'), "units.toml:7: bad_category"),
    (changed("units.toml", 'leads = ["15"]', 'leads = ["77"]'), "units.toml:7: unknown_category"),
    (changed("units.toml", 'leads = ["16"]', 'leads = ["15"]'), "units.toml:12: two_leads"),
    (changed("units.toml", 'command_centre = "command-centre"', 'command_centre = "hub"'), "units.toml: no_command_centre"),
    (changed("units.toml", "command_centre =", "centre ="), "units.toml: unknown_key"),
    (changed("units.toml", 'zh = "水务局"', "zh = 水务局"), "units.toml:20: not_toml"),
    (without("units.toml"), "units.toml: which_units"),
    (raw("units.csv", b"id\n"), "units.toml: which_units"),
    # places
    (changed("places.csv", "990101001001,COMMUNITY,990101001,", "990101001001,COMMUNITY,990101002,"), "places.csv:3: missing_parent"),
    (changed("places.csv", "990101001,SUBDISTRICT,990101,东街道,East,yes,2026-01-01,\n", ""), "places.csv:2: missing_parent"),
    (changed("places.csv", "990101001,SUBDISTRICT,990101,东街道,East,yes,2026-01-01,\n", ""), "grids.geojson:2: missing_parent"),
    (changed("places.csv", "990101100201,VILLAGE,990101100,西一村,West One,yes,2026-01-01,\n", ""), "grids.geojson:4: missing_parent"),
    (changed("places.csv", "西一村", "西二村"), "places.csv:5: name_differs"),
    (changed("places.csv", "990101100,TOWNSHIP", "990101100,VILLAGE"), "places.csv:4: bad_kind"),
    (changed("places.csv", "990101100,TOWNSHIP", "99010110,TOWNSHIP"), "places.csv:4: bad_code"),
    (with_rows("places.csv", "990101100,TOWNSHIP,990101,西镇,West,yes,2026-01-01,"), "places.csv:6: duplicate_place"),
    (changed("places.csv", "West One,yes", "West One,maybe"), "places.csv:5: bad_flag"),
    # workers
    (with_rows("workers.csv", f"W9-09,WORKER,{GRID},2026-02-01,"), "workers.csv:12: two_workers"),
    (with_rows("workers.csv", f"W2-02,WORKER,{OTHER_GRID},2026-06-30,2026-06-30"), "workers.csv:12: two_workers"),
    (with_rows("workers.csv", f"L1-01,LEADER,{GRID},2026-02-01,"), "workers.csv:12: duplicate_worker"),
    (with_rows("workers.csv", "W9-09,LEADER,990101001001999,2026-01-01,"), "workers.csv:12: unknown_grid"),
    (with_rows("workers.csv", f"W9-09,BOSS,{GRID},2026-01-01,"), "workers.csv:12: bad_role"),
    (with_rows("workers.csv", f"李某,LEADER,{GRID},2026-01-01,"), "workers.csv:12: bad_worker"),
    (with_rows("workers.csv", f"LEADER,LEADER,{GRID},2026-01-01,"), "workers.csv:12: bad_worker"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},2026-02-29,"), "workers.csv:12: bad_date"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},2026/2/1,"), "workers.csv:12: bad_date"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},20260201,"), "workers.csv:12: bad_date"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},,"), "workers.csv:12: empty"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},2026-03-01,2026-02-28"), "workers.csv:12: backwards"),
    (with_rows("workers.csv", f"W9-09,LEADER,{GRID},2026-01-01"), "workers.csv:12: bad_row"),
    (with_rows("workers.csv", f'"W9-09"x,LEADER,{GRID},2026-01-01,'), "workers.csv:12: bad_csv"),
    (changed("workers.csv", "worker,role,grid", "worker,role,net"), "workers.csv:1: bad_header"),
    (changed("workers.csv", "valid_from,valid_to", "valid_from,valid_from"), "workers.csv:1: bad_header"),
    (raw("workers.csv", b""), "workers.csv:1: bad_header"),
    # rosters
    (with_rows("rosters.csv", "nobody,SAT,2026-01-01,"), "rosters.csv:5: unknown_unit"),
    (with_rows("rosters.csv", "990101009,SAT,2026-01-01,"), "rosters.csv:5: unknown_unit"),
    (with_rows("rosters.csv", f"{EAST},SATURDAY,2026-01-01,"), "rosters.csv:5: bad_days"),
    (with_rows("rosters.csv", f"{EAST},2026-10-07..2026-10-01,2026-01-01,"), "rosters.csv:5: bad_days"),
    (with_rows("rosters.csv", f"{EAST},2026-13-01,2026-01-01,"), "rosters.csv:5: bad_days"),
    (with_rows("rosters.csv", f"{EAST},REST_DAYS,2026-05-01,"), "rosters.csv:5: duplicate_roster"),
    # duty lists
    (with_rows("duty_lists.csv", "*,16,BASIC,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: contradictory_duty"),
    (with_rows("duty_lists.csv", "*,16,COOPERATE,roads,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: duplicate_duty"),
    (with_rows("duty_lists.csv", "*,1601,COOPERATE,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: missing_department"),
    (with_rows("duty_lists.csv", "*,1601,TAKEN_BACK,,no,no,v2,2026-06-01,"), "duty_lists.csv:6: missing_department"),
    (with_rows("duty_lists.csv", "*,1601,BASIC,,no,no,v2,2026-06-01,"), "duty_lists.csv:6: basic_without_capability"),
    (with_rows("duty_lists.csv", "*,1601,OURS,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: bad_kind"),
    (with_rows("duty_lists.csv", "*,170101,BASIC,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: unknown_category"),
    (with_rows("duty_lists.csv", "990101009,1601,BASIC,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: unknown_township"),
    (with_rows("duty_lists.csv", f"{VILLAGE},1601,BASIC,,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: unknown_township"),
    (with_rows("duty_lists.csv", f"*,1601,COOPERATE,township:{EAST},yes,no,v2,2026-06-01,"), "duty_lists.csv:6: unknown_unit"),
    (with_rows("duty_lists.csv", "*,1601,COOPERATE,nobody,yes,no,v2,2026-06-01,"), "duty_lists.csv:6: unknown_unit"),
    (with_rows("duty_lists.csv", "*,1601,BASIC,,yes,no,,2026-06-01,"), "duty_lists.csv:6: empty"),
    # deployments
    (changed("deployments.csv", "COUNTY_COMMITTEE_AND_GOVERNMENT", "roads"), "deployments.csv:2: bad_issuing_body"),
    (changed("deployments.csv", ",1000,0", ",0,0"), "deployments.csv:2: no_support"),
    (changed("deployments.csv", ",1000,0", ",much,0"), "deployments.csv:2: bad_number"),
    (changed("deployments.csv", "2026-08-31", ""), "deployments.csv:2: endless_deployment"),
    (changed("deployments.csv", ",2026-7,", ",,"), "deployments.csv:2: empty"),
    (changed("deployments.csv", ",1501,", ",,"), "deployments.csv:2: empty"),
    (changed("deployments.csv", ",1501,", ",1501;1501,"), "deployments.csv:2: listed_twice"),
    (changed("deployments.csv", ",1501,", ",1501;88,"), "deployments.csv:2: unknown_category"),
    (changed("deployments.csv", f",{EAST},", f",{EAST};*,"), "deployments.csv:2: unknown_township"),
    (changed("deployments.csv", "D-1,", "D 1,"), "deployments.csv:2: bad_id"),
    (
        with_rows("deployments.csv", f"D-1,CITY_COMMITTEE_AND_GOVERNMENT,9,16,{WEST},2027-01-01,2027-02-01,5,0"),
        "deployments.csv:3: duplicate_deployment",
    ),
    # catalogue and pairings
    (with_rows("catalogue.csv", "1601,*,roads,STATUTORY,2026-05-01,"), "catalogue.csv:5: two_leads"),
    (with_rows("catalogue.csv", "1601,*,roads,HABIT,2026-05-01,"), "catalogue.csv:5: bad_basis"),
    (with_rows("catalogue.csv", "1602x,*,roads,STATUTORY,2026-05-01,"), "catalogue.csv:5: unknown_category"),
    (with_rows("catalogue.csv", f"15,*,grid:{GRID},STATUTORY,2026-05-01,"), "catalogue.csv:5: unknown_unit"),
    (with_rows("pairings.csv", "school,990101001001777,2026-01-01,"), "pairings.csv:3: unknown_place"),
    (with_rows("pairings.csv", f"school,{GRID},2026-02-01,"), "pairings.csv:3: duplicate_pairing"),
    (with_rows("pairings.csv", f"nobody,{GRID},2026-02-01,"), "pairings.csv:3: unknown_unit"),
    # grids and the area itself
    (changed("grids.geojson", f'"grid_code": "{OTHER_GRID}"', f'"grid_code": "{GRID}"'), "grids.geojson:3: duplicate_code"),
    (changed("grids.geojson", "[119.21, 33.1], [119.22", "[33.1, 119.21], [119.22"), "grids.geojson:3: bad_ring"),
    (changed("grids.geojson", "[119.2, 33.1], [119.21, 33.1]", "[119.2, 33.1], [119.215, 33.1]"), "grids.geojson:3: overlap"),
    (changed("grids.geojson", f'"grid_code": "{WEST_GRID}", ', ""), "grids.geojson:4: bad_code"),
    (raw("grids.geojson", b'{"type": "FeatureCollection",\n oops'), "grids.geojson: not_json"),
    (without("grids.geojson"), "grids.geojson: not_json"),
    (swapped(), "grids.geojson:3: swapped"),
    (changed("area.toml", "119.8", "119.205"), "grids.geojson:3: outside_box"),
    (changed("area.toml", "990101", "990102"), "area.toml: other_county"),
    (changed("area.toml", '"990101"', "990101"), "area.toml: bad_code"),
    (changed("area.toml", "box = [119.0, 33.0", "box = [33.0, 119.0"), "area.toml: bad_box"),
    (changed("area.toml", "box =", "bounds ="), "area.toml: unknown_key"),
    (changed("area.toml", "box =", "box"), "area.toml: not_toml"),
    # orders of standstill
    (raw("standstills.csv", f"{ORDERS}FM-1,1,*,2026-03-11,\n".encode()), "standstills.csv:2: endless_order"),
    (raw("standstills.csv", f"{ORDERS}FM-1,1,123456789,2026-03-11,2026-03-12\n".encode()), "standstills.csv:2: unknown_township"),
    (raw("standstills.csv", f"{ORDERS}FM-1,,*,2026-03-12,2026-03-11\n".encode()), "standstills.csv:2: backwards"),
    (raw("standstills.csv", f"{ORDERS}FM-1,1,*,2026-03-11,2026-03-12\nFM-1,2,*,2026-04-01,2026-04-02\n".encode()),
     "standstills.csv:3: duplicate_order"),
    # encodings
    (raw("rosters.csv", "unit,days".encode("utf-16")), "rosters.csv: encoding"),
    (raw("rosters.csv", b"unit,days,valid_from,valid_to\n\xff\xff\xff,SAT,2026-01-01,\n"), "rosters.csv:2: encoding"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "told"), [(dict(files), told) for files, told in REFUSED], ids=[told for _, told in REFUSED]
)
def test_a_fault_refuses_the_area_and_is_told_by_file_and_line(tmp_path: Path, files: Files, told: str) -> None:
    code, lines = checked(tmp_path, files)
    assert code == 1
    assert any(line.startswith(f"error {told}: ") for line in lines), "\n".join(lines)


def test_the_county_of_these_tests_has_no_fault_but_the_gaps_it_is_meant_to_have(tmp_path: Path) -> None:
    code, lines = checked(tmp_path, county())
    assert code == 0
    assert lines == [
        "gap rosters.csv: no_roster: township 990101100: nobody on duty on 2026-03-14, 2026-03-15, 2026-03-21, 2026-03-22, 2026-03-28 and 85 more",
        "gap units.toml: no_liaison: silent has no liaison: command-centre answers for it",
        "gap units.toml: not_valid: estate does not exist on 2026-03-14",
        "small: 0 errors, 3 gaps",
    ]


def test_leaders_of_buildings_are_read_and_no_gap_where_there_is_none(tmp_path: Path) -> None:
    rows = (f"M1-01,MICRO_GRID_LEADER,{GRID},2026-01-01,", f"M1-02,MICRO_GRID_LEADER,{GRID},2026-01-01,")
    code, lines = checked(tmp_path, with_rows("workers.csv", *rows))
    assert (code, lines[-1]) == (0, "small: 0 errors, 3 gaps")


def test_an_order_of_standstill_is_read_and_its_absence_is_no_gap(tmp_path: Path) -> None:
    order = "FM-2026-01,县应急〔2026〕3号,*,2026-03-11,2026-03-12\n"
    code, lines = checked(tmp_path, raw("standstills.csv", f"{ORDERS}{order}".encode()))
    assert (code, lines[-1]) == (0, "small: 0 errors, 3 gaps")


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    files = with_rows("workers.csv", f"W9-09,WORKER,{GRID},2026-02-30,", f"W9-09,BOSS,{GRID},2026-02-01,")
    files["units.toml"] = files["units.toml"].replace(b'leads = ["15"]', b'leads = ["77"]')
    files["rosters.csv"] += b"nobody,XXX,2026-01-01,\n"
    code, lines = checked(tmp_path, files)
    assert code == 1
    assert [line.split(": ")[0] + " " + line.split(": ")[1] for line in lines if line.startswith("error")] == [
        "error rosters.csv:5 bad_days", "error rosters.csv:5 unknown_unit", "error units.toml:7 unknown_category",
        "error workers.csv:12 bad_date", "error workers.csv:13 bad_role",
    ]  # fmt: skip
    assert lines[-1].startswith("small: 5 errors")
