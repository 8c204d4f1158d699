"""Writes slo.yml: error ratios over four windows and two burn-rate alerts for each objective.

Usage, from anywhere:

    python deploy/prometheus/make_slo.py

The objectives stand below. A budget that burns 14.4 times too fast is gone in two days (of thirty): it shows over an
hour, and still over five minutes, and somebody is called. Six times too fast, over six hours and half an hour, is for
the next working day.
"""

from dataclasses import dataclass
from pathlib import Path
from string import Template

WINDOWS = ("5m", "30m", "1h", "6h")
DOORS = "/v1/tickets|/v1/tickets/bulk|/v1/events|/open311/v2/requests.\\\\{fmt\\\\}"


@dataclass(frozen=True)
class Objective:
    """What is promised: `bad` and `all` are rates over $window; `budget` is the share that may go wrong."""

    name: str
    alert: str
    budget: str
    bad: str
    all: str
    summary: str
    summary_zh: str


def _late(histogram: str, labels: str, bound: str) -> tuple[str, str]:
    """How many came later than a bucket's bound, and how many came at all."""
    braces = f"{{{labels}}}" if labels else ""
    within = f'{{{labels}{", " * bool(labels)}le="{bound}"}}'
    every = f"sum(rate({histogram}_count{braces}[$window]))"
    return f"{every} - sum(rate({histogram}_bucket{within}[$window]))", every


ASSIGNED = _late("griddispatch_ticket_milestone_seconds", 'milestone="assigned"', "5.0")
RUNG = _late("griddispatch_timer_lateness_seconds", "", "5.0")
TRIED = _late("griddispatch_first_attempt_delay_seconds", "", "10.0")
_POSTS = f'job="intake", method="POST", route=~"{DOORS}"'

OBJECTIVES = (
    Objective(
        "accept", "AcceptanceBudgetBurns", "0.0005",
        f'sum(rate(griddispatch_http_requests_total{{{_POSTS}, code=~"5.."}}[$window])) or vector(0)',
        f"sum(rate(griddispatch_http_requests_total{{{_POSTS}}}[$window]))",
        "Matters are turned away by faults of ours; 99.95 % are to be accepted.", "来件受理失败过多",
    ),
    Objective(
        "assign", "AssignmentBudgetBurns", "0.001", *ASSIGNED,
        "Matters wait too long for a unit; 99.9 % are to have one within 5 s of acceptance.", "派单过慢",
    ),
    Objective(
        "escalation", "EscalationBudgetBurns", "0.0001", *RUNG,
        "Clocks ring late; 99.99 % are to ring within 5 s.", "督办时钟延迟",
    ),
    Objective(
        "notify", "NotificationBudgetBurns", "0.001", *TRIED,
        "Messages are late at their first attempt; 99.9 % are to be tried within 10 s.", "通知首次发送过慢",
    ),
)  # fmt: skip

RECORD = Template("""      - record: griddispatch_$name:error_ratio:rate$window
        expr: |-
          ($bad)
          / ($all > 0)
""")
ALERT = Template("""      - alert: $alert
        expr: |-
          griddispatch_$name:error_ratio:rate$short > $times * $budget
          and griddispatch_$name:error_ratio:rate$long > $times * $budget
        for: $wait
        labels: { severity: $severity, objective: $name, windows: "$short and $long" }
        annotations:
          summary: "$summary"
          summary_zh: "$summary_zh"
          runbook_url: "{{ $$externalLabels.runbooks }}/$alert.md"
""")
SPEEDS = (("5m", "1h", "14.4", "2m", "page"), ("30m", "6h", "6", "15m", "ticket"))


def render() -> str:
    """The whole file."""
    lines = ["# Written by make_slo.py; change the objectives there.\n", "groups:\n"]
    for objective in OBJECTIVES:
        facts = vars(objective)
        lines.append(f"  - name: slo-{objective.name}\n    rules:\n")
        for window in WINDOWS:
            bad, every = (Template(query).substitute(window=window) for query in (objective.bad, objective.all))
            lines.append(RECORD.substitute(name=objective.name, window=window, bad=bad, all=every))
        for short, long, times, wait, severity in SPEEDS:
            lines.append(
                ALERT.substitute(facts, short=short, long=long, times=times, wait=wait, severity=severity)
            )  # fmt: skip
    return "".join(lines)


if __name__ == "__main__":
    (Path(__file__).parent / "slo.yml").write_text(render(), encoding="utf-8")
