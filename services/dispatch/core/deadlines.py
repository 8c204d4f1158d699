"""Limits and the instants at which they run out, right to the microsecond."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from services.dispatch.core.calendar import Calendar, DutyRoster, in_utc

HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
LONGEST: Final = timedelta(days=366)
SAME_DAY_TEXT: Final = "same_day"
WRITTEN: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,2})?) ?(WD|ND|NH|WH|Wmin|min)", re.ASCII)


class UnknownLimit(ValueError):
    """A text that names no limit."""


class SameDay(Struct, frozen=True):
    """By 24:00 of the service day of the start; after the cutoff or on a day without service, of the next one."""

    def __str__(self) -> str:
        return SAME_DAY_TEXT


class WorkingDays(Struct, frozen=True):
    """By the end of that working day; the start day does not count."""

    days: int

    def __str__(self) -> str:
        return f"{self.days} WD"


class NaturalDays(Struct, frozen=True):
    """By 24:00 so many days on, moved to the next working day if that is a rest day."""

    days: int

    def __str__(self) -> str:
        return f"{self.days} ND"


class NaturalHours(Struct, frozen=True):
    """After exactly this time, holiday or not."""

    time: timedelta

    def __str__(self) -> str:
        return _hours_text(self.time)


class WorkingHours(Struct, frozen=True):
    """After this much opening time of working days."""

    time: timedelta

    def __str__(self) -> str:
        return _working_hours_text(self.time)


Limit: TypeAlias = SameDay | WorkingDays | NaturalDays | NaturalHours | WorkingHours


class Due(Struct, frozen=True):
    """The limit that governs and the last instant (UTC) within it; provisional while a year's notice is missing."""

    limit: Limit
    at: datetime
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which the clock stood still; ends before it starts, or without a zone: ValueError."""

    paused_at: datetime
    resumed_at: datetime

    def __post_init__(self) -> None:
        if self.paused_at.tzinfo is None or self.resumed_at.tzinfo is None:
            raise ValueError("a pause needs instants with a zone")
        if self.resumed_at < self.paused_at:
            raise ValueError(f"a pause cannot end at {self.resumed_at}, before it starts at {self.paused_at}")


@lru_cache(maxsize=1024)
def parse_limit(text: str) -> Limit:
    """Read `same_day`, `5 WD`, `7 ND`, `24 NH`, `7.5 WH`, `10 Wmin` or `30 min`; anything else raises UnknownLimit.

    Days are whole, hours and minutes may have two decimals, and every limit is more than zero and at most 366 days.
    """
    if text == SAME_DAY_TEXT:
        return SameDay()
    written = WRITTEN.fullmatch(text)
    if written is None:
        raise UnknownLimit(
            f"{text!r} is no limit; write {SAME_DAY_TEXT}, or a number and one of WD, ND, NH, WH, Wmin, min"
        )
    amount, unit = Decimal(written[1]), written[2]
    if unit in ("WD", "ND") and amount % 1:
        raise UnknownLimit(f"{text!r}: days are whole")
    size = amount * {"WD": 86_400, "ND": 86_400, "NH": 3_600, "WH": 3_600, "Wmin": 60, "min": 60}[unit]
    if not 0 < size <= LONGEST // timedelta(seconds=1):
        raise UnknownLimit(f"{text!r}: a limit is more than zero and at most {LONGEST.days} days")
    time = timedelta(microseconds=int(size * 1_000_000))
    match unit:
        case "WD":
            return WorkingDays(time // DAY)
        case "ND":
            return NaturalDays(time // DAY)
        case "WH" | "Wmin":
            return WorkingHours(time)
        case _:
            return NaturalHours(time)


def half(limit: Limit) -> Limit:
    """Half the limit for a reopened or redispatched matter: days round up, a same-day limit stays what it is."""
    match limit:
        case SameDay():
            return limit
        case WorkingDays(days):
            return WorkingDays(-(-days // 2))
        case NaturalDays(days):
            return NaturalDays(-(-days // 2))
        case NaturalHours(time):
            return NaturalHours(time / 2)
        case WorkingHours(time):
            return WorkingHours(time / 2)
        case _:
            assert_never(limit)


def multiplied(limit: Limit, times: int) -> Limit:
    """So many times the limit; a same-day limit has no multiple and is a ValueError."""
    match limit:
        case SameDay():
            raise ValueError("a same-day limit cannot be multiplied")
        case WorkingDays(days):
            return WorkingDays(times * days)
        case NaturalDays(days):
            return NaturalDays(times * days)
        case NaturalHours(time):
            return NaturalHours(times * time)
        case WorkingHours(time):
            return WorkingHours(times * time)
        case _:
            assert_never(limit)


def doubled(limit: Limit) -> Limit:
    """Twice the limit, as for signing until it is deemed done; a same-day limit has no double and is a ValueError."""
    if isinstance(limit, SameDay):
        raise ValueError("a same-day limit cannot be doubled")
    return multiplied(limit, 2)


def deadline(limit: Limit, start: datetime, calendar: Calendar, roster: DutyRoster) -> datetime:
    """The last instant, in UTC, that is still within the limit; a start without a zone is a ValueError."""
    if isinstance(limit, WorkingHours):
        return calendar.add_working_time(start, limit.time)
    if isinstance(limit, NaturalHours):
        return in_utc(start) + limit.time
    if isinstance(limit, SameDay):
        return calendar.end_of_service_day(start, roster)
    if isinstance(limit, WorkingDays):
        return calendar.end_of_working_day(calendar.nth_working_day_after(calendar.day_of(start), limit.days))
    if isinstance(limit, NaturalDays):
        return _end_of_natural_days(calendar.day_of(start), limit.days, calendar)
    assert_never(limit)


def is_within(event_at: datetime, due_at: datetime) -> bool:
    """Whether something happened in time: the deadline itself is still in time, one microsecond later is a breach."""
    return event_at <= due_at


def earliest(limits: Sequence[Limit], start: datetime, calendar: Calendar, roster: DutyRoster) -> Due:
    """The limit that runs out first, the first named of equals: urgency can shorten a deadline, never lengthen it."""
    limit, at = limits[0], deadline(limits[0], start, calendar, roster)
    for other in limits[1:]:
        sooner = deadline(other, start, calendar, roster)
        if sooner < at:
            limit, at = other, sooner
    return Due(limit, at, not isinstance(limit, NaturalHours) and not calendar.covers(start, at))


def extend_for_pause(limit: Limit, due_at: datetime, pause: Pause, calendar: Calendar, roster: DutyRoster) -> datetime:
    """The deadline moved by a pause; never earlier, and unmoved if the pause began after it: a breach is kept.

    Working days move by the paused opening time in whole days, rounded up; hours by exactly what was paused;
    same-day starts anew at the resume time; natural days move by the paused days, rounded up.
    """
    if pause.paused_at > due_at:
        return due_at
    match limit:
        case NaturalHours():
            return due_at + (pause.resumed_at - pause.paused_at)
        case WorkingHours():
            worked = calendar.working_time_between(pause.paused_at, pause.resumed_at)
            return max(due_at, calendar.add_working_time(due_at, worked))
        case SameDay():
            return max(due_at, calendar.end_of_service_day(pause.resumed_at, roster))
        case WorkingDays():
            worked = calendar.working_time_between(pause.paused_at, pause.resumed_at)
            days = -(-worked // calendar.working_day_length)
            last = calendar.last_day_of(due_at)
            return calendar.end_of_working_day(calendar.nth_working_day_after(last, days)) if days else due_at
        case NaturalDays():
            days = -(-(pause.resumed_at - pause.paused_at) // DAY)
            return _end_of_natural_days(calendar.last_day_of(due_at), days, calendar)
        case _:
            assert_never(limit)


def put_off(limit: Limit, due_at: datetime, calendar: Calendar, roster: DutyRoster) -> datetime:
    """A deadline and so much more; days count on from the last day within it."""
    by_day = isinstance(limit, WorkingDays | NaturalDays)
    return deadline(limit, due_at - timedelta.resolution if by_day else due_at, calendar, roster)


def redispatched_deadline(
    limit: Limit, citizen_due_at: datetime, redispatched_at: datetime, calendar: Calendar, roster: DutyRoster
) -> datetime:
    """What the next unit gets: the citizen's deadline, or half the limit from the redispatch if that is later."""
    return max(citizen_due_at, deadline(half(limit), redispatched_at, calendar, roster))


def never_a_breach_by_it(fresh: datetime, due_at: datetime, now: datetime, calendar: Calendar) -> datetime:
    """The deadline `due_at` as it is counted again, `fresh`, under another calendar: never a breach after the fact.

    What was in time at `now` and would no longer be gets until the end of the next working day.
    """
    if fresh >= now or due_at < now:
        return fresh
    return calendar.end_of_working_day(calendar.next_working_day(calendar.day_of(now)))


def _end_of_natural_days(start: date, days: int, calendar: Calendar) -> datetime:
    day = start + timedelta(days=days)
    return calendar.end_of_day(day if calendar.is_working_day(day) else calendar.next_working_day(day))


@lru_cache(maxsize=1024)
def _hours_text(time: timedelta) -> str:
    """Every clock that is set carries its limit in words, and there are only some dozens of them."""
    return f"{_per(time, MINUTE)} min" if time % HOUR else f"{time // HOUR} NH"


@lru_cache(maxsize=1024)
def _working_hours_text(time: timedelta) -> str:
    return f"{_per(time, MINUTE)} Wmin" if time % (HOUR / 100) else f"{_per(time, HOUR)} WH"


def _per(time: timedelta, unit: timedelta) -> str:
    """The time in units, as short as it can be written: 7.5, not 7.50."""
    return f"{time / unit:.15g}"
