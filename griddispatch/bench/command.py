"""`griddispatch bench`: measure this product on this machine, against its goals and against its floor."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, NoReturn

import orjson
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from griddispatch.bench.figures import Verdict
from griddispatch.bench.report import HEAD, as_json, is_sound, kind_of, over_floor, rows, write
from griddispatch.bench.run import SCENARIOS, Results, run
from griddispatch.bench.site import QUICK, Scale
from griddispatch.embedded import LaunchError
from shared.errors import Unavailable

REFUSED = 2
NAMES = ("micro", *SCENARIOS)
STYLES = {Verdict.MET: "green", Verdict.MISSED: "red", Verdict.NOT_MEASURED: "yellow", Verdict.NO_GOAL: ""}

app = typer.Typer()


@app.command()
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="fewer tickets and shorter stretches, the same goals: under three minutes")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"of {', '.join(NAMES)}; may be repeated")] = None,
    only_micro: Annotated[bool, typer.Option("--micro", help="the pure core alone, without any store")] = False,
    queued: Annotated[int | None, typer.Option(min=1, help="webhooks that wait in `deliveries`")] = None,
    rated: Annotated[int | None, typer.Option(min=400, help="evaluated tickets in `rates`")] = None,
    listed: Annotated[int | None, typer.Option(min=12_000, help="tickets behind the lists of `open311`")] = None,
    apache: Annotated[bool, typer.Option("--apache", help="Apache Kafka instead of the embedded broker")] = False,
    report: Annotated[Path | None, typer.Option(help="write everything here, as JSON")] = None,
    docs: Annotated[
        Path | None,
        typer.Option(
            "--write",
            help="append to the history below this folder, and write its page; what is written by hand there stays",
        ),
    ] = None,
) -> None:
    """Measure: medians of rounds, processor time by service, ratios to the floor of the same run.

    Exit code 0 when everything was measured and met its goal, 1 when not, 2 when it could not be run.
    Figures of a busy machine are marked as not valid and never lead to 0.
    """
    wanted = ["micro"] if only_micro else only or [*NAMES]
    unknown = sorted({*wanted} - {*NAMES})
    if unknown:
        _leave(f"--only: {', '.join(unknown)}: one of {', '.join(NAMES)}")
    console = Console()
    usual = QUICK if quick else Scale()
    scale = replace(
        usual, queued=queued or usual.queued, rated=rated or usual.rated, listed=listed or usual.listed
    )  # fmt: skip
    try:
        found = uvloop.run(run(scale, wanted, console.print, quick=quick, apache=apache))
    except (LaunchError, Unavailable, OSError) as error:
        _leave(str(error))
    results = Results(**{**vars(found), "figures": (*found.figures, *over_floor(found.figures))})
    _show(console, results)
    if report is not None:
        report.write_bytes(orjson.dumps(as_json(results), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if docs is not None:
        for path in write(results, docs):
            console.print(f"written: {path}")
    raise typer.Exit(0 if is_sound(results) and results.is_valid else 1)


def _show(console: Console, results: Results) -> None:
    table = Table(*HEAD, title=kind_of(results.is_quick))
    for figure, row in zip(results.figures, rows(results.figures), strict=True):
        table.add_row(*row, style=STYLES[figure.verdict])
    console.print(table)
    for trouble in results.troubles:
        console.print(f"NOT PLAYED TO THE END: {trouble}")
    for said in results.disturbances:
        console.print(f"NOT VALID: {said}")
    if not results.machine.is_quiet:
        console.print(
            f"NOT VALID: the load was {results.machine.load:.2f} on {results.machine.cores} cores before the start: "
            "only ratios within this run say anything"
        )


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(REFUSED)
