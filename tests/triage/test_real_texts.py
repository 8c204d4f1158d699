"""How well a model learns from real labelled messages, without letting it see those it is measured on."""

import csv
import gzip
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from griddispatch.evaluation import Evaluation, evaluate
from griddispatch.training import Recipe, fold_of, train
from services.intake.core.lessons import Lesson, lesson_of
from tests.conftest import ROOT

REAL = ROOT.parent / "shared/data/zh"
FOLD = 0
"""The fifth that is measured; the split is by the words of a message alone."""
ALIKE = 0.3
"""From this share of common rare pairs of characters on, a row is taken for a copy of a message."""
RARE = 200
"""A pair of characters that stands in fewer messages than this tells messages apart."""

pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason="NOT COVERED: real labelled messages are not here"),
    pytest.mark.timeout(500),
]
"""Training takes the better part of a minute of processor time, and other tests run beside it."""


@dataclass(frozen=True)
class Message:
    """A labelled message and what is learnt from it."""

    text: str
    title: str
    label: str
    lesson: Lesson


@pytest.fixture(scope="module")
def messages() -> list[Message]:
    return [
        Message(row["text"], row["topic"], row["label"], lesson_of(row["text"], row["label"], title=row["topic"]))
        for row in rows_of("labelled_messages.csv.gz")
    ]


def rows_of(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(REAL / name, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def pairs_of(text: str) -> set[str]:
    characters = "".join(re.findall("[\u4e00-\u9fff]", text))
    return {characters[start : start + 2] for start in range(len(characters) - 1)}


def strangers_to(tested: list[Message], everything: list[Message]) -> list[Lesson]:
    """The rows of the other file that are copies of no tested message: most messages stand there again, cut up."""
    places: dict[str, list[int]] = defaultdict(list)
    for number, message in enumerate(everything):
        for pair in pairs_of(f"{message.title}\n{message.text}"):
            places[pair].append(number)
    forbidden = {number for number, message in enumerate(everything) if message in tested}
    lessons = []
    for row in rows_of("labelled_tokens.csv.gz"):
        known = [pair for pair in pairs_of(row["tokens"]) if 0 < len(places.get(pair, ())) < RARE]
        common = Counter(number for pair in known for number in places[pair] if number in forbidden)
        if max(common.values(), default=0) <= ALIKE * len(known):
            lessons.append(lesson_of(row["tokens"], row["label"]))
    return lessons


def measured(lessons: list[Lesson], tested: list[Message]) -> tuple[Evaluation, float]:
    began = time.process_time()
    model = train(lessons, Recipe(target="label"))
    spent = time.process_time() - began
    return evaluate(model.choose, [(message.text, message.title, message.label) for message in tested]), spent


def test_real_messages_are_told_apart(messages: list[Message], record_property: Callable[[str, object], None]) -> None:
    tested = [message for message in messages if fold_of(message.lesson) == FOLD]
    own = [message.lesson for message in messages if fold_of(message.lesson) != FOLD]
    lessons = own + strangers_to(tested, messages)
    found, spent = measured(lessons, tested)
    record_property("real_messages", found.to_dict() | {"seconds": spent, "lessons": len(lessons)})
    assert 4_500 < len(lessons) < 6_000
    assert found.macro_f1 >= 0.90, found
    assert all(score.f1 > 0.80 for score in found.scores), found.scores
    assert found.calibration_error < 0.08
    assert found.median_ms < 1
    assert spent < 60


def test_twelve_hundred_messages_alone_already_teach_most(messages: list[Message]) -> None:
    tested = [message for message in messages if fold_of(message.lesson) == FOLD]
    found, _ = measured([message.lesson for message in messages if fold_of(message.lesson) != FOLD], tested)
    assert found.macro_f1 >= 0.85, found
