"""Mending a ticket whose handling clock is gone: a second look that does not rely on the clocks themselves."""

from services.dispatch.core.case import TicketState
from services.dispatch.core.deadline_moves import resolve_clock
from services.dispatch.core.deadlines import parse_limit
from services.dispatch.core.story import Story


def rewatch(story: Story) -> None:
    """Set the handling clock of a ticket in hand anew, on the first rung of its ladder.

    What was stated before is marked in the case and is not stated again; what was missed rings at once.
    """
    case = story.case
    if case.state is not TicketState.DISPATCHED:
        return
    clock = resolve_clock(case)
    story.why.append(f"CLOCK_MENDED clock={clock} due_at={case.due_at.isoformat()}")
    story.start(clock, parse_limit(case.limit), case.started_at, case.due_at)
