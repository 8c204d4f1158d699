"""`griddispatch replay`: a service's ledger told again into a topic, for a new reader or after Kafka was lost."""

import asyncio
import sys
from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar
from uuid import UUID

import typer

from griddispatch.kafka_access import kafka_security
from griddispatch.replay_run import Counts, Journal, Request, counted, ledger_of, prepare_topic, replayed
from griddispatch.tables import setting
from shared.errors import Problem, Rejected, Unavailable
from shared.events import EVENT_TYPES
from shared.kafka import Producer, TopicMismatch
from shared.replay import Place, Selection
from shared.terms import Source, TicketId

T = TypeVar("T")

REFUSED: Final = 2
UNREACHABLE: Final = 3
DSN: Final = "GRIDDISPATCH_DATABASE_DSN"
PREFIX: Final = "org.griddispatch."
NEWS_EVERY: Final = 50
"""Pages between two words about how far it is."""

AFTER_REBUILD: Final = """\
Now, for every reader of {topic}:
  1. Set its group's offsets to the beginning: offsets into the lost log mean nothing here.
     kafka-consumer-groups --bootstrap-server … --group GROUP --topic {topic} --reset-offsets --to-earliest --execute
     The three services need this only where their groups still have offsets.
  2. Let it read on. With the version rule (at most the version held: drop) nothing is applied twice, and what was
     lost between its last record and the end of the old log is now applied.
  3. Compare: griddispatch reconcile --url … --bootstrap …
The relay may run again; what it has not published yet follows, and some records may come twice."""


class Service(StrEnum):
    """A service with a ledger of its own."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    NOTIFY = "notify"


Bootstrap = Annotated[str, typer.Option(help="host:port of a broker", envvar="GRIDDISPATCH_KAFKA_BOOTSTRAP")]

app = typer.Typer(add_completion=False)


@app.command("replay")
def replay(
    service: Annotated[Service, typer.Option(help="whose ledger")],
    to_topic: Annotated[str, typer.Option(help="a topic beside the contract's; made where it is missing")],
    bootstrap: Bootstrap = "127.0.0.1:9092",
    since: Annotated[str | None, typer.Option("--from", help="events of this instant on, RFC 3339 with zone")] = None,
    until: Annotated[str | None, typer.Option("--to", help="events before this instant")] = None,
    ticket: Annotated[str | None, typer.Option(help="one ticket's events")] = None,
    types: Annotated[list[str] | None, typer.Option("--type", help="for example ticket.closed.v1; repeatable")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="into the service's own topic, after Kafka was lost")
    ] = False,
    journal: Annotated[
        Path | None, typer.Option(help="a file to keep the place in, for going on after a break")
    ] = None,
    replicas: Annotated[int, typer.Option(min=1, max=9, help="copies of each partition of a new topic")] = 1,
    yes: Annotated[bool, typer.Option("--yes", help="do it; without this it is only counted")] = False,
    dsn: Annotated[str | None, typer.Option(help=f"instead of {DSN}_<SERVICE>")] = None,
) -> None:
    """Tell a service's events again: the same ids, keys, headers, bytes, and order per ticket.

    Readers know each record by its ce_id. A choice by time or type leaves gaps in the versions: a reader that waits
    for the version between has to be told.
    """
    try:
        place = dsn or setting(f"{DSN}_{service.upper()}") or _leave(f"set {DSN}_{service.upper()}, or --dsn")
        chosen = Selection(_ticket(ticket), _instant("from", since), _instant("to", until), _types(types))
        request = Request(Source[service.name], to_topic, chosen, rebuild)
        request.check()
    except Rejected as error:
        _leave(str(error))
    if journal is not None and not journal.absolute().parent.is_dir():
        _leave(f"--journal: there is no folder {journal.absolute().parent}")
    if not yes:
        _say(finish(_count(place, request)), f"would be sent to {to_topic}; add --yes to do it")
        return
    _say(finish(_send(place, bootstrap, request, journal, replicas)), f"sent to {to_topic}")
    if rebuild:
        typer.echo(AFTER_REBUILD.format(topic=to_topic))


async def _count(dsn: str, request: Request) -> Counts:
    async with ledger_of(dsn) as database:
        return await counted(database, request)


async def _send(dsn: str, bootstrap: str, request: Request, journal: Path | None, replicas: int) -> Counts:
    news = _News()
    security = kafka_security()
    producer = Producer(bootstrap, "griddispatch-replay", security)
    try:
        async with ledger_of(dsn) as database:
            typer.echo(await prepare_topic(bootstrap, request, replicas, security))
            kept = Journal(journal, request) if journal else None
            return await replayed(database, producer, request, kept, news.passed)
    except Unavailable as error:
        hint = "the same command goes on there" if journal else "with --journal FILE it could be gone on from there"
        raise Unavailable(f"{error}; acknowledged up to {news.last or 'nothing'}; {hint}") from error
    finally:
        await producer.discard()


class _News:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self.last: Place | None = None
        self._pages = 0

    def passed(self, last: Place) -> None:
        """Take note."""
        self.last = last
        self._pages += 1
        if self._pages % NEWS_EVERY == 0:
            typer.echo(f"… up to {last}", err=True)


def _say(counts: Counts, what: str) -> None:
    for name, number in sorted(counts.types.items()):
        typer.echo(f"{number:>10}  {name}")
    typer.echo(f"{counts.events} events of {counts.tickets} tickets {what}")


def _ticket(text: str | None) -> TicketId | None:
    try:
        return None if text is None else TicketId(UUID(text))
    except ValueError as error:
        raise Rejected(Problem("ticket", "bad_form", f"{text!r} is no ticket id")) from error


def _instant(name: str, text: str | None) -> datetime | None:
    try:
        instant = None if text is None else datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(Problem(name, "bad_form", f"{text!r} is no instant of RFC 3339")) from error
    if instant is not None and instant.tzinfo is None:
        raise Rejected(Problem(name, "no_zone", "must state its zone, such as Z or +08:00"))
    return instant


def _types(names: list[str] | None) -> tuple[str, ...] | None:
    if not names:
        return None
    whole = tuple(name if name.startswith(PREFIX) else PREFIX + name for name in names)
    unknown = [name for name in whole if name not in EVENT_TYPES]
    if unknown:
        raise Rejected(Problem("type", "unknown_type", f"no such type: {', '.join(unknown)}"))
    return whole


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what went wrong becomes a sentence and an exit code."""
    try:
        return asyncio.run(work)
    except (Rejected, TopicMismatch) as error:
        _leave(str(error))
    except Unavailable as error:
        typer.echo(str(error), err=True)
        sys.exit(UNREACHABLE)


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(REFUSED)
