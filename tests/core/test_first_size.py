"""What would be small is big by who says it, how often, and of whom; and a person's choice does not make it small."""

from typing import Any
from uuid import UUID

import pytest

from services.dispatch.core.triggers import ConfirmCategory
from shared.terms import MatterSize
from tests.core.course import TOWN, VILLAGE, Course


@pytest.mark.parametrize(
    ("changes", "size", "rule"),
    [
        ({}, MatterSize.SMALL, "SIZE_SMALL_ELIGIBLE"),
        ({"repeats_30d": 1}, MatterSize.SMALL, "SIZE_SMALL_ELIGIBLE"),
        ({"repeats_30d": 2}, MatterSize.BIG, "SIZE_BIG_REPEATED"),
        ({"repeat_of": UUID(int=5), "levels_up": 1}, MatterSize.BIG, "SIZE_BIG_CAME_BACK"),
        ({"reporters": 4}, MatterSize.SMALL, "SIZE_SMALL_ELIGIBLE"),
        ({"reporters": 5}, MatterSize.BIG, "SIZE_BIG_REPORTERS"),
        ({"complained_about": VILLAGE}, MatterSize.BIG, "SIZE_BIG_ABOUT_ITS_PLACE"),
        ({"complained_about": TOWN}, MatterSize.BIG, "SIZE_BIG_ABOUT_ITS_PLACE"),
        ({"complained_about": "housing"}, MatterSize.SMALL, "SIZE_SMALL_ELIGIBLE"),
    ],
)
def test_a_street_lamp_is_small_unless_more_is_known(changes: dict[str, Any], size: MatterSize, rule: str) -> None:
    course = Course(**changes)
    assert (course.case.size, course.why[0].partition(" ")[0]) == (size, rule)


@pytest.mark.parametrize("changes", [{"repeats_30d": 2}, {"complained_about": TOWN}])
def test_a_category_that_a_person_confirms_does_not_make_it_small_again(changes: dict[str, Any]) -> None:
    course = Course(confidence=0.1, **changes)
    course.give(ConfirmCategory("150101"))
    assert course.case.size is MatterSize.BIG


def test_without_that_the_confirmed_category_makes_it_small() -> None:
    course = Course(confidence=0.1)
    course.give(ConfirmCategory("150101"))
    assert course.case.size is MatterSize.SMALL
