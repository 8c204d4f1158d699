"""Taking a triaged matter on: its size and deadline; then it is dispatched, or waits for the one it is merged into."""

from datetime import datetime

from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadlines import earliest
from services.dispatch.core.dispatching import dispatch
from services.dispatch.core.incidents import wait_from_the_start
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.self_fixed import finder, settle
from services.dispatch.core.sizing import first_size_of
from services.dispatch.core.story import Decision, Story
from shared.events import TicketTriaged
from shared.terms import Light, TicketId


def open_case(ticket_id: TicketId, matter: TicketTriaged, book: Rulebook, org: Org, now: datetime) -> Decision:
    """The first decision on a ticket: it leaves ACCEPTED at once, with exactly one lead and running clocks.

    A ticket that triage merged into another one leaves it too, and waits without either; one that a patrol has fixed
    already goes through to its result.
    """
    size, size_rule = first_size_of(matter, book)
    limits = book.resolve_limits(matter.ticket_type, size, matter.urgency)
    due = earliest(limits, matter.accepted_at, book.calendar, book.roster)
    case = Case(
        ticket_id=ticket_id, version=0, ticket_no=matter.ticket_no, source=matter.source, channel=matter.channel,
        state=TicketState.ACCEPTED, previous_state=None, ticket_type=matter.ticket_type,
        category=matter.category, urgency=matter.urgency, size=size, limit=str(due.limit), county=matter.county,
        township=matter.township, village=matter.village, grid=matter.grid, accepted_at=matter.accepted_at,
        started_at=matter.accepted_at, due_at=due.at, cycle=1, light=Light.GREEN, level=0, redispatches=0, reopens=0,
        exercise=matter.exercise, confidential=matter.confidential, closed_at=None, close_reason=None,
        rule_pack=book.pack, confidence=matter.confidence, least_urgency=matter.urgency,
        complained_about=matter.complained_about, repeat=matter.repeat_of is not None or matter.repeats_30d > 0,
        vulnerable=matter.vulnerable,
    )  # fmt: skip
    story = Story(case, book, org, now, why=[size_rule])
    if matter.merged_into is not None:
        wait_from_the_start(story, matter.merged_into)
    elif matter.self_fixed_by is not None and (found := finder(story, matter.self_fixed_by)) is not None:
        settle(story, due, found)
    else:
        dispatch(story, due)
    return story.decision()
