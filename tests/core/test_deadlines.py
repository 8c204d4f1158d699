"""Deadlines to the microsecond: worked examples of the county's limits, and what must hold for every limit."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.core.calendar import DutyRoster, YearTable
from services.dispatch.core.calendar_file import load_calendar
from services.dispatch.core.deadlines import (
    Limit,
    Pause,
    SameDay,
    UnknownLimit,
    deadline,
    doubled,
    earliest,
    extend_for_pause,
    half,
    is_within,
    never_a_breach_by_it,
    parse_limit,
    redispatched_deadline,
)

SHEET = Path(__file__).parents[2] / "deploy" / "packs" / "county-default" / "calendar.toml"
CALENDAR = load_calendar(tomllib.loads(SHEET.read_text(encoding="utf-8")))
ROSTER = CALENDAR.default_roster
NO_ROSTER = DutyRoster()
CHINA = timezone(timedelta(hours=8))
BIG = parse_limit("5 WD")


def local(text: str) -> datetime:
    """An instant written as on the wall in China, where `24:00` is the end of the day."""
    if text.endswith(" 24:00"):
        return datetime.fromisoformat(text.removesuffix(" 24:00")).replace(tzinfo=CHINA) + timedelta(days=1)
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def due(limits: str, start: str, roster: DutyRoster = ROSTER) -> datetime:
    return earliest([parse_limit(text) for text in limits.split(", ")], local(start), CALENDAR, roster).at


# Worked examples: what the matter is promised, when it was accepted, when it is due.
EXAMPLES = [
    ("X01", "same_day", "2026-03-10 09:15:00", "2026-03-10 24:00"),
    ("X02", "same_day", "2026-03-10 16:59:59", "2026-03-10 24:00"),
    ("X03", "same_day", "2026-03-10 17:00:00", "2026-03-10 24:00"),
    ("X03+", "same_day", "2026-03-10 17:00:00.000001", "2026-03-11 24:00"),
    ("X05", "same_day", "2026-03-10 23:59:59", "2026-03-11 24:00"),
    ("X06", "same_day", "2026-03-11 00:00:00", "2026-03-11 24:00"),
    ("X09", "same_day", "2026-05-09 16:30:00", "2026-05-09 24:00"),
    ("X14", "same_day", "2026-02-23 21:00:00", "2026-02-24 24:00"),
    ("X15", "same_day", "2026-02-28 11:00:00", "2026-02-28 24:00"),
    ("X17", "same_day", "2026-09-20 16:00:00", "2026-09-20 24:00"),
    ("X20", "same_day", "2025-01-26 09:00:00", "2025-01-26 24:00"),
    ("X21", "24 NH, same_day", "2026-03-10 09:00:00", "2026-03-10 24:00"),
    ("X23", "2 WD", "2026-03-09 11:00:00", "2026-03-11 24:00"),
    ("X24", "2 WD", "2026-03-13 23:30:00", "2026-03-17 24:00"),
    ("X25", "2 WD", "2026-02-13 09:00:00", "2026-02-24 24:00"),
    ("X27", "2 WD", "2026-10-10 03:00:00", "2026-10-13 24:00"),
    ("X28", "2 WD", "2025-04-27 09:00:00", "2025-04-29 24:00"),
    ("X29", "5 WD", "2026-03-09 10:00:00", "2026-03-16 24:00"),
    ("X31", "5 WD", "2026-01-01 09:00:00", "2026-01-08 24:00"),
    ("X32", "5 WD", "2026-02-13 10:00:00", "2026-02-27 24:00"),
    ("X33", "5 WD", "2026-02-14 10:00:00", "2026-02-28 24:00"),
    ("X35", "5 WD", "2026-04-03 09:00:00", "2026-04-13 24:00"),
    ("X36", "5 WD", "2026-04-30 10:00:00", "2026-05-11 24:00"),
    ("X37", "5 WD", "2026-06-18 09:00:00", "2026-06-26 24:00"),
    ("X38", "5 WD", "2026-09-17 15:00:00", "2026-09-23 24:00"),
    ("X40", "5 WD", "2025-01-27 09:00:00", "2025-02-10 24:00"),
    ("X42", "15 WD", "2026-03-09 10:00:00", "2026-03-30 24:00"),
    ("X43", "15 WD", "2026-02-06 10:00:00", "2026-03-05 24:00"),
    ("X45", "15 WD", "2026-03-09 10:00:00", "2026-03-30 24:00"),
    ("X46", "10 WD", "2026-03-13 09:00:00", "2026-03-27 24:00"),
    ("X47 first feedback", "2 NH", "2026-03-14 23:20:00", "2026-03-15 01:20"),
    ("X47 on site", "30 min", "2026-03-14 23:20:00", "2026-03-14 23:50"),
    ("X48", "24 NH, 5 WD", "2026-10-02 03:10:00", "2026-10-03 03:10"),
    ("X50", "4 WH", "2026-03-10 16:30:00", "2026-03-11 11:30"),
    ("X52", "2 WH", "2026-03-10 12:30:00", "2026-03-10 15:30"),
    ("X53", "2 WH", "2026-03-10 06:00:00", "2026-03-10 10:30"),
    ("X55", "7.5 WH", "2026-03-10 08:30:00", "2026-03-10 17:30"),
    ("X56", "7 ND", "2026-03-09 10:00:00", "2026-03-16 24:00"),
    ("X57", "7 ND", "2026-03-07 10:00:00", "2026-03-16 24:00"),
    ("X59", "7 ND", "2026-09-24 10:00:00", "2026-10-08 24:00"),
    ("Y02 support part", "3 WD", "2026-03-09 10:00:00", "2026-03-12 24:00"),
    ("Y04 turned big", "5 WD", "2026-03-10 09:15:00", "2026-03-17 24:00"),
    ("Y08 signing", "4 WH", "2026-03-09 10:00:00", "2026-03-09 15:30"),
    ("Y09 return window", "1 WH", "2026-03-10 09:20:00", "2026-03-10 10:20"),
    ("Y19 report in", "4 WH", "2026-03-13 16:00:00", "2026-03-16 11:00"),
    ("Y21 report in", "30 min", "2026-10-02 03:10:00", "2026-10-02 03:40"),
    ("Y22 follow-up", "1 WD", "2026-02-13 16:00:00", "2026-02-14 24:00"),
    ("Y24 reopened", "3 WD", "2026-03-20 10:00:00", "2026-03-25 24:00"),
    ("Y26 hand-over", "1 WD", "2026-03-13 20:00:00", "2026-03-16 24:00"),
]
# The roster decides only what is accepted, or first due, on a rest day: with every rest day served, and with none.
ROSTER_EXAMPLES = [
    ("X08", "2026-03-14 10:00:00", "2026-03-14 24:00", "2026-03-16 24:00"),
    ("X10", "2026-05-16 16:30:00", "2026-05-16 24:00", "2026-05-18 24:00"),
    ("X12", "2026-02-14 18:00:00", "2026-02-15 24:00", "2026-02-24 24:00"),
    ("X18", "2026-09-25 09:00:00", "2026-09-25 24:00", "2026-09-28 24:00"),
]


@pytest.mark.parametrize(
    ("limits", "start", "expected"), [row[1:] for row in EXAMPLES], ids=[row[0] for row in EXAMPLES]
)
@pytest.mark.parametrize("roster", [ROSTER, NO_ROSTER], ids=["rest days served", "no roster"])
def test_a_matter_is_due_when_the_example_says(limits: str, start: str, expected: str, roster: DutyRoster) -> None:
    assert due(limits, start, roster) == local(expected)


@pytest.mark.parametrize(
    ("start", "served", "unserved"), [row[1:] for row in ROSTER_EXAMPLES], ids=[row[0] for row in ROSTER_EXAMPLES]
)
def test_a_same_day_matter_on_a_rest_day_waits_for_the_roster(start: str, served: str, unserved: str) -> None:
    assert due("same_day", start, ROSTER) == local(served)
    assert due("same_day", start, NO_ROSTER) == local(unserved)


# Within and beyond


def test_a_result_at_the_deadline_is_in_time_and_one_microsecond_later_is_a_breach() -> None:
    due_at = due("same_day", "2026-03-10 09:15:00")
    assert is_within(local("2026-03-11 00:00:00.000000"), due_at)
    assert not is_within(local("2026-03-11 00:00:00.000001"), due_at)


def test_a_small_matter_turned_big_on_site_is_due_from_its_acceptance_without_a_breach() -> None:
    assert is_within(local("2026-03-10 15:30"), due("same_day", "2026-03-10 09:15:00"))
    assert due("5 WD", "2026-03-10 09:15:00") == local("2026-03-17 24:00")


def test_a_return_may_be_asked_until_the_window_closes() -> None:
    closes_at = due("1 WH", "2026-03-10 09:20:00")
    assert is_within(local("2026-03-10 10:20"), closes_at)
    assert not is_within(local("2026-03-10 10:30"), closes_at)


def test_deadlines_are_told_in_utc() -> None:
    for text in ("same_day", "5 WD", "7 ND", "24 NH", "4 WH"):
        assert deadline(parse_limit(text), local("2026-03-10 09:15"), CALENDAR, ROSTER).tzinfo is UTC


def test_hours_keep_the_microseconds_of_their_start() -> None:
    assert due("24 NH", "2026-10-02 03:10:00.000001") == local("2026-10-03 03:10:00.000001")
    assert due("4 WH", "2026-03-10 16:30:00.000001") == local("2026-03-11 11:30:00.000001")


def test_working_days_end_at_closing_time_where_the_calendar_says_so() -> None:
    strict = replace(CALENDAR, close_of_business=True)
    assert deadline(BIG, local("2026-03-09 10:00"), strict, ROSTER) == local("2026-03-16 17:30")
    assert deadline(SameDay(), local("2026-03-10 17:00"), strict, ROSTER) == local("2026-03-10 24:00")


@pytest.mark.parametrize("text", ["same_day", "5 WD", "7 ND", "24 NH", "4 WH"])
def test_a_start_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        deadline(parse_limit(text), datetime(2026, 3, 10, 9), CALENDAR, ROSTER)


def test_the_governing_limit_is_named_with_its_deadline() -> None:
    limits = [parse_limit("24 NH"), SameDay()]
    governing = earliest(limits, local("2026-03-10 09:00"), CALENDAR, ROSTER)
    assert (governing.limit, governing.is_provisional) == (SameDay(), False)


def test_a_deadline_in_a_year_without_a_notice_is_provisional_unless_no_calendar_was_asked() -> None:
    start = local("2026-12-28 10:00")
    assert earliest([BIG], start, CALENDAR, ROSTER).is_provisional
    assert not earliest([parse_limit("3 WD")], start, CALENDAR, ROSTER).is_provisional
    assert not earliest([parse_limit("240 NH")], start, CALENDAR, ROSTER).is_provisional


# Redispatch, pause, changed calendar


def test_a_small_matter_redispatched_before_the_cutoff_stays_due_today() -> None:
    citizen = due("same_day", "2026-03-10 09:15:00")
    unit = redispatched_deadline(SameDay(), citizen, local("2026-03-10 16:40"), CALENDAR, ROSTER)
    assert (citizen, unit) == (local("2026-03-10 24:00"), local("2026-03-10 24:00"))


@pytest.mark.parametrize(
    ("limit", "redispatched", "expected"),
    [
        ("same_day", "2026-03-10 17:40", "2026-03-11 24:00"),
        ("5 WD", "2026-03-10 10:00", "2026-03-16 24:00"),  # half the limit would end on Friday, the citizen's counts
        ("5 WD", "2026-03-13 10:00", "2026-03-18 24:00"),
    ],
)
def test_the_next_unit_gets_half_the_limit_if_the_citizens_deadline_is_nearer(
    limit: str, redispatched: str, expected: str
) -> None:
    citizen = due(limit, "2026-03-09 10:00")
    assert redispatched_deadline(parse_limit(limit), citizen, local(redispatched), CALENDAR, ROSTER) == local(expected)


@pytest.mark.parametrize(
    ("limit", "start", "paused", "resumed", "expected"),
    [
        ("5 WD", "2026-03-09 10:00", "2026-03-09 14:00", "2026-03-10 14:00", "2026-03-17 24:00"),  # Y18: 7.5 WH
        ("5 WD", "2026-03-09 10:00", "2026-03-09 14:00", "2026-03-10 14:00:00.000001", "2026-03-18 24:00"),
        ("5 WD", "2026-03-09 10:00", "2026-03-13 18:00", "2026-03-16 08:00", "2026-03-16 24:00"),  # a weekend
        ("24 NH", "2026-03-09 10:00", "2026-03-09 14:00", "2026-03-10 14:00:00.000001", "2026-03-11 10:00:00.000001"),
        ("4 WH", "2026-03-09 10:00", "2026-03-09 11:00", "2026-03-09 14:00", "2026-03-09 17:00"),
        ("4 WH", "2026-03-09 10:00", "2026-03-09 12:00", "2026-03-09 13:30", "2026-03-09 15:30"),  # the lunch break
        ("same_day", "2026-03-10 09:15", "2026-03-10 14:00", "2026-03-10 16:00", "2026-03-10 24:00"),
        ("same_day", "2026-03-10 09:15", "2026-03-10 14:00", "2026-03-10 17:30", "2026-03-11 24:00"),
        ("7 ND", "2026-03-09 10:00", "2026-03-10 10:00", "2026-03-11 10:00", "2026-03-17 24:00"),
        ("7 ND", "2026-03-09 10:00", "2026-03-10 10:00", "2026-03-14 11:00", "2026-03-23 24:00"),  # 5 days: Saturday
    ],
)
def test_a_pause_moves_each_limit_by_its_own_measure(
    limit: str, start: str, paused: str, resumed: str, expected: str
) -> None:
    pause = Pause(local(paused), local(resumed))
    assert extend_for_pause(parse_limit(limit), due(limit, start), pause, CALENDAR, ROSTER) == local(expected)


@pytest.mark.parametrize("text", ["same_day", "5 WD", "7 ND", "24 NH", "4 WH"])
def test_a_pause_after_the_deadline_does_not_heal_the_breach(text: str) -> None:
    due_at = due(text, "2026-03-09 10:00")
    late = Pause(due_at + timedelta(microseconds=1), due_at + timedelta(days=9))
    assert extend_for_pause(parse_limit(text), due_at, late, CALENDAR, ROSTER) == due_at


def test_a_pause_that_ends_before_it_starts_or_has_no_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="before it starts"):
        Pause(local("2026-03-10 14:00"), local("2026-03-10 13:59"))
    with pytest.raises(ValueError, match="with a zone"):
        Pause(datetime(2026, 3, 10, 14), local("2026-03-10 15:00"))


LOADED_2027 = replace(
    CALENDAR,
    years=(*CALENDAR.years, YearTable(2027, frozenset({date(2027, 1, 1)}), frozenset({date(2027, 1, 3)}))),
)
IN_DECEMBER = local("2026-12-28 10:00")


def recomputed(now: str, pauses: Sequence[Pause] = ()) -> datetime:
    before = deadline(BIG, IN_DECEMBER, CALENDAR, ROSTER)
    fresh = deadline(BIG, IN_DECEMBER, LOADED_2027, ROSTER)
    for pause in pauses:
        fresh = extend_for_pause(BIG, fresh, pause, LOADED_2027, ROSTER)
    return never_a_breach_by_it(fresh, before, local(now), LOADED_2027)


def test_a_new_notice_with_a_working_sunday_brings_the_deadline_forward() -> None:
    assert due("5 WD", "2026-12-28 10:00") == local("2027-01-05 24:00")
    assert recomputed("2026-12-30 09:00") == local("2027-01-04 24:00")
    assert recomputed("2027-01-04 24:00") == local("2027-01-04 24:00")


def test_a_recomputed_deadline_never_becomes_a_breach_after_the_fact() -> None:
    assert recomputed("2027-01-05 09:00") == local("2027-01-06 24:00")


def test_a_breach_under_the_old_calendar_gets_no_grace_from_a_new_one() -> None:
    assert recomputed("2027-01-06 09:00") == local("2027-01-04 24:00")


def test_pauses_are_counted_again_under_the_new_calendar() -> None:
    pause = Pause(local("2026-12-29 08:30"), local("2026-12-29 17:30"))
    assert recomputed("2026-12-30 09:00", [pause]) == local("2027-01-05 24:00")


# Writing limits


@pytest.mark.parametrize("text", ["same_day", "5 WD", "7 ND", "24 NH", "4 WH", "7.5 WH", "30 min", "90 min", "7.5 min"])
def test_a_limit_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_limit(text)) == text


@pytest.mark.parametrize(
    ("text", "plain"), [("60 min", "1 NH"), ("1.5 NH", "90 min"), ("4.0 WH", "4 WH"), ("5WD", "5 WD")]
)
def test_a_limit_has_one_way_of_being_written(text: str, plain: str) -> None:
    assert str(parse_limit(text)) == plain


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "WD", "5 XD", "5 wd", "5 days", "-5 WD", "0 WD", "0 NH", "0.0 WH", "1.5 WD", "2.5 ND", "1.234 NH"),
        *(
            "367 WD",
            "8785 NH",
            "99999 WD",
            "5 WD ",
            " 5 WD",
            "5  WD",
            "5 WD\n",
            "٥ WD",
            "1e3 NH",
            "same day",
            "SAME_DAY",
        ),
    ],
)
def test_a_text_that_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UnknownLimit):
        parse_limit(text)


@pytest.mark.parametrize(
    ("text", "halved", "twice"),
    [("5 WD", "3 WD", "10 WD"), ("7 ND", "4 ND", "14 ND"), ("24 NH", "12 NH", "48 NH"), ("1 WH", "0.5 WH", "2 WH")],
)
def test_half_a_limit_rounds_days_up(text: str, halved: str, twice: str) -> None:
    assert str(half(parse_limit(text))) == halved
    assert str(doubled(parse_limit(text))) == twice


def test_a_same_day_limit_is_its_own_half_and_has_no_double() -> None:
    assert half(SameDay()) == SameDay()
    with pytest.raises(ValueError, match="cannot be doubled"):
        doubled(SameDay())


# What holds for every limit

WRITTEN = ["same_day", "1 WD", "5 WD", "15 WD", "1 ND", "7 ND", "10 min", "24 NH", "1 WH", "7.5 WH", "40 WH"]
LIMITS = st.sampled_from([parse_limit(text) for text in WRITTEN])
ROSTERS = st.sampled_from([ROSTER, NO_ROSTER, DutyRoster(dates=frozenset({date(2026, 2, 18), date(2026, 3, 14)}))])
STARTS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 11, 30), timezones=st.just(CHINA))
SOME = settings(deadline=None, max_examples=300)
FEW = settings(deadline=None, max_examples=25)  # each example unrolls a calendar of its own
DAYS_2026 = st.dates(date(2026, 1, 1), date(2026, 12, 31))


@SOME
@given(LIMITS, STARTS, ROSTERS)
def test_no_deadline_comes_before_its_start(limit: Limit, start: datetime, roster: DutyRoster) -> None:
    assert deadline(limit, start, CALENDAR, roster) > start


@SOME
@given(LIMITS, STARTS, st.timedeltas(timedelta(0), timedelta(days=12)), ROSTERS)
def test_a_later_start_is_never_due_earlier(
    limit: Limit, start: datetime, later: timedelta, roster: DutyRoster
) -> None:
    assert deadline(limit, start, CALENDAR, roster) <= deadline(limit, start + later, CALENDAR, roster)


@SOME
@given(st.lists(LIMITS, min_size=1, max_size=3), LIMITS, STARTS, ROSTERS)
def test_raising_the_urgency_never_lengthens(
    limits: list[Limit], urgency: Limit, start: datetime, roster: DutyRoster
) -> None:
    assert earliest([urgency, *limits], start, CALENDAR, roster).at <= earliest(limits, start, CALENDAR, roster).at


@SOME
@given(LIMITS, STARTS, STARTS, st.timedeltas(timedelta(0), timedelta(days=12)), ROSTERS)
def test_a_pause_never_shortens(
    limit: Limit, start: datetime, paused: datetime, length: timedelta, roster: DutyRoster
) -> None:
    due_at = deadline(limit, start, CALENDAR, roster)
    assert extend_for_pause(limit, due_at, Pause(paused, paused + length), CALENDAR, roster) >= due_at


@FEW
@given(st.sets(DAYS_2026, min_size=1, max_size=30), st.lists(st.tuples(LIMITS, STARTS), min_size=5), ROSTERS)
def test_more_rest_days_never_make_a_deadline_earlier(
    extra: set[date], matters: list[tuple[Limit, datetime]], roster: DutyRoster
) -> None:
    *before, notice = CALENDAR.years
    rest = replace(notice, rest_days=notice.rest_days | extra, make_up_working_days=notice.make_up_working_days - extra)
    idler = replace(CALENDAR, years=(*before, rest))
    for limit, start in matters:
        assert deadline(limit, start, idler, roster) >= deadline(limit, start, CALENDAR, roster)
