"""A poll's topics are settled side by side: none waits for another, and a fault of one loses nothing of the other."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from shared.bookmarks import Bookmarks, Offsets
from shared.codec import Record, encode
from shared.consumer import Consumer
from shared.database import Transaction
from shared.events import Envelope, FollowUpAsked, TicketReceived
from shared.stream import Halted, Route, Stream, ticket_route
from shared.terms import Source
from shared.topics import INTAKE, NOTIFY, Topic
from shared.wake import Wake
from tests.conftest import TestDatabase
from tests.contract.harness import envelope, journal, reading_database

RUBBISH = Record(INTAKE.name, 0, 7, b"a key", b"rubbish", [])


class Committed:
    """The brokers' side of the bookmarks."""

    def __init__(self) -> None:
        self.offsets: dict[tuple[str, int], int] = {}

    async def commit(self, offsets: Offsets) -> None:
        self.offsets.update(offsets)


def record(topic: Topic, told: Envelope, offset: int) -> Record:
    key, value, headers = encode(told)
    return Record(topic.name, 0, offset, key, value, headers)


ASKED = replace(envelope(2, 1), source=Source.NOTIFY, event=FollowUpAsked(cycle=1, attempt=1))
TOLD = {INTAKE.name: [record(INTAKE, envelope(1, 1), 7)], NOTIFY.name: [record(NOTIFY, ASKED, 3)]}


def no_brokers(topics: Sequence[str]) -> Consumer:
    raise AssertionError("nothing is polled here")


def stream(database: Any, *routes: Route[Any], **options: int) -> Stream:
    return Stream(
        database, no_brokers, routes, group="side-by-side", release="test", dead_letter_wake=Wake(), **options
    )


async def test_a_topic_does_not_wait_for_another(database: TestDatabase) -> None:
    other_is_done = asyncio.Event()

    async def wait_for_the_other(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        async with asyncio.timeout(60):
            await other_is_done.wait()
        await journal(tx, envelopes)

    async def be_the_other(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        await journal(tx, envelopes)
        other_is_done.set()

    committed = Committed()
    bookmarks = Bookmarks(committed.commit)
    async with reading_database(database) as target:
        reading = stream(
            target,
            ticket_route(INTAKE, wait_for_the_other, (TicketReceived,)),
            ticket_route(NOTIFY, be_the_other, (FollowUpAsked,)),
        )
        await reading.settle(TOLD, bookmarks)
        assert len(await target.fetch("SELECT 1 FROM journal")) == 2
    await bookmarks.settle()
    assert committed.offsets == {(INTAKE.name, 0): 8, (NOTIFY.name, 0): 4}


async def test_a_topic_that_halts_the_stream_takes_nothing_from_the_other(database: TestDatabase) -> None:
    committed = Committed()
    bookmarks = Bookmarks(committed.commit)
    async with reading_database(database) as target:
        reading = stream(
            target,
            ticket_route(INTAKE, journal, (TicketReceived,)),
            ticket_route(NOTIFY, journal, (FollowUpAsked,)),
            dead_in_a_row=0,
        )
        with pytest.raises(Halted, match="tickets-intake/0"):
            await reading.settle({**TOLD, INTAKE.name: [RUBBISH]}, bookmarks)
        assert len(await target.fetch("SELECT 1 FROM journal")) == 1
    await bookmarks.settle()
    assert committed.offsets == {(NOTIFY.name, 0): 4}


async def test_want_of_memory_is_no_fault_of_a_record_and_ends_the_reader(database: TestDatabase) -> None:
    async def out_of_memory(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        raise MemoryError

    committed = Committed()
    bookmarks = Bookmarks(committed.commit)
    async with reading_database(database) as target:
        reading = stream(
            target,
            ticket_route(INTAKE, out_of_memory, (TicketReceived,)),
            ticket_route(NOTIFY, journal, (FollowUpAsked,)),
        )
        with pytest.raises(MemoryError):
            await reading.settle(TOLD, bookmarks)
        assert await target.fetch("SELECT 1 FROM dead_letter") == []
        assert len(await target.fetch("SELECT 1 FROM journal")) == 1
    await bookmarks.settle()
    assert committed.offsets == {(NOTIFY.name, 0): 4}
