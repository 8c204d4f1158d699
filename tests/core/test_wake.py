"""The bell between loops, and the pace of those who look for work that nobody rings for."""

import asyncio

from shared.wake import Pace, Wake


def test_a_source_that_gives_is_not_left_alone_and_one_that_does_not_is_left_longer_and_longer() -> None:
    pace = Pace(0.1, 1.0)
    assert [pace.after(found) for found in (5, 0, 0, 0, 0, 0, 0)] == [0.0, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert [pace.after(found) for found in (1, 0)] == [0.0, 0.1]


async def test_a_bell_rung_before_anybody_waits_is_heard_by_the_next_who_does() -> None:
    wake = Wake()
    wake.ring()
    async with asyncio.timeout(60):
        await wake.wait(60)
