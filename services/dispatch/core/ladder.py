"""The ladder a deadline stands on: reminder, yellow, red, and three levels of supervision, each with its instant."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from services.dispatch.core.calendar import Calendar, DutyRoster, in_utc
from services.dispatch.core.deadlines import Limit, NaturalDays, NaturalHours, SameDay, WorkingDays, WorkingHours


class Step(StrEnum):
    """What a rung changes; the levels are levels of supervision."""

    REMINDER = "reminder"
    YELLOW = "yellow"
    RED = "red"
    LEVEL_1 = "level_1"
    LEVEL_2 = "level_2"
    LEVEL_3 = "level_3"


_REMINDER, _YELLOW = Step.REMINDER, Step.YELLOW
BEFORE_RED: Final = frozenset({_REMINDER, _YELLOW})


class Rung(Struct, frozen=True):
    """One step of a ladder: `due_at` is when the state changes, `notify_at` when people may be told (both UTC)."""

    step: Step
    due_at: datetime
    notify_at: datetime

    def is_reached(self, now: datetime) -> bool:
        """Reminder and yellow light come on at their instant; red and what follows need the deadline to have passed."""
        return now >= self.due_at if self.step in BEFORE_RED else now > self.due_at


@dataclass(frozen=True, slots=True)
class LadderRules:
    """The figures of a ladder, local times of day and shares of the limit; the defaults are those of a county."""

    morning: time = time(8, 30)
    same_day_yellow: time = time(18)
    same_day_level_2: time = time(12)
    least_days_for_reminder: int = 3
    level_2_working_days: int = 1
    level_3_working_days: int = 3
    reminder_percent: int = 50
    yellow_percent: int = 80
    level_2_percent: int = 25
    level_2_least: timedelta = timedelta(minutes=30)
    level_3_percent: int = 100
    level_3_from_start: timedelta | None = None
    """Of hour limits, in the place of a share of the limit: level 3 so long after the clock began."""


COUNTY: Final = LadderRules()
# A missed arrival at a critical matter goes to the leader in charge at once, not a while later.
CRITICAL_ARRIVAL: Final = replace(COUNTY, level_2_percent=0, level_2_least=timedelta())


def ladder(
    limit: Limit, start: datetime, due_at: datetime, calendar: Calendar, roster: DutyRoster, rules: LadderRules = COUNTY
) -> tuple[Rung, ...]:
    """Every rung of a matter, as `climb` brings them."""
    return tuple(climb(limit, start, due_at, calendar, roster, rules))


def climb(
    limit: Limit, start: datetime, due_at: datetime, calendar: Calendar, roster: DutyRoster, rules: LadderRules = COUNTY
) -> Iterator[Rung]:
    """The rungs of a matter that started at `start` and is due at `due_at`, in order of `due_at`.

    A deadline moved by a pause or an extension moves the rungs with it. No rung lies before the start. Limits in
    natural days climb by working days, as their last day always is one. Same-day matters have no level 3: at red they
    turn into big ones and get the ladder of their new deadline.
    """
    start = in_utc(start)
    if isinstance(limit, SameDay):
        rungs = _same_day_rungs(start, due_at, calendar, roster, rules)
    elif isinstance(limit, WorkingDays | NaturalDays):
        rungs = _day_rungs(start, due_at, calendar, rules)
    else:
        rungs = _hour_rungs(limit, due_at, calendar, rules)
    for rung in rungs:
        yield _not_before(start, rung)


def first_rung(
    limit: Limit, start: datetime, due_at: datetime, calendar: Calendar, rules: LadderRules = COUNTY
) -> Rung:
    """The first of those that `climb` brings, alone: most clocks are stopped before they reach a second one."""
    start = in_utc(start)
    if isinstance(limit, SameDay):
        first = _first_of_same_day(start, calendar.last_day_of(due_at), calendar, rules)
    elif isinstance(limit, WorkingDays | NaturalDays):
        first = _first_of_days(start, calendar.last_day_of(due_at), calendar, rules)
    else:
        first = _first_of_hours(limit, due_at, calendar, rules)
    return _not_before(start, first)


def _not_before(start: datetime, rung: Rung) -> Rung:
    return _at_once(rung.step, start) if rung.due_at < start and rung.step in BEFORE_RED else rung


def _first_of_days(start: datetime, last: date, calendar: Calendar, rules: LadderRules) -> Rung:
    first = calendar.day_of(start)
    days = calendar.working_days_between(first, last)
    if days < rules.least_days_for_reminder:
        return _at_once(_YELLOW, calendar.at(last, rules.morning))
    return _at_once(_REMINDER, calendar.at(calendar.nth_working_day_after(first, -(-days // 2) + 1), rules.morning))


def _day_rungs(start: datetime, due_at: datetime, calendar: Calendar, rules: LadderRules) -> Iterator[Rung]:
    last = calendar.last_day_of(due_at)
    first = _first_of_days(start, last, calendar, rules)
    yield first
    if first.step is _REMINDER:
        yield _at_once(_YELLOW, calendar.at(last, rules.morning))
    yield _at_once(Step.RED, due_at)
    yield Rung(Step.LEVEL_1, due_at, calendar.at(calendar.next_working_day(last), rules.morning))
    for step, later in ((Step.LEVEL_2, rules.level_2_working_days), (Step.LEVEL_3, rules.level_3_working_days)):
        yield _at_once(step, calendar.end_of_working_day(calendar.nth_working_day_after(last, later)))


def _first_of_same_day(start: datetime, last: date, calendar: Calendar, rules: LadderRules) -> Rung:
    if last > calendar.day_of(start):
        return _at_once(_REMINDER, calendar.at(last, rules.morning))
    return _at_once(_YELLOW, calendar.at(last, rules.same_day_yellow))


def _same_day_rungs(
    start: datetime, due_at: datetime, calendar: Calendar, roster: DutyRoster, rules: LadderRules
) -> Iterator[Rung]:
    last = calendar.last_day_of(due_at)
    first = _first_of_same_day(start, last, calendar, rules)
    yield first
    if first.step is _REMINDER:
        yield _at_once(_YELLOW, calendar.at(last, rules.same_day_yellow))
    yield _at_once(Step.RED, due_at)
    following = calendar.next_service_day(last, roster)
    yield _at_once(Step.LEVEL_1, calendar.at(following, rules.morning))
    yield _at_once(Step.LEVEL_2, calendar.at(following, rules.same_day_level_2))


def _first_of_hours(
    limit: NaturalHours | WorkingHours, due_at: datetime, calendar: Calendar, rules: LadderRules
) -> Rung:
    return _at_once(_REMINDER, _shifted(limit, due_at, calendar, -limit.time * (100 - rules.reminder_percent) // 100))


def _hour_rungs(
    limit: NaturalHours | WorkingHours, due_at: datetime, calendar: Calendar, rules: LadderRules
) -> Iterator[Rung]:
    """Shares of the limit counted back and on from the deadline, so that a pause shifts the whole ladder."""
    level_2 = max(limit.time * rules.level_2_percent // 100, rules.level_2_least)
    # On limits under half an hour +100 % would come before the least wait for level 2; level 3 never overtakes it.
    share = limit.time * rules.level_3_percent // 100
    if rules.level_3_from_start is not None:
        share = max(rules.level_3_from_start - limit.time, timedelta())
    level_3 = max(share, level_2)
    yield _first_of_hours(limit, due_at, calendar, rules)
    yield _at_once(_YELLOW, _shifted(limit, due_at, calendar, -limit.time * (100 - rules.yellow_percent) // 100))
    yield _at_once(Step.RED, due_at)
    yield _at_once(Step.LEVEL_1, due_at)
    yield _at_once(Step.LEVEL_2, _shifted(limit, due_at, calendar, level_2) if level_2 else due_at)
    yield _at_once(Step.LEVEL_3, _shifted(limit, due_at, calendar, level_3) if level_3 else due_at)


def _shifted(limit: NaturalHours | WorkingHours, instant: datetime, calendar: Calendar, amount: timedelta) -> datetime:
    return instant + amount if isinstance(limit, NaturalHours) else calendar.add_working_time(instant, amount)


def _at_once(step: Step, instant: datetime) -> Rung:
    return Rung(step, instant, instant)
