"""Reads a spreadsheet of sessions: a line for everything brought up, refused line by line with every reason."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.errors import Malformed

SESSION_COLUMNS: Final = (
    "session",
    "kind",
    "unit",
    "held_at",
    "township",
    "village",
    "grid",
    "heads",
    "place",
    "topic",
)
ITEM_COLUMNS: Final = ("text", "theme", "lon", "lat", "address", "name", "phone", "outcome", "answer", "due_on")
COLUMNS: Final = (*SESSION_COLUMNS, *ITEM_COLUMNS)
REQUIRED: Final = ("session", "kind", "unit", "held_at", "text")
MOST_LINES: Final = 2000
LONGEST_CELL: Final = 4000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: its number in the file, from 1 with the header, and what its cells say; empty ones not."""

    number: int
    cells: Mapping[str, str]

    def of(self, columns: tuple[str, ...]) -> dict[str, str]:
        """What these columns say."""
        return {column: self.cells[column] for column in columns if column in self.cells}


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one session, in order. The first says what it is; others repeat it or leave it out."""

    session: str
    lines: tuple[Line, ...]

    def contradictions(self) -> Iterator[tuple[int, str]]:
        """Line and column of everything that says otherwise than the first line."""
        first = self.lines[0].cells
        for line in self.lines[1:]:
            for column in SESSION_COLUMNS:
                if line.cells.get(column, first.get(column)) != first.get(column):
                    yield line.number, column


def read_table(body: bytes) -> list[Block]:
    """The sessions of a CSV in UTF-8 with a header, in the order in which they begin. Raises Malformed."""
    try:
        text = body.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Malformed("not_csv", f"not a CSV in UTF-8: {type(error).__name__}") from error
    header = [name.strip() for name in rows[0]] if rows else []
    _check_header(header)
    if len(rows) > MOST_LINES + 1:
        raise Malformed("too_many_lines", f"more than {MOST_LINES} lines: send them in several files")
    blocks: dict[str, list[Line]] = {}
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        line = _line(number, header, row)
        blocks.setdefault(line.cells.get("session", ""), []).append(line)
    return [Block(session, tuple(lines)) for session, lines in blocks.items()]


def _check_header(header: list[str]) -> None:
    if missing := [name for name in REQUIRED if name not in header]:
        raise Malformed("columns_missing", f"columns missing: {', '.join(missing)}")
    if len(set(header)) < len(header) or not set(header) <= set(COLUMNS):
        raise Malformed("columns_unknown", f"each column once, and only these: {', '.join(COLUMNS)}")


def _line(number: int, header: list[str], row: list[str]) -> Line:
    if len(row) > len(header) or any(len(cell) > LONGEST_CELL for cell in row):
        raise Malformed("bad_line", f"line {number} has too many cells, or one of more than {LONGEST_CELL} characters")
    return Line(number, {name: cell.strip() for name, cell in zip(header, row, strict=False) if cell.strip()})
