"""`griddispatch simulate`: what a place of that size asks of people and machines, by the model."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table

from griddispatch.bench.figures import percentile
from griddispatch.capacity.chart import course_chart
from griddispatch.capacity.model import KINDS, Course, simulate
from griddispatch.capacity.needs import Compared, Needs, calibrated, compare, figures_of, needs_of
from griddispatch.capacity.parameters import Parameters, ParametersRefused, read_parameters

REFUSED = 2
FAR_OFF = 2.0
"""A prediction that is further from what was measured than this factor is called wrong."""

app = typer.Typer()


class Size(StrEnum):
    """How large the place is."""

    COUNTY = "county"
    CITY = "city"
    PROVINCE = "province"
    NATION = "nation"


@app.command("simulate")
def simulate_place(
    level: Annotated[Size, typer.Option(help="how large the place is")] = Size.COUNTY,
    days: Annotated[int, typer.Option(min=1, max=92, help="from a Monday on")] = 14,
    seed: Annotated[int, typer.Option(help="what chance is drawn from")] = 1,
    parameters: Annotated[Path | None, typer.Option(help="instead of the shipped ones, TOML")] = None,
    bench: Annotated[
        Path | None, typer.Option(help="a report of griddispatch bench: its costs, and compare with it")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="write everything here, as JSON")] = None,
    svg: Annotated[Path | None, typer.Option(help="draw the course here")] = None,
) -> None:
    """Simulate the load of a place, its units' work and deadlines, and the machines it needs.

    Exit code 1 when a comparison with a measured run is off by more than a factor of two, 2 for unusable input.
    """
    world, measured, cores = _read(parameters, bench)
    course = simulate(world, level, days, seed)
    needs = needs_of(course, world)
    compared = compare(world.machine, cores, measured) if measured else []
    found = summary(level, seed, course, needs, compared)
    _show(found)
    if report is not None:
        report.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if svg is not None:
        svg.write_text(course_chart(course, f"{level}, {days} days, seed {seed}"), encoding="utf-8")
    raise typer.Exit(1 if any(not 1 / FAR_OFF <= c.ratio <= FAR_OFF for c in compared) else 0)


def _read(parameters: Path | None, bench: Path | None) -> tuple[Parameters, dict[tuple[str, str], float], float]:
    shipped = files("griddispatch.capacity").joinpath("parameters.toml")
    try:
        text = shipped.read_text(encoding="utf-8") if parameters is None else parameters.read_text(encoding="utf-8")
        world = read_parameters(tomllib.loads(text))
        if bench is None:
            return world, {}, 1.0
        report = json.loads(bench.read_bytes())
        measured = figures_of(report)
        cores = float(report["machine"]["cores"])
    except (OSError, tomllib.TOMLDecodeError, ParametersRefused, ValueError, KeyError, TypeError) as error:
        _leave(str(error))
    return replace(world, machine=replace(world.machine, **calibrated(world.machine, measured))), measured, cores


def summary(level: str, seed: int, course: Course, needs: Needs, compared: Sequence[Compared]) -> dict[str, Any]:
    """Everything the model says, for machines."""
    counts, weight = course.counts, course.weight
    kinds = {
        kind: {
            "accepted": round(counts[f"accepted.{kind}"] * weight), "late": round(counts[f"late.{kind}"] * weight),
            "hours_p50": round(percentile(waits, 0.5), 2) if (waits := course.waits_h[kind]) else None,
            "hours_p90": round(percentile(waits, 0.9), 2) if waits else None,
        }
        for kind in KINDS
    }  # fmt: skip
    return {
        "level": str(level), "days": course.days, "seed": seed, "sampled_1_in": round(weight, 2), "units": course.units,
        "tickets": round(sum(course.arrivals)), "dispatched": round(counts["accepted"] * weight),
        "reopened": round(counts["reopened"] * weight), "most_open": round(max(course.backlog)),
        "open_at_end": round(course.backlog[-1]), "rates": {name: round(v, 4) for name, v in course.rates.items()},
        "kinds": kinds, "machines": _rounded(asdict(needs)),
        "compared": [{**asdict(c), "ratio": round(c.ratio, 3)} for c in compared],
    }  # fmt: skip


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _show(found: dict[str, Any]) -> None:
    table = Table("figure", "value")
    for name in ("tickets", "dispatched", "reopened", "units", "most_open", "open_at_end", "sampled_1_in"):
        table.add_row(name, f"{found[name]:,}")
    for name, value in found["rates"].items():
        table.add_row(f"rate: {name}", f"{value:.1%}")
    for kind, facts in found["kinds"].items():
        table.add_row(f"{kind}: accepted, late, hours p50, p90", ", ".join(str(v) for v in facts.values()))
    for name, value in found["machines"].items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else f"{value:,}"
        table.add_row(f"machines: {name}", shown)
    for c in found["compared"]:
        table.add_row(
            f"predicted ÷ measured: {c['name']}", f"{c['predicted']:.4g} ÷ {c['measured']:.4g} = {c['ratio']}"
        )
    Console().print(table)


def _leave(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(REFUSED)
