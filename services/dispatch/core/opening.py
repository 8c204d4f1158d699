"""Taking a triaged matter on: its size and deadline; then it is dispatched, or waits for the one it is merged into."""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.dispatch.core.answering import answered_at_the_door
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadlines import Due, earliest
from services.dispatch.core.dispatching import dispatch
from services.dispatch.core.escalation import escalate
from services.dispatch.core.extent import Extent, extent_of, is_complex_by
from services.dispatch.core.incidents import wait_from_the_start
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook, window_row
from services.dispatch.core.self_fixed import finder, settle
from services.dispatch.core.size_review import begin_review
from services.dispatch.core.sizing import CASE_CHANNELS, case_class_of, first_size_of, is_doubtful
from services.dispatch.core.standstill import stand_still_from_the_start
from services.dispatch.core.story import Decision, Story
from shared.events import TicketTriaged
from shared.terms import Light, MatterSize, TicketId

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_BIG, _ACCEPTED, _GREEN = MatterSize.BIG, TicketState.ACCEPTED, Light.GREEN
DISPATCHED_LATE: Final = "DISPATCHED_LATE"
"""The rule that says that accepting and dispatching (T01, T02) took longer than they may; such tickets are counted."""


def open_case(
    ticket_id: TicketId, matter: TicketTriaged, book: Rulebook, org: Org, now: datetime, verifiers: tuple[str, ...] = ()
) -> Decision:
    """The first decision on a ticket: it leaves ACCEPTED at once, with exactly one lead and running clocks.

    `verifiers` accepted the results of earlier tickets on the matter.
    A ticket that triage merged into another one leaves it too, and waits without either; one that a patrol has fixed
    already goes through to its result, and what the hotline has answered in the call ends with that.
    """
    extent = extent_of(matter)
    found = case_class_of(matter, matter.channel, book) if matter.channel in CASE_CHANNELS else None
    if found is None:
        size, size_rule = first_size_of(matter, book, extent)
    else:
        size, size_rule = MatterSize.UNSIZED, f"SIZE_CITY_CASE case_class={found.code}"
    is_complex = size is _BIG and _is_complex(matter, extent, book)
    if found is None:
        limits = book.resolve_limits(matter.ticket_type, size, matter.urgency, is_complex=is_complex)
    else:
        limits = (found.limit,)
    due = earliest(limits, matter.accepted_at, book.calendar, book.roster)
    # What every case has goes by its place: a keyword is looked for among all sixty fields, and there would be thirty.
    case = Case(
        ticket_id, 0, matter.ticket_no, matter.source, matter.channel, _ACCEPTED, None, matter.ticket_type,
        matter.category, matter.urgency, size, str(due.limit), matter.county, matter.township, matter.village,
        matter.grid, matter.accepted_at, matter.accepted_at, due.at, 1, _GREEN, 0, 0, 0, matter.exercise,
        matter.confidential, None, None, book.pack,
        confidence=matter.confidence, least_urgency=matter.urgency,
        complained_about=matter.complained_about, repeat=matter.repeat_of is not None or matter.repeats_30d > 0,
        vulnerable=matter.vulnerable, is_complex=is_complex, extent=extent, levels_up=matter.levels_up,
        case_class=None if found is None else found.code, verifiers=verifiers,
    )  # fmt: skip
    story = Story(case, book, org, now, why=[size_rule])
    if now - matter.accepted_at > book.assigned_within[window_row(size, matter.urgency)]:
        story.why.append(f"{DISPATCHED_LATE} accepted_at={matter.accepted_at.isoformat()}")
    if matter.merged_into is not None:
        wait_from_the_start(story, matter.merged_into)
    elif (matter.self_fixed_by is None and matter.answered_by is None) or not _is_settled(story, matter, due):
        dispatch(story, due)
        if found is None and is_doubtful(matter, size_rule, book, extent):
            begin_review(story)
        if org.standstills:
            stand_still_from_the_start(story)
        if matter.repeats_90d:
            _watch_repeats(story, matter.repeats_90d + 1)
    return story.decision()


def _is_settled(story: Story, matter: TicketTriaged, due: Due) -> bool:
    """Whether nobody has anything to do any more: it was answered in the call, or a patrol has fixed it."""
    if matter.answered_by is not None and answered_at_the_door(story, matter.answered_by):
        return True
    fixer = finder(story, matter.self_fixed_by) if matter.self_fixed_by is not None else None
    if fixer is None:
        return False
    settle(story, due, fixer)
    return True


def _is_complex(matter: TicketTriaged, extent: Extent | None, book: Rulebook) -> bool:
    """Whether so many units owe it, or it came up so often, that units must meet; a report stays a report."""
    if matter.ticket_type not in book.sizing.sized_types:
        return False
    return is_complex_by(extent, book.sizing) or matter.repeats_90d + 1 >= book.repeats.complex_from


def _watch_repeats(story: Story, times: int) -> None:
    """What came up so often is supervised, and a person looks at its result."""
    if times < story.book.repeats.supervise_from:
        return
    story.why.append(f"REPEATS_SUPERVISED count={times}")
    story.case = replace(story.case, by_person=True)
    escalate(story, "REPEATS", 1, story.case.due_at)
