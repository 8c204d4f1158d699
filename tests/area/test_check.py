"""`area check` and `area report` from outside: gaps, encodings, exit codes, and the county that ships."""

import json
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from griddispatch.area import app
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from services.intake.core.categories import read_categories
from tests.area.county import GRID, OTHER_GRID, changed, county
from tests.area.pack import write_pack
from tests.builders import AREA, categories

RUN = CliRunner()
Files = dict[str, bytes]
HANDMADE = {"units.toml", "area.toml", "contacts.toml", "README.md"}


def ran(verb: str, folder: Path, files: Files, *options: str) -> tuple[int, str]:
    """Write the county and its pack and run a verb on them; exit code and output."""
    area, pack = folder / "small", write_pack(folder / "pack")
    area.mkdir()
    for name, content in files.items():
        (area / name).write_bytes(content)
    day = () if "--on" in options else ("--on", "2026-03-14")
    done = RUN.invoke(app, [verb, str(area), "--pack", str(pack), *day, *options])
    return done.exit_code, done.output


GAPS = [
    (changed("workers.csv", f"W1-01,WORKER,{GRID},2026-01-01,\n", ""), f"gap workers.csv: no_worker: grid {GRID} has no active worker"),
    (changed("workers.csv", "2026-01-01,2026-06-30", "2026-01-01,2026-03-13"), f"gap workers.csv: no_worker: grid {OTHER_GRID} has"),
    (changed("workers.csv", f"L1-01,LEADER,{GRID},2026-01-01,\n", ""), f"gap workers.csv: no_leader: grid {GRID} has no leader"),
    (changed("workers.csv", f"C1-01,PAIRED_CADRE,{GRID},2026-01-01,\n", ""), f"gap workers.csv: no_cadre: grid {GRID} has no paired"),
    (changed("duty_lists.csv", "*,16,COOPERATE,police,yes,no,v1,2026-01-01,\n", ""), "gap duty_lists.csv: no_duty_entry: township 990101100: 160101, 160102, 169999 without"),
    (changed("duty_lists.csv", "*,16,COOPERATE,police,yes,no,v1,2026-01-01,", "*,16,COOPERATE,police,yes,no,v1,2026-04-01,"), "gap duty_lists.csv: no_duty_entry: township 990101001: 160101, 160102, 169999 without"),
    (changed("rosters.csv", "990101001,REST_DAYS", "990101001,SUN"), "gap rosters.csv: no_roster: township 990101001: nobody on duty on 2026-04-06,"),
    (changed("places.csv", "East One,yes", "East One,no"), "gap places.csv: no_liaison: village:990101001001 has no liaison: township:990101001 answers"),
    (changed("units.toml", 'leads = ["16"]\n', ""), "gap catalogue.csv: no_lead: 169999 led by no unit"),
    ({name: text for name, text in county().items() if name != "rosters.csv"}, "gap rosters.csv: missing_file: is not there"),
    ({name: text for name, text in county().items() if name != "area.toml"}, "gap area.toml: missing_file: is not there"),
    (county() | {"worker.csv": b"worker\n"}, "gap worker.csv: unknown_file: is not read by anybody"),
    (changed("places.csv", "\n990101100,T", "\n990101100202,VILLAGE,990101100,空村,Empty,yes,2026-01-01,\n990101100,T"), "gap places.csv:4: no_grid: village:990101100202 has no grid"),
    (county() | {"places.csv": county()["places.csv"].decode().encode("gb18030")}, "gap places.csv:2: encoding: is not UTF-8; it was read as GB 18030"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "told"), GAPS, ids=[told.split(": ")[1] for _, told in GAPS])
def test_what_is_left_open_is_told_and_does_not_refuse(tmp_path: Path, files: Files, told: str) -> None:
    code, output = ran("check", tmp_path, files)
    assert code == 0, output
    assert any(line.startswith(told) for line in output.splitlines()), output


def test_gaps_refuse_when_the_check_is_strict(tmp_path: Path) -> None:
    assert ran("check", tmp_path, county(), "--strict")[0] == 1


@pytest.mark.parametrize(
    "content",
    [
        county()["workers.csv"].replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + county()["workers.csv"],
        county()["workers.csv"].replace(b"\n", b"\n\n") + b",,,,\n",
        county()["workers.csv"].replace(b",", b" , "),
        county()["workers.csv"].replace(b"W1-01,", b'"W1-01",'),
        county()["workers.csv"].rstrip(b"\n"),
    ],
    ids=["crlf", "mark", "blank lines", "spaces", "quotes", "no last newline"],
)
def test_a_sheet_as_office_programs_write_it_is_read_alike(tmp_path: Path, content: bytes) -> None:
    code, output = ran("check", tmp_path, county() | {"workers.csv": content})
    assert (code, "workers.csv" in output) == (0, False), output


def test_lines_are_counted_through_cells_that_break(tmp_path: Path) -> None:
    files = changed("places.csv", "East One", '"East\nOne"')
    files["places.csv"] += b"990101100,TOWNSHIP,990101,x,X,yes,2026-01-01,\n"
    assert "error places.csv:7: duplicate_place: 990101100 stands in line 5 already" in ran("check", tmp_path, files)[1]


def test_units_may_be_a_sheet(tmp_path: Path) -> None:
    rows = (
        "id,zh,en,kind,parent,liaison,enforcement,leads,valid_from,valid_to",
        "command-centre,中心,Centre,COMMAND_CENTRE,,,,,,", "roads,道路局,Roads,,,yes,no,15,,", "water,水务局,Water,,,,,,,",
        "police,公安局,Police,,,,yes,16;99,2026-01-01,", "school,教育局,Schools,,,,,,,",
        "east-team,执法队,Team,ENFORCEMENT_TEAM,township:990101001,,yes,,,",
    )  # fmt: skip
    files = {name: text for name, text in county().items() if name != "units.toml"}
    assert ran("check", tmp_path, files | {"units.csv": "\n".join(rows).encode()})[0] == 0
    wrong = [row.replace("yes,no,15", "yes,no,155") for row in rows]
    (tmp_path / "again").mkdir()
    code, output = ran("check", tmp_path / "again", files | {"units.csv": "\n".join(wrong).encode()})
    assert (code, "error units.csv:3: bad_category" in output) == (1, True), output


def test_the_report_counts_each_township(tmp_path: Path) -> None:
    code, output = ran("report", tmp_path, changed("workers.csv", f"L1-01,LEADER,{GRID},2026-01-01,\n", ""))
    east, west = (line.split() for line in output.splitlines() if line.startswith("990101"))
    # grids, workers, leaders, cadres, basic, joint, taken back, open, rest days served of 92
    assert east[:2] == ["990101001", "东街道"] and east[2:] == ["2", "2", "1", "2", "1", "5", "1", "0", "92/92"]
    assert west[:2] == ["990101100", "西镇"] and west[2:] == ["1", "1", "1", "1", "1", "5", "1", "0", "2/92"]
    assert code == 0
    assert f"gap workers.csv: no_leader: grid {GRID}" in output


def test_the_report_on_an_area_with_an_error_says_the_error_instead(tmp_path: Path) -> None:
    code, output = ran("report", tmp_path, changed("workers.csv", "LEADER", "BOSS"))
    assert code == 1
    assert "error workers.csv:3: bad_role" in output
    assert "990101001 东街道" not in output


@pytest.mark.parametrize("options", [("--on", "tomorrow"), ("--on", "2026-02-30"), ("--pack", "nowhere")])
def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    code, output = ran("check", tmp_path, county(), *options)
    assert (code, options[0] in output) == (2, True), output


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    done = RUN.invoke(app, ["check", str(tmp_path / "nowhere")])
    assert (done.exit_code, "is not a folder" in done.output) == (2, True)


def test_the_sample_county_has_neither_faults_nor_gaps() -> None:
    done = RUN.invoke(app, ["check", str(AREA), "--on", "2026-03-10", "--strict"])
    assert (done.exit_code, done.output) == (0, "sample-county: 0 errors, 0 gaps\n")


def test_the_sample_county_is_what_its_generator_makes_and_what_is_written_by_hand() -> None:
    made = runpy.run_path(str(AREA.parent / "make_sample_area.py"))["sample_files"]()
    assert {name: (AREA / name).read_bytes().decode() for name in made} == made
    assert {path.name for path in AREA.iterdir()} == HANDMADE | set(made)


def test_dispatch_reads_the_sample_county_against_the_same_categories_as_the_check() -> None:
    codes = leaf_codes(categories())
    assert codes == read_categories(categories()).leaves.keys()
    org = load_org_files({name: (AREA / name).read_bytes() for name in ORG_FILES if (AREA / name).is_file()}, codes)
    assert (org.county, len(org.rosters.by_unit)) == ("990101", 11)


def test_the_sample_county_names_nobody() -> None:
    people = {line.partition(",")[0] for line in (AREA / "workers.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert len(people) == 58 + 15 + 8
    assert all(person[0] in "WLC" and person[1:].replace("-", "").isdigit() for person in people)
    assert len(json.loads((AREA / "grids.geojson").read_text(encoding="utf-8"))["features"]) == 58


def test_a_collection_in_a_shifted_datum_is_brought_back(tmp_path: Path) -> None:
    # In GCJ-02 this county appears some 500 m east of where it lies.
    source, target = tmp_path / "shifted.geojson", tmp_path / "grids.geojson"
    source.write_bytes(county()["grids.geojson"])
    done = RUN.invoke(app, ["convert", str(source), str(target), "--from", "gcj02"])
    assert (done.exit_code, done.output) == (0, f"{target}: 3 features\n")
    before, after = (json.loads(path.read_text(encoding="utf-8"))["features"] for path in (source, target))
    assert [feature["properties"] for feature in after] == [feature["properties"] for feature in before]
    assert after[0]["geometry"]["coordinates"][0][1] == after[1]["geometry"]["coordinates"][0][0]
    (old_lon, old_lat), (lon, lat) = (one[0]["geometry"]["coordinates"][0][0] for one in (before, after))
    assert 0.003 < old_lon - lon < 0.008
    assert 0 < abs(old_lat - lat) < 0.005
    assert len(target.read_text(encoding="utf-8").splitlines()) == 5
    again = RUN.invoke(app, ["convert", str(source), str(target), "--from", "gcj02"])
    assert again.exit_code == 2  # what is there is not written over


@pytest.mark.parametrize(
    "content",
    [
        b"oops",
        b"[]",
        b'{"features": [{}]}',
        b'{"features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
        b'{"features": [{"geometry": {"type": "Polygon", "coordinates": [[[1, 2, 3]]]}}]}',
    ],
)
def test_what_cannot_be_converted_is_refused_and_nothing_is_written(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.json").write_bytes(content)
    done = RUN.invoke(app, ["convert", str(tmp_path / "in.json"), str(tmp_path / "out.json"), "--from", "bd09"])
    assert (done.exit_code, "in.json: cannot be converted" in done.output) == (2, True), done.output
    assert not (tmp_path / "out.json").exists()
