"""Delivery: what an answer means, when to try again, and when to stop."""

from datetime import timedelta

import pytest

from services.notify.core.delivery import ATTEMPTS, DELAYS, Outcome, Result, judge, read_answer, read_retry_after
from services.notify.core.message import MessageState, Policy
from tests.services.notify.values import MORNING

FAILED = Result(Outcome.FAILED, "HTTP 500")
AMBIGUOUS = Result(Outcome.AMBIGUOUS, "ReadTimeout")
EVEN = 0.5
"""The draw that spreads nothing."""


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (202, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (301, Outcome.FAILED),
        (302, Outcome.FAILED),
        (304, Outcome.FAILED),
        (400, Outcome.FAILED),
        (401, Outcome.FAILED),
        (404, Outcome.FAILED),
        (410, Outcome.GONE),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
        (101, Outcome.FAILED),
    ],
)
def test_what_a_status_means(status: int, outcome: Outcome) -> None:
    assert read_answer(status, None, MORNING).outcome is outcome


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 1),
        ("86401", 86400),
        ("9" * 400, 86400),
        ("Tue, 10 Mar 2026 01:16:00 GMT", 60),
        ("Tue, 10 Mar 2026 01:00:00 GMT", 1),
        ("Fri, 10 Mar 2028 01:00:00 GMT", 86400),
    ],
)
def test_a_wait_asked_for_is_kept_between_a_second_and_a_day(header: str, seconds: int) -> None:
    assert read_retry_after(header, MORNING) == timedelta(seconds=seconds)


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "１２", "Tue, 99 Mar 2026 99:00:00 GMT"])
def test_an_unreadable_wait_is_no_wait(header: str | None) -> None:
    assert read_retry_after(header, MORNING) is None


def test_attempts_come_at_growing_distances_eleven_in_all() -> None:
    waits = []
    for attempt in range(1, ATTEMPTS):
        verdict = judge(Policy.RESEND, attempt, FAILED, MORNING, EVEN)
        assert verdict.state is MessageState.QUEUED
        assert verdict.due_at is not None
        waits.append((verdict.due_at - MORNING).total_seconds())
    assert waits == [5, 30, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert judge(Policy.RESEND, 11, FAILED, MORNING, EVEN).state is MessageState.FAILED
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=35)


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 24), (0.5, 30), (0.999999, 36)])
def test_waits_are_spread_by_a_fifth_to_either_side(chance: float, seconds: int) -> None:
    due_at = judge(Policy.RESEND, 2, FAILED, MORNING, chance).due_at
    assert due_at is not None
    assert (due_at - MORNING).total_seconds() == pytest.approx(seconds, abs=0.001)


def test_a_wait_asked_for_replaces_the_schedule() -> None:
    asked = Result(Outcome.FAILED, "HTTP 429", timedelta(seconds=90))
    assert judge(Policy.RESEND, 1, asked, MORNING, 0.9).due_at == MORNING + timedelta(seconds=90)


def test_what_was_delivered_is_done() -> None:
    verdict = judge(Policy.AT_MOST_ONCE, 3, Result(Outcome.DELIVERED), MORNING, EVEN)
    assert (verdict.state, verdict.due_at) == (MessageState.DELIVERED, None)


def test_a_receiver_that_is_gone_is_given_up_at_once() -> None:
    assert judge(Policy.RESEND, 1, Result(Outcome.GONE), MORNING, EVEN).state is MessageState.FAILED


def test_in_doubt_a_duty_is_said_again_and_a_survey_is_not() -> None:
    assert judge(Policy.RESEND, 1, AMBIGUOUS, MORNING, EVEN).state is MessageState.QUEUED
    assert judge(Policy.AT_MOST_ONCE, 1, AMBIGUOUS, MORNING, EVEN).state is MessageState.UNKNOWN


def test_a_survey_that_was_clearly_refused_is_tried_again() -> None:
    assert judge(Policy.AT_MOST_ONCE, 1, FAILED, MORNING, EVEN).state is MessageState.QUEUED


def test_doubt_at_the_last_attempt_ends_it() -> None:
    assert judge(Policy.RESEND, 11, AMBIGUOUS, MORNING, EVEN).state is MessageState.FAILED
