"""Sending a matter to whom it belongs for the first time: its lead, its deadline, its parts, its clocks."""

from datetime import datetime
from functools import lru_cache

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, lead_in_place
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadlines import Due, Limit, earliest
from services.dispatch.core.joint import begin
from services.dispatch.core.leading import lead_of
from services.dispatch.core.lifecycle import move
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import Rulebook, window_row
from services.dispatch.core.story import Clock, Story
from shared.terms import AssignmentKind, MatterSize

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_SMALL, _IN_HAND, _LEAD, _RESOLVE = MatterSize.SMALL, TicketState.DISPATCHED, AssignmentKind.LEAD, Clock.RESOLVE


def limits_of(case: Case, book: Rulebook) -> tuple[Limit, ...]:
    """The limits that bind a case: that of its class if it is a city-management case, else those of its size."""
    found = book.case_classes.get(case.case_class) if case.case_class else None
    if found is not None:
        return (found.limit,)
    return book.resolve_limits(case.ticket_type, case.size, case.urgency, is_complex=case.is_complex)


def due_of(case: Case, book: Rulebook) -> Due:
    """The citizen's deadline, counted from when the matter was accepted: of all limits that hold the earliest."""
    limits = limits_of(case, book)
    return earliest(limits, case.accepted_at, book.calendar, book.roster)


@lru_cache(maxsize=4096)
def _due_line(limit: Limit, due_at: datetime, is_provisional: bool) -> str:
    """Why it is due then: most matters of a day share one of a few deadlines."""
    provisional = " provisional" if is_provisional else ""
    return f"DUE_EARLIEST limit={limit} due_at={due_at.isoformat()}{provisional}"


def dispatch(story: Story, due: Due) -> None:
    """Take an accepted case, whose deadline is `due`, to DISPATCHED: one lead, its parts, running clocks."""
    story.case = move(story.case, _IN_HAND)
    chosen = None
    if story.case.size is _SMALL:
        chosen = lead_in_place(story)
        due = due if chosen else _big_after_all(story)
    unit, verdict = chosen or lead_of(story)
    story.why.append(_due_line(due.limit, due.at, due.is_provisional))
    lead = assign(story, unit, _LEAD, due.at, verdict)
    case, book = story.case, story.book
    story.start(_RESOLVE, due.limit, case.started_at, due.at)
    begin(story)
    unsure = case.confidence is not None and case.confidence < book.least_confidence
    if unsure and lead.unit == story.org.command_centre:
        row = window_row(story.case.size, story.case.urgency)
        story.start_once(Clock.CATEGORY, book.timers[TimerName.DISPATCH_BY_HAND][row])


def _big_after_all(story: Story) -> Due:
    """What its place may not lead is not small: a place that answers for it alone is part of being small."""
    big = replace(story.case, size=MatterSize.BIG)
    due = due_of(big, story.book)
    story.why.append("SIZE_BIG_NOT_FOR_ITS_PLACE")
    story.case = replace(big, limit=str(due.limit), due_at=due.at)
    return due
