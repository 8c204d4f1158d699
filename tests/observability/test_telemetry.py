"""Metrics are declared once, named by one convention, and used."""

import re
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from shared import telemetry
from tests.observability.metrics import declared, series_names

ROOT = Path(__file__).parent.parent.parent
SOURCES = [p for folder in ("shared", "services", "griddispatch") for p in (ROOT / folder).rglob("*.py")]
LABELS = {
    "source", "topic", "group", "partition", "service", "release", "pool", "state", "sample", "method", "route", "code",
    "door", "ticket_type", "urgency", "size", "level", "reason", "light", "milestone", "unit", "clock", "channel",
    "outcome", "rate", "township", "loop",
}  # fmt: skip
"""Closed lists, or bounded by the configuration. Never a ticket, a person, words or a path."""


@pytest.mark.parametrize("name", declared())
def test_a_metric_is_named_by_the_convention(name: str) -> None:
    metric = declared()[name]
    assert metric._name.startswith("griddispatch_")
    assert metric._documentation.endswith("."), "a metric's help is a sentence"
    match metric:
        case Histogram():
            assert metric._name.endswith("_seconds")
        case Gauge():
            assert not metric._name.endswith(("_total", "_count", "_sum", "_bucket"))
        case Counter():
            assert not metric._name.endswith("_seconds")


@pytest.mark.parametrize("name", declared())
def test_a_label_is_one_of_the_bounded_ones(name: str) -> None:
    assert set(declared()[name]._labelnames) <= LABELS


@pytest.mark.parametrize("name", declared())
def test_a_declared_metric_is_used(name: str) -> None:
    elsewhere = [p for p in SOURCES if p.name != "telemetry.py"]
    assert any(re.search(rf"\b{name}\b", p.read_text(encoding="utf-8")) for p in elsewhere)


def test_metrics_are_declared_nowhere_else() -> None:
    guilty = [
        p
        for p in SOURCES
        if re.search(r"from prometheus_client import .*\b(Counter|Gauge|Histogram|Summary)\b", p.read_text())
    ]
    assert [p.name for p in guilty] == ["telemetry.py"]


def test_the_queries_of_objectives_find_their_bounds_among_the_buckets() -> None:
    assert 5 in telemetry.MILESTONE_SECONDS._upper_bounds
    assert 5 in telemetry.TIMER_LATENESS._upper_bounds
    assert 10 in telemetry.FIRST_ATTEMPT_DELAY._upper_bounds


def test_series_names_are_those_that_prometheus_sees() -> None:
    names = series_names()
    assert names["griddispatch_tickets_accepted_total"] == {"door"}
    assert names["griddispatch_batch_seconds_bucket"] == {"topic", "le"}
    assert names["griddispatch_outbox_age_seconds"] == frozenset()
