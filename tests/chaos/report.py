"""What a run gave, as a page: its seed and parts, its figures, every invariant, every bug, and what went wrong."""

from collections import Counter
from collections.abc import Sequence

from tests.chaos.checker.judge import broken, table
from tests.chaos.gate import NOT_COVERED, Result
from tests.chaos.mutants import Outcome, score


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
        "", "## Invariants", "", table(result.findings), "", "## Faults", "", "| fault | times |", "| --- | --- |",
        *(f"| {kind} | {count} |" for kind, count in sorted(kinds.items())),
    ]  # fmt: skip
    if result.troubles:
        parts += ["", "## What went wrong in the run itself", "", *(f"- {trouble}" for trouble in result.troubles)]
    if outcomes:
        parts += ["", "## Deliberate bugs", "", score(outcomes)]
    parts += ["", "## Not covered", "", *(f"- {name}: {why}" for name, why in NOT_COVERED.items())]
    return "\n".join(parts) + "\n"
