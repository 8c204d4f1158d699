"""Taking a triaged matter on: its size, its lead, its deadline, its clocks."""

from datetime import datetime

from services.dispatch.core.assignment import lead_unit
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadlines import earliest
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.sizing import size_of
from services.dispatch.core.story import Clock, Decision, Story
from shared.events import TicketTriaged
from shared.terms import Light, TicketId


def open_case(ticket_id: TicketId, matter: TicketTriaged, book: Rulebook, org: Org, now: datetime) -> Decision:
    """The first decision on a ticket: it leaves ACCEPTED at once, with exactly one lead and running clocks."""
    size, size_rule = size_of(matter, book)
    unit, lead_rule = lead_unit(matter, size, org, book)
    limits = book.resolve_limits(matter.ticket_type, size, matter.urgency)
    due = earliest(limits, matter.accepted_at, book.calendar, book.roster)
    case = Case(
        ticket_id=ticket_id, version=0, ticket_no=matter.ticket_no, source=matter.source, channel=matter.channel,
        state=TicketState.DISPATCHED, previous_state=TicketState.ACCEPTED, ticket_type=matter.ticket_type,
        category=matter.category, urgency=matter.urgency, size=size, limit=str(due.limit), county=matter.county,
        township=matter.township, village=matter.village, grid=matter.grid, accepted_at=matter.accepted_at,
        started_at=matter.accepted_at, due_at=due.at, cycle=1, light=Light.GREEN, level=0, redispatches=0, reopens=0,
        exercise=matter.exercise, confidential=matter.confidential, closed_at=None, close_reason=None,
        rule_pack=book.pack,
    )  # fmt: skip
    story = Story(case, book, org, now)
    provisional = " provisional" if due.is_provisional else ""
    story.why += [size_rule, lead_rule, f"DUE_EARLIEST limit={due.limit} due_at={due.at.isoformat()}{provisional}"]
    story.assign_lead(unit, due.at)
    story.start(Clock.RESOLVE, due.limit, matter.accepted_at, due.at)
    return story.decision()
