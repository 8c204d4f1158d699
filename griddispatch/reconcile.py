"""`griddispatch reconcile`: what a service says it stated against what its topic holds, event by event."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer
from aiokafka import ConsumerRecord

from griddispatch.kafka_access import kafka_security
from griddispatch.replay import Bootstrap, finish
from griddispatch.tables import setting
from griddispatch.topic_reader import TopicReader
from shared.errors import Problem, Rejected, Unavailable
from shared.events import event_id
from shared.kafka_security import PLAINTEXT, Security
from shared.ledger import SHARDS
from shared.reconciliation import FORMULA, HOUR, WIDEST, Bucket, Tally, bucket_of, tally
from shared.terms import Source, TicketId

FOUND_WRONG: Final = 1
ASK_S: Final = 15.0
KEY: Final = "GRIDDISPATCH_API_KEY"

app = typer.Typer(add_completion=False)

Mark = tuple[TicketId, int]
"""An event, by ticket and version."""


@dataclass
class Seen:
    """What the topic holds of one source's events in a span of time; a record that comes again counts once."""

    source: Source
    since: datetime
    until: datetime
    buckets: defaultdict[Bucket, set[Mark]] = field(default_factory=lambda: defaultdict(set))
    records: int = 0
    strange: list[str] = field(default_factory=list)
    """Where records lie that are no events of this source."""

    def see(self, record: ConsumerRecord) -> None:
        """Take one record down."""
        self.records += 1
        headers = dict(record.headers)
        try:
            ticket_id, version = TicketId(UUID(headers["ce_subject"].decode())), int(headers["ce_version"])
            time = datetime.fromisoformat(headers["ce_time"].decode())
            epoch = int(headers.get("ce_epoch", b"0"))
            ours = UUID(headers["ce_id"].decode()) == event_id(self.source, ticket_id, version, epoch)
            bucket = bucket_of(time, ticket_id)
        except (KeyError, ValueError, OverflowError, AttributeError):
            ours = False
        if not ours:
            self.strange.append(f"{record.topic}/{record.partition}@{record.offset}")
        elif self.since <= bucket.hour < self.until:
            self.buckets[bucket].add((ticket_id, version))


@dataclass(frozen=True)
class Difference:
    """An event that is on one side only."""

    bucket: Bucket
    event: UUID
    ticket_id: TicketId
    version: int
    what: str


class Stated:
    """The reconciliation routes of one service."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def source(self, since: datetime) -> tuple[Source, str]:
        """Who answers, and where its events are."""
        answer = await self._hours(since, since + HOUR)
        return Source(answer["source"]), str(answer["topic"])

    async def tallies(self, since: datetime, until: datetime) -> dict[Bucket, Tally]:
        """What was stated per bucket."""
        found: dict[Bucket, Tally] = {}
        while since < until:
            end = min(since + WIDEST, until)
            for row in (await self._hours(since, end))["hours"]:
                bucket = Bucket(datetime.fromisoformat(row["hour"]), row["shard"])
                found[bucket] = Tally(row["events"], int(row["digest"], 16))
            since = end
        return found

    async def events(self, bucket: Bucket) -> AsyncIterator[dict[str, Any]]:
        """Every event of a bucket."""
        after: str | None = ""
        while after is not None:
            asked = {"hour": bucket.hour.isoformat(), "shard": str(bucket.shard)} | ({"after": after} if after else {})
            answer = await self._get("/v1/reconciliation/events", asked)
            for event in answer["events"]:
                yield event
            after = answer["next"]

    async def _hours(self, since: datetime, until: datetime) -> Any:
        answer = await self._get("/v1/reconciliation", {"from": since.isoformat(), "to": until.isoformat()})
        if (answer["formula"], answer["shards"]) != (FORMULA, SHARDS):
            reason = f"it computes {answer['formula']} over {answer['shards']} shards, this release {FORMULA}/{SHARDS}"
            raise Rejected(Problem("url", "another_formula", reason))
        return answer

    async def _get(self, path: str, asked: Mapping[str, str]) -> Any:
        try:
            answer = await self._http.get(path, params=asked)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self._http.base_url}: {type(error).__name__}: {error}") from error
        if answer.status_code >= 500:
            raise Unavailable(f"{self._http.base_url}{path}: status {answer.status_code}")
        if answer.status_code != 200:
            raise Rejected(Problem("url", "refused", f"{path}: status {answer.status_code}: {answer.text[:300]}"))
        return answer.json()


@app.command("reconcile")
def reconcile(
    url: Annotated[str, typer.Option(help="where the service listens, for example http://127.0.0.1:8002")],
    bootstrap: Bootstrap = "127.0.0.1:9092",
    since: Annotated[datetime | None, typer.Option("--from", help="first hour, UTC [24 hours before --to]")] = None,
    until: Annotated[datetime | None, typer.Option("--to", help="end, UTC [the end of this hour]")] = None,
    topic: Annotated[str | None, typer.Option(help="another topic than the service's own")] = None,
) -> None:
    """Compare what a service stated with what its topic holds; exit code 1 names every event that is missing.

    A service that asks callers who they are is shown the API key in GRIDDISPATCH_API_KEY.
    """
    end = _hour(until) if until else _hour(datetime.now(UTC)) + HOUR
    begin = _hour(since) if since else end - WIDEST
    found = finish(_asked(url, bootstrap, begin, end, topic))
    for one in found.differences:
        typer.echo(f"{one.what} {one.event} {one.ticket_id} v{one.version} in {one.bucket.hour.isoformat()}")
    for place in found.strange:
        typer.echo(f"strange {place}: no event of {found.source}")
    typer.echo(
        f"{begin.isoformat()} to {end.isoformat()}: {found.held} events in the topic, "
        f"{found.waiting} not published yet, {found.wrong} wrong"
    )
    raise typer.Exit(FOUND_WRONG if found.wrong else 0)


async def _asked(url: str, bootstrap: str, since: datetime, until: datetime, topic: str | None) -> "Comparison":
    security = kafka_security()
    key = setting(KEY)
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(base_url=url, timeout=ASK_S, trust_env=False, headers=shown) as http:
        return await compare(http, bootstrap, since, until, topic, security)


@dataclass(frozen=True)
class Comparison:
    """What came out. `waiting` counts events that were stated and not published yet: no fault of theirs."""

    source: Source
    held: int
    waiting: int
    differences: list[Difference]
    strange: list[str]

    @property
    def wrong(self) -> int:
        """How much is not as it should be."""
        return len(self.differences) + len(self.strange)


async def compare(
    http: httpx.AsyncClient, bootstrap: str, since: datetime, until: datetime, topic: str | None = None,
    security: Security = PLAINTEXT,
) -> Comparison:  # fmt: skip
    """Compare whole hours of a service with its topic, or with a copy of it. Raises Rejected, Unavailable."""
    if not since < until:
        raise Rejected(Problem("to", "out_of_range", "must be after --from"))
    stated = Stated(http)
    source, own = await stated.source(since)
    tallies = await stated.tallies(since, until)
    seen = Seen(source, since, until)
    async with TopicReader(bootstrap, topic or own, security) as reader:
        await reader.read_on(seen.see)
        differences, waiting = await _differences(stated, tallies, seen, reader)
    return Comparison(source, sum(map(len, seen.buckets.values())), waiting, differences, seen.strange)


async def _differences(
    stated: Stated, tallies: Mapping[Bucket, Tally], seen: Seen, reader: TopicReader
) -> tuple[list[Difference], int]:
    """Look closer where the tallies differ. What was stated or published meanwhile is no difference."""
    doubtful = {b for b in {*tallies, *seen.buckets} if tallies.get(b, Tally()) != tally(seen.buckets.get(b, ()))}
    listed: dict[Bucket, set[Mark]] = {}
    pending: set[Mark] = set()
    unknown: list[Difference] = []
    for bucket in sorted(doubtful):
        before = set(seen.buckets.get(bucket, ()))
        marks = listed[bucket] = set()
        async for event in stated.events(bucket):
            mark = (TicketId(UUID(event["ticket_id"])), int(event["version"]))
            marks.add(mark)
            if event["pending"]:
                pending.add(mark)
        unknown += _named(seen.source, bucket, before - marks, "unknown")
    if doubtful:
        await reader.read_on(seen.see)
    missing = [
        one
        for bucket, marks in listed.items()
        for one in _named(seen.source, bucket, marks - seen.buckets.get(bucket, set()) - pending, "missing")
    ]
    return missing + unknown, len(pending.difference(*(seen.buckets.get(bucket, ()) for bucket in listed)))


def _named(source: Source, bucket: Bucket, marks: set[Mark], what: str) -> list[Difference]:
    return [Difference(bucket, event_id(source, t, v), t, v, what) for t, v in sorted(marks)]


def _hour(instant: datetime) -> datetime:
    """The hour of UTC it lies in; without a zone it is UTC."""
    return instant.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
