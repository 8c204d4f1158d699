"""A holiday notice that comes late: open deadlines that were counted without it are counted again."""

from datetime import datetime

from services.dispatch.core.calendar import Calendar
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.deadline_moves import aim_at
from services.dispatch.core.deadlines import deadline, parse_limit, recomputed_deadline
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import NoticeCame, Story
from shared.joint_events import TicketDeadlineRecounted


def recount(story: Story, told: NoticeCame) -> None:
    """Let the deadline be what it would have been had the notice been known; said once, and never a breach by it."""
    due_at = recounted(story.case, told.before, story.book, story.now)
    if due_at is None:
        return
    was, lead = story.case.due_at, story.case.lead
    story.why.append(f"DEADLINE_RECOUNTED due_at={due_at.isoformat()}")
    aim_at(story, due_at, nearer=due_at < was)
    story.events.append(
        TicketDeadlineRecounted(assignment_id=lead.id, unit=lead.unit, cycle=story.case.cycle, due_at=due_at)
    )  # fmt: skip


def recounted(case: Case, before: Calendar, book: Rulebook, now: datetime) -> datetime | None:
    """The new deadline, or None where nothing changes.

    Left alone: a deadline that something has moved since it was counted (a pause, an extension, another ticket of its
    incident), one that has passed, and whatever is not in hand.
    """
    if case.state is not TicketState.DISPATCHED or case.due_at < now:
        return None
    limit = parse_limit(case.limit)
    if deadline(limit, case.started_at, before, book.roster) != case.due_at:
        return None
    fresh = recomputed_deadline(limit, case.started_at, (), case.due_at, now, book.calendar, book.roster)
    return None if fresh == case.due_at else fresh
