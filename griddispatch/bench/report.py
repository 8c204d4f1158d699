"""What a run says: a table for people, JSON for machines, a line of history, a chart, and the page in docs."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import orjson

from griddispatch.bench.figures import Figure, Verdict, most, short
from griddispatch.bench.run import Results

HISTORY = Path("performance")
PAGE = Path("performance.md")
CHART = Path("performance") / "latest.svg"
HEAD = ("scenario", "figure", "value", "goal", "figure ÷ goal", "verdict")
COLOURS = {Verdict.MET: "#2e7d32", Verdict.MISSED: "#c62828"}
WIDTH, LEFT, ROW = 760, 380, 20
FULL = 2.0
"""Where a bar ends: figures that are further from their goal are cut there."""


def rows(figures: Iterable[Figure]) -> list[tuple[str, str, str, str, str, str]]:
    """The table, one figure a row."""
    return [
        (
            f.scenario, f.name if f.value is not None else f"{f.name}: {f.note}" if f.note else f.name,
            "" if f.value is None else f"{short(f.value)} {f.unit}", "" if f.goal is None else f"{f.goal} {f.unit}",
            "" if f.ratio is None else f"{f.ratio:.2f}", f.verdict.value,
        )
        for f in figures
    ]  # fmt: skip


def over_floor(figures: Sequence[Figure]) -> list[Figure]:
    """How often the services' processor time a ticket holds that of the floor of the same run, per door."""
    by_name = {(f.scenario, f.name): f.value for f in figures}
    bare = by_name.get(("floor", "processor, three stages"))
    found = []
    for door in ("bulk", "single", "kafka"):
        spent = by_name.get((door, "processor, services"))
        if bare and spent is not None:
            goal = most(3.0) if door == "bulk" else None
            found.append(Figure("floor", f"services over floor, {door}", spent / bare, "×", goal))
    return found


def is_sound(results: Results) -> bool:
    """Whether every scenario was played, every figure measured, and every goal met."""
    return not results.troubles and all(f.verdict in (Verdict.MET, Verdict.NO_GOAL) for f in results.figures)


def as_json(results: Results) -> dict[str, Any]:
    """Everything of a run."""
    machine = results.machine
    return {
        "at": results.at.isoformat(timespec="seconds"), "quick": results.is_quick, "valid": machine.is_quiet,
        "machine": {
            "processor": machine.processor, "cores": machine.cores, "memory_gb": round(machine.memory_gb, 1),
            "system": machine.system, "python": machine.python, "load": round(machine.load, 2),
        },
        "database": results.database, "broker": results.broker, "troubles": list(results.troubles),
        "figures": [_figure_json(f) for f in results.figures],
    }  # fmt: skip


def _figure_json(f: Figure) -> dict[str, Any]:
    value = None if f.value is None else float(f"{f.value:.5g}")
    facts: dict[str, Any] = {"scenario": f.scenario, "name": f.name, "value": value, "unit": f.unit}
    if f.goal is not None:
        facts |= {"goal": str(f.goal), "ratio": None if f.ratio is None else round(f.ratio, 3)}
    if f.rounds:
        facts["rounds"] = [float(f"{value:.4g}") for value in f.rounds]
    return facts | {"verdict": f.verdict.value} | ({"note": f.note} if f.note else {})


def chart(figures: Sequence[Figure]) -> str:
    """Every figure with a goal as a bar against it, as SVG: right of the line it is further than the goal."""
    shown = [f for f in figures if f.ratio is not None]
    line, parts = LEFT + (WIDTH - LEFT - 60) / FULL, []
    for n, f in enumerate(shown):
        y, ratio = n * ROW + 4, f.ratio or 0.0
        wide = min(ratio, FULL) / FULL * (WIDTH - LEFT - 60)
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(f"{f.scenario}: {f.name}"[:60])}</text>'
        )
        title = f"<title>{short(f.value or 0)} {escape(f.unit)}, goal {escape(str(f.goal))}</title>"
        parts.append(
            f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="14" fill="{COLOURS[f.verdict]}">{title}</rect>'
        )
        parts.append(f'<text x="{LEFT + wide + 4:.1f}" y="{y + 12}">{ratio:.2f}</text>')
    high = len(shown) * ROW + 10
    parts.append(f'<line x1="{line:.1f}" y1="0" x2="{line:.1f}" y2="{high}" stroke="#1c1c1c" stroke-dasharray="3"/>')
    style = "<style>text{font:11px system-ui,sans-serif;fill:#1c1c1c}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}" '
        f'role="img" aria-label="figures over goals">{style}{"".join(parts)}</svg>\n'
    )


def page(results: Results, history: Sequence[Mapping[str, Any]]) -> str:
    """docs/performance.md: the latest run and how the main figures went from run to run."""
    validity = (
        "The machine was quiet: the figures are valid for it."
        if results.machine.is_quiet
        else "**The machine was busy with other work: these figures are not valid, only ratios within the run are.**"
    )
    kind = "quick" if results.is_quick else "full"
    parts = [
        "# Performance",
        "",
        "Written by `griddispatch bench --write`; not edited by hand. Everything runs on the one machine named here:",
        "load generator, observer, broker, database and the three services. The driver's own processor time is apart.",
        "",
        f"Latest run: {results.at:%Y-%m-%d %H:%M} UTC, {kind}; {results.machine}.",
        f"Parts: {results.database or 'none'}; {results.broker or 'none'}.",
        validity,
        "",
        "![figures over goals](performance/latest.svg)",
        "",
        *_markdown(HEAD, rows(results.figures)),
    ]
    if results.troubles:
        parts += ["", "Not played to the end:", "", *(f"- {trouble}" for trouble in results.troubles)]
    if history:
        parts += ["", "## History", "", *_markdown(("run", "valid", "load", *TRACKED.values()), map(_past, history))]
    return "\n".join([*parts, ""])


TRACKED = {
    ("bulk", "received → assigned"): "bulk, tickets/s",
    ("bulk", "processor, services"): "services, ms/ticket",
    ("floor", "processor, three stages"): "floor, ms/ticket",
    ("floor", "services over floor, bulk"): "over floor",
    ("steady 100/s", "received → assigned p99"): "steady p99, ms",
}


def _past(run: Mapping[str, Any]) -> tuple[str, ...]:
    found = {(f["scenario"], f["name"]): f["value"] for f in run["figures"]}
    values = ("" if found.get(key) is None else short(found[key]) for key in TRACKED)
    kind = "quick" if run["quick"] else "full"
    return (f"{run['at'][:16]} {kind}", "yes" if run["valid"] else "no", f"{run['machine']['load']}", *values)


def _markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ("---",) * len(head), *lines)]


def write(results: Results, docs: Path) -> list[Path]:
    """Append the run to its history and write page and chart anew; what was written."""
    (docs / HISTORY).mkdir(parents=True, exist_ok=True)
    past = docs / HISTORY / f"{'quick' if results.is_quick else 'full'}.ndjson"
    with past.open("ab") as file:
        file.write(orjson.dumps(as_json(results), option=orjson.OPT_APPEND_NEWLINE))
    history = [orjson.loads(line) for line in past.read_bytes().splitlines()]
    (docs / CHART).write_text(chart(results.figures), encoding="utf-8")
    (docs / PAGE).write_text(page(results, history[-20:]), encoding="utf-8")
    return [past, docs / CHART, docs / PAGE]
