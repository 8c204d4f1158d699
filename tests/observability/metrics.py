"""Reading metrics in tests: what is declared, and what a gauge says now."""

from collections.abc import Iterator

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from shared import telemetry


def declared() -> dict[str, MetricWrapperBase]:
    """Every metric of the product by the name of its variable."""
    return {name: m for name, m in vars(telemetry).items() if isinstance(m, MetricWrapperBase)}


def series_names() -> dict[str, frozenset[str]]:
    """Every name that a query may use, with the labels it has."""
    found: dict[str, frozenset[str]] = {}
    for metric in declared().values():
        labels = frozenset(metric._labelnames)
        match metric:
            case Counter():
                found[f"{metric._name}_total"] = labels
            case Histogram():
                found |= {f"{metric._name}_{end}": labels for end in ("sum", "count")}
                found[f"{metric._name}_bucket"] = labels | {"le"}
            case Gauge():
                found[metric._name] = labels
    return found


def value(name: str, **labels: str) -> float | None:
    """What a series says now; None when there is none."""
    return REGISTRY.get_sample_value(name, labels)


def labels_of(name: str) -> Iterator[dict[str, str]]:
    """The labels of every series of that name."""
    for family in REGISTRY.collect():
        yield from (dict(s.labels) for s in family.samples if s.name == name)
