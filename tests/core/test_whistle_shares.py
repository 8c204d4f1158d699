"""A township that hardly ever blows the whistle, or blows it all the time, is looked at."""

from dataclasses import replace

import pytest

from services.dispatch.core.whistle_shares import WhistleAlarm, WhistleCount, shares_view
from tests.core.course import BOOK


@pytest.mark.parametrize(
    ("tickets", "whistled", "alarm"),
    [
        (100, 0, WhistleAlarm.TOO_FEW), (1000, 9, WhistleAlarm.TOO_FEW), (100, 1, None), (100, 15, None),
        (1000, 151, WhistleAlarm.TOO_MANY), (3, 3, WhistleAlarm.TOO_MANY), (0, 0, None),
    ],
)  # fmt: skip
def test_a_share_outside_the_bounds_of_the_pack_is_an_alarm(
    tickets: int, whistled: int, alarm: WhistleAlarm | None
) -> None:
    assert WhistleCount("990101001", tickets, whistled).alarm(BOOK.joint) is alarm


def test_another_pack_looks_at_other_shares() -> None:
    lenient = replace(BOOK.joint, whistle_share_low=0.0, whistle_share_high=1.0)
    assert WhistleCount("990101001", 10, 0).alarm(lenient) is None
    assert WhistleCount("990101001", 10, 10).alarm(lenient) is None


def test_the_share_is_shown_beside_the_alarm() -> None:
    (line,) = shares_view([WhistleCount("990101001", 3, 1)], BOOK.joint)
    assert line == {"township": "990101001", "tickets": 3, "whistled": 1, "share": 0.3333, "alarm": "TOO_MANY"}
