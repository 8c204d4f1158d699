"""`griddispatch report`: the month on paper, from the very table the API shows; and the counts counted anew."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer

from griddispatch.data import AREA, PACK, find
from griddispatch.named import read_names
from griddispatch.report_page import Page, month_page
from services.dispatch.core.naming import Names
from services.notify.core.measures import MeasureRules, load_measures
from services.notify.core.rates import Counts
from services.notify.gathering_store import recurring_matters
from services.notify.rates import compare, mend
from services.notify.rates_api import read_sheet
from shared.actors import EVERYWHERE
from shared.database import Database, Patience, connect
from shared.errors import Rejected, Unavailable
from shared.packs import PackRefused, open_pack

T = TypeVar("T")

FOUND_WRONG: Final = 1
REFUSED: Final = 2
UNREACHABLE: Final = 3
DSN: Final = "GRIDDISPATCH_DATABASE_DSN_NOTIFY"
MOST_PROBLEMS: Final = 40
PATIENCE: Final = Patience(statement_s=300.0)
"""A recount goes through all that ever came up, and nobody waits behind it, unless it mends what it finds."""

app = typer.Typer(no_args_is_help=True, help="The month: its rates on paper, and its counts counted anew.")


class By(StrEnum):
    """What the rows of a report are by."""

    UNIT = "unit"
    TOWNSHIP = "township"
    CATEGORY = "category"


Period = Annotated[str, typer.Option(help="an assessment month, YYYY-MM")]
Dsn = Annotated[str | None, typer.Option(help=f"notify's tables, instead of {DSN}")]
PackFolder = Annotated[Path | None, typer.Option("--pack", help="the rule pack [county-default]")]
AreaFolder = Annotated[
    Path | None, typer.Option("--area", help="the county's names of units and places [sample-county]")
]


@app.command()
def month(
    period: Period,
    out: Annotated[Path, typer.Option(help="where the page goes, an HTML file")],
    by: Annotated[By, typer.Option(help="what the rows are by")] = By.UNIT,
    pack: PackFolder = None,
    area: AreaFolder = None,
    dsn: Dsn = None,
) -> None:
    """Write the report of a month as one page to print, with everything in it."""
    rules, names = _rules(pack), _names(pack, area)
    if not out.absolute().parent.is_dir():
        _leave(f"--out: there is no folder {out.absolute().parent}", REFUSED)

    async def read() -> Page:
        async with _database(dsn) as database:
            return await read_page(database, rules, names, period, by)

    page = _finish(read())
    write_page(page, out)
    typer.echo(f"{out}: {len(page.sheet.rows)} rows, {page.sheet.total.counts.valid} valid follow-ups")


async def read_page(database: Database, rules: MeasureRules, names: Names, period: str, by: By) -> Page:
    """A month as its report shows it. Raises Rejected for what is no period, Unavailable."""
    sheet = await read_sheet(database, rules, period, by.value, EVERYWHERE)
    since, until = rules.span_of(period)
    least = rules.practice.recurring.least
    problems = await recurring_matters(database, since, until, least, MOST_PROBLEMS, EVERYWHERE)
    return Page(sheet, rules, problems, names)


def write_page(page: Page, out: Path) -> None:
    """Write the page to a file."""
    folder = find("templates/report")
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("month.html", "month.css")]
    out.write_text(month_page(page, *texts), encoding="utf-8")


@app.command()
def recount(
    period: Period,
    mend_it: Annotated[
        bool, typer.Option("--mend", help="put the right counts in their place; a quiet hour's work")
    ] = False,
    pack: PackFolder = None,
    dsn: Dsn = None,
) -> None:
    """Count a month anew, from what was heard of each ticket and the ledger; exit code 1 when the counts differ."""
    rules = _rules(pack)

    async def count() -> dict[Any, Counts]:
        rules.span_of(period)
        async with _database(dsn) as database:
            found = await compare(database, rules, period)
            if found and mend_it:
                await mend(database, rules, period)
            return dict(found)

    found = _finish(count())
    for bucket, counts in sorted(found.items()):
        wrong = ", ".join(f"{name} {value:+}" for name, value in counts._asdict().items() if value)
        typer.echo(f"{'/'.join(part or '-' for part in bucket)}: {wrong}")
    if not found:
        typer.echo(f"{period}: the counts are right to the last digit")
    elif mend_it:
        typer.echo(f"{period}: {len(found)} buckets mended")
    else:
        raise typer.Exit(FOUND_WRONG)


def _rules(pack: Path | None) -> MeasureRules:
    files = ("notify.toml", "measures.toml")
    try:
        return open_pack(pack or find(PACK), *files).read(load_measures, *files)
    except (PackRefused, OSError) as error:
        _leave(str(error), REFUSED)


def _names(pack: Path | None, area: Path | None) -> Names:
    try:
        return read_names(open_pack(pack or find(PACK), "categories.toml"), area or find(AREA))
    except (ValueError, OSError) as error:
        _leave(f"--area: {error}", REFUSED)


@asynccontextmanager
async def _database(dsn: str | None) -> AsyncIterator[Database]:
    place = dsn or os.environ.get(DSN) or _leave(f"where are the tables of notify? Set {DSN}, or --dsn", REFUSED)
    database = await connect(place, size=1, application="griddispatch-report", patience=PATIENCE)
    try:
        yield database
    finally:
        await database.close()


def _finish(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what went wrong becomes a sentence and an exit code."""
    try:
        return asyncio.run(work)
    except Rejected as error:
        _leave(str(error), REFUSED)
    except Unavailable as error:
        _leave(str(error), UNREACHABLE)


def _leave(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
