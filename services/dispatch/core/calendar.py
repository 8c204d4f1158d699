"""Which days and hours count: working days, service days and working time on one zone's clock."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, chain, compress, pairwise, repeat
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

T = TypeVar("T")

# How far the tables are unrolled around the listed years: a limit of a year and a day fits with ease.
YEARS_BEFORE: Final = 5
YEARS_AFTER: Final = 10
NEXT_YEAR_DUE_IN_MONTH: Final = 11
SATURDAY: Final = 6
YEAR: Final = re.compile(r"(?:19|20|21)[0-9]{2}", re.ASCII)
LONGEST_REST: Final = timedelta(days=31)
ONE_DAY: Final = timedelta(days=1)


class OutsideCalendar(ValueError):
    """A date so far from the listed years that it can only be a mistake."""


class CalendarRefused(ValueError):
    """A calendar that cannot be used; `problems` holds every reason, each led by its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


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
    ends: tuple[datetime, ...]  # 24:00 of each day
    worked: tuple[int, ...]  # working days before each day, and one entry for after the last
    working_days: tuple[date, ...]
    opens: tuple[datetime, ...]  # start of each span of each working day
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

    def __post_init__(self) -> None:
        put = object.__setattr__  # the one way to fill derived fields of a frozen class
        put(self, "working_day_length", sum((span.length for span in self.hours), timedelta()))
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

    def at(self, day: date, moment: time) -> datetime:
        """The instant of a local time of day."""
        return datetime.combine(day, moment, self.zone).astimezone(UTC)

    def end_of_day(self, day: date) -> datetime:
        """24:00 of the day, which is 00:00 of the day after."""
        return self._tables.ends[self._place(day)]

    def end_of_working_day(self, day: date) -> datetime:
        """When a limit in working days runs out on its last day: 24:00, or closing time where the calendar says so."""
        return self.at(day, self.hours[-1].closes) if self.close_of_business else self.end_of_day(day)

    def last_day_of(self, deadline: datetime) -> date:
        """The last day that still belongs to a deadline: for 24:00 of a day that day, not the one after."""
        return self.local(deadline - timedelta.resolution).date()

    # Working time

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """How much opening time lies between two instants."""
        return self._reading(end) - self._reading(start)

    def add_working_time(self, instant: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which `amount` more opening time has passed; a negative amount looks back.

        Time that ends exactly at closing is due at closing, not at the next opening.
        """
        tables = self._tables
        reading = self._reading(instant) + amount
        place = bisect_left(tables.gone, reading) - 1
        if not 0 <= place < len(tables.opens):
            raise OutsideCalendar(f"{amount} of working time from {instant} lies beyond the calendar")
        return tables.opens[place] + (reading - tables.gone[place])

    def _reading(self, instant: datetime) -> timedelta:
        """Opening time since the first day of the tables: a clock that stands still while offices are closed."""
        tables, instant = self._tables, in_utc(instant)
        place = bisect_right(tables.opens, instant) - 1
        if place < 0 or instant > tables.ends[-1]:
            raise OutsideCalendar(f"{instant} lies beyond the calendar")
        reading, at_closing = tables.gone[place] + (instant - tables.opens[place]), tables.gone[place + 1]
        return reading if reading < at_closing else at_closing

    def _place(self, day: date) -> int:
        place = day.toordinal() - self._tables.first
        if not 0 <= place < len(self._tables.ends):
            raise OutsideCalendar(f"{day} lies beyond the calendar")
        return place


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC; one without a zone is a ValueError, for it would be read on the machine's clock."""
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"instant without a zone: {instant}")
    return instant.astimezone(UTC)


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
    lengths = chain.from_iterable(repeat([span.length for span in calendar.hours], len(working_days)))
    return Tables(
        first=first.toordinal(),
        ends=tuple(calendar.at(day + ONE_DAY, time()) for day in days),
        worked=tuple(accumulate(works, initial=0)),
        working_days=working_days,
        opens=tuple(calendar.at(day, span.opens) for day in working_days for span in calendar.hours),
        gone=tuple(accumulate(lengths, initial=timedelta())),
    )


# Reading a calendar file


def load_calendar(source: Mapping[str, object]) -> Calendar:
    """Read a calendar from parsed TOML; raises CalendarRefused with every problem found, never only the first."""
    problems: list[str] = []
    required = ("zone", "cutoff", "hours", "fixed_statutory_dates", "duty_roster", "years")
    top = _table(source, "calendar", required, ("close_of_business",), problems)
    zone = _read_zone(top.get("zone"), problems)
    cutoff = _typed(top.get("cutoff"), time, "cutoff", problems)
    close_of_business = _typed(top.get("close_of_business", False), bool, "close_of_business", problems)
    hours = _read_hours(top.get("hours"), problems)
    fixed = frozenset(_read_fixed_dates(top.get("fixed_statutory_dates"), problems))
    roster = _read_roster(top.get("duty_roster"), problems)
    years = _read_years(top.get("years"), problems)
    if problems or zone is None or cutoff is None:
        raise CalendarRefused(problems)
    return Calendar(zone, hours, cutoff, years, fixed, roster, bool(close_of_business))


def _table(
    found: object, path: str, required: Sequence[str], optional: Sequence[str], problems: list[str]
) -> Mapping[str, object]:
    """The table at `path`; complains about absent and unknown keys, and treats anything else as an empty table."""
    if not isinstance(found, Mapping):
        problems.append(f"{path}: must be a table")
        return {}
    prefix = "" if path == "calendar" else f"{path}."
    problems.extend(f"{prefix}{key}: missing" for key in required if found.get(key) is None)
    problems.extend(f"{prefix}{key}: unknown key" for key in found if key not in required and key not in optional)
    return found


def _typed(found: object, kind: type[T], path: str, problems: list[str]) -> T | None:
    """The value if it is exactly of that kind (a datetime is no date); absent values were complained about before."""
    if type(found) is kind:
        return found
    if found is not None:
        problems.append(f"{path}: must be a {kind.__name__}, not {found!r}")
    return None


def _items(found: object, path: str, problems: list[str]) -> Iterator[tuple[str, object]]:
    items = _typed(found, list, path, problems) or []
    return ((f"{path}[{place}]", item) for place, item in enumerate(items))


def _read_zone(found: object, problems: list[str]) -> ZoneInfo | None:
    name = _typed(found, str, "zone", problems)
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder name or a path upwards is no zone either
        problems.append(f"zone: unknown zone {name!r}")
        return None


def _read_hours(found: object, problems: list[str]) -> tuple[WorkingSpan, ...]:
    spans: list[WorkingSpan] = []
    for path, item in _items(found, "hours", problems):
        row = _table(item, path, ("opens", "closes"), (), problems)
        opens = _typed(row.get("opens"), time, f"{path}.opens", problems)
        closes = _typed(row.get("closes"), time, f"{path}.closes", problems)
        if opens is None or closes is None:
            continue
        if opens >= closes:
            problems.append(f"{path}: closes at {closes}, not after it opens at {opens}")
        if spans and opens < spans[-1].closes:
            problems.append(f"{path}: opens at {opens}, before the span above closes at {spans[-1].closes}")
        spans.append(WorkingSpan(opens, closes))
    if found == []:
        problems.append("hours: at least one span is needed")
    return tuple(spans)


def _read_fixed_dates(found: object, problems: list[str]) -> Iterator[tuple[int, int]]:
    for path, item in _items(found, "fixed_statutory_dates", problems):
        try:
            day = datetime.strptime(f"2001-{item}", "%Y-%m-%d")  # a plain year: 29 February does not come every year
        except ValueError:
            problems.append(f"{path}: must be a month and day of every year such as '05-01', not {item!r}")
        else:
            yield day.month, day.day


def _read_roster(found: object, problems: list[str]) -> DutyRoster:
    row = _table(found, "duty_roster", ("every_rest_day",), (), problems) if found is not None else {}
    return DutyRoster(bool(_typed(row.get("every_rest_day"), bool, "duty_roster.every_rest_day", problems)))


def _read_years(found: object, problems: list[str]) -> tuple[YearTable, ...]:
    if found is None:
        return ()
    if not isinstance(found, Mapping) or not found:
        problems.append("years: must be a table with one table for each year")
        return ()
    numbers = {name: int(name) for name in found if YEAR.fullmatch(name)}
    problems.extend(f"years.{name}: must be a year from 1900 to 2199" for name in found if name not in numbers)
    tables = [_read_year(numbers[name], found[name], problems) for name in sorted(numbers)]
    for earlier, later in pairwise(tables):
        if later.year != earlier.year + 1:
            problems.append(f"years.{later.year}: follows {earlier.year}, the years between are missing")
    return tuple(tables)


def _read_year(year: int, found: object, problems: list[str]) -> YearTable:
    path = f"years.{year}"
    row = _table(found, path, ("rest_days", "make_up_working_days"), (), problems)
    rest, made_up = set[date](), set[date]()
    for place, day in _read_rest_days(row.get("rest_days"), f"{path}.rest_days", problems):
        _claim(day, year, rest, place, problems)
    for place, item in _items(row.get("make_up_working_days"), f"{path}.make_up_working_days", problems):
        made_up_day = _typed(item, date, place, problems)
        if made_up_day is None:
            continue
        _claim(made_up_day, year, made_up, place, problems)
        if made_up_day in rest:
            problems.append(f"{place}: {made_up_day} is both a rest day and a working day")
        elif made_up_day.isoweekday() < SATURDAY:
            problems.append(f"{place}: {made_up_day} is a weekday and works anyway")
    return YearTable(year, frozenset(rest), frozenset(made_up))


def _read_rest_days(found: object, path: str, problems: list[str]) -> Iterator[tuple[str, date]]:
    """Every day of every range; a range of more than a month is taken for a slip."""
    for place, item in _items(found, path, problems):
        row = _table(item, place, ("first", "last"), (), problems)
        first = _typed(row.get("first"), date, f"{place}.first", problems)
        last = _typed(row.get("last"), date, f"{place}.last", problems)
        if first is None or last is None:
            continue
        if not first <= last <= first + LONGEST_REST:
            problems.append(f"{place}: {first} to {last} is no range of rest days")
            continue
        yield from ((place, first + n * ONE_DAY) for n in range((last - first).days + 1))


def _claim(day: date, year: int, taken: set[date], place: str, problems: list[str]) -> None:
    if day.year != year:
        problems.append(f"{place}: {day} is not in {year}")
    if day in taken:
        problems.append(f"{place}: {day} is listed twice")
    taken.add(day)
