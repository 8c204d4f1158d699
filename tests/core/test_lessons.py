"""A lesson keeps what a person chose for a text, and not the text."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.core.lessons import lesson_of, line_of, read_lesson
from shared.errors import Malformed

LINE: dict[str, Any] = {"lesson": 1, "bits": 16, "longest": 2, "auto": "", "label": "150101", "grams": [[5, 1], [9, 2]]}


@given(st.text(max_size=80))
def test_a_lesson_that_was_written_is_read_as_it_was(text: str) -> None:
    lesson = lesson_of(text, "150101", title="路灯", auto="140101")
    again = read_lesson(orjson.loads(line_of(lesson)))
    assert again.digest == lesson.digest
    assert (again.label, again.auto, again.bits, again.longest) == ("150101", "140101", 16, 2)


def test_a_line_holds_no_piece_of_the_text() -> None:
    line = line_of(lesson_of("我家住在桃园村三号，路灯不亮", "150101")).decode()
    assert set(orjson.loads(line)) == {"lesson", "bits", "longest", "auto", "label", "grams"}
    assert line.isascii()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"lesson": 2}, "another format"),
        ({"label": ""}, "needs a label"),
        ({"label": None}, "needs a label"),
        ({"auto": 3}, "auto is a text"),
        ({"bits": 30}, "bits must be"),
        ({"longest": True}, "longest 1 to 5"),
        ({"grams": None}, "grams must be"),
        ({"grams": [[5]]}, "grams must be"),
        ({"grams": [[1 << 16, 1]]}, "grams must be"),
        ({"grams": [[-1, 1]]}, "grams must be"),
        ({"grams": [[5, 0]]}, "grams must be"),
        ({"grams": [[9, 1], [5, 1]]}, "ascend"),
        ({"grams": [[5, 1], [5, 1]]}, "ascend"),
    ],
)
def test_a_line_that_is_no_lesson_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Malformed, match=complaint):
        read_lesson(LINE | change)
