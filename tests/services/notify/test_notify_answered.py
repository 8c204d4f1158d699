"""What was answered directly: its hotline is told, some citizens are asked, and what they say counts for who answered."""

from dataclasses import replace

import pytest

from services.notify.core.followup import FollowUp
from services.notify.core.measures import MeasureRules
from services.notify.core.rates import Bucket, Counts
from shared.events import FollowUpAsked, TicketEvaluated
from tests.services.notify.measured import TOWN, MeasuredStage, measures
from tests.services.notify.values import HOTLINE, SATISFIED, UNSOLVED, answered, assigned, reopened

CENTRE = Bucket("2026-03", "command-centre", TOWN, "20")


def asking(share: float) -> MeasureRules:
    """The default pack's rules with that share of answers looked into."""
    rules = measures()
    return replace(rules, sampling=replace(rules.sampling, consult_check_share=share))


@pytest.fixture
def all_asked(measured: MeasuredStage) -> MeasuredStage:
    """A county that asks everybody."""
    return MeasuredStage(measured.database, used=asking(1.0))


async def test_its_hotline_is_told_and_nobody_is_asked_who_was_not_drawn(measured: MeasuredStage) -> None:
    stage = MeasuredStage(measured.database, used=asking(0.0))
    await stage.happens(1, answered())
    (message,) = await stage.messages()
    assert (message["template"], message["recipient"]) == ("answered", f"source:{HOTLINE}")
    assert await stage.told() == []
    (draw,) = await stage.database.fetch("SELECT unit, way, why FROM draw")
    assert tuple(draw) == ("command-centre", "NONE", "NOT_DRAWN")
    assert await stage.counts() == {}


async def test_who_is_drawn_is_asked_and_called(all_asked: MeasuredStage) -> None:
    await all_asked.happens(1, answered())
    assert [type(event) for event in await all_asked.told()] == [FollowUpAsked]
    (task,) = await all_asked.database.fetch("SELECT way, unit FROM task")
    assert tuple(task) == ("CALL", "command-centre")


async def test_what_the_citizen_says_of_an_answer_counts_for_who_answered(all_asked: MeasuredStage) -> None:
    await all_asked.happens(1, answered())
    await all_asked.happens(2, answered())
    await all_asked.answer(SATISFIED, 1)
    await all_asked.answer(UNSOLVED, 2)
    assert isinstance((await all_asked.told(2))[-1], TicketEvaluated)
    assert await all_asked.counts() == {CENTRE: Counts(valid=2, contacted=2, solved=1, satisfied=1)}
    assert await all_asked.difference() == {}


async def test_after_an_answer_that_was_none_the_unit_that_handles_it_is_the_first_to_have_it(
    all_asked: MeasuredStage,
) -> None:
    await all_asked.happens(1, answered())
    await all_asked.answer(UNSOLVED, 1)
    place = {"township": TOWN, "category": "200101", "grid": "990101001001001"}
    await all_asked.happens(1, reopened(), assigned(cycle=2, ticket_type="CONSULT", size="UNSIZED", **place))
    found = await all_asked.counts()
    assert found[CENTRE] == Counts(valid=1, contacted=1, reopened=1)
    assert found[CENTRE._replace(unit="water")] == Counts(dispatched=1, first_dispatch_right=1)
    assert await all_asked.difference() == {}


async def test_who_came_back_meanwhile_is_not_asked_about_the_answer_any_more(all_asked: MeasuredStage) -> None:
    await all_asked.happens(1, answered())
    await all_asked.happens(1, reopened())
    reply = await all_asked.answer(SATISFIED, 1)
    assert not isinstance(reply, FollowUp)
    assert [type(event) for event in await all_asked.told()] == [FollowUpAsked]


async def test_of_a_drill_nobody_is_asked_and_nothing_counts(all_asked: MeasuredStage) -> None:
    await all_asked.happens(1, answered(exercise=True))
    assert {message["state"] for message in await all_asked.messages()} == {"SUPPRESSED"}
    assert await all_asked.told() == []
    for table in ("draw", "task", "follow_up"):
        assert await all_asked.database.fetch(f"SELECT FROM {table}") == []
    assert await all_asked.counts() == {}
