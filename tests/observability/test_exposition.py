"""The text behind /metrics says what the library's own says, series by series."""

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from shared.exposition import OPENMETRICS, TEXT, Exposition, answer_type
from tests.observability.metrics import declared

ODD = 'a "quoted" \\ back\nslash 中文'


def registry() -> CollectorRegistry:
    """One of each kind of metric we have, with values that are hard to write."""
    made = CollectorRegistry()
    counted = Counter("gd_things_total", "Things,\nwith \\ a line.", ["kind", "place"], registry=made)
    counted.labels("one", ODD).inc(3)
    counted.labels(place="b", kind="a").inc(1e21)
    Counter("gd_plain_total", "Plain.", registry=made).inc(0.1)
    gauge = Gauge("gd_level", "Level.", ["z", "a"], registry=made)
    gauge.labels("1", "2").set(float("-inf"))
    gauge.labels("2", "1").set(float("nan"))
    Gauge("gd_silent", "Labels, and nobody counted yet.", ["x"], registry=made)
    took = Histogram("gd_took_seconds", "Took.", ["route"], buckets=(0.005, 1, 10), registry=made)
    took.labels("/v1/{id}").observe(0.3)
    took.labels("/v1/{id}").observe(30)
    Info("gd_build", "Build.", registry=made).info({"release": ODD})
    Enum("gd_state", "State.", states=["on", "off"], registry=made).state("off")
    return made


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, str]]:
    """Every series with its value as text; NaN is not equal to itself."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): (family.type, repr(sample.value))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_it_says_what_the_library_says_of_every_kind_the_first_time_and_again() -> None:
    made = registry()
    exposition = Exposition(made)
    for _ in range(2):
        ours, theirs = read(exposition.text().decode()), read(generate_latest(made).decode())
        assert ours == theirs
        assert len(ours) == 14
    assert "_created" not in exposition.text().decode()


TRACE = "0af7651916cd43dd8448eb211c80319c"


def read_open(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], tuple[str, str, str]]:
    """The same of OpenMetrics, with each family's help, and the trace beside a value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): (
            f"{family.type}: {family.documentation}",
            repr(sample.value),
            repr(sample.exemplar and (sample.exemplar.labels, sample.exemplar.value)),
        )
        for family in read_openmetrics(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_in_openmetrics_it_says_what_the_library_says_and_of_which_trace() -> None:
    made = registry()
    took = Histogram("gd_traced_seconds", 'Took, "traced".', buckets=(0.5, 1), registry=made)
    took.observe(0.7, {"trace_id": TRACE})
    exposition = Exposition(made)
    exposition.text()
    theirs = openmetrics.generate_latest(made)  # type: ignore[no-untyped-call]
    for _ in range(2):
        text = exposition.text(OPENMETRICS).decode()
        assert read_open(text) == read_open(theirs.decode())
    assert f'gd_traced_seconds_bucket{{le="1.0"}} 1.0 # {{trace_id="{TRACE}"}} 0.7 ' in text
    assert text.endswith("\n# EOF\n")
    assert TRACE not in exposition.text().decode(), "the older format has no place for it"


def test_everything_this_product_measures_can_be_read_as_openmetrics() -> None:
    assert len(read_open(Exposition(REGISTRY).text(OPENMETRICS).decode())) > len(declared()) / 2


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("text/plain;q=0.9, application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6", OPENMETRICS),
        ("application/openmetrics-text;q=0, text/plain", TEXT),
        ("application/openmetrics-text-no;q=1", TEXT),
        ("application/openmetrics-text;q=much", OPENMETRICS),
    ],
)
def test_who_asks_for_openmetrics_gets_it(accept: str, kind: str) -> None:
    assert answer_type(accept) == kind


def test_a_series_that_is_new_and_a_value_that_moved_are_seen() -> None:
    made = CollectorRegistry()
    counted = Counter("gd_things_total", "Things.", ["kind"], registry=made)
    exposition = Exposition(made)
    counted.labels("a").inc()
    assert b'gd_things_total{kind="a"} 1.0\n' in exposition.text()
    counted.labels("a").inc()
    counted.labels("b").inc()
    text = exposition.text()
    assert b'gd_things_total{kind="a"} 2.0\n' in text
    assert b'gd_things_total{kind="b"} 1.0\n' in text
