"""Who is there on which day: duty rosters (值班表) of townships and units, and the people of each grid."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from services.dispatch.core.calendar import DutyRoster
from services.dispatch.core.sheets import ALWAYS, Validity, read_day

ONE_DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
REST_DAYS: Final = "REST_DAYS"
WORKER_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*", re.ASCII)


class WorkerRole(StrEnum):
    """The people of a grid: 网格员, who is accountable, 网格长, 包格干部 and 微网格长, who are told."""

    WORKER = "WORKER"
    LEADER = "LEADER"
    PAIRED_CADRE = "PAIRED_CADRE"
    MICRO_GRID_LEADER = "MICRO_GRID_LEADER"


OF_EVERY_GRID: Final = (WorkerRole.WORKER, WorkerRole.LEADER, WorkerRole.PAIRED_CADRE)
"""Whom every grid must have; buildings and courtyards have leaders where a county has come so far."""


class Worker(NamedTuple):
    """One person's part in one grid; `id` is a staff number, never a name."""

    id: str
    role: WorkerRole
    grid: str
    validity: Validity = ALWAYS


class Rule(NamedTuple):
    """Days on duty: a stretch of days, a day of the week (0 is Monday), or with neither every rest day."""

    first: date | None = None
    last: date | None = None
    weekday: int | None = None

    def names(self, day: date) -> bool:
        """Whether the rule means this day, which the caller knows to be a rest day."""
        if self.first is not None and self.last is not None:
            return self.first <= day <= self.last
        return self.weekday is None or day.weekday() == self.weekday


class RosterEntry(NamedTuple):
    """One line of a roster: `unit` is on duty on the days that `rule` names, while the line is valid."""

    unit: str
    rule: Rule
    validity: Validity = ALWAYS

    def serves(self, day: date) -> bool:
        """Whether the unit is on duty by this line on this rest day."""
        return self.validity.holds(day) and self.rule.names(day)


@dataclass(frozen=True)
class Rosters:
    """All rosters by unit; made by `of`, empty by default."""

    by_unit: Mapping[str, tuple[RosterEntry, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[RosterEntry]) -> "Rosters":
        """Build the index; entries are taken to be sound."""
        by_unit: dict[str, tuple[RosterEntry, ...]] = {}
        for entry in entries:
            by_unit[entry.unit] = (*by_unit.get(entry.unit, ()), entry)
        return cls(by_unit)

    def serves(self, unit: str, day: date) -> bool:
        """Whether the unit is on duty on this rest day."""
        return any(entry.serves(day) for entry in self.by_unit.get(unit, ()))

    def duty_roster(self, unit: str, first: date, last: date) -> DutyRoster:
        """The unit's roster as the working calendar wants it, exact from `first` to `last`."""
        entries = self.by_unit.get(unit, ())
        if any(e.rule == Rule() and e.validity.last is None and e.validity.holds(first) for e in entries):
            return DutyRoster(every_rest_day=True)
        days = (first + ONE_DAY * n for n in range((last - first).days + 1))
        return DutyRoster(dates=frozenset(day for day in days if self.serves(unit, day)))


@dataclass(frozen=True)
class Workers:
    """The people of all grids; made by `of`, empty by default."""

    by_grid: Mapping[str, tuple[Worker, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, workers: Iterable[Worker]) -> "Workers":
        """Build the index, in each grid the accountable worker first, then by id."""
        by_grid: dict[str, list[Worker]] = {}
        order = tuple(WorkerRole)
        for worker in sorted(workers, key=lambda one: (one.grid, order.index(one.role), one.id)):
            by_grid.setdefault(worker.grid, []).append(worker)
        return cls({grid: tuple(people) for grid, people in by_grid.items()})

    def of_grid(self, grid: str, on: date) -> tuple[Worker, ...]:
        """Everybody who is told of a matter in this grid on that day, the accountable worker first."""
        return tuple(worker for worker in self.by_grid.get(grid, ()) if worker.validity.holds(on))

    def accountable(self, grid: str, on: date) -> Worker | None:
        """The grid worker; None on a day without one, whoever else is there."""
        found = self.of_grid(grid, on)
        return found[0] if found and found[0].role is WorkerRole.WORKER else None


def read_rule(text: str) -> Rule | None:
    """The rule that `REST_DAYS`, `SAT`, `2026-10-01` or `2026-10-01..2026-10-07` spells, or None."""
    if text == REST_DAYS:
        return Rule()
    if text in WEEKDAYS:
        return Rule(weekday=WEEKDAYS.index(text))
    begins, separator, ends = text.partition("..")
    first, last = read_day(begins), read_day(ends if separator else begins)
    return Rule(first, last) if first and last and first <= last else None
