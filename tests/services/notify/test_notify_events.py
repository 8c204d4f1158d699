"""Events to messages and follow-ups: once each, whatever is repeated; drills reach nobody."""

from services.notify.core.followup import FollowUpState
from services.notify.store import follow_ups_of
from shared.events import Envelope, FollowUpAsked, NotificationDelivered
from tests.services.notify.stage import Stage
from tests.services.notify.values import (
    MORNING,
    SATISFIED,
    assigned,
    audited,
    closed,
    envelope,
    escalated,
    local,
    redispatched,
    reopened,
    ticket,
)

STORY = [
    envelope(assigned(), version=1),
    envelope(redispatched(unit="gas"), version=2),
    envelope(escalated(notify_at=local("11 08:30")), version=3),
    envelope(audited(), version=4),
]


async def state(stage: Stage, n: int = 1) -> list[FollowUpState]:
    return [f.state for f in await follow_ups_of(stage.database, ticket(n))]


async def test_a_ticket_story_becomes_messages_and_a_follow_up(stage: Stage) -> None:
    await stage.hear(*STORY)
    planned = {(m["template"], m["recipient"], m["due_at"]) for m in await stage.messages()}
    assert planned == {
        ("assigned", "unit:water", MORNING),
        ("assigned", "unit:gas", MORNING),
        ("escalated", "unit:water", local("11 08:30")),
        ("follow_up", "source:hotline-12345", MORNING),
    }
    assert await stage.told() == [FollowUpAsked(cycle=1, attempt=1)]
    assert await state(stage) == [FollowUpState.OPEN]
    assert stage.rung > 0


async def test_replaying_the_same_events_plans_nothing_twice(stage: Stage) -> None:
    await stage.hear(*STORY)
    before = await stage.messages()
    stage.now = local("10 10:00")
    await stage.hear(*STORY)
    await stage.hear(*STORY[2:])
    assert await stage.messages() == before
    assert await stage.told() == [FollowUpAsked(cycle=1, attempt=1)]


async def test_even_without_the_version_rule_a_message_and_a_follow_up_stay_single(stage: Stage) -> None:
    await stage.hear(*STORY)
    await stage.database.fetch("DELETE FROM position")
    await stage.hear(*STORY)
    assert len(await stage.messages()) == 4
    assert await stage.told() == [FollowUpAsked(cycle=1, attempt=1)]


async def test_many_tickets_in_one_batch_keep_to_themselves(stage: Stage) -> None:
    batch: list[Envelope] = []
    for n in range(1, 51):
        batch += [envelope(assigned(unit=f"unit-{n}"), n, 1), envelope(audited(), n, 2)]
    await stage.hear(*batch)
    for n in (1, 25, 50):
        assert {m["recipient"] for m in await stage.messages(n)} == {f"unit:unit-{n}", "source:hotline-12345"}
        assert await stage.told(n) == [FollowUpAsked(cycle=1, attempt=1)]


async def test_an_audit_at_night_opens_and_asks_in_the_morning(stage: Stage) -> None:
    stage.now = local("10 22:00")
    await stage.hear(envelope(audited()))
    assert await stage.messages() == []
    assert await stage.loop.advance_due() == 0
    stage.now = local("11 09:00")
    assert await stage.loop.advance_due() == 1
    assert [m["template"] for m in await stage.messages()] == ["follow_up"]
    assert await stage.told() == [FollowUpAsked(cycle=1, attempt=1)]


async def test_an_audit_without_follow_up_asks_nobody(stage: Stage) -> None:
    await stage.hear(envelope(audited(follow_up=False)))
    assert await state(stage) == []


async def test_a_closing_elsewhere_stops_the_asking_and_what_waits_to_be_sent(stage: Stage) -> None:
    await stage.hear(envelope(audited(), version=1))
    await stage.hear(envelope(closed(), version=2))
    assert await state(stage) == [FollowUpState.CLOSED_ELSEWHERE]
    assert [(m["state"], m["last_error"]) for m in await stage.messages()] == [
        ("SUPPRESSED", "the follow-up has ended")
    ]
    stage.now = local("20 09:00")
    assert await stage.loop.advance_due() == 0


async def test_a_ticket_audited_and_closed_in_one_batch_is_never_asked_about(stage: Stage) -> None:
    await stage.hear(envelope(audited(), version=1), envelope(closed(), version=2))
    assert await state(stage) == [FollowUpState.CLOSED_ELSEWHERE]
    assert await stage.told() == []


async def test_closing_after_the_answer_leaves_the_answer(stage: Stage) -> None:
    await stage.hear(envelope(audited(), version=1))
    await stage.answer(SATISFIED)
    await stage.hear(envelope(closed(), version=2))
    (follow_up,) = await follow_ups_of(stage.database, ticket(1))
    assert (follow_up.state, follow_up.answer) == (FollowUpState.ANSWERED, SATISFIED)


async def test_closing_another_cycle_leaves_this_one_open(stage: Stage) -> None:
    await stage.hear(envelope(audited(cycle=2), version=1), envelope(closed(cycle=1), version=2))
    assert await state(stage) == [FollowUpState.OPEN]


async def test_a_reopened_ticket_is_asked_about_in_its_next_cycle(stage: Stage) -> None:
    await stage.hear(envelope(audited(), version=1))
    await stage.answer(SATISFIED)
    await stage.hear(envelope(reopened(), version=2), envelope(audited(cycle=2), version=3))
    assert await state(stage) == [FollowUpState.ANSWERED, FollowUpState.OPEN]


async def test_a_drill_is_recorded_as_suppressed_and_reaches_no_channel(stage: Stage) -> None:
    await stage.hear(
        envelope(assigned(exercise=True), version=1),
        envelope(escalated(), version=2),
        envelope(audited(exercise=True), version=3),
    )
    assert await stage.courier.deliver("console") == 0
    messages = await stage.messages()
    assert {(m["template"], m["state"], m["last_error"]) for m in messages} == {
        ("assigned", "SUPPRESSED", "exercise"),
        ("escalated", "SUPPRESSED", "exercise"),
        ("follow_up", "SUPPRESSED", "exercise"),
    }
    assert all(m["attempts"] == [] for m in messages)


async def test_a_drill_is_remembered_for_later_batches(stage: Stage) -> None:
    await stage.hear(envelope(assigned(exercise=True), version=1))
    await stage.hear(envelope(escalated(), version=2), envelope(escalated(), n=2))
    assert [m["state"] for m in await stage.messages(1)] == ["SUPPRESSED", "SUPPRESSED"]
    assert [m["state"] for m in await stage.messages(2)] == ["QUEUED"]


async def test_what_is_told_names_the_event_that_caused_it(stage: Stage) -> None:
    await stage.hear(STORY[0])
    await stage.courier.deliver("console")
    rows = await stage.database.fetch("SELECT caused_by FROM event")
    assert [row["caused_by"] for row in rows] == [str(STORY[0].id)]
    (told,) = await stage.told()
    assert isinstance(told, NotificationDelivered)
    assert (told.recipient, told.channel, told.template, told.attempts) == ("unit:water", "console", "assigned", 1)
