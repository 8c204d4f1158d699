"""Dashboards are what their script writes, and ask only for what is there."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.observability.metrics import declared, series_names
from tests.observability.queries import faults, names
from tests.observability.rules import rules

GRAFANA = Path(__file__).parent.parent.parent / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


def page(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def asked() -> list[tuple[str, str]]:
    """Every query of every dashboard and rule, with where it stands."""
    found = [
        (f"{path.stem}: {p['title']}", t["expr"]) for path in FILES for p in page(path)["panels"] for t in p["targets"]
    ]
    return found + [(rule.name, rule.expr) for rule in rules()]


def test_there_is_a_page_for_each_purpose() -> None:
    assert {p.stem for p in FILES} == {"overview", "intake", "dispatch", "notify", "kafka-postgres", "district"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_page_is_what_its_script_writes(path: Path) -> None:
    script = runpy.run_path(str(GRAFANA / "make_dashboards.py"))
    assert path.read_text(encoding="utf-8") == script["render"](path.stem)


@pytest.mark.parametrize(("place", "query"), asked(), ids=lambda text: text[:60])
def test_a_query_asks_only_for_series_and_labels_that_are_there(place: str, query: str) -> None:
    assert faults(query) == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_panels_do_not_cover_each_other_and_name_their_source(path: Path) -> None:
    panels = page(path)["panels"]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(panels) == len({p["id"] for p in panels}) == len({p["title"] for p in panels})
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert {t["datasource"]["uid"] for p in panels for t in p["targets"]} == {source["uid"]}


def test_every_metric_is_in_a_panel() -> None:
    queried = {name for path in FILES for p in page(path)["panels"] for t in p["targets"] for name in names(t["expr"])}
    ours = {name for name in queried if name in series_names()}
    assert {m._name for m in declared().values() if not any(is_of(m._name, name) for name in ours)} == set()


def is_of(metric: str, series: str) -> bool:
    """Whether this is a series of that metric."""
    return series == metric or series.removeprefix(metric) in ("_total", "_bucket", "_sum", "_count")


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("griddispatch_nothing", "no series griddispatch_nothing"),
        ('griddispatch_outbox_events{topic="t"}', "griddispatch_outbox_events has no label topic"),
        ("sum by (door) (griddispatch_outbox_events)", "nothing to group by: door"),
        ("max(griddispatch_dead_letters) by (colour) > 1", "nothing to group by: colour"),
    ],
)
def test_a_query_for_what_is_not_there_would_be_noticed(query: str, fault: str) -> None:
    assert faults(query) == [fault]
