"""`griddispatch rules simulate`: what another rule pack would have changed for recorded matters."""

import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from griddispatch.data import AREA, MATTERS, PACK, data_root, find
from griddispatch.demo.layouts import InputError
from griddispatch.desk import Desk, DeskRefused, Recorded, read_desk, read_gazetteer
from griddispatch.recorded import MOST, Given, drawn, read_columns, read_recorded, within_days
from griddispatch.simulation import HOUR, Outcome, Pair, Summary, compare, summarise
from griddispatch.simulation_chart import (
    KIND_HEAD,
    LOAD_HEAD,
    UNITS_SHOWN,
    assumption,
    figures,
    kind_row,
    load_row,
    page,
)
from griddispatch.wording import Words
from services.intake.core.location import Location

REFUSED: Final = 2
DAYS: Final = 14
"""Over how many days drawn matters are spread."""
FORMATS: Final = (".html", ".json", ".csv")
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula."""
_SIDE: Final = ("size", "urgency", "category", "limit", "due_at", "lead", "supports", "light", "breach")
COLUMNS: Final = (
    "line", "external_id", "accepted_at", *(f"a_{name}" for name in _SIDE), *(f"b_{name}" for name in _SIDE), "moved",
    "shift_wh",
)  # fmt: skip


def simulate(
    against: Annotated[str, typer.Option("--against", metavar="PACK", help="the other pack: a folder, or its name")],
    pack: Annotated[str, typer.Option("--pack", metavar="PACK", help="the pack in service")] = "county-default",
    source: Annotated[Path | None, typer.Option("--input", help="matters: .ndjson or .csv, also .gz [sample]")] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", help="target=column, for example text=body")] = None,
    tickets: Annotated[int | None, typer.Option(min=1, max=MOST, help="draw so many from the input")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=366, help="spread drawn ones over; else only the first")
    ] = None,
    seed: Annotated[int, typer.Option(help="what is drawn, and how long handling takes")] = 1,
    area: Annotated[Path | None, typer.Option(help="an area's folder [sample-county]")] = None,
    out: Annotated[Path | None, typer.Option(help="also write .html, .json, or .csv with a line a matter")] = None,
) -> None:
    """Judge the same matters under two packs and show what differs: deadlines, units, lights, load."""
    if out is not None and (out.suffix not in FORMATS or not out.absolute().parent.is_dir()):
        _leave(f"--out: wants a name that ends in {', '.join(FORMATS)}, in a folder that is there")
    try:
        county = area or find(AREA)
        desks = [read_desk(_pack(name), county) for name in (pack, against)]
        given = read_recorded(source or find(MATTERS), read_columns(mapping or ()), desks[0].book.calendar.zone)
        a, b = desks
        chosen = _chosen(given, tickets, days, seed)
        _check_years(chosen, desks)
        matters = _placed(chosen, county)
        began = time.perf_counter()
        summary = _run(matters, a, b, seed, out)
    except (InputError, DeskRefused, FileNotFoundError) as error:
        _leave(str(error))
    except OSError as error:
        _leave(f"{error.filename or out}: {error.strerror or error}")
    took = time.perf_counter() - began
    _show(summary, Words(a, "zh"), Words(a, "en"))
    typer.echo(f"{summary.matters} matters under two packs in {took:.2f} s")


def _pack(name: str) -> Path:
    """A folder, or the name of a pack that ships. Raises InputError."""
    folder = Path(name)
    if folder.is_dir():
        return folder
    shipped = data_root() / "packs" / name
    if name and "/" not in name and shipped.is_dir():
        return shipped
    raise InputError(f"{name}: neither a folder nor a pack that ships (such as {Path(PACK).name})")


def _chosen(given: Sequence[Given], tickets: int | None, days: int | None, seed: int) -> Sequence[Given]:
    if tickets is not None:
        return drawn(given, tickets, days or DAYS, seed)
    return given if days is None else within_days(given, days)


def _check_years(given: Sequence[Given], desks: Sequence[Desk]) -> None:
    """Refuse what came in in a year that a calendar says nothing of: its deadlines would mean nothing."""
    for desk in desks:
        first, last = desk.book.calendar.years[0].year, desk.book.calendar.years[-1].year
        for one in given:
            year = desk.book.calendar.local(one.recorded.accepted_at).year
            if not first <= year <= last + 1:
                raise InputError(
                    f"line {one.recorded.line}: {year}: the calendar of {desk.pack} knows {first} to {last}"
                )


def _placed(given: Sequence[Given], area: Path) -> list[tuple[Recorded, Location]]:
    places = read_gazetteer(area).locate([one.clues for one in given])
    return [(one.recorded, place) for one, place in zip(given, places, strict=True)]


def _run(matters: Sequence[tuple[Recorded, Location]], a: Desk, b: Desk, seed: int, out: Path | None) -> Summary:
    """Compare and count; what is written goes beside its name first, so that no half a file is ever there."""
    if out is None:
        return summarise(compare(matters, a, b, seed), a, b, seed)
    beside = out.with_name(f"{out.name}.part")
    try:
        with beside.open("w", encoding="utf-8-sig" if out.suffix == ".csv" else "utf-8", newline="") as file:
            pairs = compare(matters, a, b, seed)
            summary = summarise(_written(pairs, file) if out.suffix == ".csv" else pairs, a, b, seed)
            if out.suffix == ".html":
                file.write(page(summary, Words(a, "zh"), Words(a, "en")))
            elif out.suffix == ".json":
                file.write(
                    orjson.dumps(document(summary), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
                )
        beside.replace(out)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()
    return summary


def _written(pairs: Iterator[Pair], file: IO[str]) -> Iterator[Pair]:
    """The pairs, each written as a line on its way."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for pair in pairs:
        writer.writerow(line_of(pair))
        yield pair


def line_of(pair: Pair) -> list[object]:
    """A matter as a line of a sheet: texts are safe against formulas, numbers stay numbers."""
    recorded = pair.recorded
    head = (recorded.line, safe(recorded.name), _written_at(recorded.accepted_at))
    return [*head, *_side(pair.a), *_side(pair.b), pair.moved.value, round(pair.shift / HOUR, 2)]


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _side(one: Outcome) -> tuple[object, ...]:
    return (
        one.size.value, one.urgency.value, safe(one.category), one.limit, _written_at(one.due_at), safe(one.lead),
        safe(" ".join(one.supports)), one.light.value, int(one.is_breach),
    )  # fmt: skip


def _written_at(instant: datetime) -> str:
    return instant.isoformat()


def document(summary: Summary) -> dict[str, Any]:
    """The summary as JSON has it; a key of two sizes is written `SMALL BIG`."""
    plain = asdict(summary)
    plain["sizes"] = {f"{before} {after}": matters for (before, after), matters in summary.sizes.items()}
    plain["handling"] = {name: how._asdict() for name, how in summary.handling.items()}
    return plain


def _show(summary: Summary, zh: Words, en: Words) -> None:
    console = Console()
    title = f"{summary.matters} 件 matters, {summary.first_day} – {summary.last_day}"
    console.print(_table(title, ("项目 figure", summary.a, summary.b), figures(summary)))
    console.print(_table("按类别 by kind", KIND_HEAD, [kind_row(kind) for kind in summary.kinds]))
    loads = [load_row(load, zh, en) for load in summary.loads[:UNITS_SHOWN]]
    console.print(_table("单位负荷 load of units, new parts a day", LOAD_HEAD, loads))
    console.print(assumption(summary.handling, summary.seed), markup=False, highlight=False)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(head):
        table.add_column(heading, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(REFUSED)
