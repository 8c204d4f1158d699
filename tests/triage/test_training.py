"""Training repeats exactly, heeds the last word on a text, and refuses what no model can come of."""

import numpy as np
import pytest

from griddispatch.training import CALIBRATING, FOLDS, Recipe, fold_of, train
from services.intake.core.lessons import Lesson, lesson_of
from shared.errors import Rejected

RECIPE = Recipe(bits=12)
PLACES = ("桥头", "东门", "西巷", "河边", "村口", "学校旁", "市场里", "车站前", "公园内", "医院外")


def lessons(**words: str) -> list[Lesson]:
    return [lesson_of(f"{place}{word}", label, bits=12) for label, word in words.items() for place in PLACES]


BOTH = lessons(lamp="路灯不亮", rubbish="垃圾没收")


def test_a_model_learns_what_tells_labels_apart() -> None:
    model = train(BOTH, RECIPE)
    assert [model.choose(text).label for text in ("我家楼下路灯不亮", "我家楼下垃圾没收")] == ["lamp", "rubbish"]


def test_the_same_lessons_in_any_order_give_the_same_bytes() -> None:
    assert train(BOTH, RECIPE).to_bytes() == train(BOTH[::-1], RECIPE).to_bytes()


def test_another_set_of_lessons_has_another_sum() -> None:
    assert train(BOTH, RECIPE).trained_on != train(BOTH[1:], RECIPE).trained_on


def test_a_text_counts_once_however_often_it_is_given() -> None:
    assert train(BOTH * 3, RECIPE).to_bytes() == train(BOTH, RECIPE).to_bytes()


def test_of_two_labels_for_one_text_the_later_counts() -> None:
    corrected = lesson_of("桥头路灯不亮", "rubbish", bits=12, auto="lamp")
    model = train([*BOTH, corrected], RECIPE)
    assert model.examples == 20
    assert model.trained_on != train(BOTH, RECIPE).trained_on
    assert train([corrected, *BOTH], RECIPE).trained_on == train(BOTH, RECIPE).trained_on


def test_a_text_of_no_more_than_known_noise_is_nobodys() -> None:
    model = train(BOTH, RECIPE)
    assert model.choose("今日天气晴朗").confidence < 0.7


def test_texts_that_are_the_same_to_a_model_fall_into_one_fold() -> None:
    assert fold_of(lesson_of("路 灯 不亮", "a")) == fold_of(lesson_of("路灯不亮", "b"))
    assert {fold_of(lesson_of(f"{place}路灯", "a")) for place in PLACES * 3} <= set(range(FOLDS))


def test_doubtful_lessons_make_a_model_that_is_less_sure() -> None:
    rng = np.random.default_rng(3)
    noise = ["lamp" if rng.random() < 0.5 else "rubbish" for _ in range(60)]
    muddled = [lesson_of(f"{PLACES[n % 10]}{n}号路灯垃圾", label, bits=12) for n, label in enumerate(noise)]
    assert sum(fold_of(lesson) == CALIBRATING for lesson in muddled) > 3
    assert train(muddled, RECIPE).scale < train(BOTH, RECIPE).scale


def test_one_label_alone_is_refused() -> None:
    with pytest.raises(Rejected, match="1 different labels; wants 2"):
        train(lessons(lamp="路灯"), RECIPE)
    with pytest.raises(Rejected, match="0 different labels"):
        train([], RECIPE)


def test_lessons_counted_in_another_way_are_refused() -> None:
    with pytest.raises(Rejected, match="counted with 16 bits"):
        train([*BOTH, lesson_of("路灯", "lamp", bits=16)], RECIPE)
