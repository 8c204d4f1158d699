"""Several processes of one service: what each counts is summed, what all of them see in the database is not."""

from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import Gauge

from shared import telemetry
from tests.observability.metrics import declared
from tests.observability.queries import parse, parts_of
from tests.observability.rules import PROMETHEUS, promtool
from tests.observability.test_dashboards import asked

GAUGES = {m._name for m in declared().values() if isinstance(m, Gauge)}
OF_ONE_COPY = {m._name for m in telemetry.OF_ONE_COPY}
TOLD_BY_ALL = GAUGES - OF_ONE_COPY
COUNTED = tuple({m._name for m in declared().values()} - GAUGES)
PUTS_TOGETHER = ("max", "min")


def wrongly_put_together(query: str) -> list[str]:
    """What a query would tell wrongly as soon as a service runs twice."""
    found: list[str] = []
    _look(parse(query), "", found)
    return found


def _look(node: Any, around: str, found: list[str]) -> None:
    """`around` is the nearest aggregation."""
    if isinstance(node, promql_parser.VectorSelector):
        name = node.name or ""
        if name in TOLD_BY_ALL and around not in PUTS_TOGETHER:
            found.append(f"{name}: every copy tells it, and here it is under {around or 'nothing'}")
        if name.startswith(COUNTED) and name not in GAUGES and around != "sum":
            found.append(f"{name}: each copy counts its own, and here it is under {around or 'nothing'}")
    if isinstance(node, promql_parser.AggregateExpr):
        around = str(node.op)
    for part in parts_of(node):
        _look(part, around, found)


@pytest.mark.parametrize(("place", "query"), asked(), ids=lambda text: text[:60])
def test_a_query_is_right_however_many_copies_run(place: str, query: str) -> None:
    assert wrongly_put_together(query) == []


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("sum(griddispatch_tickets_open)", 1),
        ("griddispatch_dead_letters > 0", 1),
        ("sum by (light) (max by (state, light) (griddispatch_tickets_open))", 0),
        ("topk(3, griddispatch_unit_assignments_open)", 1),
        ("max(rate(griddispatch_tickets_accepted_total[5m]))", 1),
        ("histogram_quantile(0.5, sum by (le) (rate(griddispatch_batch_seconds_bucket[5m])))", 0),
        ("sum(griddispatch_relay_shards)", 0),
    ],
)
def test_a_query_that_would_count_twice_is_noticed(query: str, faults: int) -> None:
    assert len(wrongly_put_together(query)) == faults


def both(name: str, labels: str = "", first: str = "5x90", second: str = "5x90") -> dict[str, str]:
    """A series of two copies, an hour and a half long."""
    more = f",{labels}" if labels else ""
    return {
        f'{name}{{job="dispatch",instance="a"{more}}}': first,
        f'{name}{{job="dispatch",instance="b"{more}}}': second,
    }


SERIES = {
    **both("griddispatch_tickets_open", 'state="DISPATCHED",light="RED"'),
    **both("griddispatch_tickets_open", 'state="HUNG",light="RED"', "2x90", "2x90"),
    **both("griddispatch_dead_letters", "", "3x90", "3x90"),
    **both("griddispatch_tickets_unassigned_age_seconds", "", "901x90", "901x90"),
    **both("griddispatch_endpoints_left_alone", "", "1x90", "1x90"),
    **both("griddispatch_relay_shards", "", "3x90", "5x90"),
    **both("griddispatch_consumer_lag_records", 'group="dispatch-stream",topic="t",partition="0"', "4x90", "_x90"),
    **both("griddispatch_consumer_lag_records", 'group="dispatch-stream",topic="t",partition="1"', "_x90", "7x90"),
    **both("griddispatch_tickets_assigned_total", 'size="SMALL"', "0+60x90", "0+120x90"),
    **both("griddispatch_sampled_timestamp_seconds", 'sample="timers"', "0+60x90", "0x90"),
}
"""The database holds seven red tickets, three dead letters; both copies say so. Only one still samples."""

QUERIES = {
    "sum(max by (state, light) (griddispatch_tickets_open))": 7,
    'sum(max by (state, light) (griddispatch_tickets_open{light="RED"})) or vector(0)': 7,
    "max by (job) (griddispatch_dead_letters)": 3,
    "max(griddispatch_tickets_unassigned_age_seconds)": 901,
    "max(griddispatch_endpoints_left_alone)": 1,
    "sum by (job) (griddispatch_relay_shards)": 8,
    "sum by (group) (griddispatch_consumer_lag_records)": 11,
    "sum(rate(griddispatch_tickets_assigned_total[5m]))": 3,
}
"""What dashboards ask (`$__rate_interval` being five minutes), and the truth."""

FIRING = ("RecordsDead", "TicketsUnassigned", "EndpointsLeftAlone")
"""Each once, not once for every copy."""


def test_prometheus_puts_two_copies_together_rightly(tmp_path: Path) -> None:
    queries = [
        {"expr": f"max({query})", "eval_time": "80m", "exp_samples": [{"labels": "{}", "value": value}]}
        for query, value in QUERIES.items()
    ]
    alerts: list[dict[str, Any]] = [
        {"expr": f'count(ALERTS{{alertname="{name}", alertstate="firing"}})', "eval_time": "80m",
         "exp_samples": [{"labels": "{}", "value": 1}]}
        for name in FIRING
    ]  # fmt: skip
    stale = {
        "expr": 'ALERTS{alertname="SamplingStale", alertstate="firing"}',
        "eval_time": "80m",
        "exp_samples": [
            {
                "labels": 'ALERTS{alertname="SamplingStale", alertstate="firing", instance="b", job="dispatch",'
                ' sample="timers", severity="ticket"}',
                "value": 1,
            }
        ],
    }
    world = {
        "interval": "1m",
        "external_labels": {"runbooks": "docs/runbooks"},
        "input_series": [{"series": name, "values": values} for name, values in SERIES.items()],
        "promql_expr_test": [*queries, *alerts, stale],
    }
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(PROMETHEUS / "alerts.yml")], "tests": [world]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_what_was_put_together_is_what_dashboards_and_alerts_ask() -> None:
    there = {query.replace("$__rate_interval", "5m") for _, query in asked()}
    assert QUERIES.keys() - there == set()
