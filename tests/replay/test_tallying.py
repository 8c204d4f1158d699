"""Adding up beforehand changes no answer: not while it is going on, not beside writers, not with late events."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest_asyncio

from shared.database import Database
from shared.events import Draft
from shared.reconciliation import tally
from shared.tallying import Tallying
from tests.builders import TUESDAY_MORNING, draft, eventually, received, ticket
from tests.conftest import TestDatabase
from tests.open_access import ADDRESS
from tests.replay.test_reconciliation import hours, serve
from tests.replay.topics import ledger_database, state, tell_stories


@pytest_asyncio.fixture
async def source(database: TestDatabase) -> AsyncIterator[Database]:
    async with ledger_database(database) as opened:
        yield opened


@pytest_asyncio.fixture
async def http(source: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(serve(source)), base_url=ADDRESS) as client:
        yield client


async def add_up(source: Database) -> None:
    tallying = Tallying(source, margin_s=0.0)
    while await tallying.step():
        pass


async def tallied(source: Database) -> int:
    (row,) = await source.fetch("SELECT coalesce(sum(events), 0)::bigint AS n FROM hour_tally")
    return int(row["n"])


async def test_the_answer_is_the_same_before_and_after_adding_up(source: Database, http: httpx.AsyncClient) -> None:
    await tell_stories(source, 50)
    before = await hours(http)
    await add_up(source)
    assert await tallied(source) == 100
    assert await hours(http) == before


async def test_what_comes_later_counts_beside_what_was_added_up(source: Database, http: httpx.AsyncClient) -> None:
    await state(source, Draft(ticket(8), received(), TUESDAY_MORNING))
    await add_up(source)
    await state(source, Draft(ticket(8), received(), TUESDAY_MORNING), Draft(ticket(16), received(), TUESDAY_MORNING))
    expected = tally([(ticket(8), 1), (ticket(8), 2), (ticket(16), 1)])
    for _ in range(2):
        (row,) = (await hours(http))["hours"]
        assert (row["events"], row["digest"]) == (3, f"{expected.digest:016x}")
        await add_up(source)
    assert await tallied(source) == 3


async def test_an_event_of_a_transaction_still_open_is_not_passed_over(
    source: Database, http: httpx.AsyncClient
) -> None:
    insert = "INSERT INTO event (ticket_id, version, type, time, payload) VALUES ($1, 1, 'x', $2, '{}')"
    async with source.transaction() as slow:
        await slow.conn.execute(insert, ticket(1), TUESDAY_MORNING)
        await state(source, draft(2), draft(3))
        await add_up(source)
        assert sum(row["events"] for row in (await hours(http))["hours"]) == 2
    await add_up(source)
    assert await tallied(source) == 3
    assert sum(row["events"] for row in (await hours(http))["hours"]) == 3


async def test_what_is_young_is_left_alone(source: Database) -> None:
    await tell_stories(source, 3)
    assert not await Tallying(source, margin_s=3600).step()
    assert await tallied(source) == 0


async def test_several_add_up_beside_writers_and_count_each_event_once(
    source: Database, http: httpx.AsyncClient
) -> None:
    async def write(n: int) -> None:
        for _ in range(10):
            await state(source, draft(n), draft(n))

    async def tallying() -> None:
        for _ in range(10):
            await add_up(source)
            await asyncio.sleep(0)

    await asyncio.gather(*(write(n) for n in range(1, 9)), tallying(), tallying())
    await add_up(source)
    assert await tallied(source) == 160
    expected = {n % 8: tally((ticket(n), v) for v in range(1, 21)) for n in range(1, 9)}
    rows = {row["shard"]: (row["events"], int(row["digest"], 16)) for row in (await hours(http))["hours"]}
    assert rows == {shard: (t.events, t.digest) for shard, t in expected.items()}


async def test_a_long_past_is_added_up_stretch_by_stretch(source: Database) -> None:
    await tell_stories(source, 3)
    long_ago = datetime.now(UTC) - timedelta(minutes=35)
    await source.fetch("UPDATE tallied_upto SET upto = $1", long_ago)
    tallying = Tallying(source, margin_s=0.0)
    assert [await tallying.step() for _ in range(4)] == [True, True, True, False]
    assert await tallied(source) == 6


async def test_the_loop_adds_up_and_stops_when_asked(source: Database) -> None:
    await tell_stories(source, 3)
    stopping = asyncio.Event()
    task = asyncio.create_task(Tallying(source, margin_s=0.0).run(stopping))

    async def done() -> bool:
        return await tallied(source) == 6

    await eventually(done, what="adding up")
    stopping.set()
    async with asyncio.timeout(60):
        await task
