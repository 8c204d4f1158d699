"""A fresh intake for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.services.intake.counter import Counter, open_counter
from tests.services.intake.desk import Desk, open_desk


@pytest_asyncio.fixture
async def desk(intake_dsn: str) -> AsyncIterator[Desk]:
    """The service on a database of its own."""
    async with open_desk(intake_dsn) as opened:
        yield opened


@pytest_asyncio.fixture
async def counter(intake_dsn: str) -> AsyncIterator[Counter]:
    """The service with everything the county uses, on a database of its own."""
    async with open_counter(intake_dsn) as opened:
        yield opened
