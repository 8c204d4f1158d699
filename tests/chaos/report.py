"""What a run gave, as a page: its seed and parts, its figures, every invariant, every bug, and what went wrong."""

from collections import Counter
from collections.abc import Sequence

from tests.chaos.checker.judge import broken, table
from tests.chaos.gate import STOOD_STILL, Result
from tests.chaos.mutants import Outcome, score
from tests.chaos.stage.soak import Growth


def report(result: Result, outcomes: Sequence[Outcome]) -> str:
    """The page, in Markdown."""
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
