"""`griddispatch dlq`: dead letters, by hand; nothing is changed until `--yes` says so."""

from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from griddispatch.dead_letters import DEAD, STATES, DeadLetters, Discarding, dead_letters
from griddispatch.kafka_access import kafka_security
from griddispatch.tables import REFUSED, Bootstrap, Dsn, Service, finish, leave, operator, place_of
from shared.actors import Forbidden
from shared.errors import Conflict, Rejected
from shared.kafka import Producer

app = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be applied.")

Of = Annotated[Service, typer.Option("--service", help="whose dead letters")]
Numbers = Annotated[list[int] | None, typer.Argument(metavar="[ID…]")]
OfTicket = Annotated[str | None, typer.Option("--ticket", help="all of this ticket, in their order")]
First = Annotated[int | None, typer.Option("--from", min=1, help="from this number on")]
Last = Annotated[int | None, typer.Option("--to", min=1, help="up to this number")]
Yes = Annotated[bool, typer.Option("--yes", help="do it; without this nothing is changed")]


@app.command("list")
def list_dead(
    service: Of,
    state: Annotated[str, typer.Option(help=f"one of {', '.join(STATES)}, or all")] = DEAD,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    dsn: Dsn = None,
) -> None:
    """What died, the latest first."""
    if state not in (*STATES, "all"):
        leave(f"--state: one of {', '.join(STATES)}, or all", REFUSED)

    async def read() -> list[dict[str, Any]]:
        async with dead_letters(place_of(service, dsn)) as letters:
            return await letters.listed(STATES if state == "all" else (state,), limit)

    rows = finish(read())
    table = Table("id", "state", "topic", "partition", "offset", "key", "tries", "failed at", "reason")
    for row in rows:
        place = (row["topic"], str(row["partition"]), str(row["offset"]), _text(row["key"]))
        failed_at = row["failed_at"].isoformat(timespec="seconds")
        table.add_row(str(row["id"]), row["state"], *place, str(row["tries"]), failed_at, row["reason"])
    Console().print(table if rows else f"{service}: no dead letters ({state})")


@app.command("show")
def show_dead(service: Of, number: Annotated[int, typer.Argument(metavar="ID")], dsn: Dsn = None) -> None:
    """Everything that is kept of one, as JSON."""

    async def read() -> dict[str, Any]:
        async with dead_letters(place_of(service, dsn)) as letters:
            return await letters.shown(number)

    row = finish(read())
    readable = row | {"key": _text(row["key"]), "value": _text(row["value"]), "headers": orjson.loads(row["headers"])}
    typer.echo(orjson.dumps(readable, option=orjson.OPT_INDENT_2).decode())


@app.command("replay")
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
            async with dead_letters(place_of(service, dsn), operator()) as letters:
                for number in await _chosen(letters, numbers, ticket, first, last):
                    row = await letters.shown(number)
                    where = f"{number}: {row['state']}, to {row['topic']}/{row['partition']}, {row['reason']}"
                    if yes:
                        await letters.replay(number, producer, note)
                    typer.echo(f"{'replayed' if yes else 'would replay'} {where}")
        finally:
            await producer.discard()

    finish(settle())
    _say_dry(yes)


@app.command("discard")
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
        leave("--reason: say why", REFUSED)

    async def settle() -> int:
        refused = 0
        async with dead_letters(place_of(service, dsn), operator()) as letters:
            for number in await _chosen(letters, numbers, ticket, first, last):
                row = await letters.shown(number)
                try:
                    done = await letters.discard(number, reason) if yes else "would discard"
                except (Conflict, Forbidden, Rejected) as error:  # the others are still to be asked for
                    refused += 1
                    typer.echo(f"{number}: {error}", err=True)
                    continue
                typer.echo(f"{done} {number}: {row['state']}, {row['reason']}")
                if done is Discarding.ASKED:
                    typer.echo("  a second person must give the same command within two days")
        return refused

    refused = finish(settle())
    _say_dry(yes)
    if refused:
        raise typer.Exit(REFUSED)


async def _chosen(
    letters: DeadLetters, numbers: list[int] | None, ticket: str | None, first: int | None, last: int | None
) -> list[int]:
    """The numbers given, or those of a ticket or range; it says so when more are left than one command settles."""
    if numbers:
        return numbers
    found, has_more = await letters.found(ticket, first, last)
    if has_more:
        typer.echo(f"these are the first {len(found)}: give the command again for those behind them", err=True)
    return found


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")


def _say_dry(yes: bool) -> None:
    if not yes:
        typer.echo("nothing was changed; add --yes to do it")
