"""Planning: which event tells whom what, when, and through which endpoint; and address books that are refused."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.notify.core.contacts import AddressBook, ChannelKind, ContactsRefused, Endpoint, load_contacts
from services.notify.core.message import FACTS, Policy, Template
from services.notify.core.plan import plan, plan_ask
from shared.events import Event, FollowUpAsked
from tests.services.notify.values import (
    DUE,
    MORNING,
    NO,
    assigned,
    audited,
    closed,
    envelope,
    escalated,
    follow_up,
    local,
    redispatched,
    reopened,
    ticket,
)

BOOK = AddressBook()
ASKED = envelope(FollowUpAsked(cycle=1, attempt=2))


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


def test_a_hotline_is_asked_to_ask_its_citizen() -> None:
    message = plan_ask(ASKED, follow_up(), BOOK, MORNING)
    assert (message.recipient, message.template) == ("source:hotline-12345", Template.FOLLOW_UP)
    assert message.facts == {"ticket_no": NO, "cycle": 1, "attempt": 2}


@pytest.mark.parametrize("event", [audited(), closed(), reopened()])
def test_other_events_tell_nobody(event: Event) -> None:
    assert plan(envelope(event), BOOK, MORNING) == []


def test_the_same_event_always_plans_the_same_message() -> None:
    first, again = plan(envelope(assigned()), BOOK, MORNING), plan(envelope(assigned()), BOOK, DUE)
    other = plan(envelope(assigned(), version=2), BOOK, MORNING)
    assert first[0].id == again[0].id == UUID("138ca072-993a-5642-8504-f3fc327fad98")
    assert other[0].id != first[0].id


def test_every_template_knows_exactly_the_facts_that_are_planned_for_it() -> None:
    messages = [*plan(envelope(assigned()), BOOK, MORNING), *plan(envelope(escalated()), BOOK, MORNING)]
    messages.append(plan_ask(ASKED, follow_up(), BOOK, MORNING))
    assert {m.template: set(m.facts) for m in messages} == {t: set(names) for t, names in FACTS.items()}


def test_a_survey_is_sent_at_most_once_and_an_escalation_again_when_in_doubt() -> None:
    assert plan_ask(ASKED, follow_up(), BOOK, MORNING).policy is Policy.AT_MOST_ONCE
    assert plan(envelope(escalated()), BOOK, MORNING)[0].policy is Policy.RESEND


def test_a_drill_is_suppressed_with_its_reason_whatever_the_message() -> None:
    told = plan(envelope(assigned(exercise=True)), BOOK, MORNING)
    raised = plan(envelope(escalated()), BOOK, MORNING, {ticket(1)})
    asked = plan_ask(ASKED, follow_up(exercise=True), BOOK, MORNING)
    assert [m.suppressed for m in (*told, *raised, asked)] == ["exercise", "exercise", "exercise"]


def test_a_drill_elsewhere_suppresses_nothing_here() -> None:
    assert plan(envelope(escalated()), BOOK, MORNING, {ticket(2)})[0].suppressed == ""


BOT = Endpoint("bot", ChannelKind.WEBHOOK, "https://bot.example.org/hook", "bot")
SOURCE: dict[str, Any] = {
    "endpoints": {"bot": {"channel": "webhook", "url": "https://bot.example.org/hook", "secret": "bot"}},
    "contacts": {"unit:water": "bot", "unit:9901*": "bot", "unit:990101*": "console", "source:*": "bot"},
}


@pytest.mark.parametrize(
    ("recipient", "endpoint"),
    [
        ("unit:water", "bot"),
        ("unit:waterworks", "console"),
        ("unit:990102001", "bot"),
        ("unit:990101001", "console"),
        ("source:hotline-12345", "bot"),
        ("role:command-centre", "console"),
        ("", "console"),
    ],
)
def test_the_exact_name_wins_then_the_longest_beginning_then_the_console(recipient: str, endpoint: str) -> None:
    assert load_contacts(SOURCE).find(recipient).name == endpoint


def test_a_message_goes_through_the_endpoint_in_the_book() -> None:
    (message,) = plan(envelope(assigned()), load_contacts(SOURCE), MORNING)
    assert message.endpoint == BOT


def test_the_default_may_be_another_endpoint() -> None:
    assert load_contacts(SOURCE | {"default": "bot"}).find("role:anyone") == BOT


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"default": "pigeon"}, "default: no such endpoint"),
        ({"contacts": {"unit:water": "pigeon"}}, "contacts.unit:water: no such endpoint"),
        ({"contacts": {"water": "console"}}, "must be kind:name"),
        ({"contacts": {"unit:*water": "console"}}, "with \\* at the end only"),
        ({"contacts": ["unit:water"]}, "contacts: must be a table"),
        ({"endpoint": {}}, "endpoint: unknown key"),
        ({"endpoints": {"console": {"channel": "console"}}}, "console is built in"),
        ({"endpoints": {"bot": {"channel": "carrier-pigeon"}}}, "channel must be one of"),
        ({"endpoints": {"bot": {"channel": "console", "url": "https://a.example.org/"}}}, "only a webhook"),
        ({"endpoints": {"bot": {"channel": "webhook", "url": "https://a.example.org/"}}}, "always signed"),
    ],
)
def test_a_wrong_address_book_is_refused_with_the_place_of_the_fault(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContactsRefused, match=complaint):
        load_contacts({"endpoints": SOURCE["endpoints"]} | change)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://bot.example.org/",
        "file:///etc/passwd",
        "//bot.example.org/",
        "https://",
        "https://name:word@bot.example.org/",
        "https://bot.example.org:99999/",
        "https://bot.example.org/#part",
        "https://bot.example.org/a b",
        "https://机器人.example.org/",
        "https://BOT.example.org/",
        "https://[::1/",
    ],
)
def test_an_endpoint_is_a_plain_http_address_and_nothing_else(url: str) -> None:
    endpoint = {"channel": "webhook", "url": url, "secret": "bot"}
    with pytest.raises(ContactsRefused, match=r"endpoints\.bot\.url"):
        load_contacts({"endpoints": {"bot": endpoint}})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "https://[::1]:8443/", "https://bot.example.org"])
def test_a_plain_address_is_taken(url: str) -> None:
    book = load_contacts({"endpoints": {"bot": {"channel": "webhook", "url": url, "secret": "bot"}}})
    assert book.endpoints["bot"] == replace(BOT, url=url)
