"""Real parts for the tests: a PostgreSQL with a fresh database each, and a fresh broker each, embedded and Apache."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from griddispatch.embedded import ApacheKafka, Broker, EmbeddedPostgres, KafkaUnavailable, NoidaBroker
from shared.kafka import apply_topics
from shared.migrations import migrate, migrations_of
from shared.topics import TOPICS

ROOT = Path(__file__).parent.parent
PACK = ROOT / "deploy" / "packs" / "county-default"
AREA = ROOT / "deploy" / "areas" / "sample-county"
TEMPLATE = "migrated"
SERVICES = ("intake", "dispatch", "notify")

_numbers = count(1)

# No test depends on how quick the machine is; a property that hangs runs into the limit of every test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@dataclass(frozen=True)
class TestDatabase:
    """A database of its own for one test; each service connects as its own role."""

    __test__ = False
    postgres: EmbeddedPostgres
    name: str

    def dsn(self, service: str) -> str:
        """Where a service connects."""
        return self.postgres.dsn(self.name, f"griddispatch_{service}")

    @property
    def superuser_dsn(self) -> str:
        """For looking at everything."""
        return self.postgres.dsn(self.name)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL for the whole run, not durable."""
    server = EmbeddedPostgres()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated(postgres: EmbeddedPostgres) -> str:
    """The name of a database with roles, schemas and every migration, to be cloned."""
    postgres.create_database(TEMPLATE)
    asyncio.run(_prepare(postgres))
    return TEMPLATE


async def _prepare(postgres: EmbeddedPostgres) -> None:
    conn = await asyncpg.connect(postgres.dsn(TEMPLATE))
    await conn.execute((ROOT / "deploy" / "postgres" / "roles.sql").read_text(encoding="utf-8"))
    await conn.close()
    for service in SERVICES:
        await migrate(postgres.dsn(TEMPLATE, f"griddispatch_{service}"), migrations_of(service))


@pytest.fixture
def database(postgres: EmbeddedPostgres, migrated: str) -> Iterator[TestDatabase]:
    """A fresh, migrated database."""
    name = f"test_{next(_numbers)}"
    postgres.create_database(name, migrated)
    yield TestDatabase(postgres, name)
    postgres.drop_database(name)


@pytest.fixture
def intake_dsn(database: TestDatabase) -> str:
    """Where intake connects."""
    return database.dsn("intake")


@pytest.fixture
def dispatch_dsn(database: TestDatabase) -> str:
    """Where dispatch connects."""
    return database.dsn("dispatch")


@pytest.fixture
def notify_dsn(database: TestDatabase) -> str:
    """Where notify connects."""
    return database.dsn("notify")


@pytest.fixture(params=["embedded", "apache"])
def bare_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A fresh broker without topics; Apache Kafka is skipped loudly where it cannot be had, or fails if required."""
    broker: Broker = NoidaBroker() if request.param == "embedded" else ApacheKafka()
    try:
        broker.start()
    except KafkaUnavailable as missing:
        if os.environ.get("GRIDDISPATCH_REQUIRE_KAFKA") == "1":
            pytest.fail(f"Apache Kafka is required and cannot be had: {missing}")
        pytest.skip(f"NOT COVERED on Apache Kafka: {missing}")
    yield broker
    broker.stop()


@pytest.fixture
def broker(bare_broker: Broker) -> Broker:
    """A fresh broker with every topic of the contract."""
    asyncio.run(apply_topics(bare_broker.bootstrap, TOPICS))
    return bare_broker
