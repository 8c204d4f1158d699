"""What a run gave, as a page: its seed and parts, its figures, every invariant, every bug, and what went wrong."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.chaos.checker.judge import broken, table
from tests.chaos.gate import STOOD_STILL, Result
from tests.chaos.mutants import Outcome, score
from tests.chaos.stage.soak import Growth

_RUNS = """## Runs so far

| began | commit | seed | seconds | faults | kinds | tickets | events | bugs caught | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
_FAULTS, _TICKETS, _EVENTS = 5, 7, 8
"""Where the figures of a row stand that are added up."""


def earlier_runs(page: str) -> list[str]:
    """The rows of the runs that a page tells of; none where it has no such table."""
    return [line for line in page.partition(_RUNS)[2].splitlines() if line.startswith("| ")]


def report(result: Result, outcomes: Sequence[Outcome], earlier: Sequence[str] = ()) -> str:
    """The page, in Markdown: this run, and a row for each run before it, good or bad."""
    run = result.evidence.run
    kinds = Counter(fault.kind for fault in result.evidence.faults)
    heading = (
        "every promise held" if result.whole else f"BROKEN: {', '.join(broken(result.findings)) or 'the run itself'}"
    )
    parts = [
        "# Reliability report", "", f"Written by `make chaos`, not by hand: {heading}.", "",
        f"- seed {run.seed}, commit {run.commit}, on {run.broker}, PostgreSQL with fsync on",
        f"- {run.ended - run.began:.0f} s, business clock ×{run.clock_speed:g}",
        f"- {result.done.total()} faults of {len(result.done)} kinds; {len(result.evidence.tickets)} tickets, "
        f"{len(result.evidence.ledger)} events, {len(result.evidence.ops)} calls of clients, "
        f"{len(result.evidence.deliveries)} requests at the receiver",
        *_stood_still(result),
        "", "## Invariants", "", table(result.findings), "", "## Faults", "", "| fault | times |", "| --- | --- |",
        *(f"| {kind} | {count} |" for kind, count in sorted(kinds.items())),
    ]  # fmt: skip
    if result.growth:
        parts += ["", *_growth(result.growth)]
    if result.troubles:
        parts += ["", "## What went wrong in the run itself", "", *(f"- {trouble}" for trouble in result.troubles)]
    if outcomes:
        parts += ["", "## Deliberate bugs", "", score(outcomes)]
    parts += ["", "## Not covered", "", *(f"- {name}: {why}" for name, why in result.left_out.items())]
    parts += ["", _RUNS, *_runs([*earlier, _row(result, outcomes)])]
    return "\n".join(parts) + "\n"


def _stood_still(result: Result) -> list[str]:
    """For how long the machine did not let the run itself run; those seconds count as an outage of everything."""
    spans = [fault.ended - fault.began for fault in result.evidence.faults if fault.kind == STOOD_STILL]
    return [f"- the machine stood still {len(spans)} times, {sum(spans):.0f} s in all"] if spans else []


def _growth(grown: Sequence[Growth]) -> list[str]:
    lines = [
        f"## Undisturbed for {grown[0].seconds:.0f} s", "", "| service | measure | early | late | |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for g in grown:
        word = "too short to say" if g.allowed == float("inf") else "flat" if g.is_flat else "GROWS"
        lines.append(f"| {g.service} | {g.measure} | {g.early:.4g} | {g.late:.4g} | {word} |")
    return lines


def _row(result: Result, outcomes: Sequence[Outcome]) -> str:
    evidence, run = result.evidence, result.evidence.run
    bugs = f"{sum(outcome.caught for outcome in outcomes)} of {len(outcomes)}" if outcomes else ""
    cells = (
        f"{datetime.fromtimestamp(run.began, UTC):%Y-%m-%d %H:%M}", run.commit, run.seed, f"{run.ended - run.began:.0f}",
        result.done.total(), len(result.done), len(evidence.tickets), len(evidence.ledger), bugs,
        "held" if result.whole else "BROKEN",
    )  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _runs(rows: Sequence[str]) -> list[str]:
    faults, tickets, events = (
        sum(int(row.split("|")[place]) for row in rows) for place in (_FAULTS, _TICKETS, _EVENTS)
    )  # fmt: skip
    return [*rows, "", f"In all {faults} faults, {tickets} tickets and {events} events in {len(rows)} runs."]
