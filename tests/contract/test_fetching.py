"""A poll takes what lies ready and what came since; a fault between the two loses nothing that is in hand."""

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.consumer import LATER_MS, Batches, Fetching

HERE, THERE = TopicPartition("a", 0), TopicPartition("b", 0)


class Client:
    """Hands out what it was given, in that order, and notes what it was asked for."""

    def __init__(self, *answers: Batches | KafkaError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, int | None]] = []

    async def getmany(self, *, timeout_ms: int, max_records: int | None = None) -> Batches:
        self.asked.append((timeout_ms, max_records))
        answer = self.answers.pop(0)
        if isinstance(answer, KafkaError):
            raise answer
        return answer


def some(place: TopicPartition, *records: str) -> Batches:
    return {place: list(records)}  # nothing looks into them


async def test_nothing_ready_is_waited_for_once() -> None:
    client = Client({}, some(HERE, "1"))
    assert await Fetching(client.getmany, 10).fetch(0.5) == some(HERE, "1")
    assert client.asked == [(0, None), (500, None)]


async def test_what_came_since_follows_what_lay_ready() -> None:
    client = Client(some(HERE, "1", "2"), {**some(HERE, "3"), **some(THERE, "4")})
    assert await Fetching(client.getmany, 10).fetch(0.5) == {**some(HERE, "1", "2", "3"), **some(THERE, "4")}
    assert client.asked == [(0, None), (LATER_MS, 8)]


async def test_a_poll_that_is_full_fetches_no_more() -> None:
    client = Client(some(HERE, "1", "2"))
    assert await Fetching(client.getmany, 2).fetch(0.5) == some(HERE, "1", "2")


async def test_a_fault_after_records_are_in_hand_is_raised_by_the_next_poll_and_once() -> None:
    client = Client(some(HERE, "1"), OffsetOutOfRangeError({}), {}, some(HERE, "2"))
    fetching = Fetching(client.getmany, 10)
    assert await fetching.fetch(0.5) == some(HERE, "1")
    with pytest.raises(OffsetOutOfRangeError):
        await fetching.fetch(0.5)
    assert await fetching.fetch(0.5) == some(HERE, "2")


async def test_a_fault_with_empty_hands_is_raised_at_once() -> None:
    client = Client(OffsetOutOfRangeError({}))
    with pytest.raises(OffsetOutOfRangeError):
        await Fetching(client.getmany, 10).fetch(0.5)
