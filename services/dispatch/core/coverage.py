"""What an organisation leaves open on a day (空白点): grids without people, duties on no list, nobody on duty."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.dispatch.core.duties import DutyKind
from services.dispatch.core.org import Org
from services.dispatch.core.roster import OF_EVERY_GRID, WorkerRole
from services.dispatch.core.sheets import Fault, Severity
from services.dispatch.core.units import PLACE_KINDS, UNITS_FILE, OrgKind

UNCLASSIFIED_ROOT: Final = "99"
"""What no rule could classify goes to a person; nobody's list names it."""

_SHOWN: Final = 5
_ROLE_GAPS: Final = {
    WorkerRole.WORKER: ("no_worker", "no active worker"), WorkerRole.LEADER: ("no_leader", "no leader"),
    WorkerRole.PAIRED_CADRE: ("no_cadre", "no paired cadre"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TownshipCoverage:
    """One township on one day, counted. `categories` counts leaves by what the duty list says of them."""

    code: str
    zh: str
    en: str
    grids: int
    staffed: dict[WorkerRole, int]
    categories: dict[DutyKind, int]
    unlisted: tuple[str, ...]
    unserved: tuple[date, ...]
    """Rest days without anybody on duty."""


def coverage(org: Org, leaves: Collection[str], rest_days: Sequence[date], on: date) -> tuple[TownshipCoverage, ...]:
    """Every township in order of code; `leaves` are the pack's categories of 6 digits, `rest_days` those to serve."""
    codes = sorted(code for code in leaves if not code.startswith(UNCLASSIFIED_ROOT))
    townships = sorted(unit.id for unit in org.units.values() if unit.kind in (OrgKind.TOWNSHIP, OrgKind.SUBDISTRICT))
    return tuple(_township(org, township, codes, rest_days, on) for township in townships)


def _township(
    org: Org, unit_id: str, categories: Sequence[str], rest_days: Sequence[date], on: date
) -> TownshipCoverage:
    unit, code = org.units[unit_id], unit_id.partition(":")[2]
    entries = [(category, org.duty(category, code, on)) for category in categories]
    roles = [{worker.role for worker in org.workers_of(grid, on)} for grid in _grids(org, code)]
    return TownshipCoverage(
        code=code, zh=unit.zh, en=unit.en,
        grids=len(roles), staffed={role: sum(role in present for present in roles) for role in OF_EVERY_GRID},
        categories={kind: sum(entry is not None and entry.kind is kind for _, entry in entries) for kind in DutyKind},
        unlisted=tuple(category for category, entry in entries if entry is None),
        unserved=tuple(day for day in rest_days if not org.on_duty(code, day)),
    )  # fmt: skip


def _grids(org: Org, place: str) -> list[str]:
    return sorted(one.removeprefix("grid:") for one in org.units if one.startswith(f"grid:{place}"))


def gaps(org: Org, leaves: Collection[str], rest_days: Sequence[date], on: date) -> list[Fault]:
    """Everything left open on that day, as faults of severity GAP, by file."""
    found = [*_people(org, on), *_units(org, on), *_leads(org, leaves, on)]
    for township in coverage(org, leaves, rest_days, on):
        if township.unlisted:
            message = f"township {township.code}: {_some(township.unlisted)} without a duty entry"
            found.append(_gap("duty_lists.csv", "no_duty_entry", message))
        if township.unserved:
            message = f"township {township.code}: nobody on duty on {_some(tuple(map(str, township.unserved)))}"
            found.append(_gap("rosters.csv", "no_roster", message))
    return sorted(found)


def _people(org: Org, on: date) -> Iterator[Fault]:
    for grid in _grids(org, ""):
        present = {worker.role for worker in org.workers_of(grid, on)}
        for role in OF_EVERY_GRID:
            if role not in present:
                code, what = _ROLE_GAPS[role]
                yield _gap("workers.csv", code, f"grid {grid} has {what} on {on}")


def _units(org: Org, on: date) -> Iterator[Fault]:
    for unit in org.units.values():
        if unit.kind is OrgKind.GRID:
            continue
        file = "places.csv" if unit.kind in PLACE_KINDS else UNITS_FILE
        if not unit.has_liaison:
            yield _gap(file, "no_liaison", f"{unit.id} has no liaison: {org.answering(unit.id, on)} answers for it")
        elif not unit.validity.holds(on):
            yield _gap(file, "not_valid", f"{unit.id} does not exist on {on}")


def _leads(org: Org, leaves: Collection[str], on: date) -> Iterator[Fault]:
    nobody = [
        code for code in sorted(leaves)
        if not code.startswith(UNCLASSIFIED_ROOT) and org.lead_for(code, None, on) is None
    ]  # fmt: skip
    if nobody:
        yield _gap("catalogue.csv", "no_lead", f"{_some(tuple(nobody))} led by no unit")


def _gap(file: str, code: str, message: str) -> Fault:
    return Fault(file, 0, Severity.GAP, code, message)


def _some(values: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(values) - _SHOWN
    return ", ".join(values[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
