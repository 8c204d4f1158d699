"""Commands of the unit that leads: sign, contact, check in, resolve, return. Each is guarded, each may be refused."""

from datetime import datetime

from msgspec.structs import replace

from services.dispatch.core.assignment import next_unit
from services.dispatch.core.case import Assignment, AssignmentState, TicketState
from services.dispatch.core.deadlines import deadline, is_within, parse_limit, redispatched_deadline
from services.dispatch.core.lifecycle import move, step
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import RESOLVE_CLOCKS, Clock, Refused, Story
from services.dispatch.core.triggers import CheckIn, Command, Contact, Resolve, Return, Sign
from shared.events import (
    TicketAudited,
    TicketCheckedIn,
    TicketClosed,
    TicketContacted,
    TicketResolved,
    TicketReturned,
    TicketSigned,
)
from shared.terms import CloseReason, Urgency


def handle(story: Story, command: Command) -> None:
    """Apply a unit's command. Raises Refused, or IllegalTransition when the assignment's state does not allow it."""
    assignment = story.case.assignment(command.assignment_id)
    if assignment is None:
        raise Refused("NO_SUCH_ASSIGNMENT", "this ticket has no such assignment")
    if not assignment.is_live:
        raise Refused("ASSIGNMENT_ENDED", f"the assignment ended as {assignment.state}")
    match command:
        case Sign():
            sign(story, assignment, command.handler)
        case Contact():
            _contact(story, assignment, command)
        case CheckIn():
            _check_in(story, assignment, command)
        case Resolve():
            _resolve(story, assignment, command)
        case Return():
            _return(story, assignment, command)


def sign(story: Story, assignment: Assignment, handler: str | None, *, deemed: bool = False) -> None:
    """Receipt is confirmed, by the unit or (deemed) by its silence."""
    signed = replace(step(assignment, AssignmentState.SIGNED, story.now), signed_at=story.now, handler=handler)
    story.case = story.case.with_assignment(signed)
    story.stop(Clock.SIGN)
    story.events.append(TicketSigned(assignment_id=assignment.id, unit=assignment.unit, deemed=deemed))


def _contact(story: Story, assignment: Assignment, command: Contact) -> None:
    first = assignment.contacted_at is None
    at_work = _at_work(assignment, command.handler, story.now)
    story.case = story.case.with_assignment(replace(at_work, contacted_at=at_work.contacted_at or story.now))
    story.events.append(TicketContacted(assignment_id=assignment.id, unit=assignment.unit, first=first))


def _check_in(story: Story, assignment: Assignment, command: CheckIn) -> None:
    at_work = _at_work(assignment, command.handler, story.now)
    story.case = story.case.with_assignment(replace(at_work, checked_in_at=at_work.checked_in_at or story.now))
    unknown = command.grids is None or story.case.grid is None
    in_grid = None if unknown else story.case.grid in (command.grids or ())
    story.events.append(TicketCheckedIn(assignment_id=assignment.id, unit=assignment.unit, in_grid=in_grid))


def _at_work(assignment: Assignment, handler: str, now: datetime) -> Assignment:
    """Handling needs a person, not only a unit."""
    if not handler.strip():
        raise Refused("HANDLER_NEEDED", "handling needs the person who does it")
    if assignment.state is AssignmentState.HANDLING:
        return assignment
    return replace(step(assignment, AssignmentState.HANDLING, now), handler=handler)


def _resolve(story: Story, assignment: Assignment, command: Resolve) -> None:
    if not command.action.strip() or not command.reply.strip():
        raise Refused("RESULT_EMPTY", "a result says what was done and what the citizen is told")
    submitted = replace(step(assignment, AssignmentState.SUBMITTED, story.now), submitted_at=story.now)
    on_time = is_within(story.now, story.case.due_at)
    story.case = move(story.case.with_assignment(submitted), TicketState.RESOLVED)
    story.stop(*RESOLVE_CLOCKS, Clock.SIGN)
    story.events.append(
        TicketResolved(
            assignment_id=assignment.id, unit=assignment.unit, action=command.action, cycle=story.case.cycle,
            on_time=on_time,
        )
    )  # fmt: skip
    _audit(story, submitted)


def _audit(story: Story, submitted: Assignment) -> None:
    """The automatic audit; then the citizen is asked, or nobody has to be."""
    case = story.case.with_assignment(step(submitted, AssignmentState.ACCEPTED_RESULT, story.now))
    asked = not case.exercise and case.channel not in story.book.not_asked_channels
    story.why.append("AUDIT_AUTOMATIC" if asked else f"AUDIT_NO_FOLLOW_UP channel={case.channel}")
    story.events.append(
        TicketAudited(
            ticket_no=case.ticket_no, source=case.source, assignment_id=submitted.id, unit=submitted.unit,
            cycle=case.cycle, follow_up=asked, exercise=case.exercise,
        )
    )  # fmt: skip
    if asked:
        story.case = move(case, TicketState.FOLLOWING_UP)
        window = story.book.follow_up_window
        due_at = deadline(window, story.now, story.book.calendar, story.book.roster)
        story.start(Clock.FOLLOW_UP, window, story.now, due_at)
    else:
        closed = move(case, TicketState.CLOSED)
        story.case = replace(closed, closed_at=story.now, close_reason=CloseReason.NO_FOLLOW_UP_DUE)
        story.events.append(TicketClosed(reason=CloseReason.NO_FOLLOW_UP_DUE, cycle=case.cycle))


def _return(story: Story, assignment: Assignment, command: Return) -> None:
    case, book = story.case, story.book
    if assignment.designated:
        raise Refused("DESIGNATED", "what the command centre designated cannot be returned")
    if not command.basis.strip():
        raise Refused("BASIS_NEEDED", "a return needs its basis")
    if case.urgency is Urgency.U1 and assignment.checked_in_at is None:
        raise Refused("FIRST_DISPOSAL_PENDING", "a critical matter is contained on site before duty is disputed")
    window = book.return_window[window_row(case.size, case.urgency)]
    since = assignment.checked_in_at if case.urgency is Urgency.U1 else assignment.assigned_at
    until = deadline(window, since or assignment.assigned_at, book.calendar, book.roster)
    if not is_within(story.now, until):
        raise Refused("RETURN_TOO_LATE", f"returns were open until {until.isoformat()}")
    returned = step(assignment, AssignmentState.RETURNED, story.now)
    unit, rule = next_unit(case, assignment, command.reason, story.org, book)
    story.events.append(TicketReturned(assignment_id=assignment.id, unit=assignment.unit, reason=command.reason))
    story.why += [f"RETURN_GRANTED reason={command.reason} until={until.isoformat()}", rule]
    story.case = replace(case.with_assignment(returned), redispatches=case.redispatches + 1)
    due_at = redispatched_deadline(parse_limit(case.limit), case.due_at, story.now, book.calendar, book.roster)
    story.assign_lead(unit, due_at, replaces=assignment, designated=unit == story.org.command_centre)
