"""Follow-ups on real tables: silence ends in the open, answers count once, whoever asks at the same moment."""

import asyncio

from services.notify.core.followup import Ended, FollowUp, FollowUpState
from services.notify.followups import FollowUpLoop
from services.notify.store import follow_ups_of
from shared.errors import NotFound
from shared.events import FollowUpAsked, TicketEvaluated
from shared.terms import FollowUpOutcome, Satisfaction
from tests.builders import eventually
from tests.services.notify.stage import Stage
from tests.services.notify.values import SATISFIED, UNSOLVED, audited, envelope, local, ticket

TIMES = ["10 14:00", "10 19:00", "13 09:00", "14 09:00"]
UNREACHABLE = TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE)


async def test_silence_ends_unreachable_and_never_satisfied(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    for time in TIMES:
        stage.now = local(time)
        await stage.loop.advance_due()
    assert await stage.told() == [
        FollowUpAsked(cycle=1, attempt=1),
        FollowUpAsked(cycle=1, attempt=2),
        FollowUpAsked(cycle=1, attempt=3),
        UNREACHABLE,
    ]
    (row,) = await stage.database.fetch("SELECT state, contacted, solved, satisfaction, recorded_by FROM follow_up")
    assert tuple(row) == ("UNREACHABLE", None, None, None, None)


async def test_each_attempt_sends_a_message_of_its_own(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    await stage.courier.deliver("console")
    for time in TIMES:
        stage.now = local(time)
        await stage.loop.advance_due()
        await stage.courier.deliver("console")
    messages = await stage.messages()
    told = ["follow_up"] * 3 + ["unreachable"]
    assert [(m["template"], m["state"]) for m in messages] == [(template, "DELIVERED") for template in told]
    assert len({m["id"] for m in messages}) == 4


async def test_an_answer_between_attempts_ends_the_asking(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    await stage.answer(UNSOLVED)
    stage.now = local("12 09:00")
    assert await stage.loop.advance_due() == 0
    assert await stage.told() == [
        FollowUpAsked(cycle=1, attempt=1),
        TicketEvaluated(
            cycle=1, outcome=FollowUpOutcome.ANSWERED, contacted=True, solved=False,
            satisfaction=Satisfaction.DISSATISFIED,
        ),
    ]  # fmt: skip


async def test_an_answer_keeps_back_an_ask_that_was_not_sent_yet(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    await stage.answer(SATISFIED)
    (message,) = await stage.messages()
    assert (message["state"], message["last_error"]) == ("SUPPRESSED", "the follow-up has ended")


async def test_twenty_answers_at_once_make_exactly_one_evaluation(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    replies = await asyncio.gather(*(stage.answer(SATISFIED if n % 2 else UNSOLVED) for n in range(20)))
    evaluated = [e for e in await stage.told() if isinstance(e, TicketEvaluated)]
    assert len(evaluated) == 1
    winner = SATISFIED if evaluated[0].solved else UNSOLVED
    assert sum(isinstance(r, FollowUp) for r in replies) == 10
    assert sum(isinstance(r, Ended) for r in replies) == 10
    (kept,) = await follow_ups_of(stage.database, ticket(1))
    assert kept.answer == winner


async def test_an_answer_and_giving_up_at_the_same_moment_make_one_evaluation(stage: Stage) -> None:
    for n in range(1, 11):
        await stage.hear(envelope(audited(), n))
    for time in TIMES[:2]:
        stage.now = local(time)
        await stage.loop.advance_due()
    stage.now = local("12 09:00")
    await asyncio.gather(stage.loop.advance_due(), *(stage.answer(SATISFIED, n) for n in range(1, 11)))
    for n in range(1, 11):
        assert len([e for e in await stage.told(n) if isinstance(e, TicketEvaluated)]) == 1


async def test_two_loops_at_once_ask_once(stage: Stage) -> None:
    stage.now = local("10 03:00")
    await stage.hear(*(envelope(audited(), n) for n in range(1, 31)))
    stage.now = local("10 09:00")
    twin = FollowUpLoop(stage.database, stage.follow_ups)
    await asyncio.gather(stage.loop.advance_due(), twin.advance_due())
    for n in range(1, 31):
        assert await stage.told(n) == [FollowUpAsked(cycle=1, attempt=1)]


async def test_an_answer_before_the_first_attempt_counts(stage: Stage) -> None:
    stage.now = local("10 03:00")
    await stage.hear(envelope(audited()))
    assert isinstance(await stage.answer(SATISFIED), FollowUp)
    stage.now = local("10 09:00")
    assert await stage.loop.advance_due() == 0


async def test_an_answer_nobody_asked_for_is_unknown(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    assert isinstance(await stage.answer(SATISFIED, n=2), NotFound)
    assert isinstance(await stage.answer(SATISFIED, cycle=2), NotFound)
    assert await stage.told(2) == []


async def test_two_answers_for_one_cycle_in_one_batch_count_once(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    key = (ticket(1), 1)
    async with stage.database.transaction() as tx:
        replies = await stage.follow_ups.take(tx, [(key, SATISFIED), (key, SATISFIED), (key, UNSOLVED)])
    assert [type(r) for r in replies] == [FollowUp, FollowUp, Ended]
    assert len([e for e in await stage.told() if isinstance(e, TicketEvaluated)]) == 1


async def test_the_loop_asks_when_the_time_comes_and_ends_when_told(stage: Stage) -> None:
    await stage.hear(envelope(audited()))
    stopping = asyncio.Event()
    running = asyncio.create_task(stage.loop.run(stopping))
    stage.now = local("10 14:00")

    async def asked_again() -> bool:
        return len(await stage.told()) == 2

    await eventually(asked_again, within_s=60)
    stopping.set()
    async with asyncio.timeout(60):
        await running
    (kept,) = await follow_ups_of(stage.database, ticket(1))
    assert (kept.state, kept.attempts) == (FollowUpState.OPEN, 2)
