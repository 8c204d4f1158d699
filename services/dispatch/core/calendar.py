"""Which days and hours count: working days, service days and working time on one zone's clock."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from itertools import accumulate, chain, compress, pairwise, repeat
from typing import Final
from zoneinfo import ZoneInfo

# How far the tables are unrolled around the listed years: a limit of a year and a day fits with ease.
YEARS_BEFORE: Final = 5
YEARS_AFTER: Final = 10
NEXT_YEAR_DUE_IN_MONTH: Final = 11
SATURDAY: Final = 6
ONE_DAY: Final = timedelta(days=1)
MOMENTS: Final = 4096
"""How many local times of day are remembered as instants: some five of each day that anything is due on."""


class OutsideCalendar(ValueError):
    """A date so far from the listed years that it can only be a mistake."""


@dataclass(frozen=True, slots=True)
class DutyRoster:
    """The rest days on which a township has people on duty; `dates` adds nothing when every rest day is served."""

    every_rest_day: bool = False
    dates: frozenset[date] = frozenset()

    def serves(self, day: date) -> bool:
        """Whether somebody is on duty on this rest day."""
        return self.every_rest_day or day in self.dates


@dataclass(frozen=True, slots=True)
class WorkingSpan:
    """One stretch of opening hours within a working day, local time, closing time included."""

    opens: time
    closes: time

    @property
    def length(self) -> timedelta:
        """How long offices are open in this stretch."""
        return datetime.combine(date.min, self.closes) - datetime.combine(date.min, self.opens)


@dataclass(frozen=True, slots=True)
class YearTable:
    """What one yearly holiday notice changes against plain weeks."""

    year: int
    rest_days: frozenset[date]
    make_up_working_days: frozenset[date]


@dataclass(frozen=True, slots=True)
class Tables:
    """A calendar unrolled day by day, so that every question is a lookup."""

    first: int  # ordinal of the first day
    days: tuple[date, ...]
    begins: tuple[datetime, ...]  # 00:00 of each day, and of the one after the last
    start: datetime  # the first of them
    are_even: bool  # every day has 24 hours: no clock is moved in this zone
    worked: tuple[int, ...]  # working days before each day, and one entry for after the last
    working_days: tuple[date, ...]
    opens: tuple[datetime, ...]  # start of each span of each working day
    spans: int  # of a working day
    gone: tuple[timedelta, ...]  # opening time before each span, and one entry for after the last


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working calendar of one zone.

    Made by `load_calendar`, which checks what this class takes for granted: `years` are consecutive and in order,
    `hours` are in order and do not overlap. Years that are not listed count weekends and the fixed statutory dates
    (month, day) as rest and are provisional. All instants returned are in UTC; a naive instant is a ValueError, a date
    too far from the listed years is OutsideCalendar. `dataclasses.replace` gives an updated calendar; building one
    takes milliseconds, asking it about a microsecond.
    """

    zone: ZoneInfo
    hours: tuple[WorkingSpan, ...]
    cutoff: time
    years: tuple[YearTable, ...]
    fixed_statutory_dates: frozenset[tuple[int, int]]
    default_roster: DutyRoster
    close_of_business: bool = False
    working_day_length: timedelta = field(init=False, repr=False, compare=False)
    _tables: Tables = field(init=False, repr=False, compare=False)
    _covered: tuple[datetime, datetime] = field(init=False, repr=False, compare=False)
    _moment: Callable[[date, time], datetime] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__  # the one way to fill derived fields of a frozen class
        put(self, "working_day_length", sum((span.length for span in self.hours), timedelta()))
        put(self, "_moment", lru_cache(maxsize=MOMENTS)(partial(_instant, zone=self.zone)))
        put(self, "_tables", _unroll(self))
        first_covered = date(self.years[0].year, 1, 1)
        put(self, "_covered", (self.at(first_covered, time()), self.end_of_day(self.covered_until)))

    # Days

    @property
    def covered_until(self) -> date:
        """The last day for which a holiday notice is loaded."""
        return date(self.years[-1].year, 12, 31)

    def is_provisional(self, day: date) -> bool:
        """Whether the day's year has no holiday notice yet, so that its answer may change."""
        return not self.years[0].year <= day.year <= self.years[-1].year

    def covers(self, start: datetime, end: datetime) -> bool:
        """Whether no instant of the stretch lies in a provisional year; 24:00 of the last covered day is covered."""
        return self._covered[0] <= start and end <= self._covered[1]

    def without_last_year(self) -> "Calendar | None":
        """The calendar as it was before its latest notice was loaded; None where there is only one."""
        return replace(self, years=self.years[:-1]) if len(self.years) > 1 else None

    def lacks_next_year(self, today: date) -> bool:
        """Whether a year that should be loaded by now is missing: next year's notice is due by 1 November."""
        return self.covered_until.year < today.year + (today.month >= NEXT_YEAR_DUE_IN_MONTH)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on this day: a plain weekday or a make-up working day."""
        place = self._place(day)
        return self._tables.worked[place] != self._tables.worked[place + 1]

    def is_service_day(self, day: date, roster: DutyRoster) -> bool:
        """Whether the same-day promise holds on this day: a working day or a rest day on the roster."""
        return self.is_working_day(day) or roster.serves(day)

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        return self.nth_working_day_after(day, 1)

    def next_service_day(self, day: date, roster: DutyRoster) -> date:
        """The first service day after `day`."""
        following = day + ONE_DAY
        while not self.is_service_day(following, roster):
            following += ONE_DAY
        return following

    def nth_working_day_after(self, day: date, n: int) -> date:
        """Working day `n` when `day` itself does not count; `n` below 1 is a ValueError."""
        if n < 1:
            raise ValueError(f"working days are counted from 1, not {n}")
        number = self._tables.worked[self._place(day) + 1] + n - 1
        if number >= len(self._tables.working_days):
            raise OutsideCalendar(f"{n} working days after {day} lie beyond the calendar")
        return self._tables.working_days[number]

    def working_days_between(self, day: date, last: date) -> int:
        """How many working days lie after `day` up to and including `last`."""
        return self._tables.worked[self._place(last) + 1] - self._tables.worked[self._place(day) + 1]

    # Instants

    def local(self, instant: datetime) -> datetime:
        """The instant on this calendar's clock."""
        return in_utc(instant).astimezone(self.zone)

    def day_of(self, instant: datetime) -> date:
        """The day it is on this calendar's clock."""
        instant = in_utc(instant)
        place = self._place_of(instant)
        return self.local(instant).date() if place is None else self._tables.days[place]

    def at(self, day: date, moment: time) -> datetime:
        """The instant of a local time of day."""
        return self._moment(day, moment)

    def end_of_day(self, day: date) -> datetime:
        """24:00 of the day, which is 00:00 of the day after."""
        return self._tables.begins[self._place(day) + 1]

    def end_of_working_day(self, day: date) -> datetime:
        """When a limit in working days runs out on its last day: 24:00, or closing time where the calendar says so."""
        return self.at(day, self.hours[-1].closes) if self.close_of_business else self.end_of_day(day)

    def end_of_service_day(self, start: datetime, roster: DutyRoster) -> datetime:
        """24:00 of the service day of an instant; after the cut-off or on a day without service, of the next one."""
        tables, start = self._tables, in_utc(start)
        place = self._place_of(start)
        if place is not None and start <= self._moment(tables.days[place], self.cutoff):
            works = tables.worked[place] != tables.worked[place + 1]
            if works or roster.serves(tables.days[place]):
                return tables.begins[place + 1]
        return self.end_of_day(self.next_service_day(self.day_of(start), roster))

    def last_day_of(self, deadline: datetime) -> date:
        """The last day that still belongs to a deadline: for 24:00 of a day that day, not the one after."""
        return self.day_of(deadline - timedelta.resolution)

    # Working time

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much opening time lies between two instants."""
        return self.working_clock(end) - self.working_clock(start)

    def add_working_time(self, instant: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which `amount` more opening time has passed; a negative amount looks back.

        Time that ends exactly at closing is due at closing, not at the next opening.
        """
        return self.when_clock_shows(self.working_clock(instant) + amount)

    def when_clock_shows(self, reading: timedelta) -> datetime:
        """The earliest instant at which `working_clock` shows this."""
        tables = self._tables
        first = reading // self.working_day_length * tables.spans
        if not 0 <= first < len(tables.opens) or not reading:
            raise OutsideCalendar(f"{reading} of working time lie beyond the calendar")
        place = bisect_left(tables.gone, reading, first, first + tables.spans) - 1
        return tables.opens[place] + (reading - tables.gone[place])

    def working_clock(self, instant: datetime) -> timedelta:
        """Opening time since the first day of the tables: a clock that stands still while offices are closed."""
        tables, instant = self._tables, in_utc(instant)
        day = self._place_of(instant)
        if day is None:
            raise OutsideCalendar(f"{instant} lies beyond the calendar")
        spans, worked = tables.spans, tables.worked
        place = bisect_right(tables.opens, instant, worked[day] * spans, worked[day + 1] * spans) - 1
        if place < 0:
            raise OutsideCalendar(f"{instant} lies beyond the calendar")
        reading, at_closing = tables.gone[place] + (instant - tables.opens[place]), tables.gone[place + 1]
        return reading if reading < at_closing else at_closing

    def _place_of(self, instant: datetime) -> int | None:
        """The place of the day an instant in UTC lies on; None beyond the tables."""
        tables = self._tables
        place = (instant - tables.start).days
        if tables.are_even and 0 <= place < len(tables.days):
            return place
        place = bisect_right(tables.begins, instant) - 1
        return place if 0 <= place < len(tables.days) else None

    def _place(self, day: date) -> int:
        place = day.toordinal() - self._tables.first
        if not 0 <= place < len(self._tables.days):
            raise OutsideCalendar(f"{day} lies beyond the calendar")
        return place


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC; one without a zone is a ValueError, for it would be read on the machine's clock."""
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"instant without a zone: {instant}")
    return instant.astimezone(UTC)


def _instant(day: date, moment: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, moment, zone).astimezone(UTC)


def _unroll(calendar: Calendar) -> Tables:
    first = date(calendar.years[0].year - YEARS_BEFORE, 1, 1)
    last = date(calendar.years[-1].year + YEARS_AFTER, 12, 31)
    days = [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]
    rest = {day for table in calendar.years for day in table.rest_days}
    rest |= {
        date(year, month, day)
        for year in range(first.year, last.year + 1)
        if calendar.is_provisional(date(year, 1, 1))
        for month, day in calendar.fixed_statutory_dates
    }
    made_up = {day for table in calendar.years for day in table.make_up_working_days}
    works = [day in made_up or (day.isoweekday() < SATURDAY and day not in rest) for day in days]
    working_days = tuple(compress(days, works))
    begins = tuple(_instant(day, time(), calendar.zone) for day in (*days, last + ONE_DAY))
    lengths = chain.from_iterable(repeat([span.length for span in calendar.hours], len(working_days)))
    return Tables(
        first=first.toordinal(),
        days=tuple(days),
        begins=begins,
        start=begins[0],
        are_even=all(later - earlier == ONE_DAY for earlier, later in pairwise(begins)),
        worked=tuple(accumulate(works, initial=0)),
        working_days=working_days,
        opens=tuple(_instant(day, span.opens, calendar.zone) for day in working_days for span in calendar.hours),
        spans=len(calendar.hours),
        gone=tuple(accumulate(lengths, initial=timedelta())),
    )
