"""What subscribers hear of: wishes, what is known of a ticket by then, and words that are thin."""

import json
from typing import Any
from uuid import UUID

import pytest

from services.notify.core.subscription import (
    PING,
    TELLABLE,
    News,
    Subject,
    Wish,
    fits,
    learn,
    message_id,
    payload,
    shown_url,
    tell,
)
from services.notify.core.target import Target
from shared.events import UNREAD, Event, UnrecognisedEvent
from tests.builders import triaged
from tests.services.notify.values import MORNING, assigned, audited, envelope, escalated, ticket

NEWS = News(
    UUID(int=3), ticket(1), "/griddispatch/dispatch", 2, "org.griddispatch.ticket.signed.v1", MORNING, "water", "150101",
    "990101001", "990101001001001", False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("wish", "hears"),
    [
        ({}, True),
        ({"types": {"org.griddispatch.ticket.signed.v1"}}, True),
        ({"types": {"org.griddispatch.ticket.closed.v1"}}, False),
        ({"units": {"water", "gas"}}, True),
        ({"units": {"gas"}}, False),
        ({"categories": {"15"}}, True),
        ({"categories": {"1501", "02"}}, True),
        ({"categories": {"02"}}, False),
        ({"areas": {"990101"}}, True),
        ({"areas": {"990101001001001"}}, True),
        ({"areas": {"990101001001002"}}, False),
        ({"units": {"water"}, "areas": {"990102"}}, False),
    ],
)
def test_every_list_that_is_not_empty_must_fit(wish: dict[str, Any], hears: bool) -> None:
    lists: dict[str, Any] = {name: frozenset(codes) for name, codes in wish.items()}
    assert fits(Wish(**lists), NEWS) is hears


def test_what_is_not_known_yet_fits_no_list_but_the_empty_one() -> None:
    early = tell(envelope(audited()), Subject())
    assert early is not None
    assert fits(Wish(), early)
    assert not fits(Wish(areas=frozenset({"99"})), early)
    assert not fits(Wish(categories=frozenset({"15"})), early)


def test_what_became_known_is_said_with_later_events_that_do_not_say_it() -> None:
    subject = learn(learn(Subject(), triaged()), assigned(unit="gas", category="150102", township="990101001"))
    news = tell(envelope(audited(unit="gas")), subject)
    assert news is not None
    assert (news.unit, news.category, news.township) == ("gas", "150102", "990101001")


def test_an_event_that_names_its_own_unit_is_about_that_one() -> None:
    news = tell(envelope(escalated(unit="power")), Subject(unit="water"))
    assert news is not None
    assert news.unit == "power"


@pytest.mark.parametrize("event", [UNREAD, UnrecognisedEvent(name="org.example.x.v1")])
def test_what_was_not_read_is_not_told(event: Event) -> None:
    assert tell(envelope(event), Subject()) is None


def test_leads_can_never_be_subscribed_to() -> None:
    assert not [name for name in TELLABLE if "lead" in name or "routed" in name]
    assert "org.griddispatch.ticket.assigned.v1" in TELLABLE


def test_the_words_are_thin_and_always_the_same() -> None:
    assert json.loads(payload(NEWS, MORNING)) == {
        "type": "org.griddispatch.ticket.signed.v1", "timestamp": "2026-03-10T09:15:00+08:00",
        "data": {
            "event_id": "00000000-0000-0000-0000-000000000003", "source": "/griddispatch/dispatch",
            "ticket_id": "00000000-0000-0000-0000-000000000001", "version": 2, "unit": "water", "category": "150101",
            "township": "990101001", "grid": "990101001001001", "exercise": False,
        },
    }  # fmt: skip
    assert json.loads(payload(None, MORNING)) == {"type": PING, "timestamp": MORNING.isoformat(), "data": {}}


def test_two_receivers_never_share_a_message_id_and_a_replay_keeps_it() -> None:
    assert message_id(UUID(int=1), NEWS, 5) == message_id(UUID(int=1), NEWS, 99)
    assert message_id(UUID(int=1), NEWS, 5) != message_id(UUID(int=2), NEWS, 5)
    assert message_id(UUID(int=1), None, 5) != message_id(UUID(int=1), None, 6)


def test_an_address_is_shown_without_its_path() -> None:
    assert shown_url(Target("https", "hook.example.org", 8443, "/token")) == "https://hook.example.org:8443/…"
