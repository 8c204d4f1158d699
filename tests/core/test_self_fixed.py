"""What a patrol found and fixed by itself: one decision from the finding to the end, and nobody is asked."""

from dataclasses import replace
from typing import Any

import pytest

from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.opening import open_case
from services.dispatch.core.story import Clock, Decision
from shared.events import TicketAssigned, TicketAudited, TicketClosed, TicketResolved, TicketSigned
from shared.terms import Channel, CloseReason, MatterSize
from tests.builders import GRID, TUESDAY_MORNING, org, rulebook, ticket, triaged

BOOK, ORG = rulebook(), org()
GRID_UNIT = f"grid:{GRID}"


def fixed(by: str = GRID, **changes: Any) -> Decision:
    """The decision on a matter that a patrol has fixed."""
    facts = {"channel": Channel.GRID_PATROL, "self_fixed_by": by} | changes
    return open_case(ticket(1), triaged(**facts), BOOK, ORG, TUESDAY_MORNING)


def running(decision: Decision) -> set[Clock]:
    return {key.clock for key, timer in decision.timers.items() if timer is not None}


@pytest.mark.parametrize("by", [GRID, GRID_UNIT])
def test_what_a_patrol_fixed_is_resolved_by_its_unit_at_once_and_nobody_is_asked(by: str) -> None:
    decision = fixed(by)
    assigned, signed, resolved, audited, closed = decision.events
    assert isinstance(assigned, TicketAssigned) and assigned.unit == GRID_UNIT
    assert isinstance(signed, TicketSigned) and not signed.deemed
    assert isinstance(resolved, TicketResolved) and (resolved.action, resolved.on_time) == ("SELF_FIXED", True)
    assert isinstance(audited, TicketAudited) and not audited.follow_up
    assert isinstance(closed, TicketClosed) and closed.reason is CloseReason.NO_FOLLOW_UP_DUE
    assert decision.case.state is TicketState.CLOSED
    assert decision.case.lead.state is AssignmentState.ACCEPTED_RESULT
    assert running(decision) == set() and decision.case.clocks == {}
    (result,) = decision.results
    assert (result.action, result.assignment_id) == ("SELF_FIXED", decision.case.lead.id)


def test_a_big_matter_that_was_fixed_needs_no_support() -> None:
    decision = fixed(category="180201")
    assert decision.case.size is MatterSize.BIG
    assert [a.unit for a in decision.case.assignments] == [GRID_UNIT]
    assert decision.case.state is TicketState.CLOSED


def test_a_patrol_of_a_village_is_found_by_its_code_too() -> None:
    assert fixed("990101001001").case.lead.unit == "village:990101001001"


def test_a_result_that_needs_evidence_is_still_to_be_handed_in_by_who_fixed_it() -> None:
    book = replace(BOOK, audit=replace(BOOK.audit, evidence={"1501": 1}))
    matter = triaged(channel=Channel.GRID_PATROL, self_fixed_by=GRID)
    decision = open_case(ticket(1), matter, book, ORG, TUESDAY_MORNING)
    assert (decision.case.state, decision.case.lead.unit) == (TicketState.DISPATCHED, GRID_UNIT)
    assert Clock.RESOLVE in running(decision)
    assert "SELF_FIXED_EVIDENCE_NEEDED" in decision.explanation


def test_where_results_wait_for_an_auditor_this_one_does_too() -> None:
    book = replace(BOOK, audit=replace(BOOK.audit, automatic_for=frozenset()))
    matter = triaged(channel=Channel.GRID_PATROL, self_fixed_by=GRID)
    decision = open_case(ticket(1), matter, book, ORG, TUESDAY_MORNING)
    assert (decision.case.state, running(decision)) == (TicketState.RESOLVED, {Clock.AUDIT})


@pytest.mark.parametrize(
    ("by", "changes", "why"),
    [
        ("nobody", {}, "SELF_FIXED_BY_UNKNOWN unit=nobody"),
        (GRID, {"complained_about": GRID_UNIT}, "CANDIDATE_REFUSED unit"),
    ],
)
def test_who_is_unknown_or_complained_about_settles_nothing(by: str, changes: dict[str, Any], why: str) -> None:
    decision = fixed(by, **changes)
    assert decision.case.state is TicketState.DISPATCHED
    assert any(line.startswith(why) for line in decision.explanation)
    assert decision.results == ()
