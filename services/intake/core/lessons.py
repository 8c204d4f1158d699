"""Lessons: what a person chose for a text, kept as counted buckets so that the text itself stays in the vault."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, TypeGuard

import numpy as np
import orjson

from services.intake.core.grams import Buckets, Counts, counted_grams
from shared.errors import Malformed

FORMAT: Final = 1
BITS: Final = 16
LONGEST: Final = 2
MOST_GRAMS: Final = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The grams of one text, the label a person chose, and the one a machine had chosen before, if any.

    Buckets forget the order of the words and cannot be turned back, but who knows the arithmetic can test a guess: a
    file of lessons is for the inside of the house.
    """

    buckets: Buckets
    counts: Counts
    label: str
    auto: str = ""
    bits: int = BITS
    longest: int = LONGEST

    @property
    def digest(self) -> bytes:
        """The same for texts that are the same to a classifier, whatever their labels."""
        return hashlib.sha256(self.buckets.tobytes() + self.counts.tobytes()).digest()


def lesson_of(
    text: str, label: str, *, title: str = "", auto: str = "", bits: int = BITS, longest: int = LONGEST
) -> Lesson:
    """What is to be learnt from a text and a person's choice."""
    return Lesson(*counted_grams(title, text, bits, longest), label, auto, bits, longest)


def line_of(lesson: Lesson) -> bytes:
    """A lesson as a line of NDJSON, without its end."""
    grams = [[int(bucket), int(count)] for bucket, count in zip(lesson.buckets, lesson.counts, strict=True)]
    return orjson.dumps({
        "lesson": FORMAT, "bits": lesson.bits, "longest": lesson.longest, "auto": lesson.auto, "label": lesson.label,
        "grams": grams,
    })  # fmt: skip


def is_lesson(document: object) -> bool:
    """Whether a line that was read is meant as a lesson, and not as a text with its label."""
    return isinstance(document, dict) and "lesson" in document


def read_lesson(document: dict[str, Any]) -> Lesson:
    """A lesson from its parsed line. Raises Malformed."""
    grams, label, auto = document.get("grams"), document.get("label"), document.get("auto", "")
    bits, longest = document.get("bits"), document.get("longest")
    if document.get("lesson") != FORMAT:
        raise Malformed("foreign_lesson", f"is a lesson of another format than {FORMAT}")
    if not (isinstance(label, str) and label.strip() and isinstance(auto, str)):
        raise Malformed("no_label", "a lesson needs a label, and auto is a text")
    if not (_is_whole(bits, 8, 20) and _is_whole(longest, 1, 5)):
        raise Malformed("bad_lesson", "bits must be 8 to 20 and longest 1 to 5")
    if not (isinstance(grams, list) and len(grams) <= MOST_GRAMS and all(_is_gram(pair, bits) for pair in grams)):
        raise Malformed("bad_grams", "grams must be pairs of a bucket below 2**bits and how often it was seen")
    if any(first[0] >= second[0] for first, second in pairwise(grams)):
        raise Malformed("bad_grams", "buckets must ascend")
    buckets = np.array([bucket for bucket, _ in grams], np.int64)
    return Lesson(buckets, np.array([count for _, count in grams], np.float32), label, auto, bits, longest)


def _is_gram(pair: object, bits: int) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and _is_whole(pair[0], 0, (1 << bits) - 1) and _is_whole(
        pair[1], 1, MOST_GRAMS
    )  # fmt: skip


def _is_whole(value: object, least: int, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
