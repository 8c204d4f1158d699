"""The report of a month: its numbers are the API's, its page needs nothing from anywhere, and its verbs refuse."""

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from griddispatch.report import app
from griddispatch.report_page import Page, composite_chart, month_page
from services.notify import rates_store
from services.notify.core.rates import Bucket, Counts
from services.notify.core.sheets import make_sheet
from services.notify.rates_api import read_sheet, sheet_view
from shared.database import Database, connect
from tests.builders import PATIENT
from tests.services.notify.measured import MARCH, MeasuredStage, measures
from tests.services.notify.values import SATISFIED

T = TypeVar("T")
HUNDRED = Counts(
    dispatched=120, first_dispatch_right=90, on_time=95, late=5, valid=100, contacted=98, solved=80, satisfied=70,
    basic=20, hung=3, excluded=7,
)  # fmt: skip
UNSAFE = "<script>alert(1)</script>"


def report(*arguments: str) -> tuple[int, str]:
    """Run `griddispatch report …`; exit code, and all that it said."""
    ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.output


async def put(dsn: str, counts: dict[Bucket, Counts]) -> dict[str, Any]:
    """Counts in the tables; what the API would then show."""
    database = await connect(dsn, size=1, application="test", patience=PATIENT)
    async with database.transaction() as tx:
        await rates_store.add_counts(tx, counts)
    shown = sheet_view(await read_sheet(database, measures(), "2026-03", "unit", "*"), measures())
    await database.close()
    return shown


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def cells(page: str, key: str) -> list[list[str]]:
    """The cells of the rows that begin with `key`, or with its names."""
    rows = re.findall(r"<tr class='(?:row|total)'>(.*?)</tr>", page)
    found = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    return [row[1:] for row in found if row[0] == key or row[0].endswith(f"· {key}</span>")]


def test_the_page_shows_the_very_numbers_of_the_api(notify_dsn: str, tmp_path: Path) -> None:
    shown = run(put(notify_dsn, {MARCH: HUNDRED, MARCH._replace(unit="roads"): Counts(valid=19, contacted=19)}))
    out = tmp_path / "month.html"
    code, said = report("month", "--period", "2026-03", "--out", str(out), "--dsn", notify_dsn)
    assert (code, said) == (0, f"{out}: 2 rows, 119 valid follow-ups\n")
    page = out.read_text(encoding="utf-8")
    for row in (*shown["rows"], shown["total"]):
        figures, counts = cells(page, "合计 total" if row["key"] == "*" else row["key"])
        assert counts == [str(count) for count in row["counts"].values()]
        judged = dict(zip(row["percent"], figures, strict=True))
        for name, value in row["percent"].items():
            assert judged[name] == value if value is not None else judged[name] in ("–", "too few 样本过少")
    assert cells(page, "water")[0][:4] == ["98.00", "80.00", "88.00", "85.00"]


@pytest.mark.parametrize(
    ("by", "key", "shown"),
    [
        ("unit", "water", "自来水公司<br><span class='en'>Water company · water</span>"),
        ("unit", "grid:990101001001001", "东风社区第一网格<br><span class='en'>Dongfeng Community Grid 1 · grid:9"),
        ("township", "990101001", "东风街道<br><span class='en'>Dongfeng Subdistrict · 990101001</span>"),
        ("category", "01", "就业服务<br><span class='en'>Employment · 01</span>"),
        ("unit", "somebody-new", "<td>somebody-new</td>"),
    ],
)
def test_units_places_and_categories_stand_there_by_their_names(
    notify_dsn: str, tmp_path: Path, by: str, key: str, shown: str
) -> None:
    run(put(notify_dsn, {MARCH._replace(**{by: key}): HUNDRED._replace(guard_refused=3)}))
    out = tmp_path / "month.html"
    code, said = report("month", "--period", "2026-03", "--by", by, "--out", str(out), "--dsn", notify_dsn)
    assert code == 0, said
    page = out.read_text(encoding="utf-8")
    name = re.split("<br>|</td>", shown)[0].removeprefix("<td>")
    assert page.count(shown) == 2, "once in the rates, once in the counts"
    assert page.count(f"text-anchor='end'>{name}</text>") == 3, "and on every chart"
    assert page.count("<svg") == 3


def test_the_page_asks_nobody_for_anything(notify_dsn: str, tmp_path: Path) -> None:
    run(put(notify_dsn, {MARCH._replace(unit=UNSAFE): HUNDRED}))
    out = tmp_path / "month.html"
    assert report("month", "--period", "2026-03", "--out", str(out), "--dsn", notify_dsn)[0] == 0
    page = out.read_text(encoding="utf-8")
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script", page)
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert "@page { size: A4" in page
    assert page.count("<svg") == 2


def test_a_month_without_anything_is_a_page_too(notify_dsn: str, tmp_path: Path) -> None:
    out = tmp_path / "empty.html"
    assert report("month", "--period", "2031-01", "--out", str(out), "--dsn", notify_dsn, "--by", "township")[0] == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("无 nothing") == 4
    assert "2030-12-19 – 2031-01-18" in page


def test_bars_are_as_long_as_their_figures() -> None:
    half = HUNDRED._replace(contacted=50, solved=50, satisfied=50, basic=0)
    rows = make_sheet("2026-03", "unit", {"a": half, "b": HUNDRED, "few": Counts(valid=1)}, measures()).rows
    chart = composite_chart(rows)
    assert re.findall(r"width='([0-9.]+)'", chart) == ["331.5", "195.0"]  # 85 and 50 of 390
    assert "few" not in chart


def test_a_problem_that_keeps_coming_up_has_names_and_a_plain_count() -> None:
    problem = {"category": "15", "grid": "g-1", "count": 15}
    names = {"15": ("市政设施", "Utilities"), "g-1": ("第一网格", "Grid 1")}
    page = month_page(
        Page(make_sheet("2026-03", "unit", {}, measures()), measures(), [problem], names), "$recurring", ""
    )
    assert re.findall(r"<td>(.*?)</td>", page) == [
        "市政设施<br><span class='en'>Utilities · 15</span>", "第一网格<br><span class='en'>Grid 1 · g-1</span>", "15",
    ]  # fmt: skip


def test_a_template_with_a_hole_that_nobody_fills_is_an_error() -> None:
    sheet = make_sheet("2026-03", "unit", {}, measures())
    page = Page(sheet, measures(), [])
    with pytest.raises(KeyError):
        month_page(page, "$nobody", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("month", "--period", "2026-13", "--out", "x.html", "--dsn", "DSN"), "YYYY-MM"),
        (("month", "--period", "2026-03", "--out", "nowhere/at/all.html", "--dsn", "DSN"), "there is no folder"),
        (
            ("month", "--period", "2026-03", "--out", "x.html", "--dsn", "DSN", "--pack", "nowhere"),
            "measures.toml: missing",
        ),
        (("month", "--period", "2026-03", "--out", "x.html", "--dsn", "DSN", "--area", "nowhere"), "--area: "),
        (("recount", "--period", "March", "--dsn", "DSN"), "YYYY-MM"),
        (("month", "--period", "2026-03", "--out", "x.html"), "where are the tables of notify"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    notify_dsn: str, arguments: tuple[str, ...], complaint: str
) -> None:
    code, said = report(*(notify_dsn if a == "DSN" else a for a in arguments))
    assert (code, complaint in said) == (2, True), said


def test_a_database_that_is_away_is_told_apart() -> None:
    code, _ = report("recount", "--period", "2026-03", "--dsn", "postgresql://x@127.0.0.1:1/x")
    assert code == 3


def test_a_recount_says_so_when_all_is_right_and_mends_what_is_not(notify_dsn: str) -> None:
    async def prepare(spoil: str = "") -> None:
        database: Database = await connect(notify_dsn, size=2, application="test", patience=PATIENT)
        measured = MeasuredStage(database)
        if spoil:
            await database.fetch(spoil)
        else:
            await measured.handled()
            await measured.answer(SATISFIED)
        await database.close()

    recount = ("recount", "--period", "2026-03", "--dsn", notify_dsn)
    run(prepare())
    assert report(*recount) == (0, "2026-03: the counts are right to the last digit\n")
    run(prepare("UPDATE rate_count SET valid = valid + 2"))
    assert report(*recount) == (1, "2026-03/water/990101001/15: valid -2\n")
    code, said = report(*recount, "--mend")
    assert (code, said.splitlines()[-1]) == (0, "2026-03: 1 buckets mended")
    assert report(*recount)[0] == 0
