"""`griddispatch recover`: after a restore, and where a group lost its place in Kafka."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from griddispatch.group_offsets import Standing, begin_again, standings
from griddispatch.kafka_access import kafka_security
from griddispatch.remade_topics import OURS, remake
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

Of = Annotated[list[Service] | None, typer.Option("--service", help="only this one; may be repeated")]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without this nothing is changed")]


@app.command("epoch")
def epoch(
    reason: Annotated[str, typer.Option(min=1, help="why, for whoever reads the table later")],
    service: Of = None,
    yes: Yes = False,
) -> None:
    """Begin the next epoch of the ledgers, once their database was restored to an earlier point.

    What is stated from then on has ids of its own, also under versions that were used and forgotten. The services must
    stand still: refused while a relay publishes.
    """
    for one in service or list(Service):
        before, after = finish(_epoch(one, reason, really=yes))
        typer.echo(f"{one}: epoch {before}, {'now' if yes else 'with --yes'} {after}")


async def _epoch(service: Service, reason: str, *, really: bool) -> tuple[int, int]:
    now = datetime.now(UTC)
    async with tables_of(service) as database:
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


@app.command("topics")
def topics(
    bootstrap: Bootstrap = "127.0.0.1:9092",
    replicas: Annotated[int, typer.Option(min=1, max=9, help="copies of each partition")] = 1,
    yes: Yes = False,
) -> None:
    """Delete the topics that the services write, and make them anew, empty: after a restore, before the replay.

    The topic of the hotlines and the mirrors of dead letters stay. All services must stand still.
    """
    if yes:
        typer.echo(f"made anew: {', '.join(finish(remake(bootstrap, replicas, kafka_security())))}")
    else:
        typer.echo(f"would delete and make anew: {', '.join(topic.name for topic in OURS)}; add --yes to do it")


@app.command("group")
def group(
    service: Of = None,
    bootstrap: Bootstrap = "127.0.0.1:9092",
    whole: Annotated[
        bool, typer.Option("--from-the-beginning", help="in every topic, as after a restore of its tables")
    ] = False,
    yes: Yes = False,
) -> None:
    """Help readers that lost their place: offsets that lead nowhere go to the beginning, what they never got is told.

    What a reader has is known by its own tables, what there is by those of the services it reads: the settings
    GRIDDISPATCH_DATABASE_DSN_… of all of them are needed. The reader must be stopped.
    """
    for one in service or list(Service):
        lost, missing = finish(_group(one, bootstrap, whole=whole, really=yes))
        for p in lost:
            typer.echo(f"{one} in {p.topic}/{p.partition}: at {p.committed}, there is {p.beginning} to {p.end}")
        for source, stories in missing.items():
            events = sum(b.stated - b.read for b in stories)
            typer.echo(f"{one} of {source.name.lower()}: {events} events of {len(stories)} tickets were never read")
    typer.echo("done: start the services" if yes else "nothing was changed; add --yes to do it")


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
