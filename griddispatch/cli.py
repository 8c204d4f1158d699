"""The command line: what an operator or a newcomer needs, each verb with an exit code that means something."""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import orjson
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from griddispatch.area import app as area
from griddispatch.audit import app as audit
from griddispatch.bench.command import app as bench
from griddispatch.capacity.command import app as capacity
from griddispatch.contract import app as contract
from griddispatch.demo.layouts import InputError, read_mapping
from griddispatch.demo.run import DemoFailed, Options, run
from griddispatch.dlq import DEAD, STATES, Discarding, dead_letters
from griddispatch.health import ask
from griddispatch.kafka_access import kafka_security
from griddispatch.keys import app as keys
from griddispatch.lifecycle import app as lifecycle
from griddispatch.reconcile import app as reconcile
from griddispatch.recover import app as recover
from griddispatch.replay import app as replay
from griddispatch.report import app as monthly
from griddispatch.rules import app as rules
from griddispatch.tables import operator
from griddispatch.triage import app as triage
from shared.actors import Forbidden
from shared.database import connect
from shared.errors import Conflict, NotFound, Rejected, Unavailable
from shared.from_files import read_setting
from shared.kafka import Producer, TopicMismatch, apply_topics
from shared.migrations import Difference, MigrationRefused, compare, migrate, migrations_of
from shared.topics import TOPICS

T = TypeVar("T")

REFUSED = 2
"""What was asked for is wrong or not allowed; asking again will not help."""
UNREACHABLE = 3
"""A database or a broker did not answer; later it may."""
DSN = "GRIDDISPATCH_DATABASE_DSN"
BOOTSTRAP = "GRIDDISPATCH_KAFKA_BOOTSTRAP"

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Grid Dispatch: from the hotline to the citizen.")
database = typer.Typer(no_args_is_help=True, help="The tables of the services.")
topics = typer.Typer(no_args_is_help=True, help="The topics of the contract.")
dlq = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be applied.")
app.add_typer(database, name="db")
app.add_typer(topics, name="topics")
app.add_typer(dlq, name="dlq")
app.add_typer(contract, name="contract")
app.add_typer(area, name="area")
app.add_typer(rules, name="rules")
app.add_typer(bench)
app.add_typer(capacity)
app.add_typer(replay)
app.add_typer(reconcile)
app.add_typer(recover, name="recover")
app.add_typer(monthly, name="report")
app.add_typer(lifecycle, name="lifecycle")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")
app.add_typer(triage, name="triage")


class Service(StrEnum):
    """A service with a database of its own."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    NOTIFY = "notify"


Bootstrap = Annotated[str, typer.Option(help="host:port of a broker", envvar=BOOTSTRAP)]
Dsn = Annotated[str | None, typer.Option(help=f"instead of {DSN}_<SERVICE>, where postgresql:// leads")]
Of = Annotated[Service, typer.Option("--service", help="whose dead letters")]
Numbers = Annotated[list[int] | None, typer.Argument(metavar="[ID…]")]
OfTicket = Annotated[str | None, typer.Option("--ticket", help="all of this ticket, in their order")]
First = Annotated[int | None, typer.Option("--from", min=1, help="from this number on")]
Last = Annotated[int | None, typer.Option("--to", min=1, help="up to this number")]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without this nothing is changed")]


@app.command()
def health(
    port: Annotated[int, typer.Argument(min=1, max=65535, help="where the service listens: 8001, 8002, 8003")],
    host: Annotated[str, typer.Option(help="on which host")] = "127.0.0.1",
) -> None:
    """Whether a service is ready: exit code 0, or 1 and what it lacks."""
    ready, said = ask(port, host)
    typer.echo(said)
    raise typer.Exit(0 if ready else 1)


@app.command()
def demo(
    tickets: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="how many matters [2000]")] = None,
    speed: Annotated[float | None, typer.Option(min=1, max=86_400, help="simulated seconds per second")] = None,
    once: Annotated[bool, typer.Option("--once", help="end when every ticket is closed")] = False,
    report: Annotated[Path | None, typer.Option(help="write the figures here, as JSON")] = None,
    source: Annotated[Path | None, typer.Option("--input", help="matters: .ndjson or .csv, also .gz")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="target=column, for example text=body")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, max=5000, help="matters per second, one by one")] = None,
    seed: Annotated[int, typer.Option(help="what workers and citizens are drawn from")] = 1,
    keep: Annotated[Path | None, typer.Option(help="a new folder for logs and all data")] = None,
) -> None:
    """Run the whole loop here: stores, services, hotlines, workers and citizens; nothing need be installed."""
    began = time.monotonic()
    if report is not None and not report.absolute().parent.is_dir():
        _leave(f"--report: there is no folder {report.absolute().parent}", REFUSED)
    if mapping and source is None:
        _leave("--map says how to read a file: give it with --input", REFUSED)
    try:
        options = Options(tickets, speed, once, report, source, read_mapping(mapping or ()), rate, seed, keep)
        code = uvloop.run(run(options, Console(), began))
    except InputError as error:
        _leave(str(error), REFUSED)
    except DemoFailed as error:
        _leave(str(error), 1)
    raise typer.Exit(code)


@database.command("migrate")
def migrate_database(
    service: Annotated[list[Service] | None, typer.Option(help="only this one; may be repeated")] = None,
    check: Annotated[bool, typer.Option("--check", help="change nothing, only compare")] = False,
    dsn: Dsn = None,
) -> None:
    """Bring the tables up to date; repeating it changes nothing. With --check exit code 2 says that they are not."""
    wanted = service or list(Service)
    if dsn is not None and len(wanted) != 1:
        _leave("--dsn leads to one service's tables: say which with --service", REFUSED)
    places = {one: _dsn_of(one, dsn) for one in wanted}
    if check:
        raise typer.Exit(max(_compare(one, place) for one, place in places.items()))
    for one, place in places.items():
        applied = _finish(migrate(place, migrations_of(one)))
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
        created = set(_finish(make()))
    except TopicMismatch as mismatch:
        for difference in str(mismatch).split("; "):
            typer.echo(f"! {difference}")
        raise typer.Exit(REFUSED) from mismatch
    for topic in TOPICS:
        typer.echo(f"{'+' if topic.name in created else '='} {topic.name}: {topic.partitions} partitions")


@dlq.command("list")
def list_dead(
    service: Of,
    state: Annotated[str, typer.Option(help=f"one of {', '.join(STATES)}, or all")] = DEAD,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    dsn: Dsn = None,
) -> None:
    """What died, the latest first."""
    if state not in (*STATES, "all"):
        _leave(f"--state: one of {', '.join(STATES)}, or all", REFUSED)

    async def read() -> list[dict[str, Any]]:
        async with dead_letters(_dsn_of(service, dsn)) as letters:
            return await letters.listed(STATES if state == "all" else (state,), limit)

    rows = _finish(read())
    table = Table("id", "state", "topic", "partition", "offset", "key", "tries", "failed at", "reason")
    for row in rows:
        place = (row["topic"], str(row["partition"]), str(row["offset"]), _text(row["key"]))
        failed_at = row["failed_at"].isoformat(timespec="seconds")
        table.add_row(str(row["id"]), row["state"], *place, str(row["tries"]), failed_at, row["reason"])
    Console().print(table if rows else f"{service}: no dead letters ({state})")


@dlq.command("show")
def show_dead(service: Of, number: Annotated[int, typer.Argument(metavar="ID")], dsn: Dsn = None) -> None:
    """Everything that is kept of one, as JSON."""

    async def read() -> dict[str, Any]:
        async with dead_letters(_dsn_of(service, dsn)) as letters:
            return await letters.shown(number)

    row = _finish(read())
    readable = row | {"key": _text(row["key"]), "value": _text(row["value"]), "headers": orjson.loads(row["headers"])}
    typer.echo(orjson.dumps(readable, option=orjson.OPT_INDENT_2).decode())


@dlq.command("replay")
def replay_dead(
    service: Of,
    numbers: Numbers = None,
    bootstrap: Bootstrap = "127.0.0.1:9092",
    ticket: OfTicket = None,
    first: First = None,
    last: Last = None,
    note: Annotated[str, typer.Option(help="why it will go well now")] = "replayed by hand",
    yes: Yes = False,
    dsn: Dsn = None,
) -> None:
    """Send dead letters to their topics again, as they were; what waits behind them follows by itself, in its order."""

    async def settle() -> None:
        producer = Producer(bootstrap, "griddispatch-dlq", kafka_security())
        try:
            async with dead_letters(_dsn_of(service, dsn), operator()) as letters:
                for number in numbers or await letters.found(ticket, first, last):
                    row = await letters.shown(number)
                    where = f"{number}: {row['state']}, to {row['topic']}/{row['partition']}, {row['reason']}"
                    if yes:
                        await letters.replay(number, producer, note)
                    typer.echo(f"{'replayed' if yes else 'would replay'} {where}")
        finally:
            await producer.discard()

    _finish(settle())
    _say_dry(yes)


@dlq.command("discard")
def discard_dead(
    service: Of,
    reason: Annotated[str, typer.Option(help="why it may be given up; kept with it")],
    numbers: Numbers = None,
    ticket: OfTicket = None,
    first: First = None,
    last: Last = None,
    yes: Yes = False,
    dsn: Dsn = None,
) -> None:
    """Give dead letters up: one person asks, and it is done when another gives the same command. They stay kept."""
    if not reason.strip():
        _leave("--reason: say why", REFUSED)

    async def settle() -> None:
        async with dead_letters(_dsn_of(service, dsn), operator()) as letters:
            for number in numbers or await letters.found(ticket, first, last):
                row = await letters.shown(number)
                done = await letters.discard(number, reason) if yes else "would discard"
                typer.echo(f"{done} {number}: {row['state']}, {row['reason']}")
                if done is Discarding.ASKED:
                    typer.echo("  a second person must give the same command within two days")

    _finish(settle())
    _say_dry(yes)


def main() -> None:
    """Run the command line."""
    app(prog_name="griddispatch")


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what went wrong becomes a sentence and an exit code. TopicMismatch is left to its caller."""
    try:
        return asyncio.run(work)
    except (Conflict, Forbidden, NotFound, Rejected, MigrationRefused) as error:
        _leave(str(error), REFUSED)
    except Unavailable as error:
        _leave(str(error), UNREACHABLE)


def _compare(service: Service, dsn: str) -> int:
    """Say how a service's tables stand to this release; the exit code."""

    async def read() -> Difference:
        tables = await connect(dsn, size=1, application="griddispatch-check")
        try:
            return await compare(tables, service)
        finally:
            await tables.close()

    found = _finish(read())
    told = [f"not applied: {name}" for name in found.missing] + [f"from a later release: {n}" for n in found.unknown]
    typer.echo(f"{service}: {'; '.join(told) or 'up to date'}")
    return REFUSED if told else 0


def _dsn_of(service: Service, given: str | None) -> str:
    name = f"{DSN}_{service.upper()}"
    try:
        found = given or read_setting(os.environ, name)
    except ValueError as error:
        _leave(str(error), REFUSED)
    return found or _leave(f"where are the tables of {service}? Set {name}, or --dsn", REFUSED)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")


def _say_dry(yes: bool) -> None:
    if not yes:
        typer.echo("nothing was changed; add --yes to do it")


def _leave(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
