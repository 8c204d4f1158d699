"""Turns the rows of an area's sheets into duties, deployments, rosters, workers, and refuses rows that contradict."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from services.dispatch.core.duties import Deployment, DutyEntry, DutyKind, IssuingBody, LeadBasis, LeadEntry
from services.dispatch.core.org import Pairing
from services.dispatch.core.roster import WORKER_ID, RosterEntry, Rule, Worker, WorkerRole, read_rule
from services.dispatch.core.sheets import EVERYWHERE, Placed, Row, Validity, collisions
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.core.units import PLACE_KINDS, Units

T = TypeVar("T", DutyEntry, LeadEntry, Deployment, RosterEntry, Worker, Pairing, Standstill)

_PLACE_NAMES: Final = {9: "township", 12: "village", 15: "grid"}
_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_LONGEST_WORKER_ID: Final = 40


class OrgRows:
    """Reads whole sheets against the county's units and the pack's categories; faults stay with the rows."""

    def __init__(self, units: Units, categories: frozenset[str]) -> None:
        """`categories` holds every code that may be named, of 2, 4 and 6 digits."""
        self._units = units.by_id
        self._categories = categories

    def duties(self, rows: Sequence[Row]) -> list[DutyEntry]:
        """Duty-list lines; one township and code is of one kind on any day, and is said once."""
        found = _sound(rows, self._duty)
        for first, again in collisions(found, lambda one: (one.township, one.category), _validity):
            if first.value.kind is again.value.kind:
                again.row.refuse("duplicate_duty", f"{_what(again.value)} stands in line {first.row.line} already")
            else:
                message = f"{_what(again.value)} is {first.value.kind} in line {first.row.line}"
                again.row.refuse("contradictory_duty", f"{message}, {again.value.kind} here")
        return [one.value for one in found]

    def leads(self, rows: Sequence[Row]) -> list[LeadEntry]:
        """Catalogue lines; one township, code and basis has one unit on any day."""
        found = _sound(rows, self._lead)
        for first, again in collisions(found, lambda one: (one.township, one.category, one.basis), _validity):
            again.row.refuse("two_leads", f"{_what(again.value)} is led by {first.value.unit} in line {first.row.line}")
        return [one.value for one in found]

    def deployments(self, rows: Sequence[Row]) -> list[Deployment]:
        """Unified deployments; each id once."""
        found = _sound(rows, self._deployment)
        for first, again in collisions(found, lambda one: one.id, lambda _: Validity()):
            again.row.refuse("duplicate_deployment", f"{again.value.id} stands in line {first.row.line} already")
        return [one.value for one in found]

    def rosters(self, rows: Sequence[Row]) -> list[RosterEntry]:
        """Roster lines; nothing is said twice."""
        found = _sound(rows, self._roster)
        for first, again in collisions(found, lambda one: (one.unit, one.rule), _validity):
            again.row.refuse("duplicate_roster", f"{again.value.unit}: the same days stand in line {first.row.line}")
        return [one.value for one in found]

    def workers(self, rows: Sequence[Row]) -> list[Worker]:
        """People of grids; on any day a grid has one worker, who is accountable."""
        found = _sound(rows, self._worker)
        for first, again in collisions(found, lambda one: (one.grid, one.role, one.id), _validity):
            again.row.refuse("duplicate_worker", f"{again.value.id} stands in line {first.row.line} already")
        accountable = [one for one in found if one.value.role is WorkerRole.WORKER]
        for first, again in collisions(accountable, lambda one: one.grid, _validity):
            if first.value.id != again.value.id:
                message = f"grid {again.value.grid} has {first.value.id} in line {first.row.line}"
                again.row.refuse("two_workers", f"{message}: one worker is accountable")
        return [one.value for one in found]

    def pairings(self, rows: Sequence[Row]) -> list[Pairing]:
        """Pairings of units with places; nothing is said twice."""
        found = _sound(rows, self._pairing)
        for first, again in collisions(found, lambda one: (one.unit, one.place), _validity):
            again.row.refuse("duplicate_pairing", f"{again.value.unit} stands in line {first.row.line} already")
        return [one.value for one in found]

    def standstills(self, rows: Sequence[Row]) -> list[Standstill]:
        """Orders by which clocks stand still; an id stands once."""
        found = _sound(rows, self._standstill)
        seen: dict[str, Row] = {}
        for placed in found:
            if placed.value.id in seen:
                placed.row.refuse(
                    "duplicate_order", f"{placed.value.id} stands in line {seen[placed.value.id].line} already"
                )
            seen.setdefault(placed.value.id, placed.row)
        return [one.value for one in found]

    # Rows

    def _standstill(self, row: Row) -> Standstill:
        validity = row.validity()
        if validity.last is None:
            row.refuse("endless_order", "valid_to must be given: an order ends")
        return Standstill(
            row.matching("id", _TOKEN, "bad_id", "an id of letters, digits, hyphens and points"),
            row.text("document_no"), tuple(self._township(row, code) for code in row.listed("townships")), validity,
        )  # fmt: skip

    def _duty(self, row: Row) -> DutyEntry:
        kind, department = row.one_of("kind", DutyKind), row.cells["department"] or None
        is_capable = row.flag("capability")
        if department is not None:
            self._department(row, "department", department)
        elif kind is not DutyKind.BASIC:
            row.refuse("missing_department", f"{kind} needs the department that leads")
        if kind is DutyKind.BASIC and not is_capable:
            row.refuse("basic_without_capability", "what a township cannot take on must not be BASIC")
        return DutyEntry(
            self._township(row, row.cells["township"]), self._category(row, row.cells["category"]), kind, department,
            is_capable, row.flag("enforcement"), row.text("version"), row.validity(),
        )  # fmt: skip

    def _lead(self, row: Row) -> LeadEntry:
        township, category = self._township(row, row.cells["township"]), self._category(row, row.cells["category"])
        unit = self._department(row, "unit", row.cells["unit"])
        return LeadEntry(township, category, unit, row.one_of("basis", LeadBasis), row.validity())

    def _deployment(self, row: Row) -> Deployment:
        validity, townships = row.validity(), row.listed("townships")
        if not row.cells["valid_to"]:
            row.refuse("endless_deployment", "valid_to must be given: a deployment ends")
        funding, staff = row.count("funding_yuan"), row.count("staff")
        if not funding and not staff:
            row.refuse("no_support", "a deployment brings money or people: give funding_yuan or staff")
        if len(townships) > 1 and EVERYWHERE in townships:
            row.refuse("unknown_township", f"townships: {EVERYWHERE} stands alone")
        return Deployment(
            row.matching("id", _TOKEN, "bad_id", "an id of letters, digits, hyphens and points"),
            row.one_of("issuing_body", IssuingBody), row.text("document_no"),
            tuple(self._category(row, code) for code in row.listed("categories")),
            tuple(self._township(row, code) for code in townships), funding, staff, validity,
        )  # fmt: skip

    def _roster(self, row: Row) -> RosterEntry:
        name, rule = row.text("unit"), read_rule(row.cells["days"])
        unit = f"township:{name}" if name.isdigit() else name
        if name and unit not in self._units:
            row.refuse("unknown_unit", f"unit: {name} is neither a unit nor a township")
        if rule is None:
            row.refuse("bad_days", f"days: {row.cells['days']!r} is none of REST_DAYS, MON…SUN, a day, a day..a day")
        return RosterEntry(unit, rule or Rule(), row.validity())

    def _worker(self, row: Row) -> Worker:
        meaning = "a staff number: capitals and digits in parts joined by hyphens"
        worker = row.matching("worker", WORKER_ID, "bad_worker", meaning)
        if len(worker) > _LONGEST_WORKER_ID or not any(map(str.isdigit, worker)):
            row.refuse(
                "bad_worker", f"worker: {worker!r} must hold a digit and at most {_LONGEST_WORKER_ID} characters"
            )
        grid = row.cells["grid"]
        if f"grid:{grid}" not in self._units:
            row.refuse("unknown_grid", f"grid: {grid or 'nothing'} is none of the grids")
        return Worker(worker, row.one_of("role", WorkerRole), grid, row.validity())

    def _pairing(self, row: Row) -> Pairing:
        unit, place = self._department(row, "unit", row.cells["unit"]), row.cells["place"]
        if f"{_PLACE_NAMES.get(len(place), '')}:{place}" not in self._units:
            row.refuse("unknown_place", f"place: {place or 'nothing'} is no township, village or grid")
        return Pairing(unit, place, row.validity())

    # Cells

    def _township(self, row: Row, code: str) -> str:
        if code != EVERYWHERE and f"township:{code}" not in self._units:
            row.refuse("unknown_township", f"{code or 'nothing'} is no township; {EVERYWHERE} means all")
        return code

    def _category(self, row: Row, code: str) -> str:
        if code not in self._categories:
            row.refuse("unknown_category", f"{code or 'nothing'} is no category of the pack, of 2, 4 or 6 digits")
        return code

    def _department(self, row: Row, column: str, name: str) -> str:
        unit = self._units.get(name)
        if unit is None or unit.kind in PLACE_KINDS:
            row.refuse(
                "unknown_unit", f"{column}: {name or 'nothing'} is not one of the units (a place cannot stand here)"
            )
        return name


def _sound(rows: Iterable[Row], read: Callable[[Row], T]) -> list[Placed[T]]:
    """The values of the rows in which nothing is wrong."""
    return [placed for placed in [Placed(row, read(row)) for row in rows] if placed.row.is_sound]


def _validity(value: DutyEntry | LeadEntry | RosterEntry | Worker | Pairing) -> Validity:
    return value.validity


def _what(value: DutyEntry | LeadEntry) -> str:
    return f"{value.township} {value.category}"
