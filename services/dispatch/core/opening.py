"""Taking a triaged matter on: its size, its lead, who supports it, its deadline, its clocks."""

from datetime import datetime

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, choose_lead, lead_in_place
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadlines import Due, earliest
from services.dispatch.core.joint import begin
from services.dispatch.core.org import Org
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import Rulebook, window_row
from services.dispatch.core.sizing import Sizable, size_of
from services.dispatch.core.story import Clock, Decision, Story
from shared.events import TicketTriaged
from shared.terms import AssignmentKind, Light, MatterSize, TicketId


def open_case(ticket_id: TicketId, matter: TicketTriaged, book: Rulebook, org: Org, now: datetime) -> Decision:
    """The first decision on a ticket: it leaves ACCEPTED at once, with exactly one lead and running clocks."""
    size, size_rule = size_of(_sizable(matter), book)
    due = _due(matter, size, book)
    case = Case(
        ticket_id=ticket_id, version=0, ticket_no=matter.ticket_no, source=matter.source, channel=matter.channel,
        state=TicketState.DISPATCHED, previous_state=TicketState.ACCEPTED, ticket_type=matter.ticket_type,
        category=matter.category, urgency=matter.urgency, size=size, limit=str(due.limit), county=matter.county,
        township=matter.township, village=matter.village, grid=matter.grid, accepted_at=matter.accepted_at,
        started_at=matter.accepted_at, due_at=due.at, cycle=1, light=Light.GREEN, level=0, redispatches=0, reopens=0,
        exercise=matter.exercise, confidential=matter.confidential, closed_at=None, close_reason=None,
        rule_pack=book.pack, confidence=matter.confidence, least_urgency=matter.urgency,
        complained_about=matter.complained_about,
    )  # fmt: skip
    story = Story(case, book, org, now)
    story.why.append(size_rule)
    chosen = lead_in_place(story) if size is MatterSize.SMALL else None
    if chosen is None and size is MatterSize.SMALL:
        due = _big_after_all(story, matter)
    unit, verdict = chosen or choose_lead(story)
    provisional = " provisional" if due.is_provisional else ""
    story.why.append(f"DUE_EARLIEST limit={due.limit} due_at={due.at.isoformat()}{provisional}")
    lead = assign(story, unit, AssignmentKind.LEAD, due.at, verdict)
    story.start(Clock.RESOLVE, due.limit, matter.accepted_at, due.at)
    begin(story)
    if lead.unit == org.command_centre and matter.confidence < book.least_confidence:
        row = window_row(story.case.size, story.case.urgency)
        story.start_once(Clock.CATEGORY, book.timers[TimerName.DISPATCH_BY_HAND][row])
    return story.decision()


def _sizable(matter: TicketTriaged) -> Sizable:
    return Sizable(
        matter.ticket_type, matter.category, matter.urgency, matter.confidential, matter.place_level, matter.confidence
    )  # fmt: skip


def _due(matter: TicketTriaged, size: MatterSize, book: Rulebook) -> Due:
    limits = book.resolve_limits(matter.ticket_type, size, matter.urgency)
    return earliest(limits, matter.accepted_at, book.calendar, book.roster)


def _big_after_all(story: Story, matter: TicketTriaged) -> Due:
    """What its place may not lead is not small: a place that answers for it alone is part of being small."""
    due = _due(matter, MatterSize.BIG, story.book)
    story.why.append("SIZE_BIG_NOT_FOR_ITS_PLACE")
    story.case = replace(story.case, size=MatterSize.BIG, limit=str(due.limit), due_at=due.at)
    return due
