"""Asking: attempts in their bands, silence that ends as silence, answers that count once; and rules refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.core.followup import (
    Ended,
    FollowUp,
    FollowUpState,
    advance,
    close_elsewhere,
    open_follow_up,
    take_answer,
)
from services.notify.core.rules import FollowUpRules, RulesRefused, load_rules
from shared.events import FollowUpAsked, TicketEvaluated
from shared.terms import FollowUpOutcome, Satisfaction
from tests.services.notify.values import (
    MORNING,
    SATISFIED,
    UNSOLVED,
    assigned,
    audited,
    envelope,
    follow_up,
    local,
    rules,
    rules_source,
)

RULES = rules()


def run_to_end(opened: FollowUp, by: FollowUpRules = RULES) -> tuple[list[datetime], FollowUp]:
    """When attempts were made, each exactly when due, and the follow-up at its end."""
    asked, current = [], opened
    while current.next_at is not None:
        now = current.next_at
        move = advance(current, by, now)
        if isinstance(move.event, FollowUpAsked):
            asked.append(now)
        current = move.follow_up
    return asked, current


@pytest.mark.parametrize(
    ("opened_at", "attempts"),
    [
        ("10 09:15", ["10 09:15", "10 14:00", "10 19:00"]),
        ("10 11:59", ["10 11:59", "10 15:59", "10 19:59"]),
        ("10 12:00", ["10 14:00", "10 19:00", "11 09:00"]),
        ("10 17:30", ["10 17:30", "11 09:00", "11 14:00"]),
        ("10 20:29", ["10 20:29", "11 09:00", "11 14:00"]),
        ("10 20:30", ["11 09:00", "11 14:00", "11 19:00"]),
        ("10 03:00", ["10 09:00", "10 14:00", "10 19:00"]),
    ],
)
def test_attempts_fall_into_the_bands_of_the_day(opened_at: str, attempts: list[str]) -> None:
    asked, ended = run_to_end(follow_up(local(opened_at)))
    assert asked == [local(text) for text in attempts]
    assert (ended.state, ended.ended_at) == (FollowUpState.UNREACHABLE, local("13 00:00")), "two working days, whole"


@pytest.mark.parametrize(
    ("opened_at", "given_up_at"),
    [
        ("12 09:15", "2026-03-17T00:00"),  # Thu: Fri, and over the weekend Mon
        ("13 20:29", "2026-03-18T00:00"),  # Fri evening: Mon and Tue
        ("14 10:00", "2026-03-18T00:00"),  # Sat: Mon and Tue
    ],
)
def test_silence_is_given_up_after_two_working_days_and_days_of_rest_are_none(opened_at: str, given_up_at: str) -> None:
    _, ended = run_to_end(follow_up(local(opened_at)))
    assert ended.ended_at == datetime.fromisoformat(f"{given_up_at}+08:00")


def test_a_holiday_lengthens_the_window_and_a_made_up_saturday_shortens_it() -> None:
    days = rules().workdays
    holiday = replace(days, rest=frozenset({date(2026, 3, 11)}), years=frozenset({2026}))
    made_up = replace(days, made_up=frozenset({date(2026, 3, 14)}))
    for workdays, opened_at, given_up_at in ((holiday, "10 09:15", "14 00:00"), (made_up, "12 09:15", "15 00:00")):
        _, ended = run_to_end(follow_up(local(opened_at)), RULES.on(workdays))
        assert ended.ended_at == local(given_up_at)


def test_a_last_attempt_that_came_late_still_has_its_time() -> None:
    late = replace(follow_up(local("10 09:15")), attempts=2, bands=frozenset({"morning", "afternoon"}))
    move = advance(late, RULES, local("17 10:00"))
    assert (move.follow_up.attempts, move.follow_up.next_at) == (3, local("17 14:00"))


@given(st.integers(0, 14 * 24 * 60))
def test_whenever_it_opens_three_attempts_reach_two_bands_and_none_is_at_night(minutes: int) -> None:
    opened_at = MORNING + timedelta(minutes=minutes)
    asked, ended = run_to_end(follow_up(opened_at))
    hours = [instant.astimezone(RULES.zone).time() for instant in asked]
    assert len(asked) == 3
    assert len(ended.bands) >= 2
    assert all(any(b.opens <= hour < b.closes for b in RULES.bands) for hour in hours)
    assert asked[0] >= opened_at


def test_with_long_spacing_the_last_attempt_still_finds_another_band() -> None:
    daily = replace(RULES, spacing=timedelta(hours=24))
    current, asked = follow_up(local("10 10:00")), []
    for _ in range(3):
        assert current.next_at is not None
        asked.append(current.next_at)
        current = advance(current, daily, current.next_at).follow_up
    assert asked == [local("10 10:00"), local("11 10:00"), local("12 14:00")]


def test_an_attempt_that_comes_late_at_night_waits_for_the_morning() -> None:
    move = advance(follow_up(), RULES, local("10 23:00"))
    assert move.event is None
    assert (move.follow_up.attempts, move.follow_up.next_at) == (0, local("11 09:00"))


def test_nothing_happens_before_its_time() -> None:
    opened = follow_up(local("10 12:30"))
    assert advance(opened, RULES, local("10 13:59")).follow_up == opened


def test_silence_ends_as_unreachable_and_says_nothing_of_satisfaction() -> None:
    _, ended = run_to_end(follow_up())
    last = replace(ended, state=FollowUpState.OPEN, next_at=MORNING, ended_at=None)
    event = advance(last, RULES, MORNING).event
    assert event == TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE)
    assert isinstance(event, TicketEvaluated)
    assert (event.contacted, event.solved, event.satisfaction) == (None, None, None)
    assert ended.answer is None


def test_an_answer_ends_it_with_the_citizens_own_words_in_codes() -> None:
    move = take_answer(follow_up(), UNSOLVED, MORNING)
    assert move.follow_up.state is FollowUpState.ANSWERED
    assert move.event == TicketEvaluated(
        cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=False, satisfaction=Satisfaction.DISSATISFIED
    )


def test_the_same_answer_again_changes_and_states_nothing() -> None:
    answered = take_answer(follow_up(), SATISFIED, MORNING).follow_up
    again = take_answer(answered, SATISFIED, local("11 09:00"))
    assert (again.follow_up, again.event) == (answered, None)


def test_another_answer_is_refused() -> None:
    answered = take_answer(follow_up(), SATISFIED, MORNING).follow_up
    with pytest.raises(Ended, match="ANSWERED"):
        take_answer(answered, UNSOLVED, MORNING)


def test_an_answer_after_giving_up_is_refused() -> None:
    _, ended = run_to_end(follow_up())
    with pytest.raises(Ended, match="UNREACHABLE"):
        take_answer(ended, SATISFIED, local("20 09:00"))


def test_an_answer_after_a_closing_elsewhere_is_refused() -> None:
    gone = close_elsewhere(follow_up(), MORNING)
    assert gone.follow_up.state is FollowUpState.CLOSED_ELSEWHERE
    assert gone.event is None
    with pytest.raises(Ended, match="CLOSED_ELSEWHERE"):
        take_answer(gone.follow_up, SATISFIED, MORNING)


def test_closing_takes_no_answer_away() -> None:
    answered = take_answer(follow_up(), SATISFIED, MORNING).follow_up
    assert close_elsewhere(answered, MORNING).follow_up == answered


def test_an_ended_follow_up_asks_no_more() -> None:
    answered = take_answer(follow_up(), SATISFIED, MORNING).follow_up
    assert advance(answered, RULES, local("20 09:00")).event is None


def test_only_an_audit_that_says_so_begins_a_follow_up() -> None:
    assert open_follow_up(envelope(audited(follow_up=False)), RULES, MORNING) is None
    assert open_follow_up(envelope(assigned()), RULES, MORNING) is None


def bands(*rows: tuple[str, int, int]) -> Callable[[dict[str, Any]], None]:
    made = [{"name": name, "opens": time(opens), "closes": time(closes)} for name, opens, closes in rows]
    return lambda table: table.update(bands=made, least_bands=1)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t.pop("attempts"), "attempts: must be a int"),
        (lambda t: t.update(attempts=0), "attempts: must be from 1 to 10"),
        (lambda t: t.update(attempts=True), "attempts: must be a int"),
        (lambda t: t.update(least_bands=4), "more than there are attempts or bands"),
        (lambda t: t.update(spacing_hours=0), "spacing_hours: must be from 1"),
        (lambda t: t.update(window_working_days=31), "window_working_days: must be from 1 to 30"),
        (lambda t: t.update(zone="Asia/Nowhere"), "unknown zone"),
        (lambda t: t.update(zone="../etc"), "unknown zone"),
        (lambda t: t.update(satisfied_by_default=True), "satisfied_by_default: unknown key"),
        (lambda t: t.update(bands="always"), "bands: must be a list"),
        (bands(), "at least one"),
        (bands(("a", 9, 12), ("a", 14, 18)), "a name of its own"),
        (bands(("a,b", 9, 12)), "a name of its own"),
        (bands(("a", 12, 9)), "a is empty"),
        (bands(("a", 9, 12), ("b", 11, 13)), "b begins within a"),
    ],
)
def test_wrong_rules_are_refused_with_the_place_of_the_fault(spoil: Callable[[Any], object], complaint: str) -> None:
    source = rules_source()
    spoil(source["follow_up"])
    with pytest.raises(RulesRefused, match=complaint):
        load_rules(source)


def test_rules_without_their_table_or_with_a_strange_one_are_refused() -> None:
    with pytest.raises(RulesRefused, match="follow_up: must be a dict"):
        load_rules({})
    with pytest.raises(RulesRefused, match="folow_up: unknown key"):
        load_rules(rules_source() | {"folow_up": {}})
