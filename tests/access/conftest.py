"""The tables of intake: fresh for a test, or one set for all tests that do not look at the whole of them."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from griddispatch.embedded import EmbeddedPostgres
from shared.database import Database, connect
from tests.access.provider import LoginProvider, login_provider
from tests.conftest import TestDatabase


@pytest_asyncio.fixture
async def tables(intake_dsn: str) -> AsyncIterator[Database]:
    """Fresh tables."""
    opened = await connect(intake_dsn, size=3, application="test-access")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def common_database(postgres: EmbeddedPostgres, migrated: str) -> Iterator[TestDatabase]:
    """One database for all."""
    postgres.create_database("access_common", migrated)
    yield TestDatabase(postgres, "access_common")
    postgres.drop_database("access_common")


@pytest_asyncio.fixture(scope="session")
async def common_tables(common_database: TestDatabase) -> AsyncIterator[Database]:
    """Its tables; every test brings keys of its own."""
    opened = await connect(common_database.dsn("intake"), size=3, application="test-access")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session")
async def login() -> AsyncIterator[LoginProvider]:
    """A login provider that stays as it is."""
    async with login_provider() as provider:
        yield provider
