"""Reads the organisation from the files of an area folder, all or nothing: every fault is found before any is told."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final

from services.dispatch.core.duties import Duties
from services.dispatch.core.org import Org, Pairing, org_of, refuse_errors
from services.dispatch.core.org_rows import OrgRows
from services.dispatch.core.roster import Rosters, Workers
from services.dispatch.core.sheets import Fault, Row, Severity, decode, read_sheet
from services.dispatch.core.units import (
    GRIDS_FILE,
    PLACE_COLUMNS,
    PLACES_FILE,
    UNITS_FILE,
    Units,
    check_tree,
    read_grids,
    read_places,
    read_units,
)

UNCLASSIFIED: Final = "999999"
UNITS_SHEET: Final = "units.csv"
SHEETS: Final[Mapping[str, Sequence[str]]] = {
    PLACES_FILE: PLACE_COLUMNS,
    "catalogue.csv": ("category", "township", "unit", "basis", "valid_from", "valid_to"),
    "duty_lists.csv": (
        "township", "category", "kind", "department", "capability", "enforcement", "version", "valid_from", "valid_to",
    ),
    "deployments.csv": (
        "id", "issuing_body", "document_no", "categories", "townships", "valid_from", "valid_to", "funding_yuan",
        "staff",
    ),
    "rosters.csv": ("unit", "days", "valid_from", "valid_to"),
    "workers.csv": ("worker", "role", "grid", "valid_from", "valid_to"),
    "pairings.csv": ("unit", "place", "valid_from", "valid_to"),
}  # fmt: skip
"""Each sheet and its columns. A sheet that is missing is a gap."""
STANDSTILLS: Final = "standstills.csv"
STANDSTILL_COLUMNS: Final = ("id", "document_no", "townships", "valid_from", "valid_to")
"""Orders by which clocks stand still: a sheet that most counties never need, so that it is missed by nobody."""

ORG_FILES: Final = (UNITS_FILE, UNITS_SHEET, GRIDS_FILE, *SHEETS, STANDSTILLS)
"""All files that are read here."""

_UNIT_COLUMNS: Final = (
    "id", "zh", "en", "kind", "parent", "liaison", "enforcement", "leads", "valid_from", "valid_to",
)  # fmt: skip
_UNIT_HEADER: Final = re.compile(r"^[ \t]*\[\[[ \t]*unit[ \t]*\]\]", re.MULTILINE)
_TOML_LINE: Final = re.compile(r"at line (\d+)")


@dataclass(frozen=True)
class OrgRead:
    """What reading found: the organisation unless there is an ERROR among the faults, which are in order of place."""

    org: Org | None
    faults: tuple[Fault, ...]


def leaf_codes(categories: Mapping[str, Any]) -> frozenset[str]:
    """The leaf codes of a parsed `categories.toml`, with the rest leaf of each root and the unclassified one."""
    roots = categories.get("root", ())
    leaves = (leaf["code"] for root in roots for group in root.get("group", ()) for leaf in group.get("leaves", ()))
    return frozenset((*leaves, *(f"{root['code']}9999" for root in roots), UNCLASSIFIED))


def load_org_files(files: Mapping[str, bytes], categories: Set[str]) -> Org:
    """The organisation in these files, by name. Raises OrgRefused with every error found."""
    read = read_org(files, categories)
    refuse_errors(read.faults)
    assert read.org is not None, "without an error there is an organisation"
    return read.org


def read_org(files: Mapping[str, bytes], categories: Set[str], feature_lines: Sequence[int] = ()) -> OrgRead:
    """Read the files of an area by name; `categories` are all leaf codes of the pack, of 6 digits.

    `feature_lines` says in which line of the grid collection each feature begins, as far as that is known.
    """
    faults: list[Fault] = []
    units = Units(faults)
    _read_units(files, units)
    has_units = bool(units.by_id)
    read_grids(_json(files, faults), feature_lines, units)
    # Without units or places every line of the sheets would seem wrong.
    if not has_units or not any(unit.startswith("grid:") for unit in units.by_id):
        return OrgRead(None, tuple(sorted(faults)))
    sheets = {name: _sheet(name, files, faults) for name in SHEETS}
    if sheets[PLACES_FILE]:
        read_places(sheets[PLACES_FILE], units)
    check_tree(units)
    codes = _broader(categories)
    for category, unit in units.leads.items():
        if category not in codes:
            units.refuse(*units.lines[unit], "unknown_category", f"{unit}.leads: {category} is not in the pack")
    rows = OrgRows(units, codes)
    duties = Duties.of(
        rows.duties(sheets["duty_lists.csv"]), rows.leads(sheets["catalogue.csv"]),
        rows.deployments(sheets["deployments.csv"]),
    )  # fmt: skip
    rosters, workers = Rosters.of(rows.rosters(sheets["rosters.csv"])), Workers.of(rows.workers(sheets["workers.csv"]))
    pairings = rows.pairings(sheets["pairings.csv"])
    standstills = tuple(rows.standstills(_standstills(files, faults)))
    found = tuple(sorted(faults))
    if any(fault.severity is Severity.ERROR for fault in found):
        return OrgRead(None, found)
    by_place: dict[str, tuple[Pairing, ...]] = {}
    for pairing in pairings:
        by_place[pairing.place] = (*by_place.get(pairing.place, ()), pairing)
    org = replace(
        org_of(units), duties=duties, rosters=rosters, workers=workers, pairings=by_place, standstills=standstills
    )
    return OrgRead(org, found)


def _broader(categories: Set[str]) -> frozenset[str]:
    """The codes and every beginning of theirs that is a code too."""
    return frozenset(code[:digits] for code in categories for digits in (2, 4, 6))


def _read_units(files: Mapping[str, bytes], units: Units) -> None:
    """Units from `units.toml`, or the same as a sheet; exactly one of the two."""
    given = [name for name in (UNITS_FILE, UNITS_SHEET) if name in files]
    if len(given) != 1:
        units.refuse(UNITS_FILE, 0, "which_units", f"there must be either {UNITS_FILE} or {UNITS_SHEET}")
        return
    (name,) = given
    text = decode(name, files[name], units.faults)
    if text is None:
        return
    if name == UNITS_SHEET:
        rows = read_sheet(name, text, _UNIT_COLUMNS, units.faults)
        read_units(_as_table(rows), name, [row.line for row in rows], units)
        return
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = _TOML_LINE.search(str(error))
        units.refuse(name, int(line[1]) if line else 0, "not_toml", f"not TOML: {error}")
        return
    lines = [text.count("\n", 0, header.start()) + 1 for header in _UNIT_HEADER.finditer(text)]
    read_units(parsed, name, lines, units)


def _as_table(rows: Sequence[Row]) -> dict[str, Any]:
    """A sheet of units as `units.toml` would say it; empty cells are left out, the command centre is its kind."""
    table: dict[str, Any] = {"unit": []}
    for row in rows:
        unit: dict[str, Any] = {key: row.cells[key] for key in ("id", "zh", "en", "kind", "parent") if row.cells[key]}
        unit |= {key: row.flag(key) for key in ("liaison", "enforcement") if row.cells[key]}
        unit |= {key: day for key in ("valid_from", "valid_to") if (day := row.day(key))}
        if row.cells["leads"]:
            unit["leads"] = list(row.listed("leads"))
        if row.cells["kind"] == "COMMAND_CENTRE":
            table["command_centre"] = row.cells["id"]
        table["unit"].append(unit)
    return table


def _json(files: Mapping[str, bytes], faults: list[Fault]) -> object:
    text = decode(GRIDS_FILE, files[GRIDS_FILE], faults) if GRIDS_FILE in files else None
    try:
        return json.loads(text) if text is not None else None
    except json.JSONDecodeError as error:
        faults.append(Fault(GRIDS_FILE, error.lineno, Severity.ERROR, "not_json", f"not JSON: {error.msg}"))
    except RecursionError:
        faults.append(Fault(GRIDS_FILE, 0, Severity.ERROR, "not_json", "not JSON: nested too deeply"))
    return None


def _standstills(files: Mapping[str, bytes], faults: list[Fault]) -> list[Row]:
    text = decode(STANDSTILLS, files[STANDSTILLS], faults) if STANDSTILLS in files else None
    return [] if text is None else read_sheet(STANDSTILLS, text, STANDSTILL_COLUMNS, faults)


def _sheet(name: str, files: Mapping[str, bytes], faults: list[Fault]) -> list[Row]:
    if name not in files:
        faults.append(Fault(name, 0, Severity.GAP, "missing_file", "is not there"))
        return []
    text = decode(name, files[name], faults)
    return [] if text is None else read_sheet(name, text, SHEETS[name], faults)
