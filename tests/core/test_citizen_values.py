"""What a citizen, and who speaks with them, is shown: public states, inert markup, masks, pages and Open311's view."""

from dataclasses import replace
from datetime import UTC, datetime
from json import dumps
from typing import Any
from uuid import UUID

import pytest

from services.intake.core.categories import read_categories
from services.intake.core.citizen_view import Shown, Step, ask_page, ticket_page
from services.intake.core.location import Gazetteer
from services.intake.core.open311 import catalogue_of
from services.intake.core.open311_query import Status
from services.intake.core.open311_view import Shown as Listed
from services.intake.core.open311_view import request_document, spots_of
from services.intake.core.privacy import Guard, masked_name, masked_phone
from services.intake.core.progress import PublicState, public_state_after
from shared.erasing import digest_of
from shared.events import Event, TicketAudited, TicketClosed, TicketReopened, TicketResolved, TicketSigned
from shared.joint_events import TicketResolvedWith
from shared.markup import element, together
from shared.terms import AssignmentId, CloseReason
from tests.builders import GRID, TUESDAY_MORNING, categories, grids, ticket
from tests.services.notify.values import answered

SHARE = AssignmentId(UUID(int=9))
AT = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
PAGE = Shown("123", "ABCDEF", {"public_state": PublicState.IN_HAND}, (Step(AT, "已受理"),))


def audited(*, follow_up: bool) -> TicketAudited:
    return TicketAudited(ticket_no="1", source="s", assignment_id=SHARE, unit="u", cycle=1, follow_up=follow_up)


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (TicketReopened(cycle=2, due_at=AT), PublicState.IN_HAND),
        (TicketResolvedWith(into=ticket(1), assignment_id=SHARE, unit="u", cycle=1), PublicState.RESOLVED),
        (audited(follow_up=True), PublicState.AWAITING_EVALUATION),
        (audited(follow_up=False), None),
        (TicketClosed(reason=CloseReason.EVALUATED, cycle=1), PublicState.CLOSED),
        (TicketResolved(assignment_id=SHARE, unit="u", action="DONE", cycle=1, on_time=True), PublicState.RESOLVED),
        (TicketSigned(assignment_id=SHARE, unit="u"), None),
        (answered(), PublicState.CLOSED),
    ],
)
def test_five_names_for_all_that_may_go_on(event: Event, state: PublicState | None) -> None:
    assert public_state_after(event) is state


def test_a_text_is_made_inert_when_it_is_put_in() -> None:
    assert element("p", "<b>\u202e", title='"x"', hidden=True, id=None, lang=False) == (
        '<p title="&quot;x&quot;" hidden>&lt;b&gt;</p>'
    )
    assert together(element("br"), "&") == "<br>&amp;"
    with pytest.raises(ValueError, match="no HTML"):
        element("p onclick", "x")


@pytest.mark.parametrize(
    ("phone", "shown"), [("138 1234 5678", "138****5678"), ("12345", "****"), ("", None), (None, None)]
)
def test_a_phone_is_masked(phone: str | None, shown: str | None) -> None:
    assert masked_phone(phone) == shown


def test_a_name_is_masked_and_ids_have_one_digest() -> None:
    assert [masked_name(name) for name in ("邓小敏", " ", None)] == ["邓**", None, None]
    assert digest_of([UUID(int=1), UUID(int=2)]) == digest_of([UUID(int=2), UUID(int=1)])


@pytest.mark.parametrize(
    ("unit", "person", "blocked"),
    [
        ("990101001001", None, True),
        ("990101002", None, False),
        ("housing", None, True),
        ("housing-2", None, False),
        (None, "w1", True),
        (None, "w2", False),
    ],
)
def test_who_has_an_interest_does_not_look(unit: str | None, person: str | None, blocked: bool) -> None:
    assert Guard(False, ("990101001", "housing"), ("w1",)).blocks(unit, person) is blocked


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_that_asks_is_in_the_language_asked_for(language: str) -> None:
    page = ask_page(language, "123")
    assert f'lang="{"en" if language == "en" else "zh-CN"}"' in page and 'value="123"' in page


@pytest.mark.parametrize(
    ("changes", "offers", "offers_not"),
    [
        ({}, ["/c/supplement", "/c/hasten", "/c/withdraw"], ["/c/rate", "/c/reopen"]),
        ({"view": {"public_state": PublicState.IN_HAND, "withdrawal_asked": True}}, ["/c/hasten"], ["/c/withdraw"]),
        ({"view": {"public_state": PublicState.CLOSED}, "may_reopen": True}, ["/c/reopen"], ["/c/hasten"]),
        ({"view": {"public_state": PublicState.AWAITING_EVALUATION}, "rating": True}, ["/c/rate"], []),
        ({"view": {"public_state": PublicState.AWAITING_EVALUATION}}, [], ["/c/rate"]),
        ({"view": {"public_state": "未受理", "reason": "没有新的事实"}}, ["没有新的事实"], ["/c/hasten"]),
    ],
)
def test_the_page_offers_what_may_be_done_now(
    changes: dict[str, Any], offers: list[str], offers_not: list[str]
) -> None:
    page = ticket_page("zh", replace(PAGE, **changes))
    assert [one for one in offers if one not in page] == []
    assert [one for one in offers_not if one in page] == []


CATALOGUE = catalogue_of(read_categories(categories()), {})
GAZETTEER = Gazetteer.from_geojson(dumps(grids()))


def listed(**changes: Any) -> dict[str, object]:
    facts: dict[str, Any] = {
        "ticket_id": UUID(int=1), "ticket_no": "123", "public_state": PublicState.IN_HAND, "received_at": AT,
        "updated_at": TUESDAY_MORNING, "category": "150101", "township": GRID[:9], "village": GRID[:12], "grid": GRID,
        "withheld": False,
    }  # fmt: skip
    return request_document(Listed(**(facts | changes)), CATALOGUE, spots_of(GAZETTEER))


def test_a_ticket_is_shown_with_its_grids_own_point_and_no_words() -> None:
    shown = listed()
    assert (shown["status"], shown["service_code"], shown["address_id"]) == (Status.OPEN.value, "150101", GRID)
    assert isinstance(shown["lat"], float) and shown["description"] is None
    assert shown["requested_datetime"] == "2026-03-10T01:15:00Z"


def test_a_coarse_place_has_a_name_and_no_point() -> None:
    village = listed(grid=None, public_state=PublicState.CLOSED)
    assert (village["status"], village["lat"], village["address_id"]) == ("closed", None, GRID[:12])
    assert listed(grid=None, village=None)["address_id"] == GRID[:9]


def test_of_what_is_withheld_only_its_progress_is_shown() -> None:
    shown = listed(withheld=True)
    assert {name: shown[name] for name in ("service_code", "address", "address_id", "requested_datetime", "lat")} == {
        "service_code": None, "address": None, "address_id": None, "requested_datetime": None, "lat": None,
    }  # fmt: skip
    assert shown["status_notes"] == "办理中 / In hand"
