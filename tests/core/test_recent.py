"""Costly answers are kept for ten times as long as they took; cheap ones and faults never are."""

import asyncio

import pytest

from shared.recent import Recent, rest_s


class Slow:
    """A question that takes as long as it is told, on a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 100.0
        self.asked: list[str] = []

    async def ask(self, key: str) -> int:
        self.asked.append(key)
        await asyncio.sleep(0)
        self.now += self.seconds
        return len(self.asked)

    def recent(self) -> Recent[int]:
        return Recent(self.ask, dear_s=0.5, tick=lambda: self.now)


async def test_what_is_cheap_is_asked_anew_each_time() -> None:
    cheap = Slow(0.4)
    recent = cheap.recent()
    assert [await recent.of("all") for _ in range(3)] == [1, 2, 3]


async def test_what_is_dear_is_kept_for_ten_times_as_long_as_it_took() -> None:
    dear = Slow(2.0)
    recent = dear.recent()
    assert await recent.of("all") == 1
    dear.now += 19.9
    assert await recent.of("all") == 1
    dear.now += 0.1
    assert await recent.of("all") == 2


async def test_keys_do_not_answer_for_each_other() -> None:
    dear = Slow(2.0)
    recent = dear.recent()
    assert (await recent.of("north"), await recent.of("south"), await recent.of("north")) == (1, 2, 1)
    assert dear.asked == ["north", "south"]


async def test_many_who_ask_at_once_are_answered_by_one_question() -> None:
    dear = Slow(2.0)
    recent = dear.recent()
    assert await asyncio.gather(*(recent.of("all") for _ in range(5))) == [1] * 5


async def test_many_who_ask_for_what_is_cheap_wait_for_two_questions_at_most() -> None:
    cheap = Slow(0.4)
    recent = cheap.recent()
    answers = await asyncio.gather(*(recent.of("all") for _ in range(5)))
    assert answers == [1, 2, 2, 2, 2], "who came before a question was asked shares its answer"
    assert await recent.of("all") == 3


def test_what_takes_long_rests_for_ten_times_as_long() -> None:
    assert (rest_s(0.4, 0.0), rest_s(1.5, 15.0), rest_s(7.0, 15.0)) == (0.0, 15.0, 70.0)


async def test_a_fault_is_raised_and_not_kept() -> None:
    failures = iter((OSError("away"),))

    async def ask(key: str) -> str:
        for failure in failures:
            raise failure
        return "there"

    recent = Recent(ask, dear_s=0.0)
    with pytest.raises(OSError, match="away"):
        await recent.of("all")
    assert await recent.of("all") == "there"
