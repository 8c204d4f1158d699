"""Trains a classifier: linear support vector machines by coordinate descent; the same lessons give the same model."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.intake.core.classifier import MOST_LABELS, Classifier, weighed
from services.intake.core.grams import Buckets
from services.intake.core.lessons import BITS, LONGEST, Lesson
from shared.errors import Problem, Rejected

Floats: TypeAlias = NDArray[np.float32]
Vector: TypeAlias = tuple[Buckets, Floats]

FOLDS: Final = 5
CALIBRATING: Final = 0
"""The fold that teaches how sure a model may be."""
STILL: Final = 0.01
"""A pass that moves no support by more than this is the last."""
SCALES: Final = tuple(float(scale) for scale in np.geomspace(0.5, 50, 41))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. `softness` is how dearly a wrong side is paid; a bucket counts from `least_texts` texts upward."""

    target: str = "category"
    bits: int = BITS
    longest: int = LONGEST
    softness: float = 4.0
    passes: int = 12
    least_texts: int = 2
    threshold: float = 0.5
    seed: int = 1


def fold_of(lesson: Lesson) -> int:
    """Which of five parts a lesson falls into: by its words alone, so that equal texts never part."""
    return lesson.digest[0] % FOLDS


def train(lessons: Sequence[Lesson], recipe: Recipe) -> Classifier:
    """The model of these lessons: each text counts once, with the label that was chosen for it last.

    Raises Rejected when there are not two labels, or a lesson was counted in another way than the recipe's.
    """
    _check(lessons, recipe)
    kept = [lesson for _, lesson in sorted({lesson.digest: lesson for lesson in lessons}.items())]
    labels = tuple(sorted({lesson.label for lesson in kept}))
    column = {label: number for number, label in enumerate(labels)}
    truth = np.array([column[lesson.label] for lesson in kept])
    rarity, unseen = rarity_of(kept, recipe)
    weights = separated([vector_of(lesson, rarity, unseen) for lesson in kept], truth, len(labels), recipe)
    steps = np.maximum(np.abs(weights).max(axis=0), 1e-6) / 127
    return Classifier(
        target=recipe.target, labels=labels, bits=recipe.bits, longest=recipe.longest,
        weights=np.rint(weights / steps).astype(np.int8), steps=steps.astype(np.float32), rarity=rarity, unseen=unseen,
        scale=_scale(kept, truth, len(labels), recipe), threshold=recipe.threshold,
        trained_on=_sha_of(kept), examples=len(kept),
    )  # fmt: skip


def _sha_of(lessons: Sequence[Lesson]) -> str:
    return hashlib.sha256(b"\n".join(lesson.digest + lesson.label.encode() for lesson in lessons)).hexdigest()


def rarity_of(lessons: Sequence[Lesson], recipe: Recipe) -> tuple[Floats, float]:
    """How telling each bucket is, nought for those of too few texts, and what a bucket of no text weighs."""
    texts = np.bincount(np.concatenate([lesson.buckets for lesson in lessons]), minlength=1 << recipe.bits)
    rarity = np.log((1 + len(lessons)) / (1 + texts)) + 1
    rarity[texts < recipe.least_texts] = 0
    # Rounded as the file will hold it, so that a model judges alike before and after it was written.
    return rarity.astype(np.float16).astype(np.float32), float(np.log(1 + len(lessons)) + 1)


def vector_of(lesson: Lesson, rarity: Floats, unseen: float) -> Vector:
    """A text as the machine sees it."""
    return lesson.buckets, weighed(lesson.counts, rarity[lesson.buckets], unseen)


def separated(vectors: Sequence[Vector], truth: NDArray[np.int64], labels: int, recipe: Recipe) -> Floats:
    """The weights, bucket by label, that keep each label from all others with the widest margin.

    Dual coordinate descent for the squared hinge loss, all labels at once. One pass looks at every text once.
    """
    weights = np.zeros((1 << recipe.bits, labels), np.float32)
    supports = np.zeros((len(vectors), labels), np.float32)
    sides = np.full((len(vectors), labels), -1, np.float32)
    sides[np.arange(len(vectors)), truth] = 1
    slack = np.float32(1 / (2 * recipe.softness))
    for order in _orders(len(vectors), recipe):
        furthest = 0.0
        for number in order:
            buckets, values = vectors[number]
            rows, side, support = weights[buckets], sides[number], supports[number]
            slope = side * (values @ rows) - 1 + slack * support
            # A text's length is one, so its curvature is one plus the slack.
            moved = np.maximum(support - slope / (1 + slack), 0) - support
            furthest = max(furthest, float(np.abs(moved).max()))
            supports[number] = support + moved
            weights[buckets] = rows + values[:, None] * (moved * side)
        if furthest < STILL:
            break
    return weights


def _orders(texts: int, recipe: Recipe) -> Iterator[NDArray[np.int64]]:
    random = np.random.default_rng(recipe.seed)
    return (random.permutation(texts) for _ in range(recipe.passes))


def _scale(lessons: Sequence[Lesson], truth: NDArray[np.int64], labels: int, recipe: Recipe) -> float:
    """The factor under which the confidence in texts that were held out comes closest to how often it was right."""
    is_held = np.array([fold_of(lesson) == CALIBRATING for lesson in lessons])
    seen, held = np.flatnonzero(~is_held), np.flatnonzero(is_held)
    if not len(held) or not len(seen):
        return 1.0
    rarity, unseen = rarity_of([lessons[int(n)] for n in seen], recipe)
    weights = separated([vector_of(lessons[int(n)], rarity, unseen) for n in seen], truth[seen], labels, recipe)
    margins = np.array([_margins(vector_of(lessons[int(n)], rarity, unseen), weights) for n in held], np.float64)
    return min(SCALES, key=lambda scale: _surprise(margins * scale, truth[held]))


def _margins(vector: Vector, weights: Floats) -> Floats:
    margins: Floats = vector[1] @ weights[vector[0]]
    return margins


def _surprise(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The mean negative logarithm of the chance that was given to the truth, and once to any label at all.

    That one text more keeps a model humble that was right on the few that were held out.
    """
    highest = scores.max(axis=1, keepdims=True)
    costs = highest + np.log(np.exp(scores - highest).sum(axis=1, keepdims=True)) - scores
    return float((costs[np.arange(len(truth)), truth].sum() + costs.mean()) / (len(truth) + 1))


def _check(lessons: Sequence[Lesson], recipe: Recipe) -> None:
    problems = []
    labels = {lesson.label for lesson in lessons}
    if not 2 <= len(labels) <= MOST_LABELS:
        problems.append(Problem("label", "labels", f"{len(labels)} different labels; wants 2 to {MOST_LABELS}"))
    if strange := {(lesson.bits, lesson.longest) for lesson in lessons} - {(recipe.bits, recipe.longest)}:
        bits, longest = min(strange)
        problems.append(Problem(
            "lessons", "other_settings", f"counted with {bits} bits and n-grams to {longest}, "
            f"where this model wants {recipe.bits} and {recipe.longest}",
        ))  # fmt: skip
    if problems:
        raise Rejected(*problems)
