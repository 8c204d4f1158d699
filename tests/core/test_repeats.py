"""Who is known again by a phone, what counts as the same matter, and what a repeat leads to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.intake.core.incident_rules import RepeatRules
from services.intake.core.incidents import Trace
from services.intake.core.repeats import (
    NO_REPEAT,
    Prior,
    Sequel,
    caller_number,
    days_since,
    is_said_again,
    judge_repeat,
    plain_address,
)
from services.intake.core.similarity import signature
from shared.terms import TicketId, TicketType, Urgency
from tests.builders import GRID, TUESDAY_MORNING

RULES = RepeatRules(15, 30, 90)
NEW = Trace(
    TicketId(UUID(int=9)), TUESDAY_MORNING, "150101", TicketType.HELP, Urgency.U3, signature("路灯坏了"),
    callers=(b"a", b"b"),
)  # fmt: skip


def ago(days: float) -> datetime:
    """So many days before now."""
    return TUESDAY_MORNING - timedelta(days=days)


def prior(n: int = 1, **changes: Any) -> Prior:
    """An open ticket of ten days ago about the same lamp."""
    facts: dict[str, Any] = {
        "ticket_id": TicketId(UUID(int=n)), "main": TicketId(UUID(int=n)), "category": "150101", "place": GRID,
        "urgency": Urgency.U3, "received_at": ago(10), "closed_at": None,
    }  # fmt: skip
    return Prior(**(facts | changes))


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("13900001234", "13900001234"),
        ("+86 139-0000-1234", "13900001234"),
        ("0086 13900001234", "13900001234"),
        ("１３９００００１２３４", "13900001234"),
        ("0514-88881234", "051488881234"),
        ("139****1234", None),
        ("110", None),
        ("", None),
        ("匿名", None),
        (None, None),
        ("٠١٢٣٤٥٦٧٨٩", None),
    ],
)
def test_a_phone_is_one_number_however_it_is_written(phone: str | None, number: str | None) -> None:
    assert caller_number(phone) == number


@given(st.text(max_size=40))
def test_a_number_is_digits_or_nothing(text: str) -> None:
    number = caller_number(text)
    assert number is None or (number.isascii() and number.isdecimal() and len(number) >= 7)


def test_an_address_is_one_however_it_is_spaced() -> None:
    assert plain_address("东风社区 幸福路１２号。") == plain_address("东风社区幸福路12号")
    assert plain_address("幸福路12号") != plain_address("幸福路13号")
    assert plain_address("。。") == ""


def test_days_are_counted_at_the_countys_midnight() -> None:
    before_midnight = datetime(2026, 3, 9, 15, 59, tzinfo=UTC)  # 23:59 in the county
    assert days_since(before_midnight, before_midnight + timedelta(minutes=2)) == 1
    assert days_since(before_midnight, before_midnight) == 0


@pytest.mark.parametrize(
    ("closed_days_ago", "sequel", "levels_up"),
    [
        (None, Sequel.HASTEN, 0),
        (0, Sequel.REOPEN, 0),
        (15, Sequel.REOPEN, 0),
        (16, Sequel.LINK, 1),
        (20, Sequel.LINK, 1),
        (30, Sequel.LINK, 1),
        (31, None, 0),
        (90, None, 0),
    ],
)
def test_when_it_was_closed_decides_what_follows(
    closed_days_ago: int | None, sequel: Sequel | None, levels_up: int
) -> None:
    old = prior(received_at=ago(100), closed_at=None if closed_days_ago is None else ago(closed_days_ago))
    found = judge_repeat(NEW, GRID, [old], None, TUESDAY_MORNING, RULES)
    assert (found.of, found.sequel, found.levels_up) == (old, sequel, levels_up)


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "150102"},
        {"place": "990101001001002"},
        {"confidential": True},
        {"exercise": True},
        {"closed_at": ago(91), "received_at": ago(100)},
        {"ticket_id": NEW.ticket_id},
    ],
    ids=["other leaf", "other grid", "confidential", "exercise", "long ago", "itself"],
)
def test_another_matter_is_no_repeat(changes: dict[str, Any]) -> None:
    assert judge_repeat(NEW, GRID, [prior(**changes)], None, TUESDAY_MORNING, RULES) == NO_REPEAT


def test_without_a_place_only_the_same_incident_is_the_same_matter() -> None:
    assert judge_repeat(NEW, "", [prior(place="")], None, TUESDAY_MORNING, RULES) == NO_REPEAT
    old = prior(place="", category="150102", main=TicketId(UUID(int=5)))
    found = judge_repeat(NEW, "", [old], TicketId(UUID(int=5)), TUESDAY_MORNING, RULES)
    assert (found.of, found.sequel) == (old, Sequel.HASTEN)


def test_an_open_ticket_goes_before_a_closed_one_and_a_later_before_an_earlier() -> None:
    closed, older = prior(1, closed_at=ago(1)), prior(2, received_at=ago(9))
    newer = prior(3, received_at=ago(2))
    assert judge_repeat(NEW, GRID, [closed, older, newer], None, TUESDAY_MORNING, RULES).of == newer


def test_tickets_on_the_matter_are_counted_without_the_present_one() -> None:
    priors = [prior(n, received_at=ago(40 * n), closed_at=ago(40 * n - 1)) for n in range(4)]
    found = judge_repeat(NEW, GRID, priors[1:], None, TUESDAY_MORNING, RULES)
    assert (found.in_30_days, found.in_window) == (0, 2)


def test_danger_to_life_is_folded_into_danger_to_life_only() -> None:
    danger = replace(NEW, urgency=Urgency.U1)
    assert judge_repeat(danger, GRID, [prior()], None, TUESDAY_MORNING, RULES).sequel is None
    same = judge_repeat(danger, GRID, [prior(urgency=Urgency.U1)], None, TUESDAY_MORNING, RULES)
    assert same.sequel is Sequel.HASTEN


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, True),
        ({"callers": (b"b",)}, True),
        ({"callers": (b"c",)}, False),
        ({"signature": signature("路灯坏了三天")}, False),
        ({"signature": b""}, False),
        ({"lon": 119.2, "lat": 33.4}, False),
        ({"addresses": (1,)}, False),
        ({"area": "990101001"}, False),
        ({"confidential": True}, False),
        ({"exercise": True}, False),
    ],
)
def test_only_what_is_alike_in_everything_is_said_again(changes: dict[str, Any], again: bool) -> None:
    old = replace(NEW, ticket_id=TicketId(UUID(int=1)), **changes)
    assert is_said_again(NEW, old) is again
    assert is_said_again(old, NEW) is again


def test_the_same_words_about_places_thirty_metres_apart_are_said_again() -> None:
    here = replace(NEW, lon=119.225, lat=33.378)
    assert is_said_again(here, replace(here, lat=33.378 + 29 / 111_195))
    assert not is_said_again(here, replace(here, lat=33.378 + 31 / 111_195))
    nameless = replace(here, lon=None, lat=None, addresses=(1, 2))
    assert is_said_again(nameless, replace(nameless, addresses=(2,)))
    assert not is_said_again(nameless, replace(nameless, addresses=(3,)))
