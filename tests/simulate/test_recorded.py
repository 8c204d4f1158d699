"""Recorded matters are read as the door would take them; every faulty line is named."""

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from griddispatch.data import MATTERS, find
from griddispatch.demo.layouts import InputError
from griddispatch.recorded import drawn, read_columns, read_recorded, within_days
from shared.terms import Channel, TicketType, Urgency

ZONE = ZoneInfo("Asia/Shanghai")


def written(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_sample_is_read_whole_in_order_of_acceptance() -> None:
    given = read_recorded(find(MATTERS), {}, ZONE)
    instants = [one.recorded.accepted_at for one in given]
    assert len(given) == 240
    assert instants == sorted(instants)
    assert given[0].recorded.channel is Channel.GRID_PATROL


def test_a_table_with_mapped_columns_is_read(tmp_path: Path) -> None:
    text = (
        "编号,内容,时间,经度,纬度,类别,级别,保密\r\n"
        "W-1,路灯不亮,2026-03-10 09:15:00,119.2,33.3,150101,U2,是\r\n"
        "W-2,垃圾没人清,2026-03-10T01:20:00Z,,,,,\r\n"
    )
    columns = read_columns(
        [
            "text=内容,reported_at=时间,lon=经度",
            "lat=纬度,category=类别,urgency=级别,external_id=编号,confidential=保密",
        ]
    )
    first, second = read_recorded(written(tmp_path, "m.csv", "\ufeff" + text), columns, ZONE)
    assert (first.recorded.name, first.recorded.line, first.recorded.urgency) == ("W-1", 2, Urgency.U2)
    assert first.recorded.accepted_at.isoformat() == "2026-03-10T01:15:00+00:00"
    assert (first.clues.lon, first.clues.lat, first.recorded.matter.category) == (119.2, 33.3, "150101")
    assert first.recorded.confidential
    assert second.recorded.accepted_at.isoformat() == "2026-03-10T01:20:00+00:00"
    assert second.recorded.urgency is None


def test_a_packed_ndjson_of_plain_rows_is_read(tmp_path: Path) -> None:
    text = '{"text":"a","reported_at":"2026-03-10T09:15","ticket_type":"HELP"}\n\n{"text":"b","reported_at":"2026-03-09"}\n'
    given = read_recorded(written(tmp_path, "m.ndjson.gz", gzip.compress(text.encode())), {}, ZONE)
    assert [one.recorded.line for one in given] == [3, 1]
    assert given[1].recorded.matter.ticket_type is TicketType.HELP


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("m.csv", "text,when\na,b\n", "line 1: no column reported_at; the file has: text, when"),
        ("m.csv", "text,reported_at\na\n", "line 2: not as many cells"),
        ("m.csv", "text,reported_at\na,\n", "line 2: no reported_at"),
        ("m.csv", "text,reported_at\na,yesterday\n", "line 2: reported_at: must be an RFC 3339 text"),
        ("m.csv", "text,reported_at\n,2026-03-10T09:15\n", "line 2: text: is required"),
        ("m.csv", "text,reported_at,lon,lat\na,2026-03-10T09:15,x,1\n", "line 2: lon or lat: could not convert"),
        ("m.csv", "text,reported_at,lon,lat\na,2026-03-10T09:15,1,\n", "line 2: location: must have both"),
        ("m.csv", "text,reported_at,lon,lat\na,2026-03-10T09:15,181,1\n", "line 2: location.lon: must be at most"),
        ("m.csv", "text,reported_at,urgency\na,2026-03-10T09:15,U9\n", "line 2: urgency: 'U9' is none of"),
        ("m.csv", "text,reported_at,confidential\na,2026-03-10T09:15,so\n", "line 2: confidential: 'so' is neither"),
        ("m.csv", "text,reported_at,ticket_type\na,2026-03-10T09:15,RANT\n", "line 2: ticket_type: must be one of"),
        ("m.csv", 'text,reported_at\n"a,2026\n', "line 2:"),
        ("m.csv", b"text,reported_at\n\xff\xfe,x\n", "line 2: not UTF-8"),
        ("m.ndjson", '{"text":"a","reported_at":"2026-03-10T09:15"}\n[]\n', "line 2: wants an object"),
        ("m.ndjson", '{"text":"a"', "line 1:"),
        ("m.ndjson", '{"text":"a"}', "line 1: no reported_at"),
        ("m.ndjson", '{"reported_at":"2026-03-10T09:15"}', "line 1: text: is required"),
        ("m.ndjson", "x" * 70_000, "line 1: longer than"),
        ("m.ndjson", "\n", "no matters in it"),
        ("m.xlsx", "", "wants a name that ends in"),
        ("m.csv.gz", "text,reported_at\n", "Not a gzipped file"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, name: str, text: str | bytes, complaint: str) -> None:
    with pytest.raises(InputError) as refused:
        read_recorded(written(tmp_path, name, text), {}, ZONE)
    assert complaint in str(refused.value)


def test_every_faulty_line_is_named_up_to_twenty(tmp_path: Path) -> None:
    text = "text,reported_at\n" + "a,never\n" * 25
    with pytest.raises(InputError) as refused:
        read_recorded(written(tmp_path, "m.csv", text), {}, ZONE)
    lines = str(refused.value).splitlines()
    assert len(lines) == 21
    assert "line 2:" in lines[0]
    assert lines[-1].endswith("and 5 more lines")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_recorded(tmp_path / "none.csv", {}, ZONE)


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["text"], "wants target=column"),
        (["text=a,reported_at="], "wants target=column"),
        (["text=a,mood=b"], "'mood' is no field"),
        (["text=a,text=b"], "text is given twice"),
        (["text=a"], "lacks reported_at=COLUMN"),
        (["category=a"], "lacks text=COLUMN and reported_at=COLUMN"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(texts: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_columns(texts)


def test_a_mapped_column_that_is_missing_is_refused_with_its_line(tmp_path: Path) -> None:
    columns = read_columns(["text=body,reported_at=at"])
    with pytest.raises(InputError, match="line 2: no at"):
        read_recorded(written(tmp_path, "m.ndjson", '{"body":"a","at":"2026-03-10"}\n{"body":"b"}\n'), columns, ZONE)
    with pytest.raises(InputError, match="line 1: no column at, body"):
        read_recorded(written(tmp_path, "m.csv", "a,b\n"), columns, ZONE)


def test_drawing_keeps_the_time_of_day_and_repeats_with_its_seed() -> None:
    given = read_recorded(find(MATTERS), {}, ZONE)
    chosen = drawn(given, 500, 10, 3)
    assert chosen == drawn(given, 500, 10, 3)
    assert chosen != drawn(given, 500, 10, 4)
    assert len(chosen) == 500
    known = {one.recorded.accepted_at.time() for one in given}
    assert {one.recorded.accepted_at.time() for one in chosen} <= known
    first, last = chosen[0].recorded.accepted_at, chosen[-1].recorded.accepted_at
    assert 8 <= (last - first).days < 10


def test_the_first_days_are_counted_from_the_first_matter() -> None:
    given = read_recorded(find(MATTERS), {}, ZONE)
    assert 0 < len(within_days(given, 1)) < len(within_days(given, 2)) < len(given)
    assert within_days(given, 60) == given
