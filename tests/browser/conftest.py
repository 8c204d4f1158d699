"""One running product and one browser for all browser tests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI

from griddispatch.embedded import EmbeddedPostgres, NoidaBroker
from shared.kafka import apply_topics
from shared.topics import TOPICS
from tests.browser.stage import Stage, chromium, staged
from tests.conftest import TestDatabase
from tests.e2e.world import World
from tests.services.notify.stage import serving

SPEED = 120.0
"""Two minutes a second: who is to be on the spot within half an hour is late after a quarter of a minute."""


RELAY = "95013000000001"


def telephones() -> FastAPI:
    """A telephone system that lends one relay number to whoever asks."""
    app = FastAPI()

    @app.post("/")
    async def lend() -> dict[str, str]:
        return {"number": RELAY}

    return app


@pytest_asyncio.fixture(scope="session")
async def stage(
    postgres: EmbeddedPostgres, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The product on embedded parts with a fast clock."""
    chromium()
    await asyncio.to_thread(postgres.create_database, "browser", migrated)
    broker = NoidaBroker()
    await asyncio.to_thread(broker.start)
    try:
        await apply_topics(broker.bootstrap, TOPICS)
        logs: Path = tmp_path_factory.mktemp("browser")
        async with serving(telephones()) as address:
            extra = {"RELAY_CALL_URL": address}
            async with staged(World(TestDatabase(postgres, "browser"), broker, logs, SPEED, extra=extra)) as stage:
                yield stage
    finally:
        await asyncio.to_thread(broker.stop)
