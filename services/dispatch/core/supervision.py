"""Speed, formal supervision, taking a matter back, and having a closed one handled again."""

from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from services.dispatch.core.answering import take_on
from services.dispatch.core.assignment import recall
from services.dispatch.core.case import TicketState
from services.dispatch.core.escalation import escalate
from services.dispatch.core.judgement import reopen
from services.dispatch.core.lifecycle import OPEN_TICKET_STATES, move
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.triggers import Hasten, Reopen, Supervise, SupervisionCommand, Withdraw
from shared.events import TicketClosed
from shared.joint_events import TicketHastenNoted, TicketWithdrawn
from shared.terms import CloseReason, TicketType, Urgency

_REOPENED: Final = (TicketState.CLOSED, TicketState.ANSWERED)


def supervise(story: Story, command: SupervisionCommand) -> None:
    """Apply a command of the citizen or of supervision. Raises Refused."""
    may_be_merged = isinstance(command, Withdraw) and story.case.state is TicketState.MERGED
    if not isinstance(command, Reopen) and story.case.state not in OPEN_TICKET_STATES and not may_be_merged:
        raise Refused("NOT_OPEN", "the ticket is closed")
    match command:
        case Hasten():
            _hasten(story)
        case Supervise():
            story.note("SUPERVISE", command.reason)
            escalate(story, "SUPERVISE", command.level, story.case.due_at)
        case Withdraw():
            _withdraw(story)
        case Reopen():
            _reopen_closed(story, command)
        case _:
            assert_never(command)


def _hasten(story: Story) -> None:
    """Counted so many times a day at most; the third is supervised. No clock is touched."""
    case, rules = story.case, story.book.supervision
    today = story.today
    before = max(case.hastens_today, 1) if case.hastened_on == today else 0
    counted = before < rules.hastens_counted_per_day
    if counted:
        story.case = replace(case, hastens=case.hastens + 1, hastened_on=today, hastens_today=before + 1)
    hastens = story.case.hastens
    story.events.append(TicketHastenNoted(cycle=case.cycle, hastens=hastens, counted=counted))
    if counted and hastens == rules.hastens_to_level_1:
        escalate(story, "HASTEN", 1, case.due_at)


def _withdraw(story: Story) -> None:
    case = story.case
    if case.urgency is not Urgency.U3:
        raise Refused("TOO_URGENT", "an urgent matter is seen to the end")
    if case.ticket_type is TicketType.REPORT:
        raise Refused("REPORT_UNDER_WAY", "a report under way is seen to the end")
    story.events.append(TicketWithdrawn(cycle=case.cycle))
    end(story, TicketState.WITHDRAWN, CloseReason.WITHDRAWN)


def end(story: Story, state: TicketState, reason: CloseReason) -> None:
    """End it with nothing done: whoever has a part is recalled, no clock runs on."""
    for share in [a for a in story.case.assignments if a.is_live]:
        recall(story, share)
    story.stop_all()
    story.case = replace(move(story.case, state), closed_at=story.now, close_reason=reason, merge=None)
    story.events.append(TicketClosed(reason=reason, cycle=story.case.cycle))


def _reopen_closed(story: Story, command: Reopen) -> None:
    case = story.case
    if case.state not in _REOPENED or case.closed_at is None:
        raise Refused("NOT_CLOSED", "only a closed ticket is reopened")
    if _days_since(story, case.closed_at) > story.book.repeats.reopen_days:
        raise Refused("REOPEN_TOO_LATE", "it closed too long ago: hand in a new matter, which is linked to this one")
    story.note("REOPEN", command.reason)
    story.why.append("REOPENED_AFTER_CLOSING")
    if case.state is TicketState.ANSWERED:
        take_on(story)
        return
    story.case = replace(case, closed_at=None, close_reason=None)
    reopen(story)


def _days_since(story: Story, instant: datetime) -> int:
    """Natural days by the calendar: closed yesterday evening is one day ago this morning."""
    calendar = story.book.calendar
    return (story.today - calendar.day_of(instant)).days
