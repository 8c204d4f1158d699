"""How alike texts are: from 0 to 1, the same both ways, near the true share of common pairs."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.similarity import LENGTH, plain, signature, signatures, similarity

WORDS = st.text(alphabet="路灯坏了晚上看不见井盖丢失水管爆裂很危险快来人abc123，。 ", max_size=80)


def jaccard(one: str, other: str) -> float:
    """The true share of common pairs; the last character pairs with itself."""
    first, second = ({a + b for a, b in zip(t, t[1:] + t[-1:], strict=True)} for t in (plain(one), plain(other)))
    return len(first & second) / len(first | second) if first | second else 0.0


@given(WORDS, WORDS)
def test_it_is_between_nought_and_one_and_the_same_both_ways(one: str, other: str) -> None:
    there, back = similarity(signature(one), signature(other)), similarity(signature(other), signature(one))
    assert 0.0 <= there <= 1.0
    assert there == back


@given(WORDS)
def test_a_text_is_like_itself(text: str) -> None:
    assert similarity(signature(text), signature(text)) == (1.0 if plain(text) else 0.0)


@given(WORDS, WORDS)
def test_it_is_near_the_share_of_common_pairs(one: str, other: str) -> None:
    assert abs(similarity(signature(one), signature(other)) - jaccard(one, other)) < 0.3


@given(st.lists(st.text(max_size=50), max_size=12))
def test_a_text_has_the_same_signature_in_whatever_company(texts: list[str]) -> None:
    assert signatures(texts) == [signature(text) for text in texts]


@given(st.text(alphabet=st.characters(codec=None, categories=("Cs", "Cc", "Lo", "Nd", "Po")), max_size=200))
def test_no_text_whatever_is_too_odd(text: str) -> None:
    assert len(signature(text)) in (0, LENGTH)


@pytest.mark.parametrize("texts", [("路灯坏了", "路灯坏了！！"), ("ABC 路灯", "abc路灯"), ("１２号", "12号")])
def test_width_case_and_punctuation_make_no_difference(texts: tuple[str, str]) -> None:
    assert signature(texts[0]) == signature(texts[1])


@pytest.mark.parametrize("text", ["", "  ", "。。！", "\x00", "___"])
def test_what_says_nothing_has_no_signature_and_is_like_nothing(text: str) -> None:
    assert signature(text) == b""
    assert similarity(signature(text), signature("路灯坏了")) == 0.0


def test_other_words_are_not_alike_and_nearly_the_same_words_are() -> None:
    long = "六楼的水压太小，热水器打不着火，做饭高峰期更是一点水没有。"
    assert similarity(signature(long), signature(long.replace("更是", ""))) > 0.7
    assert similarity(signature(long), signature("路灯坏了，晚上看不见路")) < 0.1


def test_a_very_long_text_is_told_by_its_beginning() -> None:
    assert signature("路灯坏了" * 1000) == signature("路灯坏了" * 900)


def test_a_big_batch_of_long_texts_is_signed_in_pieces() -> None:
    texts = [f"{n}号路灯坏了" * 100 for n in range(100)]
    assert signatures(texts)[57] == signature(texts[57])


def test_signatures_are_the_same_in_another_process() -> None:
    code = "from services.intake.core.similarity import signature; print(signature('路灯坏了').hex())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == signature("路灯坏了").hex()
