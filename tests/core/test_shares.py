"""Which units have a matter in hand: shares begin and end as dispatch tells, and places answer for what lies in them."""

from uuid import UUID

import pytest

from services.intake.core.shares import Shares, answering, shares_after
from shared.events import Envelope, Event, TicketReturned, event_id
from shared.joint_events import TicketRecalled, TicketSupportWaived
from shared.terms import AssignmentId, AssignmentKind, ReturnReason, Source
from tests.services.notify.values import MORNING, assigned, ticket

FIRST, SECOND = AssignmentId(UUID(int=1)), AssignmentId(UUID(int=2))


def after(*events: Event) -> Shares:
    return shares_after(
        Envelope(event_id(Source.DISPATCH, ticket(1), n), Source.DISPATCH, ticket(1), n, MORNING, event)
        for n, event in enumerate(events, 1)
    )


def test_lead_and_support_have_it_in_hand() -> None:
    found = after(
        assigned(assignment_id=FIRST, unit="water"),
        assigned(assignment_id=SECOND, unit="traffic", kind=AssignmentKind.SUPPORT),
    )
    assert found == Shares({FIRST: (ticket(1), "water"), SECOND: (ticket(1), "traffic")}, set())


@pytest.mark.parametrize(
    "end",
    [
        TicketReturned(assignment_id=FIRST, unit="water", reason=ReturnReason.NOT_OUR_DUTY),
        TicketRecalled(assignment_id=FIRST, unit="water", kind=AssignmentKind.LEAD),
        TicketSupportWaived(assignment_id=FIRST, unit="water", cycle=1, reason="r"),
    ],
)
def test_who_gave_it_back_was_recalled_or_let_off_has_it_no_more(end: Event) -> None:
    assert after(assigned(assignment_id=FIRST, unit="water"), end) == Shares({}, {FIRST})
    assert after(end) == Shares({}, {FIRST})


def test_a_ticket_whose_support_was_waived_before_there_was_any_ends_nothing() -> None:
    assert after(TicketSupportWaived(cycle=1, reason="r")) == Shares()


def test_places_above_a_grid_answer_for_it_and_nobody_beside() -> None:
    assert answering(["grid:990101001001001", "water"]) == (
        "grid:990101001001001", "village:990101001001", "township:990101001", "water",
    )  # fmt: skip
    assert answering(["village:990101001001"]) == ("village:990101001001", "township:990101001")
    assert answering(["township:990101001", "grid:x", ""]) == ("township:990101001", "grid:x", "")
