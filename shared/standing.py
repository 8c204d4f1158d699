"""How one service stands: what it has not published, what waits for an earlier event, and what could not be applied."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from shared.acting import acting
from shared.actors import covers
from shared.database import Database, named_queries
from shared.errors import NotFound

SHOWN: Final = 50
DEAD: Final = "DEAD"

_SQL = named_queries("shared", "sql", "messaging.sql")
_Age = Annotated[float, Field(description="Age of the oldest, in seconds; 0 where there is none.")]


class Waiting(BaseModel):
    """Events that wait."""

    events: int
    age_s: _Age


class DeadLetter(BaseModel):
    """A record that could not be applied: where it came from and why it died, without what it held."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str = Field(description="The ticket, where the record's key is one; what else keys say may be personal.")
    reason: str
    tries: int
    failed_at: datetime


class Standing(BaseModel):
    """How a service stands."""

    service: str
    unpublished: Waiting
    parked: Waiting
    dead: int = Field(description="Dead letters that nobody has settled.")
    dead_letters: list[DeadLetter] = Field(description=f"The newest {SHOWN} of them.")


def router(database: Database, service: str, county: str) -> APIRouter:
    """The route, the same at every service: a page that would know how all stand asks each of them.

    What is counted is the whole county's, so only whoever acts for all of it may look.
    """
    routes = APIRouter()

    @routes.get("/v1/standing")
    async def get_standing() -> Standing:
        """What this service has not published, what it cannot go on with, and its newest dead letters."""
        if not covers(acting().area, county):
            raise NotFound("all of the county")
        (outbox,) = await database.fetch(_SQL["outbox_state"])
        (parked,) = await database.fetch(_SQL["parked_state"])
        (dead,) = await database.fetch(_SQL["count_dead"])
        letters = await database.fetch(_SQL["list_dead"], [DEAD], SHOWN)
        return Standing(
            service=service,
            unpublished=Waiting(events=outbox["depth"], age_s=outbox["age_s"]),
            parked=Waiting(events=parked["events"], age_s=parked["age_s"]),
            dead=dead["count"],
            dead_letters=[DeadLetter(**{**row, "key": _ticket(row["key"])}) for row in letters],
        )

    return routes


def _ticket(key: bytes | None) -> str:
    try:
        return str(UUID((key or b"").decode()))
    except ValueError:
        return ""
