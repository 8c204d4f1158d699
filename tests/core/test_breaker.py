"""The circuit breaker: a dead receiver is left alone for longer and longer, and one message finds out if it is back."""

from datetime import timedelta

import pytest

from services.notify.core.breaker import Breaker
from services.notify.core.delivery import UNTRIED, Outcome, Result, read_answer
from tests.services.notify.values import MORNING

DEAD = Result(Outcome.AMBIGUOUS, "closed")
FINE = Result(Outcome.DELIVERED)
REFUSED = read_answer(404, None, MORNING)
EVEN = 0.5


def opened(failures: int = 10) -> Breaker:
    return Breaker().after([DEAD] * failures, MORNING, EVEN)


def test_ten_failures_in_a_row_open_it_and_nine_do_not() -> None:
    assert opened(9).room(MORNING, 200) == 200
    assert opened(10).room(MORNING, 200) == 0


def test_failures_are_counted_over_several_passes() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker = breaker.after([DEAD], MORNING, EVEN)
    assert breaker.room(MORNING, 200) == 0


@pytest.mark.parametrize("alive", [FINE, REFUSED, Result(Outcome.GONE, is_alive=True)])
def test_any_answer_in_good_order_begins_the_count_anew(alive: Result) -> None:
    breaker = Breaker().after([DEAD] * 9 + [alive] + [DEAD] * 9, MORNING, EVEN)
    assert breaker.room(MORNING, 200) == 200


@pytest.mark.parametrize("status", [500, 502, 503, 408])
def test_a_receiver_in_trouble_counts_as_dead(status: int) -> None:
    breaker = Breaker().after([read_answer(status, None, MORNING)] * 10, MORNING, EVEN)
    assert breaker.room(MORNING, 200) == 0


def test_after_the_pause_one_message_is_tried() -> None:
    assert opened().room(MORNING + timedelta(seconds=9), 200) == 0
    assert opened().room(MORNING + timedelta(seconds=10), 200) == 1


def test_a_probe_that_arrives_closes_it() -> None:
    assert opened().after([FINE], MORNING, EVEN) == Breaker()


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_ten_minutes() -> None:
    breaker, pauses = opened(), []
    for _ in range(9):
        assert breaker.open_until is not None
        pauses.append(int((breaker.open_until - MORNING).total_seconds()))
        breaker = breaker.after([DEAD], MORNING, EVEN)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_what_was_not_tried_says_nothing() -> None:
    assert opened().after([UNTRIED], MORNING, EVEN) == opened()


def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks_within_reason() -> None:
    asked = Breaker().after([FINE, read_answer(429, "120", MORNING)], MORNING, EVEN)
    assert asked.room(MORNING + timedelta(seconds=119), 200) == 0
    assert asked.room(MORNING + timedelta(seconds=120), 200) == 1
    long = Breaker().after([read_answer(429, "86400", MORNING)], MORNING, EVEN)
    assert long.room(MORNING + timedelta(minutes=10), 200) == 1
    silent = Breaker().after([read_answer(429, None, MORNING)], MORNING, EVEN)
    assert silent.room(MORNING + timedelta(seconds=9), 200) == 0
