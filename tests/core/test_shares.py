"""Which units have a matter in hand: shares begin and end as dispatch tells, and places answer for what lies in them."""

from uuid import UUID

import pytest

from services.intake.core.shares import Shares, answering, shares_after
from services.intake.core.units_above import read_units_above
from shared.events import Envelope, Event, TicketReturned, event_id
from shared.joint_events import TicketRecalled, TicketSupportWaived
from shared.terms import AssignmentId, AssignmentKind, ReturnReason, Source
from tests.builders import AREA
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


def test_the_department_above_a_station_answers_for_it_and_so_does_the_township_above_a_team() -> None:
    above = {"traffic-east": "traffic-police", "traffic-police": "police", "east-team": "township:990101001"}
    assert answering(["traffic-east"], above) == ("traffic-east", "traffic-police", "police")
    assert answering(["east-team", "police"], above) == ("east-team", "township:990101001", "police")


def test_a_table_in_which_two_units_stand_above_each_other_has_an_end() -> None:
    assert answering(["a"], {"a": "b", "b": "a"}) == ("a", "b")


def test_who_stands_above_whom_is_read_from_either_table() -> None:
    table = b'command_centre = "cc"\n[[unit]]\nid = "cc"\n[[unit]]\nid = "east-team"\nparent = "township:990101001"\n'
    sheet = "id,zh,parent\neast-team,东风综合执法队, township:990101001\ncc,指挥中心,\n"
    assert read_units_above("units.toml", table) == {"east-team": "township:990101001"}
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        assert read_units_above("units.csv", sheet.encode(encoding)) == {"east-team": "township:990101001"}


def test_what_is_no_table_of_units_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid"):
        read_units_above("units.toml", b"unit = [[[")


def test_our_own_county_has_stations_below_its_townships() -> None:
    above = read_units_above("units.toml", (AREA / "units.toml").read_bytes())
    assert answering(["daoxiang-mediation"], above) == ("daoxiang-mediation", "township:990101101")
