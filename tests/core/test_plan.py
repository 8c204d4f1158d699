"""Planning: which event tells whom what, when, and through which endpoint."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.measures import Plan, PlanStep
from services.notify.core.message import FACTS, Policy, Template
from services.notify.core.plan import plan, plan_alert, plan_ask, plan_stopped, plan_unreachable
from services.notify.core.subscription import Stop, Subscription, SubscriptionState, Wish
from shared.events import Event, FollowUpAsked, TicketEvaluated
from shared.notify_events import SurgeAlert
from shared.terms import AlertKind, FollowUpOutcome, Urgency
from tests.services.notify.values import (
    DUE,
    MORNING,
    NO,
    answered,
    assigned,
    audited,
    call_back_asked,
    closed,
    deemed_signed,
    envelope,
    escalated,
    follow_up,
    local,
    redispatched,
    reminded,
    reopened,
    ticket,
)

BOOK = AddressBook()
ASKED = envelope(FollowUpAsked(cycle=1, attempt=2))
PLAN = Plan("防汛预案", "Flood plan", (PlanStep("先救人。", "People first."),))
SURGE = SurgeAlert(
    kind=AlertKind.SPIKE, category="1501", township="990101001", window_start=MORNING, window_end=DUE, count=9,
    threshold=5, playbook="flood", to="command-centre",
)  # fmt: skip
STOPPED = Subscription(
    UUID(int=7), "city", "hook", "https://a.example.org/", Wish(), SubscriptionState.DISABLED, Stop.GONE, 3, MORNING,
    MORNING, None, None,
)  # fmt: skip


def replaced(alert: SurgeAlert, kind: str) -> SurgeAlert:
    return alert.model_copy(update={"kind": AlertKind(kind)})


@pytest.mark.parametrize("event", [assigned(), redispatched()])
def test_a_unit_hears_of_its_assignment_at_once(event: Event) -> None:
    (message,) = plan(envelope(event), BOOK, MORNING)
    assert (message.recipient, message.template, message.send_at) == ("unit:water", Template.ASSIGNED, MORNING)
    assert message.facts["ticket_no"] == NO
    assert message.facts["due_at"] == "2026-03-10T17:15:00+08:00"
    assert message.suppressed == ""


def test_an_escalation_goes_where_dispatch_says_and_not_before_it_says() -> None:
    event = escalated(to="role:command-centre", notify_at=local("11 08:30"))
    (message,) = plan(envelope(event), BOOK, MORNING)
    assert (message.recipient, message.template) == ("role:command-centre", Template.ESCALATED)
    assert message.send_at == local("11 08:30")


def test_an_escalation_without_an_hour_goes_at_once() -> None:
    (message,) = plan(envelope(escalated()), BOOK, MORNING)
    assert message.send_at == MORNING


def test_who_handles_it_is_reminded_before_anybody_above_hears() -> None:
    (message,) = plan(envelope(reminded()), BOOK, MORNING)
    assert (message.recipient, message.template, message.send_at) == ("unit:water", Template.REMINDED, MORNING)
    assert (message.facts["ticket_no"], message.facts["clock"]) == (NO, "RESOLVE")
    assert message.facts["due_at"] == DUE.isoformat()


KNOWN = Endpoint("phone-7", ChannelKind.WEBHOOK, "https://bot.example.org/hook", "bot")


@pytest.mark.parametrize(
    ("person", "book", "recipient"),
    [
        ("W001001-01", AddressBook(exact={"person:W001001-01": KNOWN}), "person:W001001-01"),
        ("W001001-01", AddressBook(beginnings=(("person:W001001", KNOWN),)), "person:W001001-01"),
        ("W001001-02", AddressBook(exact={"person:W001001-01": KNOWN}), "unit:water"),
        ("W001001-01", AddressBook(default=KNOWN), "unit:water"),
        (None, AddressBook(exact={"person:None": KNOWN, "person:": KNOWN}), "unit:water"),
    ],
)
def test_a_reminder_reaches_the_person_where_the_book_has_an_address_and_the_unit_else(
    person: str | None, book: AddressBook, recipient: str
) -> None:
    (message,) = plan(envelope(reminded(person=person)), book, MORNING)
    assert (message.recipient, message.endpoint) == (recipient, book.find(recipient))


def test_the_head_of_a_unit_hears_that_nobody_signed() -> None:
    (message,) = plan(envelope(deemed_signed(urgency=Urgency.U2)), BOOK, MORNING)
    assert (message.recipient, message.template) == ("unit:water", Template.DEEMED_SIGNED)
    assert (message.facts["sign_by"], message.urgency) == ("2026-03-10T10:15:00+08:00", Urgency.U2)


@pytest.mark.parametrize("event", [deemed_signed(deemed=False), deemed_signed(sign_by=None), reminded(ticket_no="")])
def test_a_signature_and_what_older_releases_said_remind_nobody(event: Event) -> None:
    assert plan(envelope(event), BOOK, MORNING) == []


def test_a_hotline_hears_by_what_its_citizen_was_answered() -> None:
    (message,) = plan(envelope(answered()), BOOK, MORNING)
    assert (message.recipient, message.template) == ("source:hotline-12345", Template.ANSWERED)
    assert message.facts == {"ticket_no": NO, "knowledge": "K-7"}


def test_a_hotline_is_asked_to_find_out_whether_help_came_by_day_and_by_night() -> None:
    (message,) = plan(envelope(call_back_asked()), BOOK, MORNING)
    assert (message.recipient, message.template) == ("source:hotline-12345", Template.CALL_BACK)
    assert (message.facts["target"], message.facts["due_at"]) == ("FIRE_119", DUE.isoformat())
    assert (message.urgency, message.policy) == (Urgency.U1, Policy.RESEND)


@pytest.mark.parametrize("event", [reminded, deemed_signed, call_back_asked, answered])
def test_a_drill_reminds_and_tells_nobody(event: Callable[..., Event]) -> None:
    (message,) = plan(envelope(event(exercise=True)), BOOK, MORNING)
    assert message.suppressed == "exercise"


def test_a_hotline_is_asked_to_ask_its_citizen() -> None:
    message = plan_ask(ASKED, follow_up(), BOOK, MORNING)
    assert (message.recipient, message.template) == ("source:hotline-12345", Template.FOLLOW_UP)
    link = "ANSWER/00000000-0000-0000-0000-000000000001/1"
    assert message.facts == {"ticket_no": NO, "cycle": 1, "attempt": 2, "link": link}


def test_an_owner_is_told_of_each_stop_once_and_in_a_story_of_its_own() -> None:
    first, again = (plan_stopped(STOPPED, "https://a/…", BOOK, MORNING) for _ in range(2))
    assert first.id == again.id != plan_stopped(replace(STOPPED, version=4), "https://a/…", BOOK, MORNING).id
    assert (first.recipient, first.ticket_id) == ("owner:city", STOPPED.id)


def test_an_alert_calls_up_its_role_at_once_unless_it_grew_slowly() -> None:
    alert, growth = (plan_alert(UUID(int=8), e, BOOK, MORNING, PLAN) for e in (SURGE, replaced(SURGE, kind="GROWTH")))
    critical = plan_alert(UUID(int=8), replaced(SURGE, kind="CRITICAL"), BOOK, MORNING, PLAN)
    assert (alert.recipient, alert.facts["playbook"]) == ("role:command-centre", "flood")
    assert (alert.facts["plan_zh"], alert.facts["plan_en"]) == ("防汛预案", "Flood plan")
    assert [m.urgency for m in (critical, alert, growth)] == [Urgency.U1, Urgency.U2, Urgency.U3]


@pytest.mark.parametrize("event", [audited(), closed(), reopened()])
def test_other_events_tell_nobody(event: Event) -> None:
    assert plan(envelope(event), BOOK, MORNING) == []


def test_the_same_event_always_plans_the_same_message() -> None:
    first, again = plan(envelope(assigned()), BOOK, MORNING), plan(envelope(assigned()), BOOK, DUE)
    other = plan(envelope(assigned(), version=2), BOOK, MORNING)
    assert first[0].id == again[0].id == UUID("138ca072-993a-5642-8504-f3fc327fad98")
    assert other[0].id != first[0].id


def test_every_template_knows_exactly_the_facts_that_are_planned_for_it() -> None:
    events = (assigned(), escalated(), reminded(), deemed_signed(), call_back_asked(), answered())
    messages = [message for event in events for message in plan(envelope(event), BOOK, MORNING)]
    messages += [plan_ask(ASKED, follow_up(), BOOK, MORNING), plan_stopped(STOPPED, "https://a/…", BOOK, MORNING)]
    silent = envelope(TicketEvaluated(cycle=1, outcome=FollowUpOutcome.UNREACHABLE), version=9)
    messages.append(plan_unreachable(silent, follow_up(), BOOK, MORNING))
    messages.append(plan_alert(UUID(int=8), SURGE, BOOK, MORNING, PLAN))
    assert {m.template: set(m.facts) for m in messages} == {t: set(names) for t, names in FACTS.items()}


def test_a_survey_is_sent_at_most_once_and_an_escalation_again_when_in_doubt() -> None:
    assert plan_ask(ASKED, follow_up(), BOOK, MORNING).policy is Policy.AT_MOST_ONCE
    assert plan(envelope(escalated()), BOOK, MORNING)[0].policy is Policy.RESEND


def test_a_message_goes_through_the_endpoint_in_the_book() -> None:
    bot = Endpoint("bot", ChannelKind.WEBHOOK, "https://bot.example.org/hook", "bot")
    (message,) = plan(envelope(assigned()), AddressBook(exact={"unit:water": bot}), MORNING)
    assert message.endpoint == bot


def test_an_assignment_is_as_urgent_as_its_ticket() -> None:
    assert plan(envelope(assigned(urgency=Urgency.U1)), BOOK, MORNING)[0].urgency is Urgency.U1


def test_a_drill_is_suppressed_with_its_reason_whatever_the_message() -> None:
    told = plan(envelope(assigned(exercise=True)), BOOK, MORNING)
    raised = plan(envelope(escalated()), BOOK, MORNING, {ticket(1)})
    asked = plan_ask(ASKED, follow_up(exercise=True), BOOK, MORNING)
    assert [m.suppressed for m in (*told, *raised, asked)] == ["exercise", "exercise", "exercise"]


def test_a_drill_elsewhere_suppresses_nothing_here() -> None:
    assert plan(envelope(escalated()), BOOK, MORNING, {ticket(2)})[0].suppressed == ""
