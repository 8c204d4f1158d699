"""Rates as rows for people and programs: one table, whose numbers are the same in JSON, CSV and print."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import Final

from services.notify.core.measures import MeasureRules
from services.notify.core.rates import Counts, Figures, figures, total

BY: Final = ("unit", "township", "category")
"""What rows may be by."""
TOO_FEW: Final = "too few 样本过少"

# A soft hyphen stands where a long word may be broken in the narrow columns of print.
COUNT_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "dispatched": ("受理派单", "dis\u00adpatch\u00aded"), "first_dispatch_right": ("首派准确", "first unit right"),
    "hops": ("转派", "passed on"), "on_time": ("按时办结", "on time"), "late": ("超期办结", "late"),
    "proactive": ("未诉先办", "found first"), "valid": ("有效回访", "valid follow-ups"),
    "contacted": ("已联系", "con\u00adtacted"), "solved": ("已解决", "solved"),
    "satisfied": ("满意", "satis\u00adfied"), "basic": ("基本满意", "basi\u00adcally"),
    "unreachable": ("联系不上", "un\u00adreach\u00adable"), "hung": ("挂账", "hung"),
    "excluded": ("剔除", "ex\u00adcluded"), "reopened": ("重办", "re\u00adopened"),
    "recurrence_90d": ("90 日内复发", "re\u00adcurred in 90 days"), "guard_refused": ("清单拦截", "push-downs refused"),
}  # fmt: skip
FIGURE_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "response": ("响应率", "re\u00adsponse"), "solution": ("解决率", "solution"),
    "satisfaction": ("满意率", "satis\u00adfaction"),
    "composite": ("综合", "com\u00adposite"), "on_time": ("按时率", "on time"),
    "first_dispatch": ("首派准确率", "first dispatch"), "excluded": ("剔除占比", "ex\u00adcluded"),
    "reached": ("回访接通率", "reached"), "hops": ("每百件转派", "passed on, of 100"),
    "proactive": ("未诉先办占比", "found first"), "recurrence": ("90 日复发占比", "recurred"),
    "burden": ("负担指数", "burden index"),
}  # fmt: skip
JUDGED: Final = ("response", "solution", "satisfaction", "composite")
"""Figures that need enough follow-ups."""


@dataclass(frozen=True, slots=True)
class Row:
    """One unit, township or category; `key` is "" where it is unknown."""

    key: str
    counts: Counts
    figures: Figures
    too_few: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """One period. The last row is all together."""

    period: str
    by: str
    rows: tuple[Row, ...]
    total: Row


def make_sheet(period: str, by: str, counts: Mapping[str, Counts], rules: MeasureRules) -> Sheet:
    """The table of a period."""
    rows = tuple(_row(key, found, rules) for key, found in counts.items())
    return Sheet(period, by, rows, _row("*", total(counts.values()), rules))


def sheet_as_csv(sheet: Sheet) -> str:
    """As CSV with a header; no cell of it is a formula to a spreadsheet. Percentages have two places."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["period", sheet.by, *Counts._fields, *(f"{name}_percent" for name in Figures._fields)])
    for row in (*sheet.rows, sheet.total):
        judged = [TOO_FEW if row.too_few and name in JUDGED else shown(value) for name, value in _figures(row)]
        writer.writerow([safe_cell(cell) for cell in (sheet.period, row.key, *map(str, row.counts), *judged)])
    return text.getvalue()


_STARTS_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
"""The wide ones too: a spreadsheet in an East Asian locale takes them for the narrow ones."""


def safe_cell(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in _STARTS_FORMULA else text


def shown(value: Decimal | None) -> str:
    """A figure as people read it; a dash where there is none."""
    return "–" if value is None else str(value)


def _row(key: str, counts: Counts, rules: MeasureRules) -> Row:
    return Row(key, counts, figures(counts, rules), counts.valid < rules.rates.least_valid)


def _figures(row: Row) -> Iterable[tuple[str, Decimal | None]]:
    return zip(Figures._fields, row.figures, strict=True)
