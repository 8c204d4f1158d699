"""The tables of intake: one set, empty where a test asks for that; and a login provider for all."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx
import pytest
import pytest_asyncio

from griddispatch.embedded import EmbeddedPostgres
from shared.connections import Gate, Thresholds
from shared.database import Database, connect
from shared.runtime import server_config
from tests.access.enforced import World, open_world
from tests.access.provider import LoginProvider, login_provider
from tests.builders import PATIENT
from tests.conftest import TestDatabase
from tests.services.notify.stage import serving

EMPTY = """
SET search_path = intake; SET session_replication_role = replica;
TRUNCATE api_key, audit, audit_head, pending_act; DROP TABLE IF EXISTS place;
INSERT INTO audit_head SELECT n, 0, sha256(convert_to('griddispatch audit ' || n, 'UTF8')) FROM generate_series(0, 15) n
"""


@pytest.fixture(scope="session")
def common_database(postgres: EmbeddedPostgres, migrated: str) -> Iterator[TestDatabase]:
    """One database for all."""
    postgres.create_database("access_common", migrated)
    yield TestDatabase(postgres, "access_common")
    postgres.drop_database("access_common")


@pytest_asyncio.fixture(scope="session")
async def common_tables(common_database: TestDatabase) -> AsyncIterator[Database]:
    """Its tables; every test brings keys of its own."""
    opened = await connect(common_database.dsn("intake"), size=3, application="test-access", area="", patience=PATIENT)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def tables(common_tables: Database, common_database: TestDatabase) -> Database:
    """The tables, with nothing in them. To empty them takes a tenth of the time of making new ones."""
    conn = await asyncpg.connect(common_database.superuser_dsn)
    await conn.execute(EMPTY)
    await conn.close()
    return common_tables


@pytest.fixture(scope="session")
def enforced_database(postgres: EmbeddedPostgres, migrated: str) -> Iterator[TestDatabase]:
    """The tables of the services that ask callers who they are."""
    postgres.create_database("access_enforced", migrated)
    yield TestDatabase(postgres, "access_enforced")
    postgres.drop_database("access_enforced")


@pytest_asyncio.fixture(scope="session")
async def world(enforced_database: TestDatabase, login: LoginProvider) -> AsyncIterator[World]:
    """The three services in production, one set for all; a test changes nothing that another asks about."""
    async with open_world(enforced_database, login) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def whole_world(postgres: EmbeddedPostgres, migrated: str, login: LoginProvider) -> AsyncIterator[World]:
    """The three services once more, for a module that calls everything and leaves nothing as it was."""
    postgres.create_database("access_whole", migrated)
    async with open_world(TestDatabase(postgres, "access_whole"), login) as opened:
        yield opened
    postgres.drop_database("access_whole")


@pytest_asyncio.fixture(scope="session")
async def login() -> AsyncIterator[LoginProvider]:
    """A login provider that stays as it is."""
    async with login_provider() as provider:
        yield provider


@pytest_asyncio.fixture(scope="session")
async def doors(world: World) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """A client of each service, served as in production."""
    async with served(world) as clients:
        yield clients


@pytest_asyncio.fixture(scope="module")
async def whole_doors(whole_world: World) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """The same for a module that leaves nothing as it was."""
    async with served(whole_world) as clients:
        yield clients


@asynccontextmanager
async def served(world: World) -> AsyncIterator[Mapping[str, httpx.AsyncClient]]:
    """The services on sockets, with a client of each."""
    async with AsyncExitStack() as stack:
        clients = {}
        for service, assembly in world.assemblies.items():
            base = await stack.enter_async_context(
                serving(assembly.app, server_config(assembly.app, Gate(Thresholds())))
            )
            client = httpx.AsyncClient(base_url=base, trust_env=False, timeout=60)
            clients[service] = await stack.enter_async_context(client)
        yield clients
