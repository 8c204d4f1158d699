"""What died is told on a topic too: whole where it fits, and where it does not, only that and where it is kept."""

import asyncio

import pytest

from griddispatch.embedded import Broker
from shared.codec import Record
from shared.database import Database
from shared.deadletters import MIRRORED_BYTES, DeadLetterMirror, bury
from shared.kafka import Producer
from shared.tail import Tail
from shared.topics import dead_letters_of
from shared.wake import Wake
from tests.builders import eventually
from tests.conftest import TestDatabase
from tests.contract.harness import reading_database

MIRROR = dead_letters_of("dispatch")


def died(offset: int, key: bytes | None, value: bytes | None) -> tuple[Record, str, int]:
    return Record("tickets-intake", 1, offset, key, value, [("ce_id", b"one")]), "ValueError: no", 3


@pytest.mark.parametrize("size", [MIRRORED_BYTES + 1, 1_040_000])
async def test_a_letter_too_large_for_the_topic_does_not_hold_up_the_next(
    database: TestDatabase, broker: Broker, size: int
) -> None:
    async with reading_database(database) as target:
        async with target.transaction() as tx:
            await bury(tx, [died(1, b"k", b"x" * size), died(2, b"k", b"{}"), died(3, None, b"{}")], "0.1.0")
        mirrored = await mirrored_records(target, broker, 3)
        assert await target.fetch("SELECT 1 FROM dead_letter WHERE mirrored_at IS NULL") == []
    by_place = {dict(r.headers)["dlq-original-offset"]: r for r in mirrored}
    large, small, keyless = (by_place[place] for place in (b"1", b"2", b"3"))
    assert (large.value, large.key) == (b"", None)
    assert int(dict(large.headers)["dlq-left-out"] or b"0") > size
    assert (small.value, small.key) == (b"{}", b"k")
    assert (dict(small.headers)["ce_id"], dict(small.headers)["dlq-reason"]) == (b"one", b"ValueError: no")
    assert (keyless.value, keyless.key) == (b"", None)


async def mirrored_records(database: Database, broker: Broker, n: int) -> list[Record]:
    """Run the mirror until so many records are in the topic."""
    stopping, wake = asyncio.Event(), Wake()
    found: list[Record] = []
    mirror = DeadLetterMirror(database, Producer(broker.bootstrap, "test"), MIRROR, wake)
    task = asyncio.create_task(mirror.run(stopping))
    tail = Tail(broker.bootstrap, [MIRROR], client_id="test")
    try:
        await tail.start({}, 100)

        async def all_there() -> bool:
            found.extend(await tail.poll())
            return len(found) >= n

        await eventually(all_there, what="the mirrored letters")
    finally:
        await tail.stop()
        stopping.set()
        wake.ring()
        async with asyncio.timeout(20):
            await task
    return found
