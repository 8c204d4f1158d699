"""A notify service over a fresh database."""

from collections.abc import AsyncIterator

import pytest

from services.notify.core.contacts import AddressBook
from shared.database import Database, connect
from tests.builders import PATIENT
from tests.services.notify.measured import MeasuredStage
from tests.services.notify.stage import Stage


@pytest.fixture
async def notify_database(notify_dsn: str) -> AsyncIterator[Database]:
    """A pool as notify's role."""
    database = await connect(notify_dsn, size=8, application="test", patience=PATIENT)
    yield database
    await database.close()


@pytest.fixture
def stage(notify_database: Database) -> Stage:
    """Everybody on the console."""
    return Stage(notify_database, AddressBook())


@pytest.fixture
def measured(notify_database: Database) -> MeasuredStage:
    """The whole service, measuring."""
    return MeasuredStage(notify_database)
