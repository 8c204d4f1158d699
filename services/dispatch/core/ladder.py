"""The ladder a deadline stands on: reminder, yellow, red, and three levels of supervision, each with its instant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final, assert_never

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


BEFORE_RED: Final = frozenset({Step.REMINDER, Step.YELLOW})


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
    match limit:
        case SameDay():
            rungs = _same_day_rungs(start, due_at, calendar, roster, rules)
        case WorkingDays() | NaturalDays():
            rungs = _day_rungs(start, due_at, calendar, rules)
        case NaturalHours(time):
            rungs = _hour_rungs(time, due_at, lambda amount: due_at + amount, rules)
        case WorkingHours(time):
            rungs = _hour_rungs(time, due_at, lambda amount: calendar.add_working_time(due_at, amount), rules)
        case _:
            assert_never(limit)
    for rung in rungs:
        yield _at_once(rung.step, start) if rung.step in BEFORE_RED and rung.due_at < start else rung


def _day_rungs(start: datetime, due_at: datetime, calendar: Calendar, rules: LadderRules) -> Iterator[Rung]:
    first, last = calendar.local(start).date(), calendar.last_day_of(due_at)
    days = calendar.working_days_between(first, last)
    if days >= rules.least_days_for_reminder:
        reminded_on = calendar.nth_working_day_after(first, -(-days // 2) + 1)
        yield _at_once(Step.REMINDER, calendar.at(reminded_on, rules.morning))
    yield _at_once(Step.YELLOW, calendar.at(last, rules.morning))
    yield _at_once(Step.RED, due_at)
    yield Rung(Step.LEVEL_1, due_at, calendar.at(calendar.next_working_day(last), rules.morning))
    for step, later in ((Step.LEVEL_2, rules.level_2_working_days), (Step.LEVEL_3, rules.level_3_working_days)):
        yield _at_once(step, calendar.end_of_working_day(calendar.nth_working_day_after(last, later)))


def _same_day_rungs(
    start: datetime, due_at: datetime, calendar: Calendar, roster: DutyRoster, rules: LadderRules
) -> Iterator[Rung]:
    first, last = calendar.local(start).date(), calendar.last_day_of(due_at)
    if last > first:
        yield _at_once(Step.REMINDER, calendar.at(last, rules.morning))
    yield _at_once(Step.YELLOW, calendar.at(last, rules.same_day_yellow))
    yield _at_once(Step.RED, due_at)
    following = calendar.next_service_day(last, roster)
    yield _at_once(Step.LEVEL_1, calendar.at(following, rules.morning))
    yield _at_once(Step.LEVEL_2, calendar.at(following, rules.same_day_level_2))


def _hour_rungs(
    limit: timedelta, due_at: datetime, shifted: Callable[[timedelta], datetime], rules: LadderRules
) -> Iterator[Rung]:
    """Shares of the limit counted back and on from the deadline, so that a pause shifts the whole ladder."""
    level_2 = max(limit * rules.level_2_percent // 100, rules.level_2_least)
    # On limits under half an hour +100 % would come before the least wait for level 2; level 3 never overtakes it.
    level_3 = max(limit * rules.level_3_percent // 100, level_2)
    yield _at_once(Step.REMINDER, shifted(-limit * (100 - rules.reminder_percent) // 100))
    yield _at_once(Step.YELLOW, shifted(-limit * (100 - rules.yellow_percent) // 100))
    yield _at_once(Step.RED, due_at)
    yield _at_once(Step.LEVEL_1, due_at)
    yield _at_once(Step.LEVEL_2, shifted(level_2) if level_2 else due_at)
    yield _at_once(Step.LEVEL_3, shifted(level_3) if level_3 else due_at)


def _at_once(step: Step, instant: datetime) -> Rung:
    return Rung(step, instant, instant)
