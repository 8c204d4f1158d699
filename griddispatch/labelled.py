"""Labelled texts from files: tables and NDJSON with columns of any name, and lessons kept without their text."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import orjson

from griddispatch.demo.layouts import InputError
from services.intake.core.lessons import BITS, LONGEST, Lesson, is_lesson, lesson_of, read_lesson
from shared.errors import Malformed


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns, or keys, hold the text, the label that a person chose, and a title, if the file has one."""

    text: str = "text"
    label: str = "label"
    title: str = "title"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and the label a person chose for it; empty when nobody has."""

    text: str
    label: str
    title: str = ""

    def lesson(self, bits: int = BITS, longest: int = LONGEST) -> Lesson:
        """What is to be learnt from it."""
        return lesson_of(self.text, self.label, title=self.title, bits=bits, longest=longest)


def read_labelled(paths: Sequence[Path], columns: Columns) -> list[Labelled | Lesson]:
    """Every row of the files, in order. Raises InputError that names file and line."""
    rows = [row for path in paths for row in _read(path, columns)]
    if not rows:
        raise InputError(f"{', '.join(map(str, paths))}: nothing in it")
    return rows


def _read(path: Path, columns: Columns) -> Iterator[Labelled | Lesson]:
    kind = [suffix for suffix in path.suffixes if suffix != ".gz"][-1:]
    reader = {".csv": _of_table, ".ndjson": _of_lines, ".jsonl": _of_lines}.get("".join(kind))
    if reader is None:
        raise InputError(f"{path}: wants a name that ends in .csv or .ndjson, with or without .gz")
    try:
        with _opened(path) as file:
            yield from reader(file, columns)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8") from error
    except (InputError, Malformed) as error:
        raise InputError(f"{path}: {error}") from error


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
    return path.open(encoding="utf-8-sig", newline="")


def _of_table(file: IO[str], columns: Columns) -> Iterator[Labelled]:
    rows = csv.DictReader(file, strict=True)
    try:
        missing = {columns.text, columns.label} - set(rows.fieldnames or ())
        if missing:
            raise InputError(f"no column {', '.join(sorted(missing))}; it has: {', '.join(rows.fieldnames or ())}")
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"line {rows.line_num}: not as many cells as the header has columns")
            yield _labelled(row, columns, rows.line_num)
    except csv.Error as error:
        raise InputError(f"line {rows.line_num}: {error}") from error


def _of_lines(file: IO[str], columns: Columns) -> Iterator[Labelled | Lesson]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            document = orjson.loads(line)
            yield read_lesson(document) if is_lesson(document) else _labelled(document, columns, number)
        except (orjson.JSONDecodeError, Malformed) as error:
            raise InputError(f"line {number}: {error}") from error


def _labelled(row: Mapping[str, Any], columns: Columns, number: int) -> Labelled:
    if not isinstance(row, Mapping):
        raise InputError(f"line {number}: wants an object")
    text, label, title = (row.get(key) for key in (columns.text, columns.label, columns.title))
    if not isinstance(text, str) or not isinstance(label or "", str) or not isinstance(title or "", str):
        raise InputError(f"line {number}: {columns.text}, {columns.label} and {columns.title} must be texts")
    return Labelled(text, (label or "").strip(), title or "")
