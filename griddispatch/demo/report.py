"""How a run ended: the figures of the report, and every reason why it did not end well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from griddispatch.demo.feed import Taken
from griddispatch.demo.rates import Tally, rates_view
from griddispatch.demo.watch import Verdict, Watch

NAMED = 5
"""How many tickets a fault names at most."""


NOBODY = Tally()


@dataclass(frozen=True)
class Setting:
    """What the run stood on."""

    broker: str
    database: str
    speed: float
    notes: tuple[str, ...] = ()


def make_report(
    taken: Taken, watch: Watch, verdict: Verdict, setting: Setting, seconds: float, shown: Tally = NOBODY
) -> dict[str, Any]:
    """The report. Tickets are counted once each, escalations and returns each time; `seconds` is the whole real time.

    `shown` is what notify counted of the citizens' judgements; the rates are counted anew, from the topics. `notes` is
    there only when something about the input has to be said.
    """
    tickets = list(taken.accepted.values())
    delays = watch.delays_ms()
    passed = {
        name: _passed(watch, tickets, name)
        for name in ("assigned", "resolved", "evaluated", "closed", "reopened", "asked_again", "supervised")
    }
    return {
        "accepted": len(tickets),
        "rejected": taken.rejected,
        **passed,
        "dissatisfied": watch.judgements.dissatisfied,
        "rates": rates_view(watch.judgements.tally, shown),
        "escalated": watch.counts["escalated"],
        "escalated_by_clock": dict(watch.clocks.most_common()),
        "lost": len(verdict.lost),
        "duplicated": len(verdict.duplicated),
        "dead": len(watch.dead),
        "throughput_per_s": watch.throughput_per_s,
        "accept_to_assigned_ms": {"p50": percentile(delays, 50), "p99": percentile(delays, 99)},
        "broker": setting.broker,
        "database": setting.database,
        "seconds": round(seconds, 1),
        "open_on_clock": len(tickets) - passed["closed"],
        "redelivered": watch.counts["redelivered"],
        "returned": watch.counts["returned"],
        "speed": setting.speed,
        "tickets_per_state": dict(sorted(watch.states(tickets).items())),
        **({"notes": list(setting.notes)} if setting.notes else {}),
    }


def percentile(ordered: Sequence[float], share: int) -> float | None:
    """The smallest value that at least `share` percent of the values do not exceed; None of no values."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def find_faults(
    report: Mapping[str, Any], taken: Taken, verdict: Verdict, unwatched: Sequence[str], lag: int
) -> list[str]:
    """Every reason, in plain words, why this run is not as it must be; empty when all is well."""
    faults = []
    if not report["accepted"]:
        faults.append("no matter was accepted")
    if taken.unanswered:
        faults.append(f"intake never answered {len(taken.unanswered)} matters: {_some(taken.unanswered)}")
    if report["assigned"] != report["accepted"]:
        faults.append(f"accepted {report['accepted']} tickets, but assigned {report['assigned']}")
    if verdict.lost:
        faults.append(f"lost {len(verdict.lost)} tickets: {_some(verdict.lost)}")
    if verdict.duplicated:
        faults.append(f"doubled {len(verdict.duplicated)} tickets: {_some(verdict.duplicated)}")
    if report["dead"]:
        faults.append(f"{report['dead']} records became dead letters")
    if not report["rates"]["equal_to_notify"]:
        faults.append("the three rates that notify shows are not those that the topics come to")
    if unwatched:
        faults.append(f"{len(unwatched)} or more open tickets have no running clock: {_some(unwatched)}")
    if lag:
        faults.append(f"{lag} records were not read: the figures may be too low")
    return faults


def _passed(watch: Watch, tickets: Sequence[bytes], milestone: str) -> int:
    return sum(ticket in watch.trails and milestone in watch.trails[ticket].passed for ticket in tickets)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
