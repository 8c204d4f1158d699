"""What an evaluation says is what can be counted by hand."""

from collections import Counter

import pytest

from griddispatch.evaluation import Bin, Score, bins_of, evaluate, score_of
from services.intake.core.classifier import Choice

ANSWERS = {"1": Choice("a", 0.95), "2": Choice("a", 0.85), "3": Choice("b", 0.85), "4": Choice("b", 1.0)}
CASES = [("1", "", "a"), ("2", "", "b"), ("3", "", "b"), ("4", "", "b")]


def test_labels_are_scored_by_what_was_given_and_what_was_true() -> None:
    pairs = Counter({("a", "a"): 1, ("b", "a"): 1, ("b", "b"): 2})
    assert score_of("a", pairs) == Score("a", 1, precision=0.5, recall=1.0, f1=2 / 3)
    assert score_of("b", pairs) == Score("b", 3, precision=1.0, recall=2 / 3, f1=0.8)
    assert score_of("c", pairs) == Score("c", 0, 0.0, 0.0, 0.0)


def test_confidences_are_gathered_in_tenths() -> None:
    assert bins_of([0.95, 1.0, 0.85, 0.0], [True, False, True, False]) == (
        Bin(0.0, 0.1, 1, 0.0, 0.0),
        Bin(0.8, 0.9, 1, 0.85, 1.0),
        Bin(0.9, 1.0, 2, 0.975, 0.5),
    )


def test_an_evaluation_adds_up() -> None:
    found = evaluate(lambda text, title: ANSWERS[text], CASES)
    assert (found.texts, found.accuracy) == (4, 0.75)
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)
    assert found.confusion == {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 2}}
    # 0.85 twice, right once: off by 0.35; 0.95 and 1.0, right twice: off by 0.025; each with half the texts.
    assert found.calibration_error == pytest.approx(0.1875)
    assert 0 < found.median_ms < 100
