"""Loops look again at once while there is work, wait while there is none, and outlive whatever goes wrong in a look."""

import asyncio
from collections.abc import Awaitable, Iterator
from datetime import datetime

import pytest
from prometheus_client import REGISTRY

from shared.database import Transaction
from shared.errors import Unavailable
from shared.rounds import come_round, keep_looking
from tests.builders import TUESDAY_MORNING
from tests.conftest import TestDatabase
from tests.contract.harness import reading_database

HOUR_S = 3600.0


class Looks:
    """A look whose results are told beforehand, an exception for a fault; the last of them asks the loop to stop."""

    def __init__(self, *results: int | Exception) -> None:
        self.stopping = asyncio.Event()
        self.left: Iterator[int | Exception] = iter(results)
        self.taken = 0
        self._most = len(results)

    async def __call__(self) -> int:
        self.taken += 1
        if self.taken == self._most:
            self.stopping.set()
        result = next(self.left)
        if isinstance(result, Exception):
            raise result
        return result

    async def in_a_transaction(self, tx: Transaction, now: datetime) -> int:
        assert now == TUESDAY_MORNING
        assert await tx.conn.fetchval("SELECT 1") == 1
        return await self()


def the_time() -> datetime:
    return TUESDAY_MORNING


def faults(loop: str) -> float:
    return REGISTRY.get_sample_value("griddispatch_tickets_faulty_total", {"loop": loop}) or 0.0


async def ended(loop: Awaitable[None]) -> None:
    async with asyncio.timeout(60):
        await loop


@pytest.mark.parametrize("lot", [1, 20])
async def test_as_long_as_there_is_work_nobody_waits_and_a_stop_ends_the_wait(lot: int) -> None:
    looks = Looks(3 * lot, lot, 200, 0)
    await ended(keep_looking("test", looks, looks.stopping, HOUR_S, lot))
    assert looks.taken == 4


@pytest.mark.parametrize(("found", "lot"), [(0, 1), (0, 20), (19, 20)])
async def test_with_nothing_to_do_or_less_than_a_lot_a_loop_waits(found: int, lot: int) -> None:
    looks = Looks(found, 0)
    loop = asyncio.create_task(keep_looking("test", looks, looks.stopping, HOUR_S, lot))
    for _ in range(20):
        await asyncio.sleep(0)
    assert looks.taken == 1
    looks.stopping.set()
    await ended(loop)
    assert looks.taken == 1


async def test_what_is_away_is_waited_for_and_ends_no_loop() -> None:
    looks = Looks(Unavailable("the database is away"), 0, 2, Unavailable("again"))
    await ended(keep_looking("test", looks, looks.stopping, 0.0))
    assert looks.taken == 4


async def test_a_fault_in_one_round_is_counted_and_the_next_one_comes(database: TestDatabase) -> None:
    before = faults("test-rounds")
    looks = Looks(ValueError("a fault of ours"), 1, Unavailable("away"), 0)
    async with reading_database(database) as target:
        await ended(come_round("test-rounds", looks.in_a_transaction, target, the_time, looks.stopping, 0.0))
    assert looks.taken == 4
    assert faults("test-rounds") - before == 1
