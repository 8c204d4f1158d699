"""What a run says: a table for people, JSON for machines, a line of history, a chart, and the page in docs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from griddispatch.bench.charts import against_goals, by_part
from griddispatch.bench.figures import Figure, Verdict, most, short
from griddispatch.bench.run import Results

HISTORY = Path("performance")
PAGE = Path("performance.md")
CHART, PARTS = HISTORY / "latest.svg", HISTORY / "parts.svg"
HEAD = ("scenario", "figure", "value", "goal", "figure ÷ goal", "verdict")
BEGIN, END = "<!-- written by hand: kept by every run -->", "<!-- end of what is written by hand -->"


def rows(figures: Iterable[Figure]) -> list[tuple[str, str, str, str, str, str]]:
    """The table, one figure a row."""
    return [
        (
            f.scenario, f"{f.name}: {f.note}" if f.note else f.name,
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
        "at": results.at.isoformat(timespec="seconds"), "quick": results.is_quick, "valid": results.is_valid,
        "machine": {
            "processor": machine.processor, "cores": machine.cores, "memory_gb": round(machine.memory_gb, 1),
            "system": machine.system, "python": machine.python, "load": round(machine.load, 2),
        },
        "database": results.database, "broker": results.broker, "troubles": list(results.troubles),
        "disturbances": list(results.disturbances),
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


def page(results: Results, history: Sequence[Mapping[str, Any]], by_hand: str = "") -> str:
    """docs/performance.md: the latest run, what somebody wrote, and how the main figures went from run to run."""
    if not results.machine.is_quiet:
        validity = "**The machine was busy with other work: its figures are not valid, only ratios within it are.**"
    elif results.disturbances:
        validity = "**The machine was not left alone: what is named below the table is not valid.**"
    else:
        validity = "The machine was quiet: the figures are valid for it."
    parts = [
        "# Performance",
        "",
        "Written by `griddispatch bench --write docs`, except for the part between the two marks: every run keeps it.",
        "Everything runs on the one machine named here: load generator, observer, broker, database and the services.",
        "The processor time of load generator and observer is told apart, as that of the driver.",
        "",
        f"Latest run: {results.at:%Y-%m-%d %H:%M} UTC, {kind_of(results.is_quick)}; {results.machine}.",
        f"Parts: {results.database or 'none'}; {results.broker or 'none'}.",
        validity,
        "",
        "![figures over goals](performance/latest.svg)",
        "",
        *_markdown(HEAD, rows(results.figures)),
        "",
        "Where a ticket's processor time goes, in bulk, over single connections, from Kafka, and at the floor:",
        "",
        "![processor time of a ticket by part](performance/parts.svg)",
    ]
    if results.disturbances:
        parts += ["", "Disturbed by others:", "", *(f"- {said}" for said in results.disturbances)]
    if results.troubles:
        parts += ["", "Not played to the end:", "", *(f"- {trouble}" for trouble in results.troubles)]
    parts += ["", BEGIN, by_hand.strip("\n"), END]
    if history:
        parts += ["", "## History", "", *_markdown(("run", "valid", "load", *TRACKED.values()), map(_past, history))]
    return "\n".join([*parts, ""])


def kind_of(is_quick: bool) -> str:
    """What a run is called, and what that means for its figures."""
    return "quick (fewer tickets and shorter stretches, the same goals)" if is_quick else "full"


def kept(page: str) -> str:
    """What somebody wrote between the marks of a page; nothing where the marks are missing."""
    return page.partition(BEGIN)[2].partition(END)[0]


TRACKED = {
    ("bulk", "received → assigned"): "bulk, tickets/s",
    ("single", "accepted"): "single, accepted/s",
    ("steady 100/s", "accepted → assigned p99"): "steady p99, ms",
    ("whole lives", "created → closed"): "lives/s",
    ("bulk", "processor, services"): "services, ms/ticket",
    ("floor", "processor, three stages"): "floor, ms/ticket",
    ("floor", "services over floor, bulk"): "over floor",
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
    written = docs / PAGE
    by_hand = kept(written.read_text(encoding="utf-8")) if written.exists() else ""
    (docs / CHART).write_text(against_goals(results.figures), encoding="utf-8")
    (docs / PARTS).write_text(by_part(results.figures), encoding="utf-8")
    written.write_text(page(results, history[-20:], by_hand), encoding="utf-8")
    return [past, docs / CHART, docs / PARTS, written]
