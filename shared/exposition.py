"""What /metrics answers: Prometheus' text format or OpenMetrics, at half the library's cost by writing names once."""

from collections.abc import Mapping
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
"""Says what the other says, and beside a measurement the trace it was taken from, where that is known."""
_CREATED: Final = "_created"
_SUFFIX: Final = {"counter": "_total", "info": "_info"}
_KIND: Final = {"unknown": "untyped", "info": "gauge", "stateset": "gauge"}
"""Where the text format has another word for a kind than the library, whose words are those of OpenMetrics."""
_ODD: Final = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
_ESCAPED: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_IN_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


def answer_type(accept: str) -> str:
    """What to answer a caller who takes these types: OpenMetrics for whoever names it and does not rule it out."""
    for wanted in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in wanted.split(";"))
        if kind == OPENMETRICS.partition(";")[0] and all(_weight(parameter) > 0 for parameter in parameters):
            return OPENMETRICS
    return TEXT


def _weight(parameter: str) -> float:
    """Of `q=0.5` 0.5; of any other parameter, and of what makes no sense, 1."""
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 1.0


class Exposition:
    """Writes one registry; remembers how each series begins, of which there are as many as label values allow."""

    def __init__(self, registry: Collector) -> None:
        self._registry = registry
        self._begins: dict[tuple[str, ...], str] = {}

    def text(self, kind: str = TEXT) -> bytes:
        """Every series with its value now, but when it was created; blocks the loop while it writes."""
        parts: list[str] = []
        is_open = kind == OPENMETRICS
        for metric in self._registry.collect():
            parts.append(_open_head(metric) if is_open else _head(metric))
            self._write(metric, parts, is_open)
        if is_open:
            parts.append("# EOF\n")
        return "".join(parts).encode()

    def _write(self, metric: Metric, parts: list[str], is_open: bool) -> None:
        begins, created = self._begins, metric.name + _CREATED
        for sample in metric.samples:
            if sample.name == created:
                continue
            key = (sample.name, *sample.labels.values())
            begin = begins.get(key)
            if begin is None:
                begin = begins[key] = _begin(sample.name, sample.labels)
            traced = _traced(sample.exemplar) if is_open and sample.exemplar else ""
            parts.append(f"{begin}{_number(sample.value)}{traced}\n")


def _head(metric: Metric) -> str:
    name, kind = metric.name + _SUFFIX.get(metric.type, ""), _KIND.get(metric.type, metric.type)
    return f"# HELP {name} {metric.documentation.translate(_IN_HELP)}\n# TYPE {name} {kind}\n"


def _open_head(metric: Metric) -> str:
    """OpenMetrics names the family, not its series, and wants quotes escaped here, too."""
    return f"# HELP {metric.name} {metric.documentation.translate(_ESCAPED)}\n# TYPE {metric.name} {metric.type}\n"


def _traced(exemplar: Exemplar) -> str:
    when = "" if exemplar.timestamp is None else f" {float(exemplar.timestamp):.3f}"
    return f" # {_labels(exemplar.labels)} {_number(exemplar.value)}{when}"


def _number(value: float) -> str:
    text = repr(float(value))
    return _ODD.get(text, text)


def _begin(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{_labels(labels)} " if labels else f"{name} "


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{key}="{labels[key].translate(_ESCAPED)}"' for key in sorted(labels)) + "}"
