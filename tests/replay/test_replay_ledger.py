"""Telling the ledger again: the same records, in order, resumable, and never into a contract topic by accident."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from griddispatch.embedded import Broker
from griddispatch.replay_run import Journal, Request, counted, prepare_topic, replayed
from shared.database import Database
from shared.errors import Rejected, Unavailable
from shared.events import TicketReceived, TicketTriaged
from shared.kafka import Outgoing, Producer
from shared.replay import BEGINNING, Place, Selection, SoleWriter, pages, read_place, send_in_order
from shared.terms import Source
from shared.topics import DISPATCH, INTAKE, STATE
from tests.builders import TUESDAY_MORNING, draft, eventually, ticket
from tests.conftest import TestDatabase
from tests.contract.harness import Writer
from tests.replay.topics import contents, ledger_database, read_topic, tell_stories, versions
from tests.services.dispatch.desk import open_desk

ALL = Selection()


def beside(selection: Selection = ALL) -> Request:
    return Request(Source.INTAKE, "beside", selection)


def again(selection: Selection = ALL) -> Request:
    return Request(Source.INTAKE, INTAKE.name, selection, rebuild=True)


async def run(database: Database, broker: Broker, request: Request, journal: Journal | None = None) -> int:
    producer = Producer(broker.bootstrap, "test-replay")
    try:
        await prepare_topic(broker.bootstrap, request, 1)
        return (await replayed(database, producer, request, journal, lambda _: None)).events
    finally:
        await producer.discard()


async def published(source: Database, broker: Broker) -> None:
    async with Writer(source, broker).relaying() as writer:
        await eventually(lambda: is_empty(writer), what="publishing")


async def is_empty(writer: Writer) -> bool:
    return await writer.unpublished() == 0


async def test_a_topic_beside_holds_the_very_records_of_the_first_time(database: TestDatabase, broker: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 40)
        await published(source, broker)
        assert await run(source, broker, beside()) == 80
    first, second = await read_topic(broker, INTAKE.name), await read_topic(broker, "beside")
    assert len(second) == 80
    assert contents(second) == contents(first)


async def test_every_page_begins_where_the_one_before_ended(database: TestDatabase) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 10)
        found = [page async for page in pages(source, Source.INTAKE, "beside", ALL, stretch=7)]
        assert [len(page.records) for page in found] == [7, 7, 6]
        assert [page.last for page in found] == [Place(ticket(4), 1), Place(ticket(7), 2), Place(ticket(10), 2)]
        rest = [page async for page in pages(source, Source.INTAKE, "beside", ALL, found[0].last, stretch=100)]
        assert [record for page in rest for record in page.records] == [*found[1].records, *found[2].records]


@pytest.mark.parametrize(
    ("selection", "events", "tickets"),
    [
        (Selection(), 20, 10),
        (Selection(ticket=ticket(3)), 2, 1),
        (Selection(ticket=ticket(99)), 0, 0),
        (Selection(types=(TicketTriaged.type,)), 10, 10),
        (Selection(until=TUESDAY_MORNING + timedelta(minutes=4)), 3, 3),
        (Selection(since=TUESDAY_MORNING + timedelta(minutes=69)), 2, 2),
        (Selection(ticket=ticket(3), types=(TicketReceived.type,)), 1, 1),
    ],
)
async def test_only_what_is_chosen_is_counted(
    database: TestDatabase, selection: Selection, events: int, tickets: int
) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 10)
        counts = await counted(source, beside(selection))
        assert (counts.events, counts.tickets) == (events, tickets)


async def test_a_page_without_anything_wanted_still_leads_on(database: TestDatabase) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 10)
        chosen = Selection(since=TUESDAY_MORNING + timedelta(minutes=69))
        found = [page async for page in pages(source, Source.INTAKE, "beside", chosen, stretch=5)]
        assert [len(page.records) for page in found] == [0, 0, 0, 2]


@pytest.mark.parametrize("topic", [INTAKE.name, DISPATCH.name, STATE.name, "intake-dead"])
async def test_a_contract_topic_is_refused(database: TestDatabase, topic: str) -> None:
    async with ledger_database(database) as source:
        with pytest.raises(Rejected, match="belongs to the contract"):
            await counted(source, Request(Source.INTAKE, topic, ALL))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request(Source.INTAKE, DISPATCH.name, ALL, rebuild=True), "only tickets-intake"),
        (Request(Source.INTAKE, "beside", ALL, rebuild=True), "only tickets-intake"),
        (again(Selection(since=TUESDAY_MORNING)), "whole stories"),
        (again(Selection(types=(TicketTriaged.type,))), "whole stories"),
    ],
)
async def test_a_contract_topic_is_written_again_whole_or_not_at_all(request_: Request, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        request_.check()


async def test_after_kafka_was_lost_the_topic_comes_back_and_news_stands_behind(
    database: TestDatabase, broker: Broker
) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 20)
        await source.fetch("DELETE FROM outbox")  # published once, into a log that is gone
        await tell_stories(source, 5)
        assert await run(source, broker, again()) == 50
        await published(source, broker)
    records = versions(await read_topic(broker, INTAKE.name))
    assert records[str(ticket(20)).encode()] == [1, 2]
    assert records[str(ticket(1)).encode()] == [1, 2, 3, 4, 3, 4]


async def test_nobody_writes_a_contract_topic_while_its_relay_runs(database: TestDatabase, embedded: Broker) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 2)
        async with Writer(source, embedded).relaying() as writer:
            await eventually(lambda: is_empty(writer), what="publishing")
            with pytest.raises(Rejected, match="stop it and try again"):
                await run(source, embedded, again())
        assert await run(source, embedded, again()) == 4


async def test_no_relay_publishes_while_a_contract_topic_is_written(database: TestDatabase) -> None:
    async with ledger_database(database) as source:
        writer = SoleWriter(source, "replay", asyncio.get_running_loop().time)
        await writer.take()
        with pytest.raises(Rejected):
            await SoleWriter(source, "another", asyncio.get_running_loop().time).take()
        await writer.release()
        await SoleWriter(source, "another", asyncio.get_running_loop().time).take()
        with pytest.raises(Unavailable, match="taken over"):
            await SoleWriter(source, "replay", lambda: 0.0).keep()


async def test_writing_dispatchs_topic_again_brings_the_states_back_too(
    database: TestDatabase, embedded: Broker
) -> None:
    async with open_desk(database) as desk:
        await desk.take_on(1)
        await desk.take_on(2)
        request = Request(Source.DISPATCH, DISPATCH.name, ALL, rebuild=True)
        assert await run(desk.database, embedded, request) > 0
    assert {r.key for r in await read_topic(embedded, STATE.name)} == {str(ticket(n)).encode() for n in (1, 2)}


class Interrupted(Exception):
    """The operator pressed a key."""


async def test_after_a_break_the_journal_goes_on_where_all_was_acknowledged(
    database: TestDatabase, embedded: Broker, tmp_path: Path
) -> None:
    def interrupt(last: Place) -> None:
        raise Interrupted(str(last))

    async with ledger_database(database) as source:
        async with source.transaction() as tx:
            await Writer(source, embedded).ledger.append(tx, {}, [draft(n) for n in range(1, 3001)])
        journal, producer = Journal(tmp_path / "journal", beside()), Producer(embedded.bootstrap, "test")
        await prepare_topic(embedded.bootstrap, beside(), 1)
        with pytest.raises(Interrupted, match=str(ticket(2000))):
            await replayed(source, producer, beside(), journal, interrupt)
        await producer.discard()
        assert await run(source, embedded, beside(), journal) == 1000
        with pytest.raises(Rejected, match="is done"):
            journal.resume()
    assert len(await read_topic(embedded, "beside")) == 3000


def test_a_journal_of_another_replay_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", beside()).note(Place(ticket(1), 2), finished=False)
    with pytest.raises(Rejected, match="another replay"):
        Journal(tmp_path / "journal", beside(Selection(ticket=ticket(1)))).resume()
    (tmp_path / "journal").write_text("{}")
    with pytest.raises(Rejected, match="no journal"):
        Journal(tmp_path / "journal", beside()).resume()
    assert Journal(tmp_path / "new", beside()).resume() == BEGINNING


def test_a_place_reads_back_as_it_was_written() -> None:
    assert read_place(str(Place(ticket(7), 3))) == Place(ticket(7), 3)
    with pytest.raises(ValueError, match="badly formed"):
        read_place("7/3")


async def test_what_kafka_does_not_take_is_no_success(database: TestDatabase) -> None:
    async with ledger_database(database) as source:
        await tell_stories(source, 1)
        producer = Producer("127.0.0.1:1", "test")
        with pytest.raises(Unavailable):
            await replayed(source, producer, beside(), None, lambda _: None)


def record(n: int) -> Outgoing:
    return Outgoing("beside", b"k", str(n).encode())


async def test_after_a_failure_sending_goes_on_from_the_first_record_in_doubt() -> None:
    sent: list[list[bytes | None]] = []

    async def send(batch: Sequence[Outgoing]) -> list[bool]:
        sent.append([r.value for r in batch])
        return [True, False, False] if len(sent) == 1 else [True] * len(batch)

    await send_in_order(send, [record(1), record(2), record(3)])
    assert sent == [[b"1", b"2", b"3"], [b"2", b"3"]]


async def test_sending_gives_up_after_three_tries() -> None:
    tries: list[int] = []

    async def send(batch: Sequence[Outgoing]) -> list[bool]:
        tries.append(len(batch))
        return [False] * len(batch)

    with pytest.raises(Unavailable, match="did not acknowledge 2"):
        await send_in_order(send, [record(1), record(2)])
    assert tries == [2, 2, 2]
