"""Clocks of single steps (signing, first contact, audit, decisions): giving one of them another deadline."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from services.dispatch.core.calendar import Calendar
from services.dispatch.core.deadlines import deadline, doubled, parse_limit
from services.dispatch.core.escalation import clock_owner
from services.dispatch.core.recounting import say_recounted, step_again
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import BREACH, DEEMED, RED, RESOLVE_CLOCKS, Clock, Story, Timer

_OF_DEADLINES: Final = frozenset((*RESOLVE_CLOCKS, Clock.UNIT, Clock.PART, Clock.HANG, Clock.EXTENSION_DECISION))
"""Clocks that run to a deadline of the ticket or of a unit's work, or are bound by one: not to that of a step."""


def is_step_clock(timer: Timer) -> bool:
    """Whether the clock watches a single step, and has not run out yet."""
    return timer.clock not in _OF_DEADLINES and timer.step != "overdue" and not timer.step.startswith("level")


def steps_moved(running: Iterable[Timer], before: Calendar, book: Rulebook, now: datetime) -> bool:
    """Whether the present calendar gives any of these clocks another deadline."""
    return any(step_again(timer, before, book, now) != timer.due_at for timer in running if is_step_clock(timer))


def move_clock(story: Story, timer: Timer, due_at: datetime) -> None:
    """Let the clock of a step run to another instant; what the case keeps of it moves with it."""
    if due_at == timer.due_at or not story.is_running(timer.clock, timer.subject):
        return
    share = clock_owner(story, timer.subject)
    if timer.step == DEEMED:
        later = deadline(doubled(parse_limit(timer.limit)), timer.started_at, story.book.calendar, story.book.roster)
        fire_at = max(later, timer.fire_at + (due_at - timer.due_at)) if due_at > timer.due_at else max(later, due_at)
        story.put(replace(share, sign_by=due_at))
        story.set(replace(timer, due_at=due_at, fire_at=fire_at))
    elif timer.step in (BREACH, RED):
        story.set(replace(timer, due_at=due_at, fire_at=due_at))
    else:
        story.go_on(timer.clock, parse_limit(timer.limit), timer.started_at, due_at)
    if timer.clock is Clock.REPORT_IN:
        whistles = story.case.whistles
        moved = tuple(replace(w, report_by=due_at) if str(w.id) == timer.subject else w for w in whistles)
        story.case = replace(story.case, whistles=moved)
    story.why.append(f"STEP_RECOUNTED clock={timer.clock} due_at={due_at.isoformat()}")
    say_recounted(story, share, timer.clock, due_at)
