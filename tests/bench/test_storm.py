"""What is read out of a storm: which answers count as refused in order, and when all is as before."""

import pytest

from griddispatch.bench.pace import AWAY, Post, answers, recovered, refused


def after(*parts: tuple[int, float]) -> list[tuple[float, float]]:
    """Ten posts a second, so many seconds with each wait."""
    waits = [wait for seconds, wait in parts for _ in range(10 * seconds)]
    return [(n / 10, wait) for n, wait in enumerate(waits)]


@pytest.mark.parametrize(("status", "is_wrong"), [(201, False), (429, False), (503, False), (500, True), (AWAY, True)])
def test_only_what_is_told_to_come_back_later_is_refused_in_order(status: int, is_wrong: bool) -> None:
    post = Post(0.0, 1.0, status, b"a ticket" if status == 201 else b"")
    assert bool(refused([post])) is is_wrong


def test_the_wait_for_an_answer_counts_from_when_the_post_was_due() -> None:
    assert answers([Post(10.0, 10.5, 201, b"t")]) == [0.5]


def test_it_is_as_before_when_five_seconds_of_posts_are() -> None:
    assert recovered(after((3, 2.0), (10, 0.1)), 0.2) == pytest.approx(3.0)
    assert recovered(after((12, 0.1)), 0.2) == 0.0


def test_one_slow_post_of_few_keeps_it_from_being_as_before() -> None:
    calm = after((8, 0.1))
    calm[30] = (3.0, 2.0)
    assert recovered(calm, 0.2) is None


def test_it_is_not_as_before_on_the_strength_of_a_short_look() -> None:
    assert recovered(after((3, 2.0), (4, 0.1)), 0.2) is None
    assert recovered([], 0.2) is None
