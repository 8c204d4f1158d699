"""All invariants over one run's evidence, and the table that says how each fared."""

from collections.abc import Callable, Sequence

from tests.chaos.checker import accepting, clocks, effects, ledgers, privacy, recovery, telling, work
from tests.chaos.checker.evidence import Evidence
from tests.chaos.checker.stories import Stories
from tests.chaos.checker.verdict import Finding, NotDecided

Check = Callable[[Evidence, Stories], Finding]

CHECKS: dict[str, Check] = {
    "I-01": accepting.check_i01, "I-02": accepting.check_i02, "I-03": accepting.check_i03, "I-04": ledgers.check_i04,
    "I-05": ledgers.check_i05, "I-06": effects.check_i06, "I-07": ledgers.check_i07, "I-08": work.check_i08,
    "I-09": work.check_i09, "I-10": work.check_i10, "I-11": work.check_i11, "I-12": clocks.check_i12,
    "I-13": clocks.check_i13, "I-14": clocks.check_i14, "I-15": clocks.check_i15, "I-16": clocks.check_i16,
    "I-17": telling.check_i17, "I-18": telling.check_i18, "I-19": telling.check_i19, "I-20": work.check_i20,
    "I-21": ledgers.check_i21, "I-22": privacy.check_i22, "I-23": privacy.check_i23, "I-24": effects.check_i24,
    "I-25": effects.check_i25, "I-26": ledgers.check_i26, "I-27": accepting.check_i27, "I-28": recovery.check_i28,
    "I-29": recovery.check_i29, "I-30": accepting.check_i30,
}  # fmt: skip


def judge(evidence: Evidence) -> list[Finding]:
    """One finding an invariant, in order; what cannot be decided says why."""
    stories = Stories(evidence)
    return [_ask(name, check, evidence, stories) for name, check in CHECKS.items()]


def _ask(name: str, check: Check, evidence: Evidence, stories: Stories) -> Finding:
    try:
        return check(evidence, stories)
    except NotDecided as reason:
        return Finding(name, not_decided=str(reason))


def broken(findings: Sequence[Finding]) -> list[str]:
    """The names of the invariants that were violated."""
    return [finding.invariant for finding in findings if finding.violations]


def table(findings: Sequence[Finding], most: int = 3) -> str:
    """The findings as a Markdown table, the first violations of each below it."""
    lines = ["| invariant | | figures |", "| --- | --- | --- |"]
    for finding in findings:
        figures = ", ".join(f"{name} {value:g}" for name, value in sorted(finding.figures.items()))
        said = finding.not_decided or (f"{figures}; not shown: {finding.partly}" if finding.partly else figures)
        lines.append(f"| {finding.invariant} | {finding.word} | {said} |")
    for finding in findings:
        lines += [f"- {violation}" for violation in finding.violations[:most]]
        if len(finding.violations) > most:
            lines.append(f"- {finding.invariant}: and {len(finding.violations) - most} more")
    return "\n".join(lines)
