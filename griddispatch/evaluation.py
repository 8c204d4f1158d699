"""How good a classifier is on texts it has not seen: per label, confusion, calibration and time."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any, Final

from services.intake.core.classifier import Choice

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Score:
    """One label: of those given it how many were right, of those that are it how many were found."""

    label: str
    texts: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The choices whose confidence lay in [low, high): how sure they were on average, and how often right."""

    low: float
    high: float
    texts: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured. `confusion` is truth → choice → how often; times are milliseconds a text, one by one."""

    texts: int
    macro_f1: float
    accuracy: float
    scores: tuple[Score, ...]
    confusion: dict[str, dict[str, int]]
    bins: tuple[Bin, ...]
    calibration_error: float
    """The mean distance between confidence and share right, over the bins, weighed by their texts."""
    median_ms: float
    mean_ms: float

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def evaluate(choose: Callable[[str, str], Choice], cases: Sequence[tuple[str, str, str]]) -> Evaluation:
    """Ask for each (text, title, truth) and compare. There must be at least one case."""
    choices, times = [], []
    for text, title, _ in cases:
        began = time.perf_counter()
        choices.append(choose(text, title))
        times.append((time.perf_counter() - began) * 1000)
    truths = [truth for _, _, truth in cases]
    pairs = Counter(zip(truths, (choice.label for choice in choices), strict=True))
    labels = sorted({label for pair in pairs for label in pair})
    scores = tuple(score_of(label, pairs) for label in labels)
    rights = [choice.label == truth for choice, truth in zip(choices, truths, strict=True)]
    bins = bins_of([choice.confidence for choice in choices], rights)
    return Evaluation(
        texts=len(cases),
        macro_f1=fmean(score.f1 for score in scores),
        accuracy=fmean(rights),
        scores=scores,
        confusion={truth: {given: pairs[truth, given] for given in labels} for truth in labels},
        bins=bins,
        calibration_error=sum(abs(one.confidence - one.right) * one.texts for one in bins) / len(cases),
        median_ms=median(times),
        mean_ms=fmean(times),
    )


def score_of(label: str, pairs: Counter[tuple[str, str]]) -> Score:
    """Precision, recall and their harmonic mean for one label; nought where there is nothing to divide by."""
    right = pairs[label, label]
    given = sum(times for (_, choice), times in pairs.items() if choice == label)
    texts = sum(times for (truth, _), times in pairs.items() if truth == label)
    f1 = 2 * right / (given + texts) if given + texts else 0.0
    return Score(label, texts, right / given if given else 0.0, right / texts if texts else 0.0, f1)


def bins_of(confidences: Sequence[float], rights: Sequence[bool]) -> tuple[Bin, ...]:
    """The choices by confidence in ten equal bins; empty bins are left out, and certainty falls into the last."""
    found: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in zip(confidences, rights, strict=True):
        found.setdefault(min(int(confidence * BINS), BINS - 1), []).append((confidence, right))
    return tuple(
        Bin(n / BINS, (n + 1) / BINS, len(inside), fmean(c for c, _ in inside), fmean(r for _, r in inside))
        for n, inside in sorted(found.items())
    )
