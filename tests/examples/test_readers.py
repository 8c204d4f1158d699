"""The readers that we show integrators, each run against Apache Kafka with the records our own relay wrote."""

import asyncio
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import asyncpg
import pytest

from griddispatch.embedded import ApacheKafka, EmbeddedPostgres, KafkaUnavailable
from griddispatch.embedded.apache_install import install_kafka
from shared.database import connect
from shared.events import event_id
from shared.kafka import Producer, apply_topics
from shared.relay import Relay
from shared.terms import Source, TicketId
from shared.topics import DISPATCH, TOPICS
from shared.wake import Wake
from tests.builders import PATIENT
from tests.conftest import TestDatabase
from tests.examples.tools import EXAMPLES, Missing, installed, program
from tests.services.dispatch.desk import open_desk

pytestmark = pytest.mark.timeout(400)

TICKETS = 12
READ_S = 90.0
REQUIRED = {"java": "GRIDDISPATCH_REQUIRE_KAFKA", "kcat": "GRIDDISPATCH_REQUIRE_KCAT"}
"""By which settings a reader must run: one needs what the suite has for its broker, one a package of the system."""


@dataclass(frozen=True)
class Stream:
    """A broker whose `tickets-dispatch` holds `lines`: id, type, ticket, version of each event, as readers print it."""

    bootstrap: str
    lines: tuple[str, ...]


Argv = tuple[list[str], Mapping[str, str]]
"""A command, and what it needs in its environment."""


def with_kcat() -> Argv:
    program("kcat")
    return [str(EXAMPLES / "kcat.sh")], {}


def with_java() -> Argv:
    kafka = install_kafka(os.environ)
    return [str(kafka.java), "-cp", kafka.class_path, str(EXAMPLES / "java" / "ReadEvents.java")], {}


def with_confluent() -> Argv:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", "libs", "-r", "requirements.txt"]
    libs = installed("confluent-python", ["requirements.txt"], pip) / "libs"
    return [sys.executable, str(EXAMPLES / "confluent-python" / "read_events.py")], {"PYTHONPATH": str(libs)}


def with_kafkajs() -> Argv:
    npm = [program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    folder = installed("kafkajs", ["package.json", "package-lock.json", "lz4.mjs", "read_events.mjs"], npm)
    return [program("node"), str(folder / "read_events.mjs")], {}


def with_aiokafka() -> Argv:
    return [sys.executable, str(EXAMPLES / "aiokafka" / "read_events.py")], {}


READERS: Mapping[str, Callable[[], Argv]] = {
    "kcat": with_kcat, "java": with_java, "confluent": with_confluent, "kafkajs": with_kafkajs,
    "aiokafka": with_aiokafka,
}  # fmt: skip


@pytest.fixture(scope="module")
def stream(postgres: EmbeddedPostgres, migrated: str) -> Iterator[Stream | KafkaUnavailable]:
    """Tickets of dispatch, some of them worked on, published by the relay; or why there is no Apache Kafka."""
    broker = ApacheKafka()
    try:
        broker.start()
    except KafkaUnavailable as missing:
        yield missing
        return
    postgres.create_database("examples", migrated)
    try:
        lines = asyncio.run(_publish(TestDatabase(postgres, "examples"), broker.bootstrap))
        yield Stream(broker.bootstrap, lines)
    finally:
        broker.stop()
        postgres.drop_database("examples")


async def _publish(database: TestDatabase, bootstrap: str) -> tuple[str, ...]:
    await apply_topics(bootstrap, TOPICS)
    async with open_desk(database) as desk:
        for n in range(1, TICKETS + 1):
            await desk.take_on(n)
            if n % 2:
                await desk.work(n)
        rows = await desk.database.fetch("SELECT ticket_id, version, type FROM event ORDER BY ticket_id, version")
    database_of_relay = await connect(database.dsn("dispatch"), size=2, application="test", patience=PATIENT)
    relay = Relay(
        database_of_relay, Producer(bootstrap, "relay"), source=Source.DISPATCH, topic=DISPATCH.name, holder="test",
        wake=Wake(),
    )  # fmt: skip
    stopping = asyncio.Event()
    stopping.set()  # one whole pass until nothing is left
    async with asyncio.timeout(60):
        await relay.run(stopping)
    await database_of_relay.close()
    return tuple(_line(row) for row in rows)


def _line(row: asyncpg.Record) -> str:
    identity = event_id(Source.DISPATCH, TicketId(row["ticket_id"]), row["version"])
    return f"{identity}\t{row['type']}\t{row['ticket_id']}\t{row['version']}"


def ready(stream: Stream | KafkaUnavailable, reader: str) -> tuple[Stream, Argv]:
    """Everything the reader needs; without it the test is skipped loudly, or fails for the one that is required."""
    try:
        if isinstance(stream, KafkaUnavailable):
            raise stream
        return stream, READERS[reader]()
    except (Missing, KafkaUnavailable) as missing:
        if os.environ.get(REQUIRED.get(reader, "")) == "1":
            pytest.fail(f"the example for {reader} is required and cannot be run: {missing}")
        pytest.skip(f"NOT COVERED: the example for {reader}: {missing}")


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_prints_every_event_with_its_headers_in_its_tickets_order(
    stream: Stream | KafkaUnavailable, reader: str
) -> None:
    stream, (argv, needs) = ready(stream, reader)
    place = {"KAFKA_BOOTSTRAP": stream.bootstrap, "KAFKA_TOPIC": DISPATCH.name, "KAFKA_GROUP": f"test-{reader}"}
    done = subprocess.run(
        [*argv, "--once"], env={**os.environ, **place, **needs}, capture_output=True, text=True, timeout=READ_S, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    printed = done.stdout.splitlines()
    assert len(stream.lines) > 2 * TICKETS
    assert sorted(printed) == sorted(stream.lines)
    assert by_ticket(printed) == by_ticket(stream.lines)


def by_ticket(lines: list[str] | tuple[str, ...]) -> dict[str, list[int]]:
    """The versions of each ticket in the order in which they came."""
    stories: defaultdict[str, list[int]] = defaultdict(list)
    for line in lines:
        _, _, ticket_id, version = line.split("\t")
        stories[ticket_id].append(int(version))
    return stories
