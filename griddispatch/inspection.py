"""Reads the whole folder of an area and finds what is wrong with it and what it leaves open."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from services.dispatch.core.calendar import Calendar
from services.dispatch.core.coverage import gaps
from services.dispatch.core.org import Org
from services.dispatch.core.org_files import ORG_FILES, read_org
from services.dispatch.core.sheets import Fault, Severity, decode
from services.dispatch.core.units import GRIDS_FILE
from services.intake.core.area import WORLD, Box, InvalidArea, feature_lines, read_area
from services.intake.core.categories import CategoryTree

AREA_FILE: Final = "area.toml"
LONGEST_LOOK: Final = timedelta(days=366)
"""How far ahead rest days without anybody on duty are looked for."""

_GRID_CODES: Final = ("not_json", "bad_grid", "no_grids")
"""What the geometry's own reader says better."""


@dataclass(frozen=True, slots=True)
class Standard:
    """What an area is held against: the categories of a pack, its calendar, and a day."""

    categories: CategoryTree
    calendar: Calendar
    on: date

    @property
    def rest_days(self) -> list[date]:
        """The rest days from the day on, as far as the calendar is known and a year ahead at most."""
        last = min(self.on + LONGEST_LOOK, self.calendar.covered_until)
        days = (self.on + timedelta(days=n) for n in range((last - self.on).days + 1))
        return [day for day in days if not self.calendar.is_working_day(day)]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What came of reading an area: its organisation unless an ERROR stands among the faults."""

    org: Org | None
    faults: tuple[Fault, ...]

    def of(self, severity: Severity) -> list[Fault]:
        """The faults of that severity, in order of place."""
        return [fault for fault in self.faults if fault.severity is severity]


def inspect(folder: Path, standard: Standard) -> Inspection:
    """Read the whole folder. Raises OSError when a file cannot be read."""
    files = {name: (folder / name).read_bytes() for name in (*ORG_FILES, AREA_FILE) if (folder / name).is_file()}
    faults: list[Fault] = []
    county, box = _county(files, faults)
    text = decode(GRIDS_FILE, files.get(GRIDS_FILE, b""), [])
    lines = feature_lines(text or "")
    grid_faults = _grid_faults(text or "", box, lines)
    read = read_org(files, standard.categories.leaves.keys(), lines)
    faults += grid_faults
    faults += (f for f in read.faults if not (grid_faults and f.file == GRIDS_FILE and f.code in _GRID_CODES))
    if county and read.org and read.org.county != county:
        faults.append(_error(AREA_FILE, 0, "other_county", f"code: {county}, but the grids lie in {read.org.county}"))
    strangers = sorted(path.name for path in folder.glob("*.csv") if path.name not in ORG_FILES)
    faults += (Fault(name, 0, Severity.GAP, "unknown_file", "is not read by anybody") for name in strangers)
    org = None if any(fault.severity is Severity.ERROR for fault in faults) else read.org
    if org is not None:
        faults += gaps(org, standard.categories.leaves, standard.rest_days, standard.on)
    return Inspection(org, tuple(sorted(faults)))


def _grid_faults(text: str, box: Box, lines: Sequence[int]) -> list[Fault]:
    """What is wrong with the geometry, each fault at the line where its feature begins."""
    try:
        read_area(text, box)
    except InvalidArea as refusal:
        places = [(getattr(problem, "feature", -1), problem) for problem in refusal.problems]
        return [
            _error(
                GRIDS_FILE, lines[place] if 0 <= place < len(lines) else 0, problem.code,
                f"{problem.field}: {problem.message}" if problem.field else problem.message,
            )
            for place, problem in places
        ]  # fmt: skip
    return []


def _county(files: Mapping[str, bytes], faults: list[Fault]) -> tuple[str, Box]:
    """The county's code and box as `area.toml` gives them; an empty code and the world where it does not."""
    if AREA_FILE not in files:
        faults.append(
            Fault(AREA_FILE, 0, Severity.GAP, "missing_file", "is not there: nothing says where grids may lie")
        )
        return "", WORLD
    try:
        table = tomllib.loads(decode(AREA_FILE, files[AREA_FILE], faults) or "")
    except tomllib.TOMLDecodeError as error:
        faults.append(_error(AREA_FILE, 0, "not_toml", f"not TOML: {error}"))
        return "", WORLD
    for key in sorted(set(table) - {"code", "zh", "en", "box"}):
        faults.append(_error(AREA_FILE, 0, "unknown_key", f"{key}: not known here"))
    code, box = table.get("code"), table.get("box")
    if not isinstance(code, str) or len(code) != 6 or not (code.isascii() and code.isdigit()):
        faults.append(_error(AREA_FILE, 0, "bad_code", f"code: {code!r} is not 6 digits in quotes"))
        code = ""
    if not isinstance(box, list) or not _is_box(box):
        faults.append(_error(AREA_FILE, 0, "bad_box", "box: must be west, south, east, north in degrees"))
        return code, WORLD
    return code, Box(*box)


def _is_box(box: Sequence[Any]) -> bool:
    if len(box) != 4 or not all(type(value) in (int, float) for value in box):
        return False
    west, south, east, north = box
    return west < east and south < north and WORLD.holds(Box(west, south, east, north))


def _error(file: str, line: int, code: str, message: str) -> Fault:
    return Fault(file, line, Severity.ERROR, code, message)
