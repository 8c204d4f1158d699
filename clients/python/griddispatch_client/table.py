"""A CSV table as reports: which column is which field, what is the same in every row, and an id for each row."""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from griddispatch_client.report import Place, Report, Reporter

ENCODINGS: Final = ("utf-8-sig", "gb18030")
"""Tried in this order: what spreadsheets of a Chinese desktop write is one of the two."""
_PLACE: Final = frozenset(f"location.{f.name}" for f in fields(Place))
_REPORTER: Final = frozenset(f"reporter.{f.name}" for f in fields(Reporter))
_PLAIN: Final = frozenset(f.name for f in fields(Report)) - {"location", "reporter", "extensions"}
FIELDS: Final = _PLAIN | _PLACE | _REPORTER
_ZONELESS: Final = re.compile(r"(\d{4})[-/](\d\d?)[-/](\d\d?)[ T](\d\d?):(\d\d)(?::(\d\d))?", re.ASCII)
_YES: Final = frozenset({"1", "true", "yes", "y", "是"})


class TableError(ValueError):
    """The table cannot be read as told."""


@dataclass(frozen=True)
class Layout:
    """`columns`: field to column heading; `constants`: field to a value for every row. Fields are those of FIELDS."""

    columns: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    zone: str = "+08:00"
    """Of times in the table that name none."""

    def __post_init__(self) -> None:
        unknown = sorted({*self.columns, *self.constants} - FIELDS)
        if unknown:
            raise TableError(f"no field of a report: {', '.join(unknown)}; there are {', '.join(sorted(FIELDS))}")
        missing = sorted({"source", "channel", "text"} - {*self.columns, *self.constants})
        if missing:
            raise TableError(f"a report needs {', '.join(missing)}: name a column or a constant")


@dataclass(frozen=True)
class Row:
    """One line of the table, its number counted as a spreadsheet shows it."""

    number: int
    report: Report


def read_table(path: Path, layout: Layout) -> Iterator[Row]:
    """The rows as reports, one by one; empty rows are left out. Raises TableError, OSError."""
    with path.open(encoding=_encoding(path), newline="") as lines:
        table = csv.DictReader(lines)
        absent = sorted(set(layout.columns.values()) - set(table.fieldnames or ()))
        if absent:
            raise TableError(
                f"{path.name} has no column {', '.join(absent)}; it has {', '.join(table.fieldnames or ())}"
            )
        for number, cells in enumerate(table, 2):
            values = {name: (cells[column] or "").strip() for name, column in layout.columns.items()}
            if any(values.values()):
                yield Row(
                    number, report_of({**layout.constants, **{k: v for k, v in values.items() if v}}, layout.zone)
                )


def report_of(values: Mapping[str, str], zone: str = "+08:00") -> Report:
    """A report of texts. Without an external id the row gets one that follows from its content.

    Raises TableError for what is no number where one belongs; everything else is for the service to judge.
    """
    facts: dict[str, Any] = {name: value for name, value in values.items() if name in _PLAIN}
    facts.setdefault("text", "")
    facts.setdefault("external_id", row_id(values))
    for flag in ("confidential", "exercise", "vulnerable"):
        if flag in facts:
            facts[flag] = facts[flag].lower() in _YES
    if "reported_at" in facts:
        facts["reported_at"] = with_zone(facts["reported_at"], zone)
    place = {name.partition(".")[2]: value for name, value in values.items() if name in _PLACE}
    reporter = {name.partition(".")[2]: value for name, value in values.items() if name in _REPORTER}
    return Report(**facts, location=_place(place), reporter=Reporter(**reporter) if reporter else None)


def row_id(values: Mapping[str, str]) -> str:
    """The same content, the same id: a row that is sent again is known again. Change it, and it is another matter."""
    said = "\x1f".join(f"{name}\x1e{values[name]}" for name in sorted(values))
    return f"row-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def with_zone(text: str, zone: str) -> str:
    """A spreadsheet's time as RFC 3339; what looks otherwise stays as it is, for the service to judge."""
    found = _ZONELESS.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}:{second or '00'}{zone}"


def _place(values: Mapping[str, str]) -> Place | None:
    if not values:
        return None
    numbers: dict[str, float] = {}
    for name in ("lon", "lat"):
        if name in values:
            try:
                numbers[name] = float(values[name])
            except ValueError as error:
                raise TableError(f"location.{name}: {values[name]!r} is no number") from error
    texts = {name: value for name, value in values.items() if name not in numbers}
    return Place(**numbers, **texts)  # type: ignore[arg-type]


def _encoding(path: Path) -> str:
    """The first of ENCODINGS in which the whole file makes sense; read in pieces, it may be large."""
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding) as text:
                while text.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise TableError(f"{path.name} is neither UTF-8 nor GB18030")
