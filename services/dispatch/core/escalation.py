"""Saying that a deadline is near or was missed: reminders, lights, levels, each against the unit whose clock it is."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from services.dispatch.core.case import Assignment
from services.dispatch.core.roster import WorkerRole
from services.dispatch.core.story import RESOLVE_CLOCKS, Clock, Story
from services.dispatch.core.triggers import TimerDue
from shared.events import TicketEscalated, TicketLightChanged, TicketReminded
from shared.terms import Light

OF_THE_TICKET: Final = frozenset((*RESOLVE_CLOCKS, Clock.FOLLOW_UP))
"""Clocks whose light is the ticket's; the light of any other is its unit's alone."""

OF_THE_CENTRE: Final = frozenset((Clock.AUDIT, Clock.RETURN_DECISION, Clock.CATEGORY, Clock.CALL_BACK))
"""Clocks of what the command centre owes; the unit is not to blame for them."""

CENTRE_LEVEL: Final = 2


def target(story: Story, due: TimerDue) -> Assignment:
    """The assignment whose clock it is: that of its subject or its whistle, else the lead.

    What went to another line is no unit's any more: the centre stands in its place.
    """
    whose = clock_owner(story, due.subject)
    return of_the_centre(story, whose) if due.clock is Clock.CALL_BACK else whose


def of_the_centre(story: Story, share: Assignment) -> Assignment:
    """The share as if the command centre had it."""
    return replace(share, unit=story.org.command_centre)


def clock_owner(story: Story, about: str) -> Assignment:
    """The same by what the clock is about."""
    if about:
        subject = UUID(about)
        whistled = next((w.assignment_id for w in story.case.whistles if w.id == subject), subject)
        found = next((a for a in story.case.assignments if a.id == whistled), None)
        if found is not None:
            return found
    return story.case.lead


def remind(story: Story, due: TimerDue) -> None:
    """State that a deadline is near, or still missed."""
    whose = target(story, due)
    story.why.append(f"REMINDED clock={due.clock} step={due.step} due_at={due.due_at.isoformat()}")
    story.events.append(
        TicketReminded(
            assignment_id=whose.id, unit=whose.unit, clock=due.clock.value, cycle=due.cycle, due_at=due.due_at,
            ticket_no=story.case.ticket_no, urgency=story.case.urgency, exercise=story.case.exercise,
            person=_at_work(story, whose),
        )
    )  # fmt: skip


def _at_work(story: Story, share: Assignment) -> str | None:
    """Who in the grid has the work in hand or, while nobody signed, is accountable for it; None for any other unit.

    By staff number only, as the area keeps it: what a unit itself calls its handler may be a name, and stands in no
    event.
    """
    level, _, grid = share.unit.partition(":")
    if level != "grid" or not share.is_open:
        return None
    people = story.org.workers_of(grid, story.today)
    if share.handler is not None:
        return next((one.id for one in people if one.id == share.handler), None)
    return next((one.id for one in people if one.role is WorkerRole.WORKER), None)


def show_light(story: Story, due: TimerDue, light: Light) -> None:
    """Change the ticket's light, or that of the one unit whose clock it is."""
    whose = target(story, due)
    story.why.append(f"LIGHT_{light} clock={due.clock} due_at={due.due_at.isoformat()}")
    if due.clock in OF_THE_TICKET:
        if story.case.light is Light.RED and light is Light.YELLOW:
            return
        story.case = replace(story.case, light=light)
    elif due.clock not in OF_THE_CENTRE:
        story.put(replace(whose, light=light))
    story.events.append(
        TicketLightChanged(
            assignment_id=whose.id, unit=whose.unit, light=light, clock=due.clock.value, cycle=due.cycle,
            due_at=due.due_at,
        )
    )  # fmt: skip


def escalate_clock(story: Story, due: TimerDue, level: int, notify_at: datetime | None = None) -> None:
    """State that a clock reached a level; once for each clock, cycle and level, even if it was set anew since."""
    mark = f"{due.clock}:{due.subject}:{level}"
    if mark in story.case.escalated:
        return
    story.case = replace(story.case, escalated=(*story.case.escalated, mark))
    level = max(level, CENTRE_LEVEL) if due.clock in OF_THE_CENTRE else level
    raises = due.clock in OF_THE_TICKET or due.clock is Clock.ARRIVAL
    escalate(story, due.clock.value, level, due.due_at, notify_at, target(story, due), raises_ticket=raises)


def escalate(
    story: Story, clock: str, level: int, due_at: datetime, notify_at: datetime | None = None,
    whose: Assignment | None = None, *, raises_ticket: bool = True,
) -> None:  # fmt: skip
    """State one escalation; the case keeps the highest level that concerned the ticket as a whole."""
    case, whose = story.case, whose or story.case.lead
    to = story.book.escalate_to[level].format(unit=whose.unit)
    story.why.append(f"ESCALATED clock={clock} level={level} to={to}")
    if raises_ticket:
        story.case = replace(case, level=max(level, case.level))
    story.events.append(
        TicketEscalated(
            ticket_no=case.ticket_no, assignment_id=whose.id, unit=whose.unit, clock=clock, cycle=case.cycle,
            level=level, to=to, due_at=due_at, notify_at=notify_at, urgency=case.urgency, exercise=case.exercise,
        )
    )  # fmt: skip
