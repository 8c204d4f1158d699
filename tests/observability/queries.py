"""Queries taken apart: which series they name, and whether those have the labels that are asked for."""

from typing import Any

import promql_parser

from tests.observability.metrics import series_names
from tests.observability.rules import rules

TARGET = frozenset({"job", "instance"})
"""What scraping puts on every series."""
SCRAPED = {
    "up": frozenset[str](), "scrape_samples_scraped": frozenset[str](), "process_cpu_seconds_total": frozenset[str](),
    "process_resident_memory_bytes": frozenset[str](),
}  # fmt: skip
INTERVAL = "$__rate_interval"


def parse(query: str) -> Any:
    """The query as a tree; raises ValueError for what is none. Grafana's variable stands for five minutes."""
    return promql_parser.parse(query.replace(INTERVAL, "5m"))


def known() -> dict[str, frozenset[str]]:
    """Every series with its labels: declared, scraped, recorded."""
    recorded = {rule.name: frozenset[str]() for rule in rules() if not rule.is_alert}
    return {**series_names(), **SCRAPED, **recorded}


def faults(query: str) -> list[str]:
    """What a query asks for that is not there."""
    found: list[str] = []
    _labels(parse(query), known(), found)
    return found


def names(query: str) -> set[str]:
    """Every series a query names."""
    found: set[str] = set()
    _walk(parse(query), found)
    return found


def _walk(node: Any, found: set[str]) -> None:
    if isinstance(node, promql_parser.VectorSelector) and node.name is not None:
        found.add(node.name)
    for part in parts_of(node):
        _walk(part, found)


def parts_of(node: Any) -> list[Any]:
    """The parts a part of a query is made of."""
    found: list[Any] = []
    for name in ("expr", "lhs", "rhs", "vector_selector", "param"):
        below = getattr(node, name, None)
        found += [below] if below is not None else []
    return found + list(getattr(node, "args", None) or [])


def _labels(node: Any, series: dict[str, frozenset[str]], found: list[str]) -> frozenset[str]:
    """The labels that a part of a query may have; what is wrong with it goes into `found`."""
    if isinstance(node, promql_parser.VectorSelector):
        if node.name not in series:
            found.append(f"no series {node.name}")
            return frozenset()
        has = series[node.name] | TARGET
        found.extend(f"{node.name} has no label {m.name}" for m in node.matchers.matchers if m.name not in has)
        return has
    below = frozenset[str]().union(*(_labels(part, series, found) for part in parts_of(node)))
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
        by = frozenset(node.modifier.labels)
        found.extend(f"nothing to group by: {label}" for label in sorted(by - below))
        return by
    return frozenset() if isinstance(node, promql_parser.AggregateExpr) and node.param is None else below
