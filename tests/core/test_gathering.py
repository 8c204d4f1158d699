"""Requests that wait together are settled together, and nobody pays for another."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.errors import Conflict, Unavailable
from shared.gathering import Gathering


class Desk:
    """Settles numbers by doubling them, notes every batch, and waits for `open` before it answers."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.under_way = 0
        self.most_under_way = 0

    async def settle(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if 13 in numbers:
            raise Conflict("thirteen", 1)
        if 99 in numbers:
            raise Unavailable("away")
        return [2 * n for n in numbers]


async def ask_all(gathering: Gathering[int, int], desk: Desk, *numbers: int) -> list[int | BaseException]:
    """Ask the first alone, the others while it is being settled; then let the desk answer."""
    first = asyncio.create_task(gathering.ask(numbers[0]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.ask(n)) for n in numbers[1:]]
    await asyncio.sleep(0)
    desk.open.set()
    return await asyncio.gather(first, *others, return_exceptions=True)


async def test_a_lone_request_is_settled_at_once() -> None:
    desk = Desk()
    desk.open.set()
    assert await Gathering(desk.settle).ask(4) == 8
    assert desk.batches == [[4]]


async def test_what_waits_meanwhile_becomes_one_batch_and_each_gets_its_own_answer() -> None:
    desk = Desk()
    assert await ask_all(Gathering(desk.settle), desk, 1, 2, 3, 4) == [2, 4, 6, 8]
    assert desk.batches == [[1], [2, 3, 4]]


async def test_a_batch_is_no_larger_than_its_limit() -> None:
    desk = Desk()
    assert await ask_all(Gathering(desk.settle, limit=2), desk, 1, 2, 3, 4, 5, 6) == [2, 4, 6, 8, 10, 12]
    assert desk.batches == [[1], [2, 3], [4, 5], [6]]


async def test_no_more_batches_are_under_way_than_there_are_lanes() -> None:
    desk = Desk()
    gathering = Gathering(desk.settle, limit=1, lanes=2)
    assert await ask_all(gathering, desk, 1, 2, 3, 4, 5) == [2, 4, 6, 8, 10]
    assert desk.most_under_way == 2


async def test_nobody_pays_for_anothers_fault() -> None:
    desk = Desk()
    answers = await ask_all(Gathering(desk.settle), desk, 1, 2, 13, 3)
    assert [answers[0], answers[1], answers[3]] == [2, 4, 6]
    assert isinstance(answers[2], Conflict)
    assert desk.batches == [[1], [2, 13, 3], [2], [13], [3]]


async def test_when_the_database_is_away_all_are_told_and_none_is_tried_alone() -> None:
    desk = Desk()
    answers = await ask_all(Gathering(desk.settle), desk, 1, 2, 99, 3)
    assert answers[0] == 2
    assert [type(answer) for answer in answers[1:]] == [Unavailable] * 3
    assert desk.batches == [[1], [2, 99, 3]]


async def test_who_stops_waiting_does_not_stop_the_others() -> None:
    desk = Desk()
    gathering = Gathering(desk.settle)
    first = asyncio.create_task(gathering.ask(1))
    await asyncio.sleep(0)
    gone, stays = asyncio.create_task(gathering.ask(2)), asyncio.create_task(gathering.ask(3))
    await asyncio.sleep(0)
    gone.cancel()
    desk.open.set()
    assert [await first, await stays] == [2, 6]
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert desk.batches == [[1], [2, 3]]


async def test_one_request_after_another_is_settled_though_the_worker_has_only_just_ended() -> None:
    desk = Desk()
    desk.open.set()
    gathering = Gathering(desk.settle)
    async with asyncio.timeout(60):
        assert [await gathering.ask(n) for n in range(5)] == [0, 2, 4, 6, 8]
    assert desk.batches == [[0], [1], [2], [3], [4]]


async def test_a_settlement_that_forgets_somebody_is_a_fault_they_hear_of_and_the_next_are_served() -> None:
    async def forgetful(numbers: Sequence[int]) -> list[int]:
        return [] if 7 in numbers else [2 * n for n in numbers]

    gathering = Gathering(forgetful)
    async with asyncio.timeout(60):
        with pytest.raises(ValueError, match="shorter"):
            await gathering.ask(7)
        assert await gathering.ask(1) == 2
