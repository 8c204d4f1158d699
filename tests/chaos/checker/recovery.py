"""Recovery: I-28 an orderly end, I-29 quiet again soon after a fault is over."""

from statistics import median

from tests.chaos.checker.evidence import Evidence, Heal
from tests.chaos.checker.stories import Stories
from tests.chaos.checker.verdict import Finding, NotDecided

DRAIN_S = 30.0
QUIET_S = 60.0
LATE_SHARE = 0.01
"""Of a hundred heals one may take longer."""
EVENTS_PER_S = 200.0


def check_i28(evidence: Evidence, stories: Stories) -> Finding:
    """A service that is asked to end does so in order, in time, and leaves nothing unpublished."""
    finding = Finding("I-28", partly="redeliveries caused by the end")
    if not evidence.drains:
        raise NotDecided("no service was asked to end")
    for drain in evidence.drains:
        finding.count("drains")
        finding.figures["slowest s"] = max(finding.figures.get("slowest s", 0.0), round(drain.seconds, 1))
        if drain.exit_code != 0:
            finding.broken(drain.service, f"ended with code {drain.exit_code}")
        if drain.seconds > DRAIN_S:
            finding.broken(drain.service, f"took {drain.seconds:.1f} s to end")
        if drain.unpublished:
            finding.broken(drain.service, f"left {drain.unpublished} events unpublished, with Kafka there")
        if drain.broken_answers:
            finding.broken(drain.service, f"broke {drain.broken_answers} requests off with a 5xx")
    return finding


def check_i29(evidence: Evidence, stories: Stories) -> Finding:
    """After a fault all that it left behind is followed within a minute and what the backlog takes, 99 times in 100."""
    finding = Finding("I-29")
    if not evidence.heals:
        raise NotDecided("nobody waited for rest after a fault")
    late = [heal for heal in evidence.heals if not heal.quiet or heal.seconds > _allowed_s(heal)]
    finding.figures["heals"] = len(evidence.heals)
    finding.figures["median s"] = round(median(heal.seconds for heal in evidence.heals), 1)
    finding.figures["slowest s"] = round(max(heal.seconds for heal in evidence.heals), 1)
    finding.figures["late"] = len(late)
    for heal in late if len(late) > LATE_SHARE * len(evidence.heals) else ():
        came = "came" if heal.quiet else "did not come"
        finding.broken("rest", f"{came} after {heal.seconds:.1f} s, {_allowed_s(heal):.1f} s allowed")
    return finding


def _allowed_s(heal: Heal) -> float:
    return QUIET_S + heal.backlog / EVENTS_PER_S
