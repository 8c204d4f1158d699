"""Matters from files: tables become reports, faraway points land in the county, and what is unreadable is named."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from griddispatch.demo.county import County, Frame, frame_of, load_county
from griddispatch.demo.layouts import InputError, read_mapping
from griddispatch.demo.matters import Matters, moved_in, read_matters
from tests.conftest import AREA, ROOT

COUNTY = County({"west": (10.0, 50.0), "east": (12.0, 50.0)}, Frame(9.0, 49.0, 13.0, 51.0))

MESSAGES = "id,topic,text,label,created\n7,路灯,路灯坏了三天,城乡建设,\n8,,楼上漏水,城乡建设,2019/1/2 3:04:05\n"
LOS_ANGELES = (
    "srnumber,createddate,requesttype,requestsource,latitude,longitude\n"
    "1-1,2020-01-01 00:05:00,Bulky Items,Call,34.19,-118.49\n"
    "1-2,2020-01-01 00:06:00,Graffiti Removal,Mobile App,,\n"
)
BOSTON = (
    "CASE_ENQUIRY_ID,OPEN_DT,TYPE,LATITUDE,LONGITUDE,Source\n"
    "101,01/01/2015 08:25:52 AM,Pothole Repair (Internal),42.349,-71.0856,Constituent Call\n"
)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def reports(path: Path, mapping: dict[str, str] | None = None, limit: int | None = None) -> tuple[dict[str, Any], ...]:
    return read_matters(path, mapping or {}, limit).reports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            MESSAGES,
            ({"channel": "WEB", "text": "路灯坏了三天", "title": "路灯"}, {"channel": "WEB", "text": "楼上漏水"}),
        ),
        (
            LOS_ANGELES,
            (
                {
                    "channel": "PHONE",
                    "text": "Bulky Items: please send somebody to deal with this at the place given.",
                    "location": {"lon": -118.49, "lat": 34.19},
                },
                {
                    "channel": "APP",
                    "text": "Graffiti Removal: please send somebody to deal with this at the place given.",
                },
            ),
        ),
        (
            BOSTON,
            (
                {
                    "channel": "PHONE",
                    "text": "Pothole Repair (Internal): please send somebody to deal with this at the place given.",
                    "location": {"lon": -71.0856, "lat": 42.349},
                },
            ),
        ),
    ],
    ids=["messages", "los-angeles", "boston"],
)
def test_a_known_table_is_read_by_its_header(tmp_path: Path, text: str, expected: tuple[dict[str, Any], ...]) -> None:
    assert reports(write(tmp_path, "matters.csv", text)) == expected


def test_a_packed_table_with_a_byte_order_mark_is_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "matters.csv.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + MESSAGES.encode()))
    assert [r["text"] for r in reports(path)] == ["路灯坏了三天", "楼上漏水"]


def test_columns_are_mapped_and_empty_cells_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.csv", "body,x,y,who\n井盖丢了,119.3,33.4,王女士\n路面塌陷,,,\n")
    mapping = read_mapping(["text=body,lon=x,lat=y", "name=who"])
    assert reports(path, mapping) == (
        {
            "channel": "WEB",
            "text": "井盖丢了",
            "location": {"lon": 119.3, "lat": 33.4},
            "reporter": {"name": "王女士"},
        },
        {"channel": "WEB", "text": "路面塌陷"},
    )


def test_ndjson_holds_reports_as_they_are_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    path = write(tmp_path, "matters.ndjson", '{"channel":"PHONE","text":"停水"}\n\n{"text":"停电"}\n')
    assert reports(path) == ({"channel": "PHONE", "text": "停水"}, {"text": "停电"})


def test_keys_of_ndjson_can_be_mapped_too(tmp_path: Path) -> None:
    path = write(tmp_path, "matters.jsonl", '{"detail":"停水","lng":119.3,"lat":33.4}\n')
    mapping = read_mapping(["text=detail", "lon=lng", "lat=lat"])
    assert reports(path, mapping) == ({"channel": "WEB", "text": "停水", "location": {"lon": 119.3, "lat": 33.4}},)


def test_no_more_is_read_than_is_wanted(tmp_path: Path) -> None:
    path = write(tmp_path, "matters.ndjson", '{"text":"one"}\n{"text":"two"}\nnot json\n')
    assert [r["text"] for r in reports(path, limit=2)] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("matters.ndjson", '{"text":"one"}\n{"text":\n', "line 2"),
        ("matters.ndjson", '{"text":"one"}\n["no object"]\n', "line 2: wants an object"),
        ("matters.ndjson", "", "no matters in it"),
        ("matters.csv", "id,topic,text,label,created\n7,a,b\n", "line 2: not as many cells"),
        ("matters.csv", "id,topic,text,label,created\n7,a,b,c,d,e\n", "line 2: not as many cells"),
        ("matters.csv", LOS_ANGELES + "1-3,now,Other,Call,north,west\n", "line 4: could not convert"),
        ("matters.csv", "id,words\n1,hello\n", "this header is not known: id, words"),
        ("matters.csv", "", "this header is not known"),
        ("matters.xlsx", "PK", "wants a name that ends in .csv or .ndjson"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(InputError) as refusal:
        reports(path)
    assert str(refusal.value).startswith(str(path))
    assert complaint in str(refusal.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: No such file"):
        reports(tmp_path / "nowhere.csv")


def test_a_torn_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "matters.csv.gz"
    path.write_bytes(gzip.compress(MESSAGES.encode())[:30])
    with pytest.raises(InputError, match=r"matters\.csv\.gz"):
        reports(path)


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "matters.ndjson"
    path.write_bytes(b'{"text":"one"}\n' + '{"text":"下水道堵了"}'.encode("gb18030"))
    with pytest.raises(InputError, match="line 2: not UTF-8"):
        reports(path)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["text"], "wants target=column"),
        (["text="], "wants target=column"),
        (["words=body"], "'words' is no field of a report"),
        (["text=a", "text=b"], "text is given twice"),
        (["lon=x"], "lacks text=COLUMN"),
    ],
)
def test_a_bad_mapping_is_refused(given: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_mapping(given)


def test_a_mapping_to_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.csv", "body,x\nhello,1\n")
    with pytest.raises(InputError, match="no column y; the file has: body, x"):
        reports(path, {"text": "body", "lon": "y"})


def test_faraway_points_are_scaled_into_the_county_and_that_is_said() -> None:
    far = [{"text": "t", "location": {"lon": lon, "lat": 34.0}} for lon in (-119.0, -118.5, -118.0)]
    near = {"text": "t", "location": {"lon": 10.5, "lat": 50.5}}
    nowhere = {"text": "t"}
    moved = moved_in(Matters((*far, near, nowhere)), COUNTY)
    # West, middle and east of the file become west, middle and east of the county, drawn to the nearest grid.
    assert [r["location"]["lon"] for r in moved.reports[:3]] == [9.8, 10.2, 12.2]
    assert moved.reports[3:] == (near, nowhere)
    assert moved.notes == ("3 of 5 matters lie outside the sample county and were moved and scaled into it",)


def test_moving_repeats_exactly() -> None:
    far = tuple({"text": "t", "location": {"lon": -118.0 - n / 7, "lat": 34 + n / 9}} for n in range(20))
    assert moved_in(Matters(far), COUNTY) == moved_in(Matters(far), COUNTY)


def test_points_at_zero_do_not_stretch_the_frame() -> None:
    points = [(-118.0 - n / 1000, 34.0 + n / 1000) for n in range(300)] + [(0.0, 0.0)]
    assert frame_of(points, 0.01) == Frame(-118.296, 34.002, -118.002, 34.296)


def test_points_in_another_datum_are_left_alone() -> None:
    report = {"text": "t", "location": {"lon": 150.0, "lat": 33.0, "crs": "GCJ02"}}
    assert moved_in(Matters((report,)), COUNTY) == Matters((report,))


def test_each_line_has_its_own_external_id_and_a_source_of_the_demo() -> None:
    matters = Matters(({"source": "hotline-12345", "text": "停水"}, {"text": "停电"}))
    lines = [(external_id, json.loads(line)) for external_id, line in matters.lines("run", 3)]
    assert [external_id for external_id, _ in lines] == ["demo-run-1", "demo-run-2", "demo-run-3"]
    assert [(line["source"], line["external_id"], line["text"]) for _, line in lines] == [
        ("demo.hotline-12345", "demo-run-1", "停水"),
        ("demo", "demo-run-2", "停电"),
        ("demo.hotline-12345", "demo-run-3", "停水"),
    ]


def test_the_sample_county_has_a_centre_for_every_grid() -> None:
    county = load_county(AREA)
    assert len(county.centres) == 58
    assert all(county.frame.holds(centre) for centre in county.centres.values())


REAL = ROOT.parent / "shared" / "data"


@pytest.mark.skipif(not REAL.is_dir(), reason="NOT COVERED: real exports are not here")
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("zh/labelled_messages.csv.gz", 1542),
        ("us/la_311_2018-01.csv.gz", 10_000),
        ("us/la_311_2020-01.csv.gz", 10_000),
        ("us/boston_311_2015_tenth.csv.gz", 11_983),
    ],
)
def test_real_exports_are_read_whole_and_land_in_the_county(name: str, rows: int) -> None:
    county = load_county(AREA)
    matters = moved_in(read_matters(REAL / name, {}, None), county)
    assert len(matters.reports) == rows
    places = [r["location"] for r in matters.reports if "location" in r]
    assert all(county.frame.holds((place["lon"], place["lat"])) for place in places)
