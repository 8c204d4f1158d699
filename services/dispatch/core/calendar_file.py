"""Reading a calendar file, which is refused whole with every problem it has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.dispatch.core.calendar import ONE_DAY, SATURDAY, Calendar, DutyRoster, WorkingSpan, YearTable

T = TypeVar("T")

YEAR: Final = re.compile(r"(?:19|20|21)[0-9]{2}", re.ASCII)
LONGEST_REST: Final = timedelta(days=31)


class CalendarRefused(ValueError):
    """A calendar that cannot be used; `problems` holds every reason, each led by its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


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
