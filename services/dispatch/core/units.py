"""Units (承办单位): what kinds there are, whom each stands below, and reading them from an area's tables."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from services.dispatch.core.sheets import ALWAYS, Fault, Placed, Row, Severity, Validity
from shared.terms import PlaceLevel

UNITS_FILE: Final = "units.toml"
GRIDS_FILE: Final = "grids.geojson"
PLACES_FILE: Final = "places.csv"
PLACE_COLUMNS: Final = ("code", "kind", "parent", "zh", "en", "liaison", "valid_from", "valid_to")


class OrgKind(StrEnum):
    """What an organisation is (组织类别)."""

    COMMAND_CENTRE = "COMMAND_CENTRE"
    DEPARTMENT = "DEPARTMENT"
    TOWNSHIP = "TOWNSHIP"
    SUBDISTRICT = "SUBDISTRICT"
    STATION = "STATION"
    ENFORCEMENT_TEAM = "ENFORCEMENT_TEAM"
    DISCIPLINE = "DISCIPLINE"
    VILLAGE = "VILLAGE"
    COMMUNITY = "COMMUNITY"
    GRID = "GRID"
    UTILITY = "UTILITY"
    PROPERTY = "PROPERTY"
    ECONOMIC = "ECONOMIC"
    MASS = "MASS"
    SOCIAL = "SOCIAL"


GOVERNMENT: Final = frozenset(
    (OrgKind.DEPARTMENT, OrgKind.TOWNSHIP, OrgKind.SUBDISTRICT, OrgKind.STATION, OrgKind.ENFORCEMENT_TEAM)
)
"""Kinds that may hold enforcement power, and that may supervise an organisation outside government."""

SUPERVISED: Final = frozenset((OrgKind.PROPERTY, OrgKind.ECONOMIC, OrgKind.SOCIAL))
"""Kinds that are given work only under a government unit."""

_TOWNSHIPS: Final = (OrgKind.TOWNSHIP, OrgKind.SUBDISTRICT)
_VILLAGES: Final = (OrgKind.VILLAGE, OrgKind.COMMUNITY)
PLACE_KINDS: Final = frozenset((*_TOWNSHIPS, *_VILLAGES, OrgKind.GRID))
_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{9}|[0-9]{12}", re.ASCII)
_CATEGORY: Final = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}", re.ASCII)
_GRID_KEYS: Final = ("grid_code", "village_code", "township_code", *(
    f"{name}_{language}" for name in ("name", "village_name", "township_name") for language in ("zh", "en")
))  # fmt: skip
_KEYS: Final = {
    "id": str, "zh": str, "en": str, "kind": str, "parent": str, "liaison": bool, "enforcement": bool, "leads": list,
    "valid_from": date, "valid_to": date,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """Anyone a ticket can be assigned to; names in Chinese and English. Only the command centre has no parent."""

    id: str
    zh: str
    en: str
    kind: OrgKind = OrgKind.DEPARTMENT
    parent: str | None = None
    has_liaison: bool = True
    can_enforce: bool = False
    validity: Validity = ALWAYS
    level: PlaceLevel = PlaceLevel.COUNTY
    """Where it works: TOWNSHIP for a township and all that stands below one."""


@dataclass
class Units:
    """Units while they are being read: by id, with the line of each, and the categories that `leads` gives them."""

    faults: list[Fault]
    by_id: dict[str, Unit] = field(default_factory=dict)
    lines: dict[str, tuple[str, int]] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    command_centre: str = ""

    def refuse(self, file: str, line: int, code: str, message: str) -> None:
        """Note an error."""
        self.faults.append(Fault(file, line, Severity.ERROR, code, message))

    def add(self, unit: Unit, file: str, line: int) -> None:
        """Take a unit in; a second one of the same id is refused."""
        if unit.id in self.by_id:
            self.refuse(file, line, "duplicate_unit", f"{unit.id} stands twice")
        self.by_id[unit.id] = unit
        self.lines[unit.id] = (file, line)


def read_units(parsed: Mapping[str, Any], file: str, lines: Sequence[int], into: Units) -> None:
    """Read `units.toml`, parsed; `lines` says where each `[[unit]]` begins, as far as that is known."""
    for key in sorted(set(parsed) - {"command_centre", "unit"}):
        into.refuse(file, 0, "unknown_key", f"{key}: not known here")
    rows = parsed.get("unit", ())
    centre = parsed.get("command_centre")
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        line = lines[place] if place < len(lines) else 0
        where = f"unit[{place}]"
        faults = list(_row_faults(row))
        for code, message in faults:
            into.refuse(file, line, code, f"{where}{message}")
        if not faults:
            into.add(_unit(row, centre), file, line)
            _take_leads(row, where, file, line, into)
    for unit in into.by_id.values():
        if unit.kind is OrgKind.COMMAND_CENTRE and unit.id != centre:
            into.refuse(*into.lines[unit.id], "two_centres", f"{unit.id}: the command centre is {centre}")
    if centre not in into.by_id:
        into.refuse(file, 0, "no_command_centre", f"command_centre: {centre!r} is not one of the units")
    else:
        into.command_centre = str(centre)


def _row_faults(row: object) -> Iterator[tuple[str, str]]:
    """What is wrong with one `[[unit]]`, as code and message."""
    if not isinstance(row, Mapping):
        yield "bad_unit", ": must be a table"
        return
    for key in sorted(set(row) - set(_KEYS)):
        yield "unknown_key", f".{key}: not known here"
    for key in ("id", "zh", "en"):
        if not row.get(key):
            yield "missing_key", f".{key}: must be given"
    for key, kind in _KEYS.items():
        if key in row and type(row[key]) is not kind:
            yield "bad_type", f".{key}: must be {kind.__name__}, not {type(row[key]).__name__}"
            return
    if row.get("id") and not _ID.fullmatch(row["id"]):
        yield "bad_id", f".id: {row['id']!r} must be lower-case letters and digits in parts joined by hyphens"
    kind = row.get("kind", OrgKind.DEPARTMENT)
    if kind not in set(OrgKind) - PLACE_KINDS:
        yield "bad_kind", f".kind: {kind!r} is not a kind of unit (places come from {GRIDS_FILE})"
    elif row.get("enforcement") and kind not in GOVERNMENT:
        yield "cannot_enforce", f".enforcement: {kind} holds no enforcement power"
    if "valid_from" in row and "valid_to" in row and row["valid_to"] < row["valid_from"]:
        yield "backwards", f".valid_to: {row['valid_to']} lies before valid_from {row['valid_from']}"


def _unit(row: Mapping[str, Any], centre: object) -> Unit:
    kind = OrgKind.COMMAND_CENTRE if row["id"] == centre else OrgKind(row.get("kind", OrgKind.DEPARTMENT))
    parent = row.get("parent", None if row["id"] == centre else centre)
    validity = Validity(row.get("valid_from"), row.get("valid_to"))
    liaison, enforcement = row.get("liaison", True), row.get("enforcement", False)
    return Unit(row["id"], row["zh"], row["en"], kind, parent, liaison, enforcement, validity)


def _take_leads(row: Mapping[str, Any], where: str, file: str, line: int, into: Units) -> None:
    for code in row.get("leads", ()):
        if not isinstance(code, str) or not _CATEGORY.fullmatch(code):
            into.refuse(file, line, "bad_category", f"{where}.leads: {code!r} is no category code")
        elif code in into.leads:
            into.refuse(file, line, "two_leads", f"{where}.leads: {code} is led by {into.leads[code]} already")
        else:
            into.leads[code] = row["id"]


def read_grids(grids: object, lines: Sequence[int], into: Units) -> None:
    """Read the places of the grid collection: a unit for each grid, village and township."""
    features = grids.get("features") if isinstance(grids, Mapping) else None
    found = False
    for place, feature in enumerate(features if isinstance(features, list) else ()):
        line = lines[place] if place < len(lines) else 0
        properties = feature.get("properties") if isinstance(feature, Mapping) else None
        if not isinstance(properties, Mapping) or not all(isinstance(properties.get(key), str) for key in _GRID_KEYS):
            into.refuse(GRIDS_FILE, line, "bad_grid", f"features[{place}]: lacks one of {', '.join(_GRID_KEYS)}")
            continue
        found = True
        for unit in _places(properties, into.command_centre or None):
            into.by_id.setdefault(unit.id, unit)
            into.lines.setdefault(unit.id, (GRIDS_FILE, line))
    if not found:
        into.refuse(GRIDS_FILE, 0, "no_grids", "grids: no grid in the collection")


def _places(p: Mapping[str, str], centre: str | None) -> Iterator[Unit]:
    grid, village, township = p["grid_code"], p["village_code"], p["township_code"]
    subdistrict, community = township[6:] < "100", village[9:] < "200"
    rows = (
        (f"grid:{grid}", "name", OrgKind.GRID, f"village:{village}", PlaceLevel.GRID),
        (f"village:{village}", "village_name", _VILLAGES[community], f"township:{township}", PlaceLevel.VILLAGE),
        (f"township:{township}", "township_name", _TOWNSHIPS[subdistrict], centre, PlaceLevel.TOWNSHIP),
    )
    for unit_id, name, kind, parent, level in rows:
        yield Unit(unit_id, p[f"{name}_zh"], p[f"{name}_en"], kind, parent, level=level)


def read_places(rows: Sequence[Row], into: Units) -> None:
    """Read `places.csv`: kinds, liaisons and days of townships and villages, which must fit the grids."""
    named: dict[str, Placed[Unit]] = {}
    codes = {row.cells["code"] for row in rows}
    for row in rows:
        unit = _place(row, codes)
        if unit.id in named:
            row.refuse("duplicate_place", f"{row.cells['code']} stands in line {named[unit.id].row.line} already")
        named[unit.id] = Placed(row, unit)
    for unit_id, unit in list(into.by_id.items()):
        if unit.kind not in PLACE_KINDS - {OrgKind.GRID}:
            continue
        file, line = into.lines[unit_id]
        if unit_id not in named:
            into.refuse(file, line, "missing_parent", f"{unit_id} is not in {PLACES_FILE}")
        elif (unit.zh, unit.en) != (named[unit_id].value.zh, named[unit_id].value.en):
            into.refuse(PLACES_FILE, named[unit_id].row.line, "name_differs", f"{unit_id} is {unit.zh} in {GRIDS_FILE}")
        else:
            into.by_id[unit_id] = replace(named[unit_id].value, parent=unit.parent, level=unit.level)
    for unit_id, placed in named.items():
        if unit_id not in into.by_id:
            into.faults.append(Fault(PLACES_FILE, placed.row.line, Severity.GAP, "no_grid", f"{unit_id} has no grid"))


def _place(row: Row, codes: set[str]) -> Unit:
    code = row.matching("code", _CODE, "bad_code", "a code of 9 or 12 digits")
    kind, parent = row.one_of("kind", OrgKind), row.text("parent")
    is_village = len(code) == 12
    if kind not in (_VILLAGES if is_village else _TOWNSHIPS):
        row.refuse("bad_kind", f"kind: {kind} does not fit a code of {len(code)} digits")
    if parent != (code[:9] if is_village else code[:6]) or (is_village and parent not in codes):
        row.refuse("missing_parent", f"parent: {parent} is not the place that {code} lies in")
    unit_id = f"{'village' if is_village else 'township'}:{code}"
    return Unit(unit_id, row.text("zh"), row.text("en"), kind, None, row.flag("liaison"), False, row.validity())


def check_tree(units: Units) -> None:
    """Refuse parents that do not exist, circles, and organisations outside government without a supervisor."""
    for unit in units.by_id.values():
        file, line = units.lines[unit.id]
        above = units.by_id.get(unit.parent or "")
        if unit.parent is not None and above is None:
            units.refuse(file, line, "missing_parent", f"{unit.id}: its parent {unit.parent} is not one of the units")
        elif unit.kind in SUPERVISED and (above is None or above.kind not in GOVERNMENT):
            units.refuse(file, line, "no_supervisor", f"{unit.id}: {unit.kind} needs a parent in government")
    for circle in _circles(units.by_id):
        file, line = units.lines[circle[0]]
        units.refuse(file, line, "cycle", f"{' < '.join((*circle, circle[0]))}: each stands below the next")


def _circles(units: Mapping[str, Unit]) -> Iterator[tuple[str, ...]]:
    """Each circle of parents once, its smallest id first."""
    done: set[str] = set()
    for start in sorted(units):
        path: list[str] = []
        at: str | None = start
        while at is not None and at in units and at not in done:
            done.add(at)
            path.append(at)
            at = units[at].parent
        if at in path:
            ring = path[path.index(str(at)) :]
            turn = ring.index(min(ring))
            yield (*ring[turn:], *ring[:turn])


def settle_levels(units: Mapping[str, Unit]) -> dict[str, Unit]:
    """Give every unit below a township or village the level of that place. Takes a tree that has been checked."""
    settled: dict[str, Unit] = {}
    for unit in units.values():
        above, level = unit, unit.level
        while above.parent is not None and level is PlaceLevel.COUNTY:
            above = units[above.parent]
            level = above.level
        settled[unit.id] = replace(unit, level=level)
    return settled
