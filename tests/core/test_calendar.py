"""The working calendar: its days against an independent one, its hours against a walk by the minute, its refusals."""

import tomllib
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import chinese_calendar
import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.core.calendar import DutyRoster, OutsideCalendar, YearTable
from services.dispatch.core.calendar_file import CalendarRefused, load_calendar

SHEET = Path(__file__).parents[2] / "deploy" / "packs" / "county-default" / "calendar.toml"
SOURCE: dict[str, Any] = tomllib.loads(SHEET.read_text(encoding="utf-8"))
CALENDAR = load_calendar(SOURCE)
CHINA = timezone(timedelta(hours=8))
NO_ROSTER = DutyRoster()
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(730)]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The county's calendar file with one value replaced or added."""
    source = deepcopy(SOURCE)
    place: Any = source
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return source


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in SOURCE.items() if name != key}


def problems_of(source: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(CalendarRefused) as refused:
        load_calendar(source)
    return refused.value.problems


# Days


SEVEN_YEARS = [date(2020, 1, 1) + timedelta(days=n) for n in range((date(2027, 1, 1) - date(2020, 1, 1)).days)]


def test_every_day_of_2020_to_2026_agrees_with_two_independent_calendars() -> None:
    other = holidays.country_holidays("CN", years=range(2020, 2027))
    for day in SEVEN_YEARS:
        ours = CALENDAR.is_working_day(day)
        assert (ours, ours) == (chinese_calendar.is_workday(day), other.is_working_day(day)), day


@pytest.mark.parametrize("year", [2025, 2026])
def test_each_year_has_248_working_days(year: int) -> None:
    assert sum(CALENDAR.is_working_day(day) for day in DAYS if day.year == year) == 248
    assert CALENDAR.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)) == 248


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2026, 3, 9), 1, date(2026, 3, 10)),
        (date(2026, 3, 13), 1, date(2026, 3, 16)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # a make-up Saturday
        (date(2026, 2, 14), 1, date(2026, 2, 24)),  # nine days of rest
        (date(2026, 2, 6), 15, date(2026, 3, 5)),
        (date(2026, 9, 30), 2, date(2026, 10, 9)),
    ],
)
def test_working_days_are_counted_from_the_day_after(day: date, n: int, expected: date) -> None:
    assert CALENDAR.nth_working_day_after(day, n) == expected


@given(st.sampled_from(DAYS), st.integers(1, 40))
def test_the_nth_working_day_is_the_one_found_by_walking(day: date, n: int) -> None:
    walked, left = day, n
    while left:
        walked += timedelta(days=1)
        left -= CALENDAR.is_working_day(walked)
    assert CALENDAR.nth_working_day_after(day, n) == walked
    assert CALENDAR.working_days_between(day, walked) == n


def test_there_is_no_working_day_number_zero() -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        CALENDAR.nth_working_day_after(date(2026, 3, 9), 0)


def test_a_rest_day_is_a_service_day_only_where_the_roster_serves_it() -> None:
    saturday, sunday, monday = date(2026, 3, 14), date(2026, 3, 15), date(2026, 3, 16)
    only_saturday = DutyRoster(dates=frozenset({saturday}))
    assert CALENDAR.is_service_day(saturday, CALENDAR.default_roster)
    assert CALENDAR.is_service_day(saturday, only_saturday)
    assert not CALENDAR.is_service_day(sunday, only_saturday)
    assert not CALENDAR.is_service_day(saturday, NO_ROSTER)
    assert CALENDAR.is_service_day(monday, NO_ROSTER)
    assert CALENDAR.next_service_day(date(2026, 3, 13), only_saturday) == saturday
    assert CALENDAR.next_service_day(saturday, only_saturday) == monday


# Years without a notice


def test_a_year_without_a_notice_counts_weekends_and_fixed_dates_and_says_so() -> None:
    rest = [date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3), date(2027, 10, 1)]
    assert not any(CALENDAR.is_working_day(day) for day in rest)
    assert CALENDAR.is_working_day(date(2027, 1, 4))
    assert CALENDAR.is_working_day(date(2027, 2, 8))  # inside the Spring Festival, whose notice is not known yet
    assert CALENDAR.is_provisional(date(2027, 1, 1))
    assert CALENDAR.is_provisional(date(2019, 12, 31))
    assert not CALENDAR.is_provisional(date(2026, 12, 31))


def test_the_calendar_is_covered_until_the_end_of_its_last_notice() -> None:
    assert CALENDAR.covered_until == date(2026, 12, 31)
    start = local("2026-12-28T10:00")
    assert CALENDAR.covers(start, local("2027-01-01T00:00"))
    assert not CALENDAR.covers(start, local("2027-01-01T00:00:00.000001"))
    assert not CALENDAR.covers(local("2019-12-31T23:59"), start)


def test_next_years_notice_is_missed_from_november_on() -> None:
    assert not CALENDAR.lacks_next_year(date(2026, 10, 31))
    assert CALENDAR.lacks_next_year(date(2026, 11, 1))
    assert CALENDAR.lacks_next_year(date(2027, 1, 1))


def test_a_new_notice_replaces_provisional_answers() -> None:
    notice = YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))
    updated = replace(CALENDAR, years=(*CALENDAR.years, notice))
    assert updated.is_working_day(date(2027, 1, 3))
    assert not updated.is_provisional(date(2027, 1, 3))
    assert updated.is_working_day(date(2027, 10, 1))  # a listed year rests on what its notice lists, nothing else


def test_a_date_far_from_the_listed_years_is_refused() -> None:
    for day in (date(2014, 12, 31), date(2037, 1, 1)):
        with pytest.raises(OutsideCalendar):
            CALENDAR.is_working_day(day)
    with pytest.raises(OutsideCalendar):
        CALENDAR.nth_working_day_after(date(2036, 12, 31), 1)
    for instant in (local("2014-12-31T10:00"), local("2036-12-31T17:00"), local("2037-01-01T10:00")):
        with pytest.raises(OutsideCalendar):
            CALENDAR.add_working_time(instant, timedelta(hours=1))


# Instants


def test_24_00_is_the_midnight_after() -> None:
    assert CALENDAR.end_of_day(date(2026, 3, 10)) == local("2026-03-11T00:00")
    assert CALENDAR.end_of_day(date(2026, 3, 10)).tzinfo is UTC
    assert CALENDAR.last_day_of(local("2026-03-11T00:00")) == date(2026, 3, 10)
    assert CALENDAR.last_day_of(local("2026-03-11T00:00:00.000001")) == date(2026, 3, 11)


def test_a_day_ends_at_its_own_midnight_where_clocks_change() -> None:
    berlin = load_calendar(changed("zone", to="Europe/Berlin"))
    assert berlin.end_of_day(date(2026, 3, 28)) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert berlin.end_of_day(date(2026, 3, 29)) == datetime(2026, 3, 29, 22, tzinfo=UTC)  # a day of 23 hours


def test_an_instant_without_a_zone_is_refused() -> None:
    for ask in (CALENDAR.local, CALENDAR.last_day_of):
        with pytest.raises(ValueError, match="without a zone"):
            ask(datetime(2026, 3, 10, 9))
    with pytest.raises(ValueError, match="without a zone"):
        CALENDAR.add_working_time(datetime(2026, 3, 10, 9), timedelta(hours=1))


# Working time


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-03-10T16:30", 4, "2026-03-11T11:30"),
        ("2026-03-10T12:30", 2, "2026-03-10T15:30"),  # from the lunch break
        ("2026-03-10T06:00", 2, "2026-03-10T10:30"),  # before opening
        ("2026-03-10T08:30", 7.5, "2026-03-10T17:30"),  # due at closing, not at the next opening
        ("2026-03-10T08:30", 3.5, "2026-03-10T12:00"),
        ("2026-03-10T17:30", 1, "2026-03-11T09:30"),
        ("2026-03-13T16:00", 4, "2026-03-16T11:00"),  # over a weekend
        ("2026-02-14T17:00", 1, "2026-02-24T09:00"),  # over the Spring Festival
        ("2026-03-11T11:30", -4, "2026-03-10T16:30"),
        ("2026-03-10T11:59:59.999999", 1, "2026-03-10T14:29:59.999999"),
    ],
)
def test_working_time_runs_only_while_offices_are_open(start: str, hours: float, expected: str) -> None:
    assert CALENDAR.add_working_time(local(start), timedelta(hours=hours)) == local(expected)


def is_open(moment: datetime) -> bool:
    minute = moment.hour * 60 + moment.minute
    return CALENDAR.is_working_day(moment.date()) and (510 <= minute < 720 or 810 <= minute < 1050)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 365 * 1440), st.integers(1, 900))
def test_working_time_agrees_with_a_walk_by_the_minute(start_minute: int, minutes: int) -> None:
    start = datetime(2026, 1, 1) + timedelta(minutes=start_minute)
    walked, left = start, minutes
    while left:
        left -= is_open(walked)
        walked += timedelta(minutes=1)
    begun, amount = start.replace(tzinfo=CHINA), timedelta(minutes=minutes)
    assert CALENDAR.add_working_time(begun, amount) == walked.replace(tzinfo=CHINA)
    assert CALENDAR.working_time_between(begun, walked.replace(tzinfo=CHINA)) == amount


# Refusals


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (changed("lunch", to=True), "lunch: unknown key"),
        (changed("years", "2026", "notes", to="x"), "years.2026.notes: unknown key"),
        (changed("hours", 0, "shuts", to=time(12)), "hours[0].shuts: unknown key"),
        (changed("duty_roster", "dates", to=[]), "duty_roster.dates: unknown key"),
        (without("cutoff"), "cutoff: missing"),
        (without("years"), "years: missing"),
        (without("duty_roster"), "duty_roster: missing"),
        (changed("zone", to="Asia/Baoying"), "zone: unknown zone 'Asia/Baoying'"),
        (changed("zone", to="Asia"), "zone: unknown zone 'Asia'"),
        (changed("zone", to="../UTC"), "zone: unknown zone '../UTC'"),
        (changed("zone", to=8), "zone: must be a str, not 8"),
        (changed("cutoff", to="17:00"), "cutoff: must be a time, not '17:00'"),
        (changed("close_of_business", to="no"), "close_of_business: must be a bool, not 'no'"),
        (changed("duty_roster", to=True), "duty_roster: must be a table"),
        (changed("duty_roster", "every_rest_day", to=1), "duty_roster.every_rest_day: must be a bool, not 1"),
        (changed("hours", to=[]), "hours: at least one span is needed"),
        (changed("hours", 0, to=time(8)), "hours[0]: must be a table"),
        (changed("hours", 0, "closes", to=time(8)), "hours[0]: closes at 08:00:00, not after it opens at 08:30:00"),
        (
            changed("hours", 1, "opens", to=time(11, 30)),
            "hours[1]: opens at 11:30:00, before the span above closes at 12:00:00",
        ),
        (
            changed("hours", to=[SOURCE["hours"][1], SOURCE["hours"][0]]),
            "hours[1]: opens at 08:30:00, before the span above closes at 17:30:00",
        ),
        (
            changed("fixed_statutory_dates", 0, to="02-29"),
            "fixed_statutory_dates[0]: must be a month and day of every year such as '05-01', not '02-29'",
        ),
        (
            changed("fixed_statutory_dates", 0, to=501),
            "fixed_statutory_dates[0]: must be a month and day of every year such as '05-01', not 501",
        ),
        (changed("years", to={}), "years: must be a table with one table for each year"),
        (changed("years", to=[2026]), "years: must be a table with one table for each year"),
        (changed("years", "26", to={}), "years.26: must be a year from 1900 to 2199"),
        (changed("years", "2027", to=5), "years.2027: must be a table"),
        (
            changed("years", "2028", to={"rest_days": [], "make_up_working_days": []}),
            "years.2028: follows 2026, the years between are missing",
        ),
        (
            changed("years", "2026", "make_up_working_days", 0, to="2026-02-30"),
            "years.2026.make_up_working_days[0]: must be a date, not '2026-02-30'",
        ),
        (
            changed("years", "2026", "make_up_working_days", 0, to=datetime(2026, 1, 4)),
            "years.2026.make_up_working_days[0]: must be a date, not datetime.datetime(2026, 1, 4, 0, 0)",
        ),
        (
            changed("years", "2026", "make_up_working_days", 0, to=date(2026, 2, 15)),
            "years.2026.make_up_working_days[0]: 2026-02-15 is both a rest day and a working day",
        ),
        (
            changed("years", "2026", "make_up_working_days", 0, to=date(2026, 3, 10)),
            "years.2026.make_up_working_days[0]: 2026-03-10 is a weekday and works anyway",
        ),
        (
            changed("years", "2026", "make_up_working_days", 1, to=date(2026, 1, 4)),
            "years.2026.make_up_working_days[1]: 2026-01-04 is listed twice",
        ),
        (
            changed("years", "2026", "make_up_working_days", 0, to=date(2025, 1, 4)),
            "years.2026.make_up_working_days[0]: 2025-01-04 is not in 2026",
        ),
        (
            changed("years", "2026", "rest_days", 0, "last", to=date(2025, 12, 31)),
            "years.2026.rest_days[0]: 2026-01-01 to 2025-12-31 is no range of rest days",
        ),
        (
            changed("years", "2026", "rest_days", 0, "last", to=date(2026, 2, 14)),
            "years.2026.rest_days[0]: 2026-01-01 to 2026-02-14 is no range of rest days",
        ),
        (
            changed("years", "2026", "rest_days", 2, "first", to=date(2026, 4, 30)),
            "years.2026.rest_days[2]: 2026-04-30 to 2026-04-06 is no range of rest days",
        ),
        (
            changed("years", "2026", "rest_days", 3, to={"first": date(2026, 4, 6), "last": date(2026, 4, 7)}),
            "years.2026.rest_days[3]: 2026-04-06 is listed twice",
        ),
        (
            changed("years", "2026", "rest_days", 0, to={"first": date(2026, 1, 1)}),
            "years.2026.rest_days[0].last: missing",
        ),
    ],
)
def test_a_calendar_with_a_slip_is_refused_at_its_place(source: dict[str, Any], problem: str) -> None:
    assert problems_of(source) == (problem,)


def test_all_problems_are_told_at_once() -> None:
    source = changed("cutoff", to=17) | {"zone": "Nowhere", "extra": 1}
    assert problems_of(source) == (
        "extra: unknown key",
        "zone: unknown zone 'Nowhere'",
        "cutoff: must be a time, not 17",
    )


def test_a_file_that_is_not_a_table_is_refused() -> None:
    with pytest.raises(CalendarRefused, match="calendar: must be a table"):
        load_calendar([])  # type: ignore[arg-type]
