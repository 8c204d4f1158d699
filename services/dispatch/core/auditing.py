"""From a result to its audit: the lead hands in, an auditor or a rule accepts it, or it is sent back."""

from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.assignment import end_part
from services.dispatch.core.case import Assignment, AssignmentState, TicketState
from services.dispatch.core.deadline_moves import after_pause, move_deadline
from services.dispatch.core.deadlines import is_within
from services.dispatch.core.guards import check_new_eyes, check_own_work
from services.dispatch.core.joint import call_supports
from services.dispatch.core.lifecycle import move, step
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import AuditCommand, PassAudit, Rework
from shared.events import TicketAudited, TicketClosed, TicketResolved
from shared.joint_events import TicketReworked
from shared.terms import AssignmentKind, CloseReason

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_SUBMITTED, _ACCEPTED = AssignmentState.SUBMITTED, AssignmentState.ACCEPTED_RESULT
_RESOLVED, _FOLLOWING_UP = TicketState.RESOLVED, TicketState.FOLLOWING_UP
_SUPPORT, _AUDIT, _FOLLOW_UP = AssignmentKind.SUPPORT, Clock.AUDIT, Clock.FOLLOW_UP


def audit(story: Story, command: AuditCommand) -> None:
    """Apply an auditor's command. Raises Refused."""
    lead = story.case.lead
    if story.case.state is not TicketState.RESOLVED:
        raise Refused("NOT_RESOLVED", "there is no result to look at")
    check_own_work(story, lead)
    match command:
        case PassAudit():
            check_new_eyes(story)
            person = story.actor.person
            if person is not None and person not in story.case.verifiers:
                story.case = replace(story.case, verifiers=(*story.case.verifiers, person))
            pass_audit(story, automatic=False)
        case Rework():
            _send_back(story, lead, command.reason)
        case _:
            assert_never(command)


def submit_lead(story: Story, submitted: Assignment, action: str) -> None:
    """The lead's result is in; while a required part is open it cannot be. Raises Refused."""
    case = story.case
    still = [part.unit for part in case.parts if part.kind is _SUPPORT and part.is_open]
    if still:
        raise Refused("SUPPORT_OPEN", f"parts are still open: {', '.join(still)}")
    on_time = is_within(story.now, case.due_at)
    story.case = move(case.with_assignment(submitted), _RESOLVED)
    story.stop_all()
    charged_to = None if on_time else _charged(story, submitted)
    story.events.append(
        TicketResolved.of_checked({
            "assignment_id": submitted.id, "unit": submitted.unit, "action": action, "cycle": case.cycle,
            "on_time": on_time, "charged_to": charged_to,
        })
    )  # fmt: skip
    _end_loose_parts(story)
    if case.size in story.book.audit.automatic_for and not case.by_person:
        story.why.append("AUDIT_AUTOMATIC")
        pass_audit(story, automatic=True)
    else:
        limit = story.book.timers[TimerName.AUDIT][window_row(case.size, case.urgency)]
        story.start(Clock.AUDIT, limit, story.now, story.deadline(limit), from_red=True)


def _charged(story: Story, lead: Assignment) -> str:
    """Whose breach it is: the lead's, unless it came late to the matter and kept its own deadline.

    Then it is that of a unit whose return had been refused in this cycle, or else the command centre's, who sent it
    to the wrong one first.
    """
    if not is_within(story.now, lead.due_at):
        return lead.unit
    former = [a for a in story.case.assignments if a.cycle == lead.cycle and a.kind is AssignmentKind.LEAD]
    refused = [a.unit for a in former if a.return_refused and a.id != lead.id]
    return refused[-1] if refused else story.org.command_centre


def _end_loose_parts(story: Story) -> None:
    """Parts that the result does not wait for end with it."""
    for part in story.case.parts:
        if part.is_open:
            end_part(story, part, "LEAD_HAS_DONE")


def pass_audit(story: Story, *, automatic: bool, asks: bool = True) -> None:
    """The result is accepted; then the citizen is asked, or nobody has to be: or (not `asks`) only elsewhere."""
    for share in story.case.assignments:
        if share.state is _SUBMITTED:
            story.put(step(share, _ACCEPTED, story.now))
    case = story.case
    lead = case.lead
    story.stop(_AUDIT)
    by_rule = not case.exercise and case.channel not in story.book.not_asked_channels
    asked = asks and by_rule
    if by_rule and not asks:
        story.why.append("AUDIT_ASKED_ONCE")
    elif not asked:
        story.why.append(f"AUDIT_NO_FOLLOW_UP channel={case.channel}")
    story.events.append(
        TicketAudited.of_checked({
            "ticket_no": case.ticket_no, "source": case.source, "assignment_id": lead.id, "unit": lead.unit,
            "cycle": case.cycle, "follow_up": asked, "automatic": automatic, "exercise": case.exercise,
            "vulnerable": case.vulnerable,
        })
    )  # fmt: skip
    if asked:
        story.case = move(case, _FOLLOWING_UP)
        window = story.book.follow_up_window
        story.start(_FOLLOW_UP, window, story.now, story.deadline(window))
    else:
        closed = move(case, TicketState.CLOSED)
        story.case = replace(closed, closed_at=story.now, close_reason=CloseReason.NO_FOLLOW_UP_DUE)
        story.events.append(TicketClosed(reason=CloseReason.NO_FOLLOW_UP_DUE, cycle=case.cycle))


def _send_back(story: Story, lead: Assignment, reason: str) -> None:
    """The time the result lay with the auditor is given back, and some hours at least."""
    story.note("REWORK", reason, str(lead.id))
    story.put(step(lead, AssignmentState.REWORK, story.now))
    story.case = move(story.case, TicketState.DISPATCHED)
    story.stop(Clock.AUDIT)
    due_at = after_pause(story, lead.submitted_at or story.now, story.book.audit.rework_least)
    move_deadline(story, due_at)
    call_supports(story)
    story.events.append(
        TicketReworked(assignment_id=lead.id, unit=lead.unit, cycle=story.case.cycle, due_at=due_at)
    )  # fmt: skip
