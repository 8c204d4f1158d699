"""`griddispatch demo`: the whole loop in one terminal."""

import time
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from griddispatch.demo.layouts import InputError, read_mapping
from griddispatch.demo.run import DemoFailed, Options, run
from griddispatch.tables import REFUSED, leave

app = typer.Typer()


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
    by_hand: Annotated[
        bool, typer.Option("--by-hand", help="nobody is simulated: a working morning, at everyday speed")
    ] = False,
) -> None:
    """Run the whole loop here: stores, services, hotlines, workers and citizens; nothing need be installed."""
    began = time.monotonic()
    if report is not None and not report.absolute().parent.is_dir():
        leave(f"--report: there is no folder {report.absolute().parent}", REFUSED)
    if mapping and source is None:
        leave("--map says how to read a file: give it with --input", REFUSED)
    if by_hand and (tickets, speed, rate, source, report, once) != (None, None, None, None, None, False):
        leave("--by-hand feeds no matters: of the other options only --keep goes with it", REFUSED)
    try:
        options = Options(tickets, speed, once, report, source, read_mapping(mapping or ()), rate, seed, keep, by_hand)
        code = uvloop.run(run(options, Console(), began))
    except InputError as error:
        leave(str(error), REFUSED)
    except DemoFailed as error:
        leave(str(error), 1)
    raise typer.Exit(code)
