"""The model that ships: small, of our own sentences, at home in its tree, and quick where words alone decide."""

import csv
import io
import json
import shutil
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.intake.core.triage import WORDS_SURE, Matter, Models, Triage, triage
from services.intake.core.triage_rules import read_rules
from services.intake.models import CATEGORY, read_models
from shared.terms import Urgency
from tests.conftest import PACK, ROOT

RULES = read_rules(
    *(tomllib.loads((PACK / name).read_text(encoding="utf-8")) for name in ("triage.toml", "categories.toml"))
)
MODELS = read_models(PACK, RULES.tree)
SAMPLES = [
    json.loads(line) for line in (ROOT / "deploy/samples/matters.ndjson").read_text(encoding="utf-8").splitlines()
]
MATTERS = [Matter(row["text"], row.get("title", "")) for row in SAMPLES]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """What the model is trained on, made anew."""
    script = [sys.executable, str(ROOT / "deploy/packs/make_training.py")]
    made = subprocess.run(script, capture_output=True, check=True, timeout=60).stdout
    return list(csv.DictReader(io.StringIO(made.decode())))


def test_the_model_is_small_and_read_by_itself() -> None:
    assert MODELS.category is not None
    assert MODELS.ticket_type is None
    assert (PACK / CATEGORY).stat().st_size < 2_000_000


def test_every_text_it_learns_from_stands_there_once(rows: list[dict[str, str]]) -> None:
    texts = [row["text"] for row in rows]
    assert len(set(texts)) > 0.99 * len(texts)


def test_every_leaf_has_sentences_of_ours(rows: list[dict[str, str]]) -> None:
    assert {row["category"] for row in rows} == {code for code in RULES.tree.leaves if not code.endswith("9999")}


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("放学时候校门口全是接孩子的车，堵车堵到大桥上。", "190203"),
        ("幼儿园中班好几个孩子手上起水泡，老师说像手足口，家长很担心。", "120102"),
        ("请问退役军人优待证办好以后坐公交免费吗？", "240104"),
        ("半夜有人撬我家的门", "250101"),
    ],
)
def test_it_finds_what_single_words_miss(text: str, category: str) -> None:
    assert triage(Matter(text), RULES).category != category
    assert triage(Matter(text), RULES, models=MODELS).category == category


def test_it_changes_few_of_the_sample_matters_and_makes_none_less_urgent() -> None:
    pairs = [(triage(matter, RULES), triage(matter, RULES, models=MODELS)) for matter in MATTERS]
    assert sum(words.category != both.category for words, both in pairs) < 0.1 * len(pairs)
    assert all(both.urgency <= words.urgency for words, both in pairs)
    assert all(both.confidence >= words.confidence for words, both in pairs)
    assert {both.urgency for _, both in pairs} == set(Urgency)


def test_what_nobody_can_judge_stays_with_a_person() -> None:
    for text in ("请回电", "你好", "Please call me back.", "1234"):
        assert triage(Matter(text), RULES, models=MODELS).confidence < 0.35


def test_a_pack_inherits_the_model_of_the_pack_it_extends() -> None:
    for sheet in (ROOT / "deploy/packs").glob("*/pack.toml"):
        assert read_models(sheet.parent, RULES.tree).category is not None


def test_a_pack_without_models_has_none(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert read_models(tmp_path / "plain", RULES.tree) == Models()


def test_a_broken_model_is_refused_at_start_by_its_name(tmp_path: Path) -> None:
    pack = tmp_path / "county-default"
    shutil.copytree(PACK, pack)
    (pack / CATEGORY).write_bytes((PACK / CATEGORY).read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"category\.npz: .*is no model file"):
        read_models(pack, RULES.tree)
    shutil.copy(PACK / CATEGORY, pack / "ticket_type.npz")
    shutil.copy(PACK / CATEGORY, pack / CATEGORY)
    with pytest.raises(ValueError, match="is a model of category"):
        read_models(pack, RULES.tree)


# ---- speed ------------------------------------------------------------------------------------------------------------


def microseconds(work: Callable[[Matter], Any], matters: Sequence[Matter]) -> float:
    """What the middle matter takes, each at its best: neighbours on the machine do not count."""

    def best(matter: Matter) -> int:
        spans = []
        for _ in range(15):
            began = time.perf_counter_ns()
            work(matter)
            spans.append(time.perf_counter_ns() - began)
        return min(spans)

    return statistics.median(best(matter) for matter in matters) / 1000


def reading(matter: Matter) -> None:
    """The least that words can cost: looking for them, three tables in one text."""
    text = f"{matter.title}\n{matter.text}".lower()
    for table in (RULES.urgency_words, RULES.type_words, RULES.category_words):
        table.read(text, 0)


def by_words(matter: Matter) -> Triage:
    return triage(matter, RULES)


def by_both(matter: Matter) -> Triage:
    return triage(matter, RULES, models=MODELS)


def test_judging_by_words_costs_little_more_than_looking_for_them(
    record_property: Callable[[str, object], None],
) -> None:
    least, words = microseconds(reading, MATTERS), microseconds(by_words, MATTERS)
    record_property("microseconds_by_words", round(words, 1))
    assert words < 6 * least, f"{words:.1f} µs by words, {least:.1f} µs for looking"


def test_a_model_costs_nothing_where_words_are_sure() -> None:
    sure = [matter for matter in MATTERS if by_words(matter).confidence >= WORDS_SURE]
    assert len(sure) > 0.4 * len(MATTERS)
    words, both = microseconds(by_words, sure), microseconds(by_both, sure)
    assert both < 1.5 * words, f"{both:.1f} µs with the model at hand, {words:.1f} µs without"
