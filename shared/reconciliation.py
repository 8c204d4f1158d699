"""Proof of completeness: per hour and shard the count and a digest of the events stated, to compare with the topic."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from shared.acting import acting
from shared.actors import covers
from shared.database import Database, named_queries
from shared.errors import NotFound, Problem, Rejected
from shared.events import event_id
from shared.ledger import SHARDS, shard_of
from shared.moments import Instant
from shared.terms import Source, TicketId
from shared.topics import DISPATCH, INTAKE, NOTIFY

HOUR: Final = timedelta(hours=1)
WIDEST: Final = timedelta(hours=24)
PAGE: Final = 5000
FORMULA: Final = "xor-sha256-64"
TOPIC_OF: Final = {Source.INTAKE: INTAKE, Source.DISPATCH: DISPATCH, Source.NOTIFY: NOTIFY}

_SQL = named_queries("shared", "sql", "replay.sql")
_64_BITS = 2**64 - 1


@dataclass(frozen=True, order=True, slots=True)
class Bucket:
    """Where an event counts: the hour of its `ce_time` in UTC, and its ticket's shard."""

    hour: datetime
    shard: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many events, and the digest over them: 64 bits in which the order of the events leaves no trace."""

    events: int = 0
    digest: int = 0


def bucket_of(time: datetime, ticket_id: TicketId) -> Bucket:
    """The bucket of an event that happened at `time`, zone-aware."""
    return Bucket(time.astimezone(UTC).replace(minute=0, second=0, microsecond=0), shard_of(ticket_id))


def digest_of(ticket_id: TicketId, version: int) -> int:
    """One event's part in a digest: the first 8 bytes of SHA-256 over the ticket's 16 and the version's 4, big-endian.

    The event's id is made of the same two, so this stands for the id; PostgreSQL computes it without an extension.
    """
    return int.from_bytes(sha256(ticket_id.bytes + version.to_bytes(4, "big")).digest()[:8], "big")


def tally(events: Iterable[tuple[TicketId, int]]) -> Tally:
    """The tally of distinct events, each given by ticket and version."""
    count = digest = 0
    for ticket_id, version in events:
        count += 1
        digest ^= digest_of(ticket_id, version)
    return Tally(count, digest)


class HourTally(BaseModel):
    """What was stated about the tickets of one shard in one hour."""

    hour: datetime = Field(description="Where the hour begins, UTC.", examples=["2026-03-10T01:00:00Z"])
    shard: int = Field(description="The ticket's id modulo `shards`.", examples=[3])
    events: int = Field(description="How many events were stated.", examples=[124])
    digest: str = Field(description="Over their ids, 16 hexadecimal digits.", examples=["9a3c51f07be2d864"])
    pending: int = Field(description="How many of them Kafka has not acknowledged yet.", examples=[0])


class Reconciliation(BaseModel):
    """What a service stated, hour by hour; hours and shards without any event are left out."""

    source: Source = Field(description="The service, as in `ce_source`.")
    topic: str = Field(description="Where the events are.", examples=["tickets-dispatch"])
    formula: str = Field(description="How the digest is made.", examples=[FORMULA])
    shards: int = Field(description="Into how many shards tickets are dealt.", examples=[SHARDS])
    hours: list[HourTally] = Field(description="By hour, then shard.")


class StatedEvent(BaseModel):
    """One event, without its content."""

    id: UUID = Field(description="As in `ce_id`.")
    ticket_id: UUID = Field(description="As in `ce_subject`.")
    version: int = Field(description="As in `ce_version`.", examples=[3])
    type: str = Field(description="As in `ce_type`.", examples=["org.griddispatch.ticket.assigned.v1"])
    time: datetime = Field(description="As in `ce_time`.", examples=["2026-03-10T01:15:00Z"])
    pending: bool = Field(description="Whether Kafka has not acknowledged it yet.", examples=[False])


class StatedEvents(BaseModel):
    """The events of one hour and shard, by ticket and version."""

    events: list[StatedEvent] = Field(description="At most 5,000.")
    next: str | None = Field(description="Give this as `after` for the following page; null on the last.")


_PLACE = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/[0-9]{1,9}$"
_From = Annotated[Instant, Query(alias="from", description="First hour, with zone.", examples=["2026-03-10T00:00:00Z"])]
_To = Annotated[
    Instant, Query(alias="to", description="First hour no longer meant.", examples=["2026-03-11T00:00:00Z"])
]
_Hour = Annotated[Instant, Query(description="Where the hour begins, with zone.", examples=["2026-03-10T01:00:00Z"])]
_Shard = Annotated[int, Query(ge=0, lt=SHARDS, description="The shard.")]
_After = Annotated[str | None, Query(pattern=_PLACE, description="`next` of the page before.")]


def router(database: Database, source: Source, county: str) -> APIRouter:
    """The routes of every service's `api` part. Give them a small pool of their own: a long outbox is read slowly.

    Whatever happened in the county is counted together, so only whoever acts for all of it may look.
    """
    routes = APIRouter()

    @routes.get("/v1/reconciliation")
    async def get_reconciliation(since: _From, until: _To) -> Reconciliation:
        """How many events were stated, hour by hour, with a digest over them: at most 24 whole hours."""
        _check_area(county)
        check_span(since, until)
        (mark,) = await database.fetch(_SQL["read_upto"])
        rows = await database.fetch(_SQL["tally_hours"], since, until, SHARDS, mark["upto"])
        hours = [
            HourTally(
                hour=row["hour"], shard=row["shard"], events=row["events"],
                digest=f"{row['digest'] & _64_BITS:016x}", pending=row["pending"],
            )
            for row in rows
        ]  # fmt: skip
        return Reconciliation(
            source=source, topic=TOPIC_OF[source].name, formula=FORMULA, shards=SHARDS, hours=hours
        )  # fmt: skip

    @routes.get("/v1/reconciliation/events")
    async def list_stated(hour: _Hour, shard: _Shard, after: _After = None) -> StatedEvents:
        """Which events one hour and shard holds, for finding those that are missing."""
        _check_area(county)
        until = check_span(hour, None)
        ticket_id, version = _read_after(after)
        rows = await database.fetch(
            _SQL["list_hour"], hour, until, SHARDS, shard, ticket_id, version, PAGE
        )  # fmt: skip
        events = [
            StatedEvent(id=event_id(source, TicketId(row["ticket_id"]), row["version"], row["epoch"]), **dict(row))
            for row in rows
        ]
        more = f"{events[-1].ticket_id}/{events[-1].version}" if len(events) == PAGE else None
        return StatedEvents(events=events, next=more)

    return routes


def _check_area(county: str) -> None:
    if not covers(acting().area, county):
        raise NotFound("all of the county")


def check_span(since: datetime, until: datetime | None) -> datetime:
    """Answers with the end of the span, an hour after its beginning where none is given.

    Raises Rejected unless both ends are whole hours with a zone, 1 to 24 of them apart.
    """
    given = [("from", since)] + ([("to", until)] if until else [])
    problems = [
        Problem(name, "not_a_whole_hour", "must be a whole hour of UTC, with its zone, in the years 2000 to 2100")
        for name, instant in given
        if instant.tzinfo is None or not 2000 <= instant.year <= 2100 or instant.timestamp() % HOUR.total_seconds()
    ]
    if problems:
        raise Rejected(*problems)
    end = until or since + HOUR
    if not HOUR <= end - since <= WIDEST:
        raise Rejected(Problem("to", "out_of_range", "must be 1 to 24 hours after from"))
    return end


def _read_after(after: str | None) -> tuple[UUID, int]:
    if after is None:
        return UUID(int=0), 0
    ticket_id, _, version = after.partition("/")
    try:
        return UUID(ticket_id), int(version)
    except ValueError as error:
        raise Rejected(Problem("after", "bad_form", "must be the `next` of a page")) from error
