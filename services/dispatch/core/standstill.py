"""Force majeure (不可抗力): an order stands an area's clocks still for some days, and deadlines move by them."""

from collections.abc import Collection
from datetime import datetime, time

from msgspec.structs import replace

from services.dispatch.core.assignment import support_limit
from services.dispatch.core.calendar import Calendar
from services.dispatch.core.case import Assignment, Case, StoodStill, TicketState
from services.dispatch.core.deadline_moves import move_deadline
from services.dispatch.core.deadlines import Pause, extend_for_pause, parse_limit
from services.dispatch.core.recounting import say_recounted
from services.dispatch.core.sheets import EVERYWHERE
from services.dispatch.core.standstill_orders import Standstill
from services.dispatch.core.step_clocks import is_step_clock, move_clock
from services.dispatch.core.story import Clock, StandstillOrdered, Story, Timer
from shared.terms import AssignmentId, AssignmentKind, Urgency


def ordered(order: Standstill, calendar: Calendar, running: tuple[Timer, ...] = ()) -> StandstillOrdered:
    """The order as a trigger for one ticket, whose clocks run as given."""
    first, last = order.validity.first, order.validity.last
    assert first is not None and last is not None, "no other is read"
    return StandstillOrdered(order.id, calendar.at(first, time()), calendar.end_of_day(last), running)


def concerns(order: Standstill, case: Case, calendar: Calendar) -> bool:
    """Whether the ticket is in the area, in hand, not critical, ran during the order, and has not stood still by it."""
    if order.id in case.standstills or case.urgency is Urgency.U1:
        return False
    if case.state is not TicketState.DISPATCHED or case.township is None:
        return False
    if EVERYWHERE not in order.townships and case.township not in order.townships:
        return False
    told = ordered(order, calendar)
    return case.started_at < told.until and case.due_at > told.since


def stand_still_from_the_start(story: Story) -> None:
    """What comes in while its area stands still, or before, is given the time at once."""
    for order in story.org.standstills:
        if concerns(order, story.case, story.book.calendar):
            stand_still(story, ordered(order, story.book.calendar, _started(story)))


def stand_still_again(story: Story, before: Case) -> None:
    """What was put off, handed in or waited when an order was heard, and is in hand again, is given its time now.

    A pause has given back what of the order fell into it; a ticket that waited for another one was given nothing.
    """
    waited = before.state in (TicketState.MERGED, TicketState.ACCEPTED)
    for order in story.org.standstills:
        if not concerns(order, story.case, story.book.calendar):
            continue
        told = ordered(order, story.book.calendar, _started(story))
        if waited or told.until > story.now:
            stand_still(story, told if waited else replace(told, since=max(told.since, story.now)))


def _started(story: Story) -> tuple[Timer, ...]:
    """The clocks that this decision set."""
    return tuple(timer for timer in story.timers.values() if timer is not None)


def stand_still(story: Story, order: StandstillOrdered) -> None:
    """Move every deadline of a ticket by what its clock stands still; said once for each, and once for each order."""
    case = story.case
    if order.id in case.standstills:
        return
    story.case = replace(case, standstills=(*case.standstills, order.id))
    story.why.append(f"STOOD_STILL order={order.id} until={order.until.isoformat()}")
    for timer in order.running:
        if is_step_clock(timer):
            move_clock(story, timer, _moved(story, timer.limit, timer.started_at, timer.due_at, order))
    shares = [share for share in case.assignments if share.is_open]
    with_it = [share.id for share in shares if share.due_at == case.due_at and share.kind is not AssignmentKind.LEAD]
    for share in shares:
        if share.due_at != case.due_at:
            _move_share(story, share, order)
    due_at = _moved(story, case.limit, case.started_at, case.due_at, order)
    if due_at != case.due_at:
        pause = StoodStill(max(order.since, case.started_at), order.until)
        story.case = replace(story.case, moves=(*story.case.moves, pause))
        _move_whole(story, due_at, with_it)


def _moved(story: Story, limit: str, started_at: datetime, due_at: datetime, order: StandstillOrdered) -> datetime:
    """The deadline of a clock moved by what it stands still; unmoved if it had not begun or had run out."""
    since = max(order.since, started_at)
    if since >= order.until or since > due_at:
        return due_at
    pause = Pause(since, order.until)
    return extend_for_pause(parse_limit(limit), due_at, pause, story.book.calendar, story.book.roster)


def _move_share(story: Story, share: Assignment, order: StandstillOrdered) -> None:
    clock = Clock.UNIT if share.kind is AssignmentKind.LEAD else Clock.PART
    timer = next((t for t in order.running if t.clock is clock and t.subject == str(share.id)), None)
    if timer is None:
        return
    due_at = _moved(story, timer.limit, share.assigned_at, share.due_at, order)
    if due_at != share.due_at:
        story.put(replace(share, due_at=due_at))
        story.set(replace(timer, due_at=due_at, fire_at=due_at if timer.fire_at == timer.due_at else timer.fire_at))
        say_recounted(story, share, clock, due_at)


def _move_whole(story: Story, due_at: datetime, with_it: Collection[AssignmentId]) -> None:
    for share in [a for a in story.case.assignments if a.id in with_it]:
        story.put(replace(share, due_at=due_at))
        if story.is_running(Clock.PART, str(share.id)):
            story.start(Clock.PART, support_limit(story), share.assigned_at, due_at, str(share.id), from_red=True)
    move_deadline(story, due_at)
    say_recounted(story, story.case.lead, Clock.RESOLVE, due_at)
