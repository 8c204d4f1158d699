"""The data of one county from outside: `area check` names every problem by file and line, `report` counts."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from griddispatch.data import PACK, find
from griddispatch.inspection import Inspection, Standard, inspect
from services.dispatch.core.calendar_file import load_calendar
from services.dispatch.core.coverage import TownshipCoverage, coverage
from services.dispatch.core.duties import DutyKind
from services.dispatch.core.roster import OF_EVERY_GRID
from services.dispatch.core.sheets import Severity, decode, read_day
from services.intake.core.categories import read_categories
from services.intake.core.datum import bd09_to_wgs84, gcj02_to_wgs84
from shared.packs import PackRefused, open_pack

FOUND_WRONG: Final = 1
REFUSED: Final = 2

app = typer.Typer(no_args_is_help=True, help="A county's own data: grids, units, duties, people.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="the folder of one area")]
PackFolder = Annotated[Path | None, typer.Option("--pack", help="the rule pack to check against [county-default]")]
Day = Annotated[str | None, typer.Option("--on", help="the day to look at, YYYY-MM-DD [today]")]


@app.command()
def check(
    folder: Folder,
    pack: PackFolder = None,
    on: Day = None,
    strict: Annotated[bool, typer.Option("--strict", help="let gaps count as errors")] = False,
) -> None:
    """Name every problem as file:line; exit code 1 when an error stands among them."""
    found = _inspected(folder, _standard(pack, on))
    errors, open_ends = found.of(Severity.ERROR), found.of(Severity.GAP)
    for fault in errors:
        typer.echo(f"error {fault}")
    for fault in open_ends:
        typer.echo(f"gap {fault}")
    typer.echo(f"{folder.name}: {len(errors)} errors, {len(open_ends)} gaps")
    raise typer.Exit(FOUND_WRONG if errors or (strict and open_ends) else 0)


@app.command()
def report(folder: Folder, pack: PackFolder = None, on: Day = None) -> None:
    """Count what is covered and what is open, township by township; exit code 1 when the area cannot be used."""
    standard = _standard(pack, on)
    found = _inspected(folder, standard)
    if found.org is None:
        for fault in found.of(Severity.ERROR):
            typer.echo(f"error {fault}", err=True)
        raise typer.Exit(FOUND_WRONG)
    rows = coverage(found.org, standard.categories.leaves, standard.rest_days, standard.on)
    Console().print(_table(folder.name, rows, standard))
    for fault in found.of(Severity.GAP):
        typer.echo(f"gap {fault}")


class Datum(StrEnum):
    """Shifted datums that web maps in mainland China publish."""

    GCJ02 = "gcj02"
    BD09 = "bd09"


_TO_WGS84: Final = {Datum.GCJ02: gcj02_to_wgs84, Datum.BD09: bd09_to_wgs84}
_DECIMALS: Final = 7
"""Of a degree: about a centimetre, which is what the way back from a shifted datum is good for."""


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="a GeoJSON collection of polygons")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="where to write it; must not exist")],
    datum: Annotated[Datum, typer.Option("--from", help="the datum it is in")],
) -> None:
    """Bring the polygons of a file back to WGS84, everything else as it is, one feature a line."""
    try:
        collection = json.loads(decode(source.name, source.read_bytes(), []) or "")
        features = [feature | {"geometry": _moved(feature["geometry"], datum)} for feature in collection["features"]]
        with target.open("x", encoding="utf-8", newline="\n") as out:
            out.write(_written(collection, features))
    except (OSError, ValueError, KeyError, TypeError) as error:
        _leave(f"{source.name}: cannot be converted: {type(error).__name__}: {error}")
    typer.echo(f"{target}: {len(features)} features")


def _moved(geometry: dict[str, Any], datum: Datum) -> dict[str, Any]:
    if geometry["type"] not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"{geometry['type']} is neither Polygon nor MultiPolygon")
    return {"type": geometry["type"], "coordinates": _moved_points(geometry["coordinates"], datum)}


def _moved_points(nested: list[Any], datum: Datum) -> list[Any]:
    """The same nesting of lists with every point moved."""
    if nested and isinstance(nested[0], int | float):
        lon, lat = nested
        return [round(value, _DECIMALS) for value in _TO_WGS84[datum](lon, lat)]
    return [_moved_points(inner, datum) for inner in nested]


def _written(collection: dict[str, Any], features: Sequence[object]) -> str:
    head = json.dumps({key: value for key, value in collection.items() if key not in ("features", "crs")})
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features)
    return f'{head[:-1]}, "features": [\n{lines}\n]}}\n'


_COLUMNS: Final = (
    "乡镇\ntownship", "网格\ngrids", "网格员\nworkers", "网格长\nleaders", "干部\ncadres", "基本\nbasic",
    "配合\njoint", "收回\nback", "未列\nopen", "值班\nserved",
)  # fmt: skip


def _table(name: str, rows: Sequence[TownshipCoverage], standard: Standard) -> Table:
    """One line for each township: grids and how many have whom, leaf categories by duty kind, rest days served."""
    table = Table(title=f"{name}, {standard.on}", box=SIMPLE, padding=0, show_edge=False)
    for place, heading in enumerate(_COLUMNS):
        table.add_column(heading, justify="right" if place else "left", no_wrap=True)
    rest_days = len(standard.rest_days)
    for row in rows:
        people = (row.staffed[role] for role in OF_EVERY_GRID)
        duties = (row.categories[kind] for kind in DutyKind)
        counts = map(str, (row.grids, *people, *duties, len(row.unlisted)))
        table.add_row(f"{row.code} {row.zh}\n{row.en}", *counts, f"{rest_days - len(row.unserved)}/{rest_days}")
    return table


def _standard(pack: Path | None, on: str | None) -> Standard:
    try:
        opened = open_pack(pack or find(PACK), "categories.toml", "calendar.toml")
        categories = opened.read(read_categories, "categories.toml")
        calendar = opened.read(load_calendar, "calendar.toml")
    except (PackRefused, OSError) as error:
        _leave(f"--pack: {error}")
    day = read_day(on) if on else datetime.now(calendar.zone).date()
    if day is None:
        _leave(f"--on: {on!r} is not a day, YYYY-MM-DD")
    return Standard(categories, calendar, day)


def _inspected(folder: Path, standard: Standard) -> Inspection:
    if not folder.is_dir():
        _leave(f"{folder} is not a folder")
    try:
        return inspect(folder, standard)
    except OSError as error:
        _leave(f"{folder}: cannot be read: {error}")


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(REFUSED)
