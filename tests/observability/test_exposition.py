"""The text behind /metrics says what the library's own says, series by series."""

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from shared.exposition import Exposition

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
