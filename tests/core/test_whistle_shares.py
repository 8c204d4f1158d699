"""A township that hardly ever blows the whistle, or blows it all the time, is looked at."""

from dataclasses import replace

import pytest

from services.dispatch.core.whistle_shares import WhistleAlarm, WhistleCount, shares_view
from tests.core.course import BOOK


@pytest.mark.parametrize(
    ("tickets", "whistled", "alarm"),
    [
        (100, 0, WhistleAlarm.TOO_FEW), (1000, 9, WhistleAlarm.TOO_FEW), (100, 1, None), (100, 15, None),
        (1000, 151, WhistleAlarm.TOO_MANY), (20, 20, WhistleAlarm.TOO_MANY), (20, 0, WhistleAlarm.TOO_FEW), (0, 0, None),
    ],
)  # fmt: skip
def test_a_share_outside_the_bounds_of_the_pack_is_an_alarm(
    tickets: int, whistled: int, alarm: WhistleAlarm | None
) -> None:
    assert WhistleCount("990101001", tickets, whistled).alarm(BOOK.joint) is alarm


@pytest.mark.parametrize("whistled", [0, 19])
def test_of_few_tickets_a_share_says_nothing(whistled: int) -> None:
    assert WhistleCount("990101001", 19, whistled).alarm(BOOK.joint) is None
    bold = replace(BOOK.joint, whistle_least_tickets=1)
    assert WhistleCount("990101001", 19, whistled).alarm(bold) is not None


def test_another_pack_looks_at_other_shares() -> None:
    lenient = replace(BOOK.joint, whistle_share_low=0.0, whistle_share_high=1.0)
    assert WhistleCount("990101001", 100, 0).alarm(lenient) is None
    assert WhistleCount("990101001", 100, 100).alarm(lenient) is None


def test_the_share_is_shown_beside_the_alarm() -> None:
    (line,) = shares_view([WhistleCount("990101001", 30, 10)], BOOK.joint)
    assert line == {"township": "990101001", "tickets": 30, "whistled": 10, "share": 0.3333, "alarm": "TOO_MANY"}
