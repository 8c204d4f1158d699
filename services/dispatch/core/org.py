"""The organisation of a county: who leads which category where, who stands above whom, who is there on which day."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from services.dispatch.core.calendar import DutyRoster
from services.dispatch.core.duties import LOOKUPS, Deployment, Duties, DutyEntry, LeadBasis, LeadEntry
from services.dispatch.core.roster import Rosters, Worker, Workers
from services.dispatch.core.sheets import ALWAYS, EVERYWHERE, Fault, Severity, Validity
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.core.units import (
    UNITS_FILE,
    OrgKind,
    Unit,
    Units,
    check_tree,
    read_grids,
    read_units,
    settle_levels,
)

__all__ = ["Org", "OrgKind", "OrgRefused", "Pairing", "Unit", "load_org"]


RULEBOOKS = 8
"""Under how many rules an organisation remembers answers: a service has one, a comparison of packs two."""


class OrgRefused(ValueError):
    """Organisation data that cannot be used; `problems` lists all that is wrong, each led by file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Pairing(NamedTuple):
    """A unit that has joined hands with a township, village or grid (结对共建), by the code of the place."""

    unit: str
    place: str
    validity: Validity = ALWAYS


@dataclass(frozen=True)
class Org:
    """The organisation of one county. Lookups are pure and take the day they are asked for."""

    county: str
    command_centre: str
    units: Mapping[str, Unit]
    leads: Mapping[str, str]
    """Category code of 2, 4 or 6 digits -> unit, on every day and everywhere; the catalogue refines it."""

    duties: Duties = field(default_factory=Duties)
    rosters: Rosters = field(default_factory=Rosters)
    workers: Workers = field(default_factory=Workers)
    pairings: Mapping[str, tuple[Pairing, ...]] = field(default_factory=dict)
    """By the code of the place."""
    standstills: tuple[Standstill, ...] = ()
    """Orders by which clocks stand still."""
    _present: Callable[[str, date], bool] = field(init=False, repr=False, compare=False)
    _led: Callable[[str, str, date], LeadEntry | None] = field(init=False, repr=False, compare=False)
    _asked: Callable[[str, str, date], tuple[str, ...]] = field(init=False, repr=False, compare=False)

    _answers: dict[int, tuple[object, dict[Any, Any]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__  # the one way to fill derived fields of a frozen class
        put(self, "_answers", {})
        put(self, "_present", lru_cache(maxsize=LOOKUPS)(self._look_for))
        put(self, "_led", lru_cache(maxsize=LOOKUPS)(self._lead_of))
        put(self, "_asked", lru_cache(maxsize=LOOKUPS)(self._supports_of))

    def answers_under(self, rules: object) -> dict[Any, Any]:
        """Where the guards keep what they said of this organisation under these rules; not more than they can say anew.

        Both are values that never change, so an answer of theirs stands as long as they do.
        """
        kept = self._answers.get(id(rules))
        if kept is None or len(kept[1]) >= LOOKUPS:
            if len(self._answers) >= RULEBOOKS:
                self._answers.clear()
            kept = self._answers[id(rules)] = (rules, {})  # held, or another one could get its id
        return kept[1]

    # Units

    def unit(self, unit_id: str) -> Unit | None:
        """The unit of that id, or None."""
        return self.units.get(unit_id)

    def kind(self, unit_id: str) -> OrgKind | None:
        """What the unit is, or None when there is none."""
        unit = self.units.get(unit_id)
        return None if unit is None else unit.kind

    def parent(self, unit_id: str) -> str | None:
        """The unit above; None for the command centre and for what is no unit."""
        unit = self.units.get(unit_id)
        return None if unit is None else unit.parent

    def ancestors(self, unit_id: str) -> tuple[str, ...]:
        """All units above, the nearest first; the command centre is the last."""
        return tuple(self._above(unit_id))

    def is_present(self, unit_id: str, on: date) -> bool:
        """Whether there is such a unit on that day, with somebody to sign for it: a liaison, in a grid the worker."""
        return self._present(unit_id, on)

    def _look_for(self, unit_id: str, on: date) -> bool:
        unit = self.units.get(unit_id)
        if unit is None or not unit.validity.holds(on):
            return False
        if unit.kind is OrgKind.GRID and self.workers.by_grid:
            return self.worker_of(unit_id.removeprefix("grid:"), on) is not None
        return unit.has_liaison

    def answering(self, unit_id: str, on: date) -> str:
        """The unit itself when it is present, else the nearest above that is, else the command centre."""
        return next((one for one in (unit_id, *self._above(unit_id)) if self.is_present(one, on)), self.command_centre)

    def place_unit(self, grid: str | None, village: str | None, township: str | None) -> str | None:
        """The unit of the closest known place, or None."""
        for kind, code in (("grid", grid), ("village", village), ("township", township)):
            if code and (unit := f"{kind}:{code}") in self.units:
                return unit
        return None

    # Duties

    def lead_for(self, category: str, township: str | None, on: date) -> LeadEntry | None:
        """Who leads the category there on that day, and on what basis, or None.

        The closest code wins; between equals the catalogue goes before the standing entries, in it a statutory duty
        before a principal one, then the township's own line before the county's.
        """
        return self._led(category, (township or "")[:9], on)

    def _lead_of(self, category: str, township: str, on: date) -> LeadEntry | None:
        standing = self._standing(category)
        found = next(self.duties.lead_entries(category, township, on), None)
        return found if found and (standing is None or len(found.category) >= len(standing.category)) else standing

    def duty(self, category: str, township: str, on: date) -> DutyEntry | None:
        """The duty-list entry of a township, or of a village or grid in it, by its code; None: not listed."""
        return self.duties.entry(category, township, on)

    def deployment(self, category: str, township: str, on: date) -> Deployment | None:
        """The unified deployment that lets the category go to the township on that day, or None."""
        return self.duties.deployment(category, township, on)

    def support_candidates(self, category: str, township: str, on: date) -> tuple[str, ...]:
        """Whom to ask for support, the likeliest first: paired units, then by duty, then the township's own.

        `township` may be the code of a village or grid in it. The unit that leads is left out, and so is who is not
        present on that day.
        """
        return self._asked(category, township, on)

    def _supports_of(self, category: str, township: str, on: date) -> tuple[str, ...]:
        lead = self.lead_for(category, township, on)
        asked = dict.fromkeys(self._candidates(category, township, on))
        return tuple(one for one in asked if self.is_present(one, on) and (lead is None or one != lead.unit))

    # People and days

    def on_duty(self, township: str, on: date) -> tuple[str, ...]:
        """The units on duty in the township on a rest day: the township itself, then those below it."""
        top = f"township:{township[:9]}"
        serving = (unit for unit in self.rosters.by_unit if unit == top or top in self._above(unit))
        return tuple(sorted((u for u in serving if self.rosters.serves(u, on)), key=lambda unit: (unit != top, unit)))

    def duty_roster(self, township: str, first: date, last: date) -> DutyRoster:
        """The township's roster as the working calendar wants it, exact from `first` to `last`."""
        return self.rosters.duty_roster(f"township:{township[:9]}", first, last)

    def worker_of(self, grid: str, on: date) -> Worker | None:
        """The one grid worker who is accountable on that day, or None."""
        return self.workers.accountable(grid, on)

    def workers_of(self, grid: str, on: date) -> tuple[Worker, ...]:
        """Worker, leader and paired cadre of the grid on that day: all are told, the first is accountable."""
        return self.workers.of_grid(grid, on)

    def _above(self, unit_id: str) -> Iterator[str]:
        above = self.parent(unit_id)
        while above is not None:
            yield above
            above = self.parent(above)

    def _standing(self, category: str) -> LeadEntry | None:
        for code in (category[:n] for n in (6, 4, 2) if category[:n] in self.leads):
            return LeadEntry(EVERYWHERE, code, self.leads[code], LeadBasis.STATUTORY)
        return None

    def _candidates(self, category: str, place: str, on: date) -> Iterator[str]:
        for code in dict.fromkeys((place, place[:12], place[:9])):
            yield from (pairing.unit for pairing in self.pairings.get(code, ()) if pairing.validity.holds(on))
        entry = self.duty(category, place[:9], on)
        top = f"township:{place[:9]}"
        if entry is not None and entry.needs_enforcement:
            yield from (unit.id for unit in self.units.values() if unit.can_enforce and unit.parent == top)
        if entry is not None and entry.department is not None:
            yield entry.department
        yield from (lead.unit for lead in self.duties.lead_entries(category, place[:9], on))
        standing = self._standing(category)
        if standing is not None:
            yield standing.unit
        yield top


def load_org(units: Mapping[str, Any], grids: Mapping[str, Any]) -> Org:
    """Read `units.toml` and the grid collection, both parsed. Raises OrgRefused with every problem found."""
    faults: list[Fault] = []
    read = Units(faults)
    read_units(units, UNITS_FILE, (), read)
    read_grids(grids, (), read)
    check_tree(read)
    refuse_errors(faults)
    return org_of(read)


def org_of(read: Units) -> Org:
    """The organisation that sound units make."""
    county = next(unit.partition(":")[2][:6] for unit in read.by_id if unit.startswith("grid:"))
    return Org(county, read.command_centre, settle_levels(read.by_id), read.leads)


def refuse_errors(faults: Sequence[Fault]) -> None:
    """Raise OrgRefused with every error among the faults, if there is one."""
    errors = [str(fault) for fault in faults if fault.severity is Severity.ERROR]
    if errors:
        raise OrgRefused(errors)
