"""What a patrol found and has fixed already (自办件): its unit leads, and its result is in at once."""

from typing import Final

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, first_admitted
from services.dispatch.core.auditing import submit_lead
from services.dispatch.core.case import Assignment, AssignmentState, TicketState
from services.dispatch.core.deadlines import Due
from services.dispatch.core.guards import Verdict
from services.dispatch.core.lifecycle import move, step
from services.dispatch.core.org import Org
from services.dispatch.core.story import Clock, Result, Story
from shared.events import TicketSigned
from shared.terms import AssignmentKind

SELF_FIXED: Final = "SELF_FIXED"
"""The action of such a result."""
REPLY: Final = "网格巡查发现，已当场处置"
_PLACES: Final = {9: "township", 12: "village", 15: "grid"}


def finder(story: Story, named: str) -> tuple[str, Verdict] | None:
    """The unit that a patrol went out from, named by its id or the code of its place, if the guards let it lead."""
    unit = _unit(named, story.org)
    if unit is None:
        story.why.append(f"SELF_FIXED_BY_UNKNOWN unit={named}")
        return None
    candidates = ((unit, f"LEAD_SELF_FIXED unit={unit}"),)
    return first_admitted(story, candidates, AssignmentKind.LEAD, story.today)


def settle(story: Story, due: Due, found: tuple[str, Verdict]) -> None:
    """Take an accepted case, whose deadline is `due`, to its end: assigned to the finder, resolved, audited.

    Where such a result needs evidence the finder has yet to hand it in, and the ticket stays in hand.
    """
    unit, verdict = found
    story.case = move(story.case, TicketState.DISPATCHED)
    story.why.append(f"DUE_EARLIEST limit={due.limit} due_at={due.at.isoformat()}")
    lead = assign(story, unit, AssignmentKind.LEAD, due.at, verdict)
    if story.book.audit.evidence_for(story.case.category):
        story.why.append("SELF_FIXED_EVIDENCE_NEEDED")
        story.start(Clock.RESOLVE, due.limit, story.case.accepted_at, due.at)
        return
    lead = _worked(story, lead)
    story.results.append(Result(lead.id, SELF_FIXED, REPLY))
    submit_lead(story, lead, SELF_FIXED)


def _worked(story: Story, lead: Assignment) -> Assignment:
    """The lead's share with every step of the work behind it."""
    now = story.now
    story.events.append(TicketSigned(assignment_id=lead.id, unit=lead.unit))
    signed = replace(step(lead, AssignmentState.SIGNED, now), signed_at=now)
    handled = replace(step(signed, AssignmentState.HANDLING, now), handler=lead.unit, first_disposed_at=now)
    return replace(step(handled, AssignmentState.SUBMITTED, now), submitted_at=now)


def _unit(named: str, org: Org) -> str | None:
    """The id of the unit; a bare code stands for its place."""
    known = (named, f"{_PLACES.get(len(named), '')}:{named}")
    return next((unit for unit in known if unit in org.units), None)
