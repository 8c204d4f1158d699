"""A service's tables from the command line: where they are, and what is said when they cannot be had."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from getpass import getuser
from typing import Annotated, Any, Final, NoReturn, TypeVar

import asyncpg
import typer

from shared.actors import Forbidden
from shared.database import Database, connect
from shared.errors import Conflict, NotFound, Problem, Rejected, Unavailable
from shared.from_files import read_setting
from shared.migrations import MigrationRefused

T = TypeVar("T")

DSN: Final = "GRIDDISPATCH_DATABASE_DSN"
BOOTSTRAP: Final = "GRIDDISPATCH_KAFKA_BOOTSTRAP"
FOUND: Final = 1
REFUSED: Final = 2
"""What was asked for is wrong or not allowed; asking again will not help."""
UNREACHABLE: Final = 3
"""A database or a broker did not answer; later it may."""

Bootstrap = Annotated[str, typer.Option(help="host:port of a broker", envvar=BOOTSTRAP)]
Dsn = Annotated[str | None, typer.Option(help=f"instead of {DSN}_<SERVICE>, where postgresql:// leads")]


class Service(StrEnum):
    """A service with a database of its own."""

    INTAKE = "intake"
    DISPATCH = "dispatch"
    NOTIFY = "notify"


def setting(name: str) -> str | None:
    """A setting from the environment or the file it names there; None where there is neither. Raises Rejected."""
    try:
        return read_setting(os.environ, name)
    except ValueError as error:
        raise Rejected(Problem(name, "unreadable", str(error))) from None


def place_of(service: str, dsn: str | None = None) -> str:
    """Where the service's tables are: `dsn`, or GRIDDISPATCH_DATABASE_DSN_<SERVICE>. Raises Rejected."""
    name = f"{DSN}_{service.upper()}"
    place = dsn or setting(name)
    if not place:
        raise Rejected(Problem(name, "missing", f"where are the tables of {service}? Set it, or --dsn"))
    return place


@asynccontextmanager
async def tables_of(service: str, dsn: str | None = None) -> AsyncIterator[Database]:
    """The service's database, at its place. Raises Unavailable, Rejected."""
    database = await connect(place_of(service, dsn), size=1, application="griddispatch-cli")
    try:
        yield database
    except asyncpg.UndefinedTableError as error:
        raise Rejected(Problem(service, "not_migrated", "tables are missing; run: griddispatch db migrate")) from error
    finally:
        await database.close()


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what went wrong becomes a sentence and an exit code."""
    try:
        return asyncio.run(work)
    except (Conflict, Forbidden, MigrationRefused, NotFound, Rejected, OSError, ValueError) as error:
        leave(str(error), REFUSED)
    except Unavailable as error:
        leave(str(error), UNREACHABLE)


def leave(message: str, code: int) -> NoReturn:
    """Say why, and end."""
    typer.echo(message, err=True)
    sys.exit(code)


def operator() -> str:
    """How the audit log calls whoever sits here."""
    try:
        return f"operator:{getuser()}"
    except (KeyError, OSError):
        return f"operator:{os.getuid()}"
