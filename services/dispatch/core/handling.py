"""What a unit does with its assignment: sign, name who does it, contact, check in, report, hand in, pass on."""

from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, recall
from services.dispatch.core.auditing import submit_lead
from services.dispatch.core.case import Assignment, AssignmentState, TicketState
from services.dispatch.core.deadlines import is_within
from services.dispatch.core.guards import admit, count_action, count_forward, refusal
from services.dispatch.core.lifecycle import step
from services.dispatch.core.permissions import check_unit
from services.dispatch.core.story import Clock, Refused, Result, Story
from services.dispatch.core.triggers import (
    CheckIn,
    Contact,
    HandlingCommand,
    NameHandler,
    ReportFirstDisposal,
    ReportStage,
    Resolve,
    Sign,
    SubDispatch,
)
from services.dispatch.core.units import OrgKind
from shared.events import TicketCheckedIn, TicketContacted, TicketSigned
from shared.joint_events import TicketFirstDisposed, TicketHandlerNamed, TicketPartSubmitted, TicketStageReported
from shared.terms import AssignmentId, AssignmentKind

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_HANDLING, _SUBMITTED = AssignmentState.HANDLING, AssignmentState.SUBMITTED
_LEAD, _CONTACT = AssignmentKind.LEAD, Clock.CONTACT

CITIZEN_CALLED_IN = "CITIZEN_CALLED_IN"
"""The action of having the citizen come in person: officials go to people's doors, so it needs a legal basis."""


def handle(story: Story, command: HandlingCommand) -> None:
    """Apply a unit's command. Raises Refused, or IllegalTransition when the assignment's state does not allow it."""
    share = live_share(story, command.assignment_id)
    match command:
        case Sign():
            sign(story, share, command.handler)
        case NameHandler():
            at_work(story, replace(share, handler=None), command.handler)
            story.events.append(TicketHandlerNamed(assignment_id=share.id, unit=share.unit))
        case Contact():
            _contact(story, share, command)
        case CheckIn():
            _check_in(story, share, command)
        case ReportStage():
            _report_stage(story, share, command)
        case ReportFirstDisposal():
            _report_first_disposal(story, share, command)
        case Resolve():
            _resolve(story, share, command)
        case SubDispatch():
            _sub_dispatch(story, share, command)
        case _:
            assert_never(command)


def live_share(story: Story, assignment_id: AssignmentId) -> Assignment:
    """The assignment a command is about. Raises Refused unless it is live and the actor's to act on."""
    share = story.case.assignment(assignment_id)
    if share is None:
        raise Refused("NO_SUCH_ASSIGNMENT", "this ticket has no such assignment")
    if not share.is_live:
        raise Refused("ASSIGNMENT_ENDED", f"the assignment ended as {share.state}")
    check_unit(story, share.unit)
    return share


def sign(story: Story, share: Assignment, handler: str | None, *, deemed: bool = False) -> None:
    """Receipt is confirmed, by the unit or (deemed) by its silence."""
    story.put(replace(step(share, AssignmentState.SIGNED, story.now), signed_at=story.now, handler=handler))
    story.stop(Clock.SIGN, subject=str(share.id))
    case = story.case
    story.events.append(
        TicketSigned.of_checked({
            "assignment_id": share.id, "unit": share.unit, "deemed": deemed,
            "ticket_no": case.ticket_no if deemed else "", "sign_by": share.sign_by if deemed else None,
            "urgency": case.urgency if deemed else None, "exercise": deemed and case.exercise,
        })
    )  # fmt: skip


def at_work(story: Story, share: Assignment, handler: str) -> Assignment:
    """Handling needs a person, not only a unit; the assignment at work. Raises Refused without one."""
    if not handler.strip():
        raise Refused("HANDLER_NEEDED", "handling needs the person who does it")
    if share.state is not _HANDLING:
        share = replace(step(share, _HANDLING, story.now), handler=handler)
    return story.put(share if share.handler else replace(share, handler=handler))


def _contact(story: Story, share: Assignment, command: Contact) -> None:
    working = at_work(story, share, command.handler)
    story.put(replace(working, contacted_at=working.contacted_at or story.now))
    story.stop(_CONTACT, subject=str(share.id))
    _acted(story, share)
    first = share.contacted_at is None
    story.events.append(TicketContacted.of_checked({"assignment_id": share.id, "unit": share.unit, "first": first}))


def _check_in(story: Story, share: Assignment, command: CheckIn) -> None:
    working = at_work(story, share, command.handler)
    story.put(replace(working, checked_in_at=working.checked_in_at or story.now))
    story.stop_kind(Clock.ARRIVAL)
    _acted(story, share)
    unknown = command.grids is None or story.case.grid is None
    in_grid = None if unknown else story.case.grid in (command.grids or ())
    story.events.append(TicketCheckedIn(assignment_id=share.id, unit=share.unit, in_grid=in_grid))


def _report_stage(story: Story, share: Assignment, command: ReportStage) -> None:
    """The first report answers the first feedback, a later one the stage result."""
    _must_be_received(share)
    subject = str(share.id)
    answered = Clock.FEEDBACK if story.is_running(Clock.FEEDBACK, subject) else Clock.STAGE
    story.stop(answered, subject=subject)
    story.note("STAGE_REPORT", command.report, subject)
    first = share.stage_reported_at is None
    story.put(replace(share, stage_reported_at=share.stage_reported_at or story.now))
    _acted(story, share)
    story.events.append(TicketStageReported(assignment_id=share.id, unit=share.unit, first=first))


def _report_first_disposal(story: Story, share: Assignment, command: ReportFirstDisposal) -> None:
    _must_be_received(share)
    story.note("FIRST_DISPOSAL", command.report, str(share.id))
    story.put(replace(share, first_disposed_at=share.first_disposed_at or story.now))
    story.stop_kind(Clock.FIRST_DISPOSAL)
    story.stop_kind(Clock.ARRIVAL)
    _acted(story, share)
    story.events.append(TicketFirstDisposed(assignment_id=share.id, unit=share.unit))


def _must_be_received(share: Assignment) -> None:
    if share.state is AssignmentState.PENDING_SIGN:
        raise Refused("NOT_SIGNED", "what was not received cannot be reported on")


def _acted(story: Story, share: Assignment) -> None:
    forwards = count_action(story, share.unit)
    if forwards is not story.case.forwards:
        story.case = replace(story.case, forwards=forwards)


def _resolve(story: Story, share: Assignment, command: Resolve) -> None:
    if not command.action.strip() or not command.reply.strip():
        raise Refused("RESULT_EMPTY", "a result says what was done and what the citizen is told")
    if command.action == CITIZEN_CALLED_IN and not command.legal_basis.strip():
        raise Refused("BASIS_NEEDED", "having the citizen come in person needs its legal basis")
    evidence = tuple(str(one) for one in dict.fromkeys(command.evidence))
    needed = story.book.audit.evidence_for(story.case.category)
    if share.kind is _LEAD and len(evidence) < needed:
        raise Refused("EVIDENCE_NEEDED", f"the result of such a matter comes with evidence, {needed} at least")
    story.results.append(
        Result(share.id, command.action, command.reply, command.note, evidence, command.legal_basis)
    )  # fmt: skip
    if share.state is AssignmentState.REWORK:
        share = step(share, _HANDLING, story.now)
    submitted = replace(step(share, _SUBMITTED, story.now), submitted_at=story.now)
    _acted(story, share)
    if share.kind is _LEAD:
        submit_lead(story, submitted, command.action)
    else:
        _submit_part(story, submitted, command.action)


def _submit_part(story: Story, submitted: Assignment, action: str) -> None:
    story.put(submitted)
    story.stop_subject(submitted.id)
    story.events.append(
        TicketPartSubmitted(
            assignment_id=submitted.id, unit=submitted.unit, kind=submitted.kind, action=action,
            cycle=story.case.cycle, on_time=is_within(story.now, submitted.due_at),
        )
    )  # fmt: skip


def _sub_dispatch(story: Story, share: Assignment, command: SubDispatch) -> None:
    """A unit hands its share to one below it; its own deadline goes with it."""
    if story.case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "only a ticket in hand can be passed on")
    below = story.org.unit(command.unit)
    if below is None or share.unit not in story.org.ancestors(command.unit):
        raise Refused("NOT_BELOW", f"{command.unit} does not stand below {share.unit}")
    verdict = admit(story, command.unit, share.kind, enforces=command.enforces, pushed_by=share.unit)
    above = story.org.unit(share.unit)
    if above is None or above.kind is OrgKind.GRID:
        raise refusal(story, "NOT_BELOW", "GRID_IS_LAST", command.unit, "below a grid there is nobody")
    if story.case.live_share(command.unit) is not None:
        raise Refused("HAS_A_PART", f"{command.unit} has a part already")
    forwards = count_forward(story, above.level)
    story.case = replace(story.case, forwards=forwards)
    recall(story, share)
    assign(story, command.unit, share.kind, share.due_at, verdict, replaces=share)
