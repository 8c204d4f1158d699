"""Helping a reader that lost its place: what it never got, where its group stands, and the epoch after a restore."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from typer.testing import CliRunner

from griddispatch.embedded import Broker
from griddispatch.group_offsets import Standing, begin_again, standings
from griddispatch.recover import app
from griddispatch.remade_topics import OURS, remake
from griddispatch.unread import Behind, behind, queue_again
from shared.database import Database, connect
from shared.epochs import read_epoch
from shared.errors import Rejected
from shared.kafka import Outgoing, Producer
from shared.replay import SoleWriter
from shared.terms import Source
from shared.topics import DISPATCH, INBOUND, INTAKE
from tests.builders import PATIENT, ticket
from tests.conftest import TestDatabase
from tests.replay.topics import ledger_database, read_topic, tell_stories

GROUP = "dispatch-stream"


async def reading(database: TestDatabase, reached: dict[int, int]) -> Database:
    """Dispatch's tables, having read intake's stories up to these versions."""
    reader = await connect(database.dsn("dispatch"), size=1, application="test", patience=PATIENT)
    for n, version in reached.items():
        await reader.fetch(
            "INSERT INTO position (ticket_id, source, version) VALUES ($1, $2, $3)",
            ticket(n),
            Source.INTAKE.value,
            version,
        )
    return reader


async def test_what_a_reader_never_got_is_found_and_queued_once(database: TestDatabase) -> None:
    async with ledger_database(database) as owner:
        await tell_stories(owner, 4)  # two events each
        await owner.fetch("DELETE FROM outbox")  # published, into what was lost
        reader = await reading(database, {1: 2, 2: 1, 3: 2})
        found = await behind(owner, reader, Source.INTAKE)
        assert found == [Behind(ticket(2), 1, 2), Behind(ticket(4), 0, 2)]
        assert await queue_again(owner, found) == 3
        assert await queue_again(owner, found) == 0
        rows = await owner.fetch("SELECT ticket_id, version FROM outbox ORDER BY seq")
        assert [(row["ticket_id"], row["version"]) for row in rows] == [(ticket(2), 2), (ticket(4), 1), (ticket(4), 2)]
        await reader.close()


@pytest.mark.parametrize(
    ("committed", "leads_nowhere"), [(None, True), (4, True), (5, False), (9, False), (10, False), (11, True)]
)
def test_an_offset_leads_somewhere_within_the_log_and_at_its_end(committed: int | None, *, leads_nowhere: bool) -> None:
    assert Standing("t", 0, 5, 10, committed).leads_nowhere == leads_nowhere


async def committed_at(broker: Broker, offset: int) -> None:
    client = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=GROUP, enable_auto_commit=False)
    await client.start()
    places = [TopicPartition(INTAKE.name, n) for n in range(INTAKE.partitions)]
    client.assign(places)
    await client.commit(dict.fromkeys(places, offset))
    await client.stop()


async def test_offsets_that_lead_nowhere_go_to_the_beginning(embedded: Broker) -> None:
    await committed_at(embedded, 1000)
    lost = [s for s in await standings(embedded.bootstrap, GROUP, [INTAKE]) if s.leads_nowhere]
    assert [s.committed for s in lost] == [1000] * INTAKE.partitions
    await begin_again(embedded.bootstrap, GROUP, lost)
    assert {s.committed for s in await standings(embedded.bootstrap, GROUP, [INTAKE])} == {0}


async def test_a_group_that_somebody_reads_in_is_left_alone(broker: Broker) -> None:
    client = AIOKafkaConsumer(INTAKE.name, bootstrap_servers=broker.bootstrap, group_id=GROUP, enable_auto_commit=False)
    await client.start()
    try:
        places = await standings(broker.bootstrap, GROUP, [INTAKE])
        with pytest.raises(Rejected, match="stop the service first"):
            await begin_again(broker.bootstrap, GROUP, places)
    finally:
        await client.stop()


async def test_our_topics_are_made_anew_and_the_hotlines_keep_theirs(broker: Broker) -> None:
    producer = Producer(broker.bootstrap, "test")
    assert all(await producer.send([Outgoing(topic.name, b"key", b"{}") for topic in (INBOUND, DISPATCH)]))
    await producer.discard()
    await remake(broker.bootstrap, 1)
    assert len(await read_topic(broker, INBOUND.name)) == 1
    assert [await read_topic(broker, topic.name) for topic in OURS] == [[]] * len(OURS)


def recover(database: TestDatabase, *arguments: str) -> int:
    """The exit code of `griddispatch recover epoch`."""
    places = {f"GRIDDISPATCH_DATABASE_DSN_{s.upper()}": database.dsn(s) for s in ("intake", "dispatch", "notify")}
    return CliRunner(env=places).invoke(app, ["epoch", "--reason", "a drill", *arguments]).exit_code


def epoch_of(database: TestDatabase, holder: str = "", *, release: bool = False) -> int:
    """Intake's epoch; with a `holder` its relay shards are taken first, or given back."""

    async def ask() -> int:
        async with ledger_database(database) as owner:
            writer = SoleWriter(owner, holder, asyncio.get_running_loop().time)
            if holder:
                await (writer.release() if release else writer.take())
            return await read_epoch(owner)

    return asyncio.run(ask())


def test_the_epoch_is_raised_with_yes_and_while_nobody_publishes(database: TestDatabase) -> None:
    assert (recover(database), epoch_of(database, "a relay")) == (0, 0)
    assert (recover(database, "--service", "intake", "--yes"), epoch_of(database, "a relay", release=True)) == (2, 0)
    assert recover(database, "--yes") == 0
    assert epoch_of(database) > 0
