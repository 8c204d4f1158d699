"""`griddispatch db` and `griddispatch topics`: the tables and the topics this release needs, made or compared."""

from typing import Annotated

import typer

from griddispatch.kafka_access import kafka_security
from griddispatch.tables import REFUSED, Bootstrap, Dsn, Service, finish, leave, place_of
from shared.database import connect
from shared.errors import Rejected
from shared.kafka import TopicMismatch, apply_topics
from shared.migrations import Difference, compare, migrate, migrations_of
from shared.topics import TOPICS

database = typer.Typer(no_args_is_help=True, help="The tables of the services.")
topics = typer.Typer(no_args_is_help=True, help="The topics of the contract.")


@database.callback()
@topics.callback()
def stores() -> None:
    """What a release needs of the stores."""


@database.command("migrate")
def migrate_database(
    service: Annotated[list[Service] | None, typer.Option(help="only this one; may be repeated")] = None,
    check: Annotated[bool, typer.Option("--check", help="change nothing, only compare")] = False,
    dsn: Dsn = None,
) -> None:
    """Bring the tables up to date; repeating it changes nothing. With --check exit code 2 says that they are not."""
    wanted = service or list(Service)
    if dsn is not None and len(wanted) != 1:
        leave("--dsn leads to one service's tables: say which with --service", REFUSED)
    try:
        places = {one: place_of(one, dsn) for one in wanted}
    except Rejected as error:
        leave(str(error), REFUSED)
    if check:
        raise typer.Exit(max(_compare(one, place) for one, place in places.items()))
    for one, place in places.items():
        applied = finish(migrate(place, migrations_of(one)))
        typer.echo(f"{one}: {', '.join(applied) if applied else 'up to date'}")


@topics.command("apply")
def apply(
    bootstrap: Bootstrap = "127.0.0.1:9092",
    replicas: Annotated[int, typer.Option(min=1, max=9, help="copies of each partition")] = 1,
    check: Annotated[bool, typer.Option("--check", help="change nothing, only compare")] = False,
) -> None:
    """Create the topics that are missing; a topic that differs from the contract is an error (exit code 2)."""

    async def make() -> list[str]:
        return await apply_topics(bootstrap, TOPICS, replicas=replicas, check_only=check, security=kafka_security())

    try:
        created = set(finish(make()))
    except TopicMismatch as mismatch:
        for difference in str(mismatch).split("; "):
            typer.echo(f"! {difference}")
        raise typer.Exit(REFUSED) from mismatch
    for topic in TOPICS:
        typer.echo(f"{'+' if topic.name in created else '='} {topic.name}: {topic.partitions} partitions")


def _compare(service: Service, dsn: str) -> int:
    """Say how a service's tables stand to this release; the exit code."""

    async def read() -> Difference:
        tables = await connect(dsn, size=1, application="griddispatch-check")
        try:
            return await compare(tables, service)
        finally:
            await tables.close()

    found = finish(read())
    told = [f"not applied: {name}" for name in found.missing] + [f"from a later release: {n}" for n in found.unknown]
    typer.echo(f"{service}: {'; '.join(told) or 'up to date'}")
    return REFUSED if told else 0
