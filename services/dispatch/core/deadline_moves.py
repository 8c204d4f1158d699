"""Moving the citizen's deadline: the lead's with it, and the clock that runs to it set anew."""

from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.dispatch.core.case import Case
from services.dispatch.core.deadlines import Limit, Pause, extend_for_pause, parse_limit
from services.dispatch.core.story import RESOLVE_CLOCKS, Clock, Story
from shared.terms import Light

CONVERTED: Final = "CONVERTED"
"""Mark of a case whose small matter missed its day in this cycle."""


def resolve_clock(case: Case) -> Clock:
    """The clock that runs to the citizen's deadline."""
    return Clock.RESOLVE_BIG if CONVERTED in case.escalated else Clock.RESOLVE


def move_deadline(story: Story, due_at: datetime, limit: Limit | None = None) -> None:
    """Set the citizen's deadline, and with a new limit that too. A breach that was is kept as the red light."""
    case, lead = story.case, story.case.lead
    if lead.is_live:
        moved = due_at if lead.due_at == case.due_at else max(lead.due_at, due_at)
        case = case.with_assignment(replace(lead, due_at=moved))
    light = case.light if case.light is Light.RED else Light.GREEN
    governing = limit or parse_limit(case.limit)
    own = None if case.own_due_at is None else max(case.own_due_at, due_at)
    story.case = replace(case, due_at=due_at, limit=str(governing), light=light, own_due_at=own)
    story.stop(*RESOLVE_CLOCKS)
    story.start(resolve_clock(story.case), governing, story.now, due_at)


def aim_at(story: Story, due_at: datetime, *, nearer: bool) -> None:
    """Let another deadline count from now on, of another ticket of the incident; the limit itself stays.

    A nearer one begins its ladder anew. Going back, rungs that were reached say nothing a second time. While a matter
    stands still only the deadline moves.
    """
    case = story.case
    if case.lead.is_live and case.lead.due_at == case.due_at:
        case = case.with_assignment(replace(case.lead, due_at=due_at))
    story.case = replace(case, due_at=due_at)
    if not any(story.is_running(clock) for clock in RESOLVE_CLOCKS):
        return
    clock = resolve_clock(case)
    story.stop(*RESOLVE_CLOCKS)
    if nearer:
        story.start(clock, parse_limit(case.limit), case.started_at, due_at)
    else:
        story.go_on(clock, parse_limit(case.limit), case.started_at, due_at)


def after_pause(
    story: Story, paused_at: datetime, least: Limit | None = None, *, until: datetime | None = None
) -> datetime:
    """The deadline once a pause ends, now or at an instant before, with at least so much time left."""
    case, book = story.case, story.book
    pause = Pause(paused_at, until or story.now)
    moved = extend_for_pause(parse_limit(case.limit), case.due_at, pause, book.calendar, book.roster)
    return moved if least is None else max(moved, story.deadline(least, until))
