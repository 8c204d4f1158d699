"""When Kafka forgot: it is noticed by the offsets it gives out, and the ledger is told again, whole and across breaks."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from griddispatch.embedded import Broker, NoidaBroker
from shared.database import Database
from shared.errors import Unavailable
from shared.kafka import Outgoing, Producer, apply_topics
from shared.relay import Relay
from shared.retelling import Marks, Retelling, forget_marks
from shared.stream import Halted
from shared.terms import Source, TicketId
from shared.topics import INTAKE, TOPICS
from tests.builders import eventually
from tests.conftest import TestDatabase
from tests.contract.harness import GROUP, Reader, Writer, envelope, outgoing, reading_database, send, writing_database
from tests.replay.topics import read_topic, tell_stories, versions


async def nothing(tickets: Sequence[TicketId]) -> list[Outgoing]:
    return []


class Told:
    """What was sent; refuses after so many records."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.records: list[Outgoing] = []
        self.most = most

    async def send(self, batch: Sequence[Outgoing]) -> list[bool]:
        if len(self.records) + len(batch) > self.most:
            raise Unavailable("kafka: away")
        self.records += batch
        return [True] * len(batch)


def test_a_log_that_goes_on_is_no_reason_for_anything() -> None:
    marks = Marks(INTAKE.name)
    marks.know({0: 10})
    marks.see(INTAKE.name, 0, 10)
    marks.see(INTAKE.name, 0, 12)
    marks.see(INTAKE.name, 1, 0)
    marks.see("tickets-state", 0, 0)
    assert marks.fallen == ""
    assert marks.reached() == {0: 13, 1: 1}
    assert marks.reached() == {}


def test_an_offset_below_the_mark_tells_of_another_log() -> None:
    marks = Marks(INTAKE.name)
    marks.know({0: 10, 3: 4})
    marks.see(INTAKE.name, 3, 0)
    assert marks.fallen == "partition 3: 0 after 4"
    marks.know({})
    assert marks.fallen == ""


async def forgetful(database: Database) -> Retelling:
    """A retelling under way: a log that knew 100 records gave out 0."""
    marks = Marks(INTAKE.name)
    keeper = Retelling(database, Source.INTAKE, marks)
    marks.see(INTAKE.name, 0, 99)
    await keeper.renew(takes_over=True)
    marks.see(INTAKE.name, 0, 0)
    await keeper.renew(takes_over=False)
    return keeper


async def test_the_whole_ledger_is_told_and_then_nothing_more(database: TestDatabase) -> None:
    async with writing_database(database) as source:
        await tell_stories(source, 400)
        keeper, told = await forgetful(source), Told()
        assert await keeper.tell_on(told.send, nothing) == 500
        assert await keeper.tell_on(told.send, nothing) == 300
        assert await keeper.tell_on(told.send, nothing) == 0
        await keeper.renew(takes_over=True)
        assert await keeper.tell_on(told.send, nothing) == 0
        assert len(told.records) == 800


async def test_after_a_break_another_copy_goes_on_with_the_page_that_was_in_doubt(database: TestDatabase) -> None:
    async with writing_database(database) as source:
        await tell_stories(source, 400)
        keeper, told = await forgetful(source), Told(most=600)
        await keeper.tell_on(told.send, nothing)
        with pytest.raises(Unavailable):
            await keeper.tell_on(told.send, nothing)
        heir = Retelling(source, Source.INTAKE, Marks(INTAKE.name))
        await heir.renew(takes_over=True)
        told.most = 800
        assert await heir.tell_on(told.send, nothing) == 300


async def test_nothing_is_told_again_while_kafka_remembers(database: TestDatabase) -> None:
    async with writing_database(database) as source:
        await tell_stories(source, 3)
        marks = Marks(INTAKE.name)
        keeper = Retelling(source, Source.INTAKE, marks)
        for offset in range(5):
            marks.see(INTAKE.name, 0, offset)
            await keeper.renew(takes_over=offset == 0)
        assert await keeper.tell_on(Told(most=0).send, nothing) == 0


async def test_a_topic_written_again_by_hand_is_not_told_a_second_time(database: TestDatabase) -> None:
    async with writing_database(database) as source:
        await tell_stories(source, 3)
        keeper = await forgetful(source)
        await forget_marks(source, INTAKE.name)
        await keeper.renew(takes_over=True)
        assert await keeper.tell_on(Told(most=0).send, nothing) == 0


@pytest.fixture
def two_brokers() -> Iterator[tuple[Broker, Broker]]:
    """One, and the empty one that comes in its place."""
    with NoidaBroker() as lost, NoidaBroker() as new:
        for broker in (lost, new):
            asyncio.run(apply_topics(broker.bootstrap, TOPICS))
        yield lost, new


def keeping(source: Database, broker: Broker) -> Writer:
    """A writer whose relay keeps an eye on its log."""
    marks = Marks(INTAKE.name)
    writer = Writer(source, broker)
    writer.relay = Relay(
        source, Producer(broker.bootstrap, "relay", on_acknowledged=marks.see), source=Source.INTAKE, topic=INTAKE.name,
        holder="one", wake=writer.wake, log_keeper=Retelling(source, Source.INTAKE, marks),
    )  # fmt: skip
    return writer


async def test_an_empty_kafka_is_filled_again_without_anybodys_help(
    database: TestDatabase, two_brokers: tuple[Broker, Broker]
) -> None:
    async def published() -> bool:
        return not await source.fetch("SELECT FROM outbox")

    async def marked() -> bool:
        return bool(await source.fetch("SELECT FROM log_mark"))

    async def told_again() -> bool:
        return bool(await source.fetch("SELECT FROM retelling WHERE finished_at IS NOT NULL"))

    lost, new = two_brokers
    async with writing_database(database) as source:
        await tell_stories(source, 60)
        async with keeping(source, lost).relaying():
            await eventually(published, what="publishing")
            await eventually(marked, what="the marks")
        await tell_stories(source, 60)
        async with keeping(source, new).relaying():
            await eventually(published, what="publishing into the empty log")
            await eventually(told_again, what="telling the whole ledger again")
    found = versions(await read_topic(new, INTAKE.name))
    assert len(found) == 60
    assert all(set(story) == {1, 2, 3, 4} for story in found.values())


async def test_a_reader_ahead_of_a_new_log_reads_it_from_its_beginning(database: TestDatabase, broker: Broker) -> None:
    await send(broker, [outgoing(envelope(n, 1)) for n in range(1, 31)])
    client = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=GROUP, enable_auto_commit=False)
    await client.start()
    places = [TopicPartition(INTAKE.name, n) for n in range(INTAKE.partitions)]
    client.assign(places)
    await client.commit(dict.fromkeys(places, 1000))
    await client.stop()
    async with reading_database(database) as target:
        reader = Reader(target, broker)

        async def read_whole() -> bool:
            return await reader.count() == 30

        async with reader.running():
            await eventually(read_whole, what="reading the new log")


async def test_a_group_without_offsets_halts_where_unread_records_may_have_been_deleted(
    database: TestDatabase, embedded_broker: Broker
) -> None:
    async with reading_database(database) as target:
        stream = Reader(target, embedded_broker).stream
        await stream._may_begin(INTAKE.name, 0)
        await stream._may_begin(INTAKE.name, 40)  # it never read anything: any beginning is its own
        await target.fetch(
            "INSERT INTO position (ticket_id, source, version) VALUES (gen_random_uuid(), $1, 3)", Source.INTAKE.value
        )
        await stream._may_begin(INTAKE.name, 0)
        with pytest.raises(Halted, match="griddispatch recover group"):
            await stream._may_begin(INTAKE.name, 40)


@pytest.fixture
def embedded_broker(two_brokers: tuple[Broker, Broker]) -> Broker:
    """One that only has to have an address."""
    return two_brokers[0]
