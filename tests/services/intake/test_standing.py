"""How a service stands, told to whoever acts for all of the county: what waits, what died, and nobody's words."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from shared import standing
from tests.open_access import acting_as
from tests.services.intake.counter import Counter, open_counter, said

CENTRE = acting_as("command_centre", person="c-1")
TICKET = UUID("0190b6c2-7d4e-7a31-8f02-5a6b1c9d0e3f")


@pytest_asyncio.fixture
async def counter(intake_dsn: str) -> AsyncIterator[Counter]:
    """The service with the route of its standing."""
    async with open_counter(intake_dsn) as opened:
        opened.app.include_router(standing.router(opened.database, "intake", "990101"))
        yield opened


async def stands(counter: Counter) -> Any:
    answer = await counter.http.get("/v1/standing", headers=CENTRE)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def bury(counter: Counter, offset: int, key: bytes | None, state: str = "DEAD") -> None:
    await counter.database.fetch(
        'INSERT INTO dead_letter (topic, partition, "offset", key, headers, reason, tries, code, state)'
        " VALUES ('tickets-inbound', 0, $1, $2, '[]', 'no JSON', 1, 'x', $3)", offset, key, state,
    )  # fmt: skip


async def test_nothing_waits_where_nothing_happened(counter: Counter) -> None:
    assert await stands(counter) == {
        "service": "intake", "unpublished": {"events": 0, "age_s": 0.0}, "parked": {"events": 0, "age_s": 0.0},
        "dead": 0, "dead_letters": [],
    }  # fmt: skip


async def test_what_is_not_published_and_what_died_is_told_without_what_strangers_wrote(counter: Counter) -> None:
    await counter.post(said())
    for offset, key in enumerate((str(TICKET).encode(), b"13912345678", None)):
        await bury(counter, offset, key)
    await bury(counter, 9, None, "DISCARDED")
    told = await stands(counter)
    assert told["unpublished"]["events"] == 1
    assert told["dead"] == 3, "what somebody settled does not count"
    assert [(dead["offset"], dead["key"]) for dead in told["dead_letters"]] == [(2, ""), (1, ""), (0, str(TICKET))]
    assert {dead["reason"] for dead in told["dead_letters"]} == {"no JSON"}
