"""`griddispatch recover`: after a restore, and where a group lost its place in Kafka."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from griddispatch.group_offsets import Standing, begin_again, standings
from griddispatch.kafka_access import kafka_security
from griddispatch.replay import Bootstrap
from griddispatch.tables import Service, finish, operator, tables_of
from griddispatch.unread import Behind, behind, queue_again
from shared.database import Database
from shared.epochs import next_epoch, raise_epoch, read_epoch
from shared.replay import SoleWriter
from shared.terms import Source
from shared.topics import TOPICS, Topic

HOLDER: Final = "griddispatch-recover"

app = typer.Typer(no_args_is_help=True, help="After a restore, and where a group lost its place in Kafka.")

Of = Annotated[Service, typer.Option("--service", help="whose tables")]
Dsn = Annotated[str | None, typer.Option(help="instead of GRIDDISPATCH_DATABASE_DSN_<SERVICE>")]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without this nothing is changed")]


@app.command("epoch")
def epoch(
    service: Of,
    reason: Annotated[str, typer.Option(min=1, help="why, for whoever reads the table later")],
    dsn: Dsn = None,
    yes: Yes = False,
) -> None:
    """Begin the next epoch of a service's ledger, once its database was restored to an earlier point.

    What is stated from then on has ids of its own, also under versions that were used and forgotten. The service must
    stand still: refused while its relay publishes.
    """
    before, after = finish(_epoch(service, dsn, reason, really=yes))
    typer.echo(
        f"{service}: epoch {before}, now {after}" if yes else f"{service}: epoch {before}; add --yes to raise it"
    )


async def _epoch(service: Service, dsn: str | None, reason: str, *, really: bool) -> tuple[int, int]:
    now = datetime.now(UTC)
    async with tables_of(service, dsn) as database:
        before = await read_epoch(database)
        if not really:
            return before, next_epoch(before, now)
        alone = SoleWriter(database, HOLDER, asyncio.get_running_loop().time)
        await alone.take()
        try:
            async with database.transaction() as tx:
                return before, await raise_epoch(tx, now, operator(), reason)
        finally:
            await alone.release()


@app.command("group")
def group(
    service: Of,
    bootstrap: Bootstrap = "127.0.0.1:9092",
    whole: Annotated[
        bool, typer.Option("--from-the-beginning", help="in every topic, as after a restore of its tables")
    ] = False,
    yes: Yes = False,
) -> None:
    """Help a reader that lost its place: offsets that lead nowhere go to the beginning, and what it never got is told.

    What it has is known by its own tables, what there is by those of the services it reads: GRIDDISPATCH_DATABASE_DSN_…
    of all of them are needed. The reader must be stopped; the relays of the others should run.
    """
    lost, missing = finish(_group(service, bootstrap, whole=whole, really=yes))
    for place in lost:
        typer.echo(f"{place.topic}/{place.partition}: at {place.committed}, there is {place.beginning} to {place.end}")
    for source, stories in missing.items():
        events = sum(b.stated - b.read for b in stories)
        typer.echo(f"{source}: {events} events of {len(stories)} tickets were never read")
    typer.echo("done: start the service" if yes else "nothing was changed; add --yes to do it")


async def _group(
    service: Service, bootstrap: str, *, whole: bool, really: bool
) -> tuple[list[Standing], dict[Source, list[Behind]]]:  # fmt: skip
    security = kafka_security()
    read = [topic for topic in TOPICS if service in topic.readers]
    places = await standings(bootstrap, f"{service}-stream", read, security)
    lost = [place for place in places if whole or place.leads_nowhere]
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(tables_of(service))
        owners = {source: await stack.enter_async_context(tables_of(source.name.lower())) for source in _sources(read)}
        if really:  # first the offsets: whoever is in the group refuses, and nothing is told for nothing
            await begin_again(bootstrap, f"{service}-stream", lost, security)
        return lost, {source: await _missing(owner, reader, source, really) for source, owner in owners.items()}


async def _missing(owner: Database, reader: Database, source: Source, really: bool) -> list[Behind]:
    stories = await behind(owner, reader, source)
    if really:
        await queue_again(owner, stories)
    return stories


def _sources(topics: list[Topic]) -> list[Source]:
    return [Source[topic.writer.upper()] for topic in topics if topic.writer.upper() in Source.__members__]
