"""Recorded matters from files: NDJSON in the form of reports, or rows whose columns a mapping names."""

import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from griddispatch.demo.layouts import NUMBERS, TARGETS, InputError, read_mapped, read_mapping
from griddispatch.desk import Recorded
from griddispatch.text_lines import open_text, whole_lines
from services.intake.core.location import Clues, clues_of
from services.intake.core.report import NewTicket, read_report
from services.intake.core.triage import matter_of
from shared.errors import Rejected
from shared.terms import Urgency

FIELDS: Final = (*TARGETS, "urgency", "external_id")
"""What a column may be mapped to."""
NEEDED: Final = ("text", "reported_at")
MOST: Final = 1_000_000
"""Matters in one file."""
SHOWN: Final = 20
"""Faulty lines that are named; the rest is counted."""
_YES: Final = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}


@dataclass(frozen=True, slots=True)
class Given:
    """A matter as it was recorded, and the clues to its place."""

    recorded: Recorded
    clues: Clues


def read_columns(texts: Sequence[str]) -> dict[str, str]:
    """Read which column holds which field of a matter, as `read_mapping` does. Raises InputError."""
    return read_mapping(texts, FIELDS, NEEDED)


def read_recorded(path: Path, columns: Mapping[str, str], zone: ZoneInfo) -> list[Given]:
    """Every matter of a file, in order of acceptance; times without a zone are local.

    `.csv` and `.ndjson`/`.jsonl`, each also with `.gz`. Raises InputError that names every faulty line.
    """
    kind = [suffix for suffix in path.suffixes if suffix != ".gz"][-1:]
    reader = {".csv": _table, ".ndjson": _lines, ".jsonl": _lines}.get("".join(kind))
    if reader is None:
        raise InputError(f"{path}: wants a name that ends in .csv or .ndjson, with or without .gz")
    found: list[Given] = []
    faults: list[str] = []
    try:
        with open_text(path) as file:
            for line, row in reader(whole_lines(file), columns):
                try:
                    found.append(_given(row, columns, zone, line))
                except InputError as error:
                    faults.append(f"line {line}: {error}")
                if len(found) > MOST:
                    raise InputError(f"more than {MOST} matters: give a smaller file")
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if faults:
        more = [f"and {len(faults) - SHOWN} more lines"] if len(faults) > SHOWN else []
        raise InputError("\n".join(f"{path}: {fault}" for fault in (*faults[:SHOWN], *more)))
    if not found:
        raise InputError(f"{path}: no matters in it")
    return sorted(found, key=lambda given: given.recorded.accepted_at)


def _table(lines: Iterator[str], columns: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = csv.DictReader(lines, strict=True)
    try:
        header = rows.fieldnames or ()
        wanted = columns.values() if columns else NEEDED
        if missing := sorted(set(wanted) - set(header)):
            raise InputError(f"line 1: no column {', '.join(missing)}; the file has: {', '.join(header)}")
        for row in rows:
            if None in row or None in row.values():
                raise InputError(f"line {rows.line_num}: not as many cells as the header has columns")
            yield rows.line_num, row
    except csv.Error as error:
        raise InputError(f"line {rows.reader.line_num}: {error}") from error


def _lines(lines: Iterator[str], columns: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InputError(f"line {number}: {error}") from error
        if not isinstance(row, dict):
            raise InputError(f"line {number}: wants an object")
        if missing := [column for column in columns.values() if column not in row]:
            raise InputError(f"line {number}: no {', '.join(missing)}")
        yield number, row


def _given(row: Mapping[str, Any], columns: Mapping[str, str], zone: ZoneInfo, line: int) -> Given:
    """One row as the door would take it, less the urgency, which is no field of a report. Raises InputError."""
    report, urgency = _report(row, columns)
    if not report.get("reported_at"):
        raise InputError("no reported_at: when it came in decides when it is due")
    report["reported_at"] = _zoned(report["reported_at"], zone)
    try:
        ticket = read_report(orjson.dumps({"source": "recorded", "channel": "WEB", **report}))
    except Rejected as error:
        raise InputError("; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)) from error
    if urgency and urgency not in set(Urgency):
        raise InputError(f"urgency: {urgency!r} is none of {', '.join(Urgency)}")
    return Given(_recorded(ticket, Urgency(urgency) if urgency else None, line), clues_of(ticket))


def _report(row: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The row in the form of a report. An object that is one already stays as it is; empty cells are left out."""
    known = columns or {name: name for name in FIELDS if name in row}
    if not columns and ("location" in row or "reporter" in row or "channel" in row):
        return {name: value for name, value in row.items() if name != "urgency"}, str(row.get("urgency") or "")
    try:
        report = read_mapped(row, {target: column for target, column in known.items() if target in TARGETS})
    except ValueError as error:
        raise InputError(f"{' or '.join(NUMBERS)}: {error}") from error
    if isinstance(flag := report.get("confidential"), str):
        if flag.strip().lower() not in _YES:
            raise InputError(f"confidential: {flag!r} is neither yes nor no")
        report["confidential"] = _YES[flag.strip().lower()]
    name, urgency = (str(row.get(known.get(key, ""), "") or "").strip() for key in ("external_id", "urgency"))
    return report | ({"external_id": name} if name else {}), urgency


def _zoned(text: object, zone: ZoneInfo) -> object:
    """A time without a zone as a local one; anything odd is left for the reader of reports to judge."""
    try:
        instant = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return text
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=zone)).isoformat()


def _recorded(ticket: NewTicket, urgency: Urgency | None, line: int) -> Recorded:
    if ticket.reported_at is None:
        raise InputError("no reported_at: when it came in decides when it is due")
    return Recorded(
        matter_of(ticket), ticket.reported_at, ticket.channel, urgency, ticket.confidential, line,
        ticket.external_id or "",
    )  # fmt: skip


def drawn(given: Sequence[Given], tickets: int, days: int, seed: int) -> list[Given]:
    """So many matters drawn from those that were recorded, over so many days from the first one's day on.

    Each keeps its time of day. The same seed draws the same. In order of acceptance.
    """
    random = Random(seed)
    first = given[0].recorded.accepted_at
    chosen = []
    for one in random.choices(given, k=tickets):
        accepted = one.recorded.accepted_at
        since = (accepted - first) % timedelta(days=1) + timedelta(days=random.randrange(days))
        chosen.append(replace(one, recorded=replace(one.recorded, accepted_at=first + since)))
    return sorted(chosen, key=lambda one: one.recorded.accepted_at)


def within_days(given: Sequence[Given], days: int) -> list[Given]:
    """Those of the first so many times 24 hours."""
    end = given[0].recorded.accepted_at + timedelta(days=days)
    return [one for one in given if one.recorded.accepted_at < end]
