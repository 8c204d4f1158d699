"""The report of a month as one page: tables and charts drawn from a sheet, every text escaped, nothing fetched."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from html import escape
from string import Template
from typing import Final

from services.dispatch.core.naming import Names
from services.notify.core.measures import MeasureRules
from services.notify.core.sheets import COUNT_NAMES, FIGURE_NAMES, JUDGED, TOO_FEW, Row, Sheet, shown

BY_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "unit": ("单位", "unit"), "township": ("乡镇(街道)", "township"), "category": ("诉求分类", "category"),
}  # fmt: skip
UNKNOWN: Final = "未知 unknown"
NO_NAMES: Final[Names] = {}
BAR_PX: Final = 16
WIDTH_PX: Final = 640
LABEL_PX: Final = 190
NUMBER_PX: Final = 60
MOST_BARS: Final = 60
"""A chart shows so many and says so; the tables show all."""


@dataclass(frozen=True)
class Page:
    """What stands in a report. `problems` are the recurring ones: category, grid and count.

    What is not in `names` is shown by its id or code alone.
    """

    sheet: Sheet
    rules: MeasureRules
    problems: Sequence[Mapping[str, object]]
    names: Names = field(default_factory=dict)


def month_page(page: Page, html: str, css: str) -> str:
    """The page, from its two templates."""
    sheet, rules = page.sheet, page.rules
    since, until = rules.span_of(sheet.period)
    zh, en = BY_NAMES[sheet.by]
    rows = (*sheet.rows, sheet.total)
    return Template(html).substitute(
        period=escape(sheet.period), style=css, by_zh=zh, by_en=en,
        since=since.astimezone(rules.zone).date().isoformat(),
        until=(until.astimezone(rules.zone) - timedelta.resolution).date().isoformat(),
        least=rules.rates.least_valid, basically=rules.rates.basically_counts, weights=_weights(rules),
        headline="\n".join(_headline(sheet.total)),
        composite=composite_chart(sheet.rows, page.names), punctuality=punctuality_chart(sheet.rows, page.names),
        burden=burden_chart(sheet.rows, page.names),
        figure_head=_head(zh, en, FIGURE_NAMES), count_head=_head(zh, en, COUNT_NAMES),
        figure_rows="\n".join(_figure_row(row, page.names, is_total=row is sheet.total) for row in rows),
        count_rows="\n".join(_count_row(row, page.names, is_total=row is sheet.total) for row in rows),
        recurring="\n".join(_problem_rows(page.problems, page.names)),
    )  # fmt: skip


def composite_chart(rows: Sequence[Row], names: Names = NO_NAMES) -> str:
    """The composite as bars, the highest first; who has too few follow-ups has no bar."""
    judged = sorted((r for r in rows if r.figures.composite is not None), key=lambda r: (-_of(r), r.key))
    bars = [
        _bar(n, _called(row.key, names), [(_of(row), Decimal(100), "bar")], str(_of(row)))
        for n, row in enumerate(judged)
    ]
    return _svg("综合得分 Composite", bars)


def punctuality_chart(rows: Sequence[Row], names: Names = NO_NAMES) -> str:
    """Results in time and late, as bars on one scale."""
    most = Decimal(max((row.counts.on_time + row.counts.late for row in rows), default=0))
    told = [(_called(r.key, names), r.counts) for r in rows if r.counts.on_time + r.counts.late]
    bars = [
        _bar(n, key, [(Decimal(c.on_time), most, "bar"), (Decimal(c.late), most, "rest")], f"{c.on_time} + {c.late}")
        for n, (key, c) in enumerate(told)
    ]
    return _svg("按时与超期 In time and late", bars)


def burden_chart(rows: Sequence[Row], names: Names = NO_NAMES) -> str:
    """Refused attempts to pass work on, the most first."""
    refused = sorted((r for r in rows if r.counts.guard_refused), key=lambda r: (-r.counts.guard_refused, r.key))
    most = Decimal(max((r.counts.guard_refused for r in refused), default=0))
    bars = [
        _bar(n, _called(r.key, names), [(Decimal(r.counts.guard_refused), most, "bar")], str(r.counts.guard_refused))
        for n, r in enumerate(refused)
    ]
    return _svg("清单拦截 Refused push-downs", bars)


def _called(key: str, names: Names) -> str:
    return names[key][0] if key in names else key


def _of(row: Row) -> Decimal:
    assert row.figures.composite is not None
    return row.figures.composite


def _svg(title: str, bars: Sequence[str]) -> str:
    if not bars:
        return "<p class='soft'>无 nothing</p>"
    if len(bars) > MOST_BARS:
        title = f"{title} ({MOST_BARS} / {len(bars)})"
        bars = bars[:MOST_BARS]
    height = len(bars) * BAR_PX + 4
    axis = f"<line class='axis' x1='{LABEL_PX}' y1='0' x2='{LABEL_PX}' y2='{height}'/>"
    drawn = f"{axis}{''.join(bars)}"
    caption = f"<figcaption class='soft'>{escape(title)}</figcaption>"
    return f"<svg viewBox='0 0 {WIDTH_PX} {height}' role='img' aria-label='{escape(title)}'>{drawn}</svg>{caption}"


def _bar(n: int, key: str, parts: Iterable[tuple[Decimal, Decimal, str]], label: str) -> str:
    """One line of a chart: parts side by side, each (value, full length, class)."""
    y, x, room = n * BAR_PX + 2, Decimal(LABEL_PX), Decimal(WIDTH_PX - LABEL_PX - NUMBER_PX)
    drawn = [f"<text x='{LABEL_PX - 4}' y='{y + 10}' text-anchor='end'>{escape(key or UNKNOWN)}</text>"]
    for value, whole, kind in parts:
        width = (value * room / whole).quantize(Decimal("0.1")) if whole else Decimal(0)
        drawn.append(f"<rect class='{kind}' x='{x}' y='{y}' width='{width}' height='{BAR_PX - 4}'/>")
        x += width
    drawn.append(f"<text x='{x + 4}' y='{y + 10}'>{escape(label)}</text>")
    return "".join(drawn)


def _headline(total: Row) -> Iterable[str]:
    for name in JUDGED:
        zh, en = FIGURE_NAMES[name]
        value = getattr(total.figures, name)
        yield f"<div>{zh} <span class='en'>{en}</span><b>{TOO_FEW if value is None else value}</b></div>"


def _head(zh: str, en: str, names: Mapping[str, tuple[str, str]]) -> str:
    columns = [(zh, en), *names.values()]
    return "".join(f"<th>{escape(z)}<br><span class='en'>{escape(e)}</span></th>" for z, e in columns)


def _figure_row(row: Row, names: Names, *, is_total: bool) -> str:
    cells = [
        f"<td class='few'>{TOO_FEW}</td>" if value is None and name in JUDGED else f"<td>{shown(value)}</td>"
        for name, value in row.figures._asdict().items()
    ]
    return _row(row, names, cells, is_total=is_total)


def _count_row(row: Row, names: Names, *, is_total: bool) -> str:
    return _row(row, names, [f"<td>{count}</td>" for count in row.counts], is_total=is_total)


def _row(row: Row, names: Names, cells: Iterable[str], *, is_total: bool) -> str:
    key = "合计 total" if is_total else _named(row.key, names)
    kind = "total" if is_total else "row"
    return f"<tr class='{kind}'><td>{key}</td>{''.join(cells)}</tr>"


def _named(key: str, names: Names) -> str:
    """What stands for an id or a code in a table: its names, where it has any, and itself."""
    if key not in names:
        return escape(key or UNKNOWN)
    zh, en = names[key]
    return f"{escape(zh)}<br><span class='en'>{escape(en)} · {escape(key)}</span>"


def _problem_rows(problems: Sequence[Mapping[str, object]], names: Names) -> Iterable[str]:
    if not problems:
        yield "<tr><td colspan='3'>无 nothing</td></tr>"
    for found in problems:
        category, grid = (_named(str(found[name]), names) for name in ("category", "grid"))
        yield f"<tr><td>{category}</td><td>{grid}</td><td>{escape(str(found['count']))}</td></tr>"


def _weights(rules: MeasureRules) -> str:
    return ", ".join(f"{rule.name.value} {rule.weight}" for rule in rules.rates.metric)
