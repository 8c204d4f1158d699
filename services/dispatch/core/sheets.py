"""Reads the CSV sheets of an area: bytes to rows, cells to values, and every fault with its file and line.

A sheet has a header line; its columns may stand in any order. Cells are trimmed, blank lines skipped. Nothing is raised
for bad content: a fault is noted, the cell's plainest value stands in, and the row is not sound.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

EVERYWHERE: Final = "*"
"""In a township column: the whole county."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


class Severity(StrEnum):
    """An ERROR refuses the area as a whole; a GAP is reported, and the area can be used."""

    ERROR = "ERROR"
    GAP = "GAP"


class Fault(NamedTuple):
    """One thing wrong or missing. `line` counts from 1; 0 means the file as a whole."""

    file: str
    line: int
    severity: Severity
    code: str
    message: str

    def __str__(self) -> str:
        """`file:line: code: message`, as editors and people like to find it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Validity:
    """The days on which something holds: from `first` to `last`, both included; None leaves that side open."""

    first: date | None = None
    last: date | None = None

    def holds(self, on: date) -> bool:
        """Whether `on` is one of the days."""
        return (self.first is None or self.first <= on) and (self.last is None or on <= self.last)

    def meets(self, other: "Validity") -> bool:
        """Whether the two have a day in common."""
        starts = [day for day in (self.first, other.first) if day is not None]
        return not starts or (self.holds(max(starts)) and other.holds(max(starts)))


ALWAYS: Final = Validity()


@dataclass(slots=True)
class Row:
    """One line of a sheet while it is being read; `is_sound` turns false at the first fault."""

    file: str
    line: int
    cells: Mapping[str, str]
    faults: list[Fault]
    is_sound: bool = True

    def refuse(self, code: str, message: str) -> None:
        """Note an error in this row."""
        self.is_sound = False
        self.faults.append(Fault(self.file, self.line, Severity.ERROR, code, message))

    def text(self, column: str) -> str:
        """What the cell says; it must say something."""
        if not self.cells[column]:
            self.refuse("empty", f"{column} must not be empty")
        return self.cells[column]

    def matching(self, column: str, pattern: re.Pattern[str], code: str, meaning: str) -> str:
        """The cell, which must be of the pattern as a whole."""
        if not pattern.fullmatch(self.cells[column]):
            self.refuse(code, f"{column}: {self.cells[column]!r} is not {meaning}")
        return self.cells[column]

    def listed(self, column: str) -> tuple[str, ...]:
        """The parts of a cell that are set apart by `;`, at least one."""
        parts = tuple(part.strip() for part in self.cells[column].split(";") if part.strip())
        if not parts:
            self.refuse("empty", f"{column} must not be empty")
        if len(set(parts)) < len(parts):
            self.refuse("listed_twice", f"{column}: {self.cells[column]!r} names something twice")
        return parts

    def one_of(self, column: str, values: type[E]) -> E:
        """The member that the cell spells."""
        cell = self.cells[column]
        if cell in tuple(values):
            return values(cell)
        self.refuse(f"bad_{column}", f"{column}: {cell!r} is not one of {', '.join(values)}")
        return next(iter(values))

    def flag(self, column: str) -> bool:
        """`yes` or `no`."""
        if self.cells[column] not in ("yes", "no"):
            self.refuse("bad_flag", f"{column}: {self.cells[column]!r} is neither yes nor no")
        return self.cells[column] == "yes"

    def count(self, column: str) -> int:
        """A whole number from 0 up; empty means 0."""
        cell = self.cells[column] or "0"
        if not (cell.isascii() and cell.isdigit()) or len(cell) > 12:
            self.refuse("bad_number", f"{column}: {cell!r} is not a whole number")
            return 0
        return int(cell)

    def day(self, column: str) -> date | None:
        """A day, YYYY-MM-DD; empty means open."""
        cell = self.cells[column]
        day = read_day(cell)
        if cell and day is None:
            self.refuse("bad_date", f"{column}: {cell!r} is not a day, YYYY-MM-DD")
        return day

    def validity(self, first: str = "valid_from", last: str = "valid_to") -> Validity:
        """The days of the row; without a last day it holds until further notice, a first day is needed."""
        begins, ends = self.day(first), self.day(last)
        if not self.cells[first]:
            self.refuse("empty", f"{first} must not be empty")
        if begins and ends and ends < begins:
            self.refuse("backwards", f"{last} {ends} lies before {first} {begins}")
        return Validity(begins, ends)


class Placed(NamedTuple, Generic[T]):
    """A value and the row it was read from."""

    row: Row
    value: T


def read_day(text: str) -> date | None:
    """The day that `YYYY-MM-DD` spells, or None."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:  # the thirty-first of February
        return None


def decode(file: str, raw: bytes, faults: list[Fault]) -> str | None:
    """The text of a file: UTF-8 with or without a mark, else GB 18030, which is said as a gap; None when neither."""
    if raw.startswith(_BOMS) or b"\x00" in raw:
        faults.append(Fault(file, 0, Severity.ERROR, "encoding", "is UTF-16 or binary: save it as UTF-8"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        faults.append(Fault(file, line, Severity.ERROR, "encoding", "is neither UTF-8 nor GB 18030"))
        return None
    faults.append(Fault(file, line, Severity.GAP, "encoding", "is not UTF-8; it was read as GB 18030"))
    return text


def read_sheet(file: str, text: str, columns: Sequence[str], faults: list[Fault]) -> list[Row]:
    """The rows of a sheet with exactly these columns; rows of another length are faults and left out."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = [name.strip() for name in next(lines, [])]
        if sorted(header) != sorted(columns):
            faults.append(Fault(file, 1, Severity.ERROR, "bad_header", _header_fault(header, columns)))
            return rows
        begins = lines.line_num + 1
        for cells in lines:
            row = Row(file, begins, dict(zip(header, (cell.strip() for cell in cells), strict=False)), faults)
            begins = lines.line_num + 1
            if len(cells) == len(header):
                rows.append(row)
            elif any(cell.strip() for cell in cells):
                row.refuse("bad_row", f"has {len(cells)} cells, the header has {len(header)}")
    except csv.Error as error:
        faults.append(Fault(file, lines.line_num, Severity.ERROR, "bad_csv", f"cannot be read: {error}"))
    return [row for row in rows if any(row.cells.values())]


def _header_fault(header: Sequence[str], columns: Sequence[str]) -> str:
    missing = [name for name in columns if name not in header]
    unknown = [name for name in header if name not in columns]
    twice = sorted({name for name in header if header.count(name) > 1})
    parts = (("lacks", missing), ("has the unknown", unknown), ("has twice", twice))
    return "the header " + ", ".join(f"{verb} {' '.join(map(repr, names))}" for verb, names in parts if names)


def collisions(
    rows: Sequence[Placed[T]], key: Callable[[T], object], validity: Callable[[T], Validity]
) -> Iterator[tuple[Placed[T], Placed[T]]]:
    """Each row that has a key and a day in common with an earlier one: the first such one, then the row."""
    seen: defaultdict[object, list[Placed[T]]] = defaultdict(list)
    for row in rows:
        earlier = seen[key(row.value)]
        meeting = (one for one in earlier if validity(one.value).meets(validity(row.value)))
        yield from ((one, row) for one in islice(meeting, 1))
        earlier.append(row)
