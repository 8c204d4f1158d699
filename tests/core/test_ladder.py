"""The ladder of a deadline: worked examples of when people are reminded, lights change and levels are reached."""

import tomllib
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.core.calendar import DutyRoster
from services.dispatch.core.calendar_file import load_calendar
from services.dispatch.core.deadlines import Limit, Pause, deadline, extend_for_pause, parse_limit
from services.dispatch.core.ladder import BEFORE_RED, CRITICAL_ARRIVAL, Rung, Step, first_rung, ladder

SHEET = Path(__file__).parents[2] / "deploy" / "packs" / "county-default" / "calendar.toml"
CALENDAR = load_calendar(tomllib.loads(SHEET.read_text(encoding="utf-8")))
ROSTER = CALENDAR.default_roster
NO_ROSTER = DutyRoster()
CHINA = timezone(timedelta(hours=8))
TICK = timedelta(microseconds=1)


def local(text: str) -> datetime:
    """An instant written as on the wall in China, where `24:00` is the end of the day."""
    if text.endswith(" 24:00"):
        return datetime.fromisoformat(text.removesuffix(" 24:00")).replace(tzinfo=CHINA) + timedelta(days=1)
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def rungs(text: str, start: str, roster: DutyRoster = ROSTER) -> tuple[Rung, ...]:
    limit, started = parse_limit(text), local(start)
    return ladder(limit, started, deadline(limit, started, CALENDAR, roster), CALENDAR, roster)


def rung(step: Step, due_at: str, notify_at: str | None = None) -> Rung:
    return Rung(step, local(due_at), local(notify_at or due_at))


def test_a_big_matter_of_five_working_days_climbs_rung_by_rung() -> None:
    assert rungs("5 WD", "2026-03-09 10:00") == (
        rung(Step.REMINDER, "2026-03-13 08:30"),
        rung(Step.YELLOW, "2026-03-16 08:30"),
        rung(Step.RED, "2026-03-16 24:00"),
        rung(Step.LEVEL_1, "2026-03-16 24:00", notify_at="2026-03-17 08:30"),
        rung(Step.LEVEL_2, "2026-03-17 24:00"),
        rung(Step.LEVEL_3, "2026-03-19 24:00"),
    )


def test_a_support_part_turns_red_at_its_own_deadline() -> None:
    assert rungs("3 WD", "2026-03-09 10:00") == (
        rung(Step.REMINDER, "2026-03-12 08:30"),
        rung(Step.YELLOW, "2026-03-12 08:30"),
        rung(Step.RED, "2026-03-12 24:00"),
        rung(Step.LEVEL_1, "2026-03-12 24:00", notify_at="2026-03-13 08:30"),
        rung(Step.LEVEL_2, "2026-03-13 24:00"),
        rung(Step.LEVEL_3, "2026-03-17 24:00"),
    )


def test_a_late_same_day_matter_goes_up_twice_the_next_morning() -> None:
    assert rungs("same_day", "2026-03-10 09:15") == (
        rung(Step.YELLOW, "2026-03-10 18:00"),
        rung(Step.RED, "2026-03-10 24:00"),
        rung(Step.LEVEL_1, "2026-03-11 08:30"),
        rung(Step.LEVEL_2, "2026-03-11 12:00"),
    )


def test_a_same_day_matter_due_on_a_later_day_has_a_reminder_that_morning() -> None:
    assert rungs("same_day", "2026-03-10 17:00:00.000001")[:2] == (
        rung(Step.REMINDER, "2026-03-11 08:30"),
        rung(Step.YELLOW, "2026-03-11 18:00"),
    )


@pytest.mark.parametrize(
    ("roster", "level_1", "level_2"),
    [(ROSTER, "2026-03-14 08:30", "2026-03-14 12:00"), (NO_ROSTER, "2026-03-16 08:30", "2026-03-16 12:00")],
    ids=["Saturday served", "no roster"],
)
def test_same_day_levels_wait_for_the_next_service_day(roster: DutyRoster, level_1: str, level_2: str) -> None:
    assert rungs("same_day", "2026-03-13 09:00", roster)[-2:] == (
        rung(Step.LEVEL_1, level_1),
        rung(Step.LEVEL_2, level_2),
    )


@pytest.mark.parametrize("text", ["1 WD", "2 WD"])
def test_limits_under_three_working_days_have_no_reminder(text: str) -> None:
    assert rungs(text, "2026-03-09 10:00")[0].step is Step.YELLOW


def test_working_day_rungs_pass_over_a_long_holiday() -> None:
    assert rungs("5 WD", "2026-02-06 10:00")[2:] == (
        rung(Step.RED, "2026-02-13 24:00"),
        rung(Step.LEVEL_1, "2026-02-13 24:00", notify_at="2026-02-14 08:30"),  # a make-up Saturday
        rung(Step.LEVEL_2, "2026-02-14 24:00"),
        rung(Step.LEVEL_3, "2026-02-25 24:00"),
    )


def test_natural_days_climb_by_the_working_days_within_them() -> None:
    assert rungs("7 ND", "2026-03-07 10:00") == (  # six working days, due Monday 16 March
        rung(Step.REMINDER, "2026-03-12 08:30"),
        rung(Step.YELLOW, "2026-03-16 08:30"),
        rung(Step.RED, "2026-03-16 24:00"),
        rung(Step.LEVEL_1, "2026-03-16 24:00", notify_at="2026-03-17 08:30"),
        rung(Step.LEVEL_2, "2026-03-17 24:00"),
        rung(Step.LEVEL_3, "2026-03-19 24:00"),
    )


def test_hours_climb_by_shares_of_the_limit_holiday_or_not() -> None:
    assert rungs("24 NH", "2026-10-02 03:10") == (
        rung(Step.REMINDER, "2026-10-02 15:10"),
        rung(Step.YELLOW, "2026-10-02 22:22"),
        rung(Step.RED, "2026-10-03 03:10"),
        rung(Step.LEVEL_1, "2026-10-03 03:10"),
        rung(Step.LEVEL_2, "2026-10-03 09:10"),
        rung(Step.LEVEL_3, "2026-10-04 03:10"),
    )


def test_working_hours_climb_only_while_offices_are_open() -> None:
    assert rungs("4 WH", "2026-03-10 16:30") == (
        rung(Step.REMINDER, "2026-03-11 09:30"),
        rung(Step.YELLOW, "2026-03-11 10:42"),
        rung(Step.RED, "2026-03-11 11:30"),
        rung(Step.LEVEL_1, "2026-03-11 11:30"),
        rung(Step.LEVEL_2, "2026-03-11 14:00"),
        rung(Step.LEVEL_3, "2026-03-11 17:00"),
    )


def test_level_2_waits_half_an_hour_at_least_and_level_3_never_overtakes_it() -> None:
    assert rungs("15 min", "2026-03-14 23:20")[2:] == (
        rung(Step.RED, "2026-03-14 23:35"),
        rung(Step.LEVEL_1, "2026-03-14 23:35"),
        rung(Step.LEVEL_2, "2026-03-15 00:05"),
        rung(Step.LEVEL_3, "2026-03-15 00:05"),
    )


def test_a_missed_arrival_at_a_critical_matter_is_level_2_at_once_and_level_3_after_an_hour() -> None:
    limit, start = parse_limit("30 min"), local("2026-03-14 23:20")
    due_at = deadline(limit, start, CALENDAR, ROSTER)
    assert ladder(limit, start, due_at, CALENDAR, ROSTER, CRITICAL_ARRIVAL)[2:] == (
        rung(Step.RED, "2026-03-14 23:50"),
        rung(Step.LEVEL_1, "2026-03-14 23:50"),
        rung(Step.LEVEL_2, "2026-03-14 23:50"),
        rung(Step.LEVEL_3, "2026-03-15 00:20"),
    )


@pytest.mark.parametrize(
    ("text", "paused", "resumed", "reminder", "yellow"),
    [
        ("5 WD", "2026-03-09 14:00", "2026-03-10 14:00", "2026-03-13 08:30", "2026-03-17 08:30"),
        ("24 NH", "2026-03-09 14:00", "2026-03-10 14:00", "2026-03-10 22:00", "2026-03-11 05:12"),
    ],
)
def test_a_pause_moves_the_ladder_with_the_deadline(
    text: str, paused: str, resumed: str, reminder: str, yellow: str
) -> None:
    limit, start = parse_limit(text), local("2026-03-09 10:00")
    pause = Pause(local(paused), local(resumed))
    due_at = extend_for_pause(limit, deadline(limit, start, CALENDAR, ROSTER), pause, CALENDAR, ROSTER)
    climbed = ladder(limit, start, due_at, CALENDAR, ROSTER)
    assert climbed[:3] == (rung(Step.REMINDER, reminder), rung(Step.YELLOW, yellow), Rung(Step.RED, due_at, due_at))


def test_a_calendar_that_closes_with_business_ends_the_levels_at_closing_time() -> None:
    strict = replace(CALENDAR, close_of_business=True)
    limit, start = parse_limit("5 WD"), local("2026-03-09 10:00")
    climbed = ladder(limit, start, deadline(limit, start, strict, ROSTER), strict, ROSTER)
    assert climbed[2:] == (
        rung(Step.RED, "2026-03-16 17:30"),
        rung(Step.LEVEL_1, "2026-03-16 17:30", notify_at="2026-03-17 08:30"),
        rung(Step.LEVEL_2, "2026-03-17 17:30"),
        rung(Step.LEVEL_3, "2026-03-19 17:30"),
    )


def test_a_deadline_nearer_than_the_limit_reminds_at_the_start_not_before() -> None:
    start = local("2026-03-10 10:00")
    climbed = ladder(parse_limit("24 NH"), start, local("2026-03-10 16:00"), CALENDAR, ROSTER)
    assert climbed[0] == rung(Step.REMINDER, "2026-03-10 10:00")
    assert climbed[1] == rung(Step.YELLOW, "2026-03-10 11:12")


@pytest.mark.parametrize("step", list(Step))
def test_lights_before_red_come_on_at_their_instant_and_later_rungs_just_after(step: Step) -> None:
    at = local("2026-03-16 24:00")
    reached = Rung(step, at, at)
    assert not reached.is_reached(at - TICK)
    assert reached.is_reached(at) == (step in BEFORE_RED)
    assert reached.is_reached(at + TICK)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        ladder(parse_limit("24 NH"), datetime(2026, 3, 10), local("2026-03-11 00:00"), CALENDAR, ROSTER)


WRITTEN = ["same_day", "1 WD", "2 WD", "3 WD", "15 WD", "1 ND", "7 ND", "2 min", "30 min", "24 NH", "1 WH", "40 WH"]
LIMITS = st.sampled_from([parse_limit(text) for text in WRITTEN])
ROSTERS = st.sampled_from([ROSTER, NO_ROSTER, DutyRoster(dates=frozenset({date(2026, 2, 18), date(2026, 3, 14)}))])
STARTS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 11, 30), timezones=st.just(CHINA))


@settings(deadline=None, max_examples=300)
@given(LIMITS, STARTS, st.timedeltas(timedelta(0), timedelta(days=5)), ROSTERS)
def test_every_ladder_climbs_in_order_through_its_deadline(
    limit: Limit, start: datetime, paused_for: timedelta, roster: DutyRoster
) -> None:
    pause = Pause(start, start + paused_for)
    due_at = extend_for_pause(limit, deadline(limit, start, CALENDAR, roster), pause, CALENDAR, roster)
    climbed = ladder(limit, start, due_at, CALENDAR, roster)
    steps = [rung.step for rung in climbed]
    assert [rung.due_at for rung in climbed] == sorted(rung.due_at for rung in climbed)
    assert steps == [step for step in Step if step in steps]
    assert climbed[steps.index(Step.RED)].due_at == due_at
    assert first_rung(limit, start, due_at, CALENDAR) == climbed[0]
    assert all(start <= rung.due_at <= rung.notify_at for rung in climbed)
