"""A holiday notice that comes late: open deadlines that were counted without it are counted again."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from services.dispatch.core.assignment import support_limit_of
from services.dispatch.core.calendar import Calendar
from services.dispatch.core.case import Assignment, Case, PutOff, TicketState
from services.dispatch.core.deadline_moves import aim_at, resolve_clock
from services.dispatch.core.deadlines import (
    Pause,
    deadline,
    extend_for_pause,
    never_a_breach_by_it,
    parse_limit,
    put_off,
    redispatched_deadline,
)
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import Clock, NoticeCame, Story, Timer
from shared.joint_events import TicketDeadlineRecounted
from shared.terms import AssignmentKind

STANDING_STILL = (TicketState.NEED_INFO, TicketState.HUNG)


class Recounted(Struct, frozen=True):
    """The citizen's deadline as it is now, and the shares whose own deadlines are others than before."""

    due_at: datetime
    shares: tuple[Assignment, ...]


def recount(story: Story, told: NoticeCame) -> None:
    """Let each deadline be what it would have been had the notice been known; said once, and never a breach by it."""
    found = recounted(story.case, told.before, story.book, story.now)
    if found is None:
        return
    if found.due_at != (was := story.case.due_at):
        story.why.append(f"DEADLINE_RECOUNTED due_at={found.due_at.isoformat()}")
        aim_at(story, found.due_at, nearer=found.due_at < was)
        say_recounted(story, story.case.lead, resolve_clock(story.case), found.due_at)
    for share in found.shares:
        _move_share(story, share)


def step_again(timer: Timer, before: Calendar, book: Rulebook, now: datetime) -> datetime:
    """The deadline of a step's clock under the present calendar; its own where its limit does not explain it."""
    limit = parse_limit(timer.limit)
    if timer.due_at < now or deadline(limit, timer.started_at, before, book.roster) != timer.due_at:
        return timer.due_at
    fresh = deadline(limit, timer.started_at, book.calendar, book.roster)
    return never_a_breach_by_it(fresh, timer.due_at, now, book.calendar)


def recounted(case: Case, before: Calendar, book: Rulebook, now: datetime) -> Recounted | None:
    """The new deadlines, or None where nothing changes.

    Left alone: a deadline that is not what the limit, the pauses and an extension make of it (that of another ticket of
    its incident, one that was converted), one that has passed, and whatever is neither in hand nor standing still.
    """
    if case.state is not TicketState.DISPATCHED and case.state not in STANDING_STILL:
        return None
    due_at = _due_again(case, before, book, now)
    moved = (_share_again(share, case, due_at, before, book, now) for share in case.assignments if share.is_open)
    shares = tuple(share for share in moved if share is not None)
    return Recounted(due_at, shares) if shares or due_at != case.due_at else None


def _due_again(case: Case, before: Calendar, book: Rulebook, now: datetime) -> datetime:
    if (case.due_at < now and case.state not in STANDING_STILL) or _counted(case, before, book) != case.due_at:
        return case.due_at
    return never_a_breach_by_it(_counted(case, book.calendar, book), case.due_at, now, book.calendar)


def _counted(case: Case, calendar: Calendar, book: Rulebook) -> datetime:
    """The citizen's deadline from the start of the cycle, with all that moved it."""
    limit = parse_limit(case.limit)
    due_at = deadline(limit, case.started_at, calendar, book.roster)
    for move in case.moves:
        if isinstance(move, PutOff):
            due_at = put_off(parse_limit(move.limit), due_at, calendar, book.roster)
            continue
        due_at = extend_for_pause(limit, due_at, Pause(move.paused_at, move.resumed_at), calendar, book.roster)
        if move.least is not None:
            due_at = max(due_at, deadline(parse_limit(move.least), move.resumed_at, calendar, book.roster))
    return due_at


def _share_again(
    share: Assignment, case: Case, due_at: datetime, before: Calendar, book: Rulebook, now: datetime
) -> Assignment | None:
    """The share with its new deadline, or None where it has none of its own or keeps it."""
    is_lead = share.kind is AssignmentKind.LEAD
    if share.due_at < now or (is_lead and share.due_at == case.due_at):
        return None
    if share.due_at == _own(share, case, case.due_at, before, book):
        fresh = _own(share, case, due_at, book.calendar, book)
    elif share.due_at == case.due_at:
        fresh = due_at
    else:
        return None
    fresh = never_a_breach_by_it(fresh, share.due_at, now, book.calendar)
    return None if fresh == share.due_at else replace(share, due_at=fresh)


def _own(share: Assignment, case: Case, due_at: datetime, calendar: Calendar, book: Rulebook) -> datetime:
    """What the share is given by its own limit while the ticket is due at `due_at`."""
    if share.kind is AssignmentKind.LEAD:
        return redispatched_deadline(parse_limit(case.limit), due_at, share.assigned_at, calendar, book.roster)
    if share.kind is AssignmentKind.SUPPORT:
        return min(due_at, deadline(support_limit_of(case, book), share.assigned_at, calendar, book.roster))
    return due_at


def _move_share(story: Story, share: Assignment) -> None:
    story.put(share)
    subject, limit = str(share.id), support_limit_of(story.case, story.book)
    clock = Clock.UNIT if share.kind is AssignmentKind.LEAD else Clock.PART
    if story.is_running(Clock.PART, subject):
        story.start(Clock.PART, limit, share.assigned_at, share.due_at, subject, from_red=True)
    if story.is_running(Clock.UNIT, subject):
        story.start_once(Clock.UNIT, parse_limit(story.case.limit), subject, until=share.due_at)
    story.why.append(f"PART_RECOUNTED unit={share.unit} due_at={share.due_at.isoformat()}")
    say_recounted(story, share, clock, share.due_at)


def say_recounted(story: Story, share: Assignment, clock: Clock, due_at: datetime) -> None:
    """State that a deadline was counted again: whose, of which clock, and what it is now."""
    story.events.append(
        TicketDeadlineRecounted(
            assignment_id=share.id, unit=share.unit, cycle=story.case.cycle, due_at=due_at, clock=clock.value
        )
    )  # fmt: skip
