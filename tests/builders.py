"""Values with defaults, so that a test shows only what it is about."""

import asyncio
import json
import time
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.dispatch.core.calendar import Calendar
from services.dispatch.core.calendar_file import load_calendar
from services.dispatch.core.org import Org, load_org
from services.dispatch.core.rulebook import Rulebook, load_rulebook
from shared.database import Patience
from shared.events import Draft, Event, TicketReceived, TicketTriaged
from shared.terms import Channel, PlaceLevel, TicketId, TicketType, Urgency

ROOT = Path(__file__).parent.parent
PACK = ROOT / "deploy" / "packs" / "county-default"
AREA = ROOT / "deploy" / "areas" / "sample-county"
GRID = "990101001001001"
PATIENT = Patience(connection_s=60, statement_s=60, lock_s=60)
"""For what many do side by side on a machine that is busy with other tests."""
TUESDAY_MORNING = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
"""Tue 2026-03-10 09:15 in Shanghai, an ordinary working day."""


def ticket(n: int) -> TicketId:
    """The n-th ticket of a test."""
    return TicketId(UUID(int=n))


def received(**changes: Any) -> TicketReceived:
    """A received matter."""
    return TicketReceived(ticket_no="99010126031010000010", source="hotline-12345", channel=Channel.PHONE, **changes)


def triaged(**changes: Any) -> TicketTriaged:
    """A street lamp out in a known grid: a small complaint."""
    facts: dict[str, Any] = {
        "ticket_no": "99010126031010000010", "source": "hotline-12345", "channel": Channel.PHONE,
        "accepted_at": TUESDAY_MORNING, "ticket_type": TicketType.COMPLAINT, "category": "150101",
        "urgency": Urgency.U3, "confidence": 0.9, "place_level": PlaceLevel.GRID, "county": "990101",
        "township": "990101001", "village": "990101001001", "grid": GRID,
    }  # fmt: skip
    return TicketTriaged.model_validate(facts | changes)


def draft(n: int, event: Event | None = None) -> Draft:
    """An event about the n-th ticket."""
    return Draft(ticket(n), event or received(), TUESDAY_MORNING)


def calendar() -> Calendar:
    """The default pack's calendar."""
    return load_calendar(tomllib.loads((PACK / "calendar.toml").read_text(encoding="utf-8")))


def pack() -> dict[str, Any]:
    """The default pack's dispatch rules, parsed; a fresh copy each time."""
    return tomllib.loads((PACK / "dispatch.toml").read_text(encoding="utf-8"))


def categories() -> dict[str, Any]:
    """The default pack's category tree, parsed."""
    return tomllib.loads((PACK / "categories.toml").read_text(encoding="utf-8"))


def rulebook(**changes: Any) -> Rulebook:
    """The default rulebook."""
    return replace(load_rulebook(pack(), categories(), calendar()), **changes)


def grids() -> dict[str, Any]:
    """The sample county's grids."""
    collection: dict[str, Any] = json.loads((AREA / "grids.geojson").read_text(encoding="utf-8"))
    return collection


def units() -> dict[str, Any]:
    """The sample county's units, parsed; a fresh copy each time."""
    return tomllib.loads((AREA / "units.toml").read_text(encoding="utf-8"))


def org() -> Org:
    """The sample county's organisation."""
    return load_org(units(), grids())


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = 60.0, what: str = "it") -> None:
    """Poll until `check` holds; AssertionError after the deadline."""
    deadline = time.monotonic() + within_s
    while not await check():
        assert time.monotonic() < deadline, f"{what} did not happen within {within_s} s"
        await asyncio.sleep(0.02)
