"""The default rules against real labelled messages, where a copy of them lies beside the repository."""

import csv
import gzip
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from services.intake.core.triage import Matter, Triage, triage
from services.intake.core.triage_rules import read_rules
from shared.terms import Urgency

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT.parent / "shared/data/zh/labelled_messages.csv.gz"
PACK = ROOT / "deploy/packs/county-default"

pytestmark = pytest.mark.skipif(not MESSAGES.exists(), reason="no real messages here")

# Which of our nodes each of the labels covers; their cut is coarser than ours and puts lifts under product quality.
NODES = {
    "城乡建设": ("05", "06", "07", "09", "11", "13", "14", "15", "16", "17", "18", "2302"),
    "劳动和社会保障": ("01", "02", "21"),
    "教育文体": ("04", "27"),
    "商贸旅游": ("20", "170102"),
    "卫生计生": ("03", "12"),
    "环境保护": ("22", "16", "1401"),
    "交通运输": ("19", "1501"),
}


@pytest.fixture(scope="module")
def judged() -> list[tuple[str, Triage]]:
    """Every message's label with our verdict."""
    parsed = (tomllib.loads((PACK / name).read_text(encoding="utf-8")) for name in ("triage.toml", "categories.toml"))
    rules = read_rules(*parsed)
    with gzip.open(MESSAGES, "rt", encoding="utf-8", newline="") as rows:
        return [(row["label"], triage(Matter(row["text"], row["topic"]), rules)) for row in csv.DictReader(rows)]


def share_right(judged: list[tuple[str, Triage]]) -> float:
    return sum(verdict.category.startswith(NODES[label]) for label, verdict in judged) / len(judged)


def test_most_messages_land_under_their_label(judged: list[tuple[str, Triage]]) -> None:
    assert share_right(judged) > 0.70


def test_no_label_is_left_behind(judged: list[tuple[str, Triage]]) -> None:
    for label in NODES:
        assert share_right([pair for pair in judged if pair[0] == label]) > 0.50, label


def test_a_sure_verdict_is_seldom_wrong(judged: list[tuple[str, Triage]]) -> None:
    sure = [pair for pair in judged if pair[1].confidence >= 0.6]
    assert len(sure) > len(judged) * 0.4
    assert share_right(sure) > 0.85


def test_few_messages_raise_an_alarm(judged: list[tuple[str, Triage]]) -> None:
    urgency = Counter(verdict.urgency for _, verdict in judged)
    assert urgency[Urgency.U1] < len(judged) * 0.02
    assert urgency[Urgency.U2] < len(judged) * 0.05
