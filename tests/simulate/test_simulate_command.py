"""`rules simulate` from outside: what it writes, that it repeats, that sheets are safe, and what it refuses."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from griddispatch.simulate import COLUMNS, safe
from griddispatch.simulate import simulate as command
from griddispatch.simulation_chart import shift_chart

RUNNER = CliRunner(env={"COLUMNS": "200"})
APP = Typer()
APP.command()(command)

MATTERS = (
    "name,text,reported_at,category,ticket_type,lon,lat\n"
    "=HYPERLINK(1),路灯不亮,2026-03-10T09:15,150101,COMPLAINT,119.21,33.38\n"
    "plain,油烟扰民,2026-03-10T09:15,220101,COMPLAINT,119.21,33.38\n"
)
MAP = "text=text,reported_at=reported_at,category=category,ticket_type=ticket_type,external_id=name,lon=lon,lat=lat"


def asked(*arguments: str) -> Result:
    return RUNNER.invoke(APP, list(arguments))


@pytest.fixture
def matters(tmp_path: Path) -> Path:
    path = tmp_path / "matters.csv"
    path.write_text(MATTERS, encoding="utf-8")
    return path


def test_the_sample_under_two_packs_that_ship(tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    done = asked("--against", "guangdong-like", "--out", str(out))
    assert done.exit_code == 0, done.output
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["a"], found["b"], found["matters"]) == ("county-default/1", "guangdong-like/1", 240)
    assert found["moved"]["EARLIER"] == 0
    assert found["moved"]["LATER"] > 0
    assert found["median_shift_hours"] == 37.5
    assert found["lead_changed"] == 0
    assert "assumed, not measured" in done.stdout
    assert "240 matters under two packs" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_drawn_matters_repeat_with_their_seed(tmp_path: Path) -> None:
    written = []
    for name in ("one.json", "two.json"):
        done = asked(
            "--against", "beijing-like", "--tickets", "60", "--days", "5", "--seed", "9", "--out", str(tmp_path / name)
        )
        assert done.exit_code == 0, done.output
        written.append((tmp_path / name).read_bytes())
    assert written[0] == written[1]


def test_a_sheet_has_a_line_for_each_matter_and_no_formula(tmp_path: Path, matters: Path) -> None:
    out = tmp_path / "found.csv"
    done = asked("--against", "guangdong-like", "--input", str(matters), "--map", MAP, "--out", str(out))
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8-sig")
    small, big = csv.DictReader(io.StringIO(text, newline=""))
    assert tuple(small) == COLUMNS
    assert (small["line"], small["external_id"], small["moved"]) == ("2", "'=HYPERLINK(1)", "SAME")
    assert (big["external_id"], big["moved"], big["shift_wh"]) == ("plain", "LATER", "37.5")
    assert (big["a_limit"], big["b_limit"], big["a_lead"]) == ("5 WD", "10 WD", "environment")
    assert "油烟" not in text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1"])
def test_a_text_that_begins_like_a_formula_is_made_safe(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "W-1", "路灯", "township:990101001"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_the_page_needs_no_network_and_is_well_formed(tmp_path: Path) -> None:
    out = tmp_path / "found.html"
    done = asked("--against", "guangdong-like", "--out", str(out))
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=|@import|url\(|<script", text)
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"] * 3
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert [ElementTree.fromstring(chart).tag for chart in charts] == ["{http://www.w3.org/2000/svg}svg"] * 3
    assert "county-default/1 → guangdong-like/1" in text


def test_many_shifts_share_columns_and_none_is_a_sentence() -> None:
    assert shift_chart({}) == "<p>没有变动 Nothing moves.</p>"
    chart = ElementTree.fromstring(shift_chart(dict.fromkeys(range(-300, 300), 1)))
    bars = [node for node in chart if node.tag.endswith("rect")]
    assert len(bars) == 60
    titles = [title.text for bar in bars for title in bar]
    assert titles[0] == "-300 … -291 WH: 10"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--against", "nowhere-like"), "nowhere-like: neither a folder nor a pack that ships"),
        (("--against", "../packs/county-default"), "neither a folder nor a pack"),
        (("--against", "beijing-like", "--out", "found.pdf"), "--out: wants a name that ends in"),
        (("--against", "beijing-like", "--out", "no/such/folder/found.csv"), "--out: wants a name"),
        (("--against", "beijing-like", "--input", "none.csv"), "none.csv: No such file"),
        (("--against", "beijing-like", "--map", "text=a"), "--map lacks reported_at=COLUMN"),
        (("--against", "beijing-like", "--area", "no/such/area"), "no/such/area"),
        (("--against", "beijing-like", "--tickets", "0"), "Invalid value"),
        ((), "Missing option"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_exit_code_2(arguments: tuple[str, ...], complaint: str) -> None:
    done = asked(*arguments)
    assert done.exit_code == 2, done.output
    assert complaint in done.output


def test_a_refused_file_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "matters.csv"
    path.write_text("text,reported_at\na,never\n", encoding="utf-8")
    done = asked("--against", "beijing-like", "--input", str(path), "--out", str(tmp_path / "found.csv"))
    assert done.exit_code == 2
    assert "line 2: reported_at" in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["matters.csv"]


def test_a_pack_with_a_fault_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "dispatch.toml").write_text('name = "x"\nversion = "1"\n', encoding="utf-8")
    done = asked("--against", str(tmp_path))
    assert done.exit_code == 2
    assert "missing" in done.output


@pytest.mark.parametrize("day", ["2001-01-01", "2099-12-31"])
def test_a_year_that_the_calendar_does_not_know_is_refused_with_its_line(tmp_path: Path, day: str) -> None:
    path = tmp_path / "matters.csv"
    path.write_text(f"text,reported_at\na,2026-03-10\nb,{day}\n", encoding="utf-8")
    done = asked("--against", "beijing-like", "--input", str(path))
    assert done.exit_code == 2
    assert f"line 3: {day[:4]}: the calendar of county-default/1 knows 2020 to 2026" in done.output
