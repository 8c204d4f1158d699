"""A classifier takes any text, repeats itself everywhere, and a file that is no whole model is refused."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from griddispatch.training import Recipe, train
from services.intake.core.classifier import FORMAT, Classifier, read_classifier
from services.intake.core.grams import counted_grams, named_grams
from services.intake.core.lessons import lesson_of
from shared.errors import Malformed
from tests.conftest import ROOT

TEXTS = {
    "150101": ("路灯不亮", "路灯坏了", "门口的路灯灭了", "灯杆上的灯不亮"),
    "140101": ("垃圾没人收", "垃圾堆在门口", "门口的垃圾桶满了", "垃圾车没来"),
    "170102": ("电梯停了", "电梯困人", "电梯一直坏", "坐电梯往下掉"),
}
MODEL = train([lesson_of(text, label) for label, texts in TEXTS.items() for text in texts], Recipe())

anything = st.text(st.characters(exclude_categories=()), max_size=300)
"""Lone surrogates, controls and all."""


@given(anything, anything)
def test_any_text_gets_a_known_label_and_a_confidence_from_none_to_certain(text: str, title: str) -> None:
    choice = MODEL.choose(text, title)
    assert choice.label in MODEL.labels
    assert 0.0 <= choice.confidence <= 1.0


@given(anything)
def test_the_same_text_gets_the_same_choice(text: str) -> None:
    assert MODEL.choose(text) == MODEL.choose(text)


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "\udfff\ud800", " \n\t", "灯" * 100_000, "\u0301" * 100_000, "ﷺ" * 9_000]
)
def test_odd_texts_are_taken(text: str) -> None:
    assert MODEL.choose(text).label in MODEL.labels


def test_what_says_nothing_leaves_every_label_equally_likely() -> None:
    assert np.allclose(MODEL.chances(""), 1 / 3)


def test_words_of_a_label_choose_it() -> None:
    assert MODEL.choose("楼下路灯不亮").label == "150101"
    assert MODEL.choose("垃圾没有人收走").label == "140101"


def test_strange_words_around_known_ones_make_it_less_sure() -> None:
    assert MODEL.choose("路灯不亮，此事已经向隔壁单位反映多日").confidence < MODEL.choose("路灯不亮").confidence


def test_a_title_counts_double() -> None:
    assert MODEL.choose("电梯", title="路灯").label == "150101"
    assert MODEL.choose("路灯", title="电梯").label == "170102"


def test_blanks_width_and_case_make_no_difference() -> None:
    assert MODEL.choose("路 灯\n不 亮 ＡＢＣ") == MODEL.choose("路灯不亮abc")


def test_it_tells_what_it_heard() -> None:
    heard = dict(MODEL.speaking("楼下路灯不亮", "", "150101"))
    assert "路灯" in heard
    assert "楼下" not in heard
    assert all(share > 0 for share in heard.values())


def test_every_gram_is_counted_once_for_each_time_it_stands_there() -> None:
    buckets, counts = counted_grams("", "灯灯灯", 16, 2)
    assert named_grams("", "灯灯灯", 16, 2).keys() == {"灯", "灯灯"}
    assert sorted(counts.tolist()) == [2.0, 3.0]
    assert sorted(named_grams("", "灯灯灯", 16, 2).values()) == buckets.tolist()


def test_another_process_chooses_alike_whatever_its_hash_seed(tmp_path: Any) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(MODEL.to_bytes())
    script = (
        "import sys; from pathlib import Path; from services.intake.core.classifier import read_classifier; "
        "print(repr(tuple(read_classifier(Path(sys.argv[1]).read_bytes()).choose('门口的灯不亮，路灯坏'))))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script, str(path)], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert answers == {repr(tuple(MODEL.choose("门口的灯不亮，路灯坏")))}


# ---- files ------------------------------------------------------------------------------------------------------------


def test_a_model_that_was_written_judges_as_before() -> None:
    again = read_classifier(MODEL.to_bytes())
    for text in ("楼下路灯不亮", "垃圾", "", "电梯里的灯"):
        assert again.choose(text) == MODEL.choose(text)
    assert (again.target, again.labels, again.threshold, again.trained_on, again.examples) == (
        "category", ("140101", "150101", "170102"), 0.5, MODEL.trained_on, 12,
    )  # fmt: skip


def parts_of(model: Classifier) -> dict[str, Any]:
    with np.load(io.BytesIO(model.to_bytes()), allow_pickle=False) as parts:
        return {name: parts[name] for name in parts.files}


def file_of(parts: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **parts)
    return file.getvalue()


def with_changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    parts = parts_of(MODEL)
    change(parts)
    return file_of(parts)


def test_a_file_is_refused_when_it_is_no_archive() -> None:
    for file in (b"", b"PK", b"not a model", b"\x80\x04."):
        with pytest.raises(Malformed, match="is no model file"):
            read_classifier(file)


def test_a_file_that_was_cut_short_or_damaged_is_refused() -> None:
    whole = MODEL.to_bytes()
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes(byte ^ 0xFF for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
    for file in (whole[:-40], whole[:middle], damaged):
        with pytest.raises(Malformed):
            read_classifier(file)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else_happens(file: bytes) -> None:
    with pytest.raises(Malformed):
        read_classifier(file)


def test_a_pickle_in_the_archive_is_never_opened() -> None:
    file = with_changed(lambda parts: parts.update(labels=np.array(["a", {"b": 1}], dtype=object)))
    with pytest.raises(Malformed, match="is no model file"):
        read_classifier(file)


def test_an_archive_that_unfolds_into_too_much_is_refused_before_it_does() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("weights.npy", "w") as member:
        for _ in range(257):
            member.write(bytes(1024 * 1024))
    with pytest.raises(Malformed, match="unpacks to more than"):
        read_classifier(file.getvalue())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda parts: parts.update(format=np.int64(FORMAT + 1)), "another format"),
        (lambda parts: parts.pop("format"), "format must be"),
        (lambda parts: parts.pop("weights"), "weights"),
        (lambda parts: parts.update(more=np.int64(1)), "lacks or adds more"),
        (lambda parts: parts.update(labels=np.array(["a", "a", "b"])), "different texts"),
        (lambda parts: parts.update(labels=np.array(["a"])), "different texts"),
        (lambda parts: parts.update(labels=np.array(["a", "b"])), "weights must be"),
        (lambda parts: parts.update(bits=np.int64(15)), "weights must be"),
        (lambda parts: parts.update(bits=np.int64(40)), "bits must be"),
        (lambda parts: parts.update(longest=np.int64(0)), "longest must be"),
        (lambda parts: parts.update(longest=np.float64(2)), "longest must be"),
        (lambda parts: parts.update(weights=parts["weights"].astype(np.float32)), "weights must be"),
        (lambda parts: parts.update(steps=parts["steps"] * np.float32("nan")), "steps must be finite"),
        (lambda parts: parts.update(rarity=parts["rarity"][1:]), "rarity must be"),
        (lambda parts: parts.update(threshold=np.float64(1.5)), "threshold is no number"),
        (lambda parts: parts.update(scale=np.float64("inf")), "scale is no number"),
        (lambda parts: parts.update(target=np.int64(3)), "target must be a text"),
    ],
)
def test_a_model_with_a_wrong_part_is_refused_by_its_name(
    change: Callable[[dict[str, Any]], Any], complaint: str
) -> None:
    with pytest.raises(Malformed, match=complaint):
        read_classifier(with_changed(change))
