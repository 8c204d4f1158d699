"""Handing back and giving anew: returns and their decision, recall, redispatch, designation."""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, next_unit, recall
from services.dispatch.core.case import Assignment, AssignmentState, Case, TicketState
from services.dispatch.core.deadlines import is_within, parse_limit, redispatched_deadline
from services.dispatch.core.guards import Verdict, admit, count_forward
from services.dispatch.core.handling import live_share
from services.dispatch.core.joint import call_supports, require_support
from services.dispatch.core.lifecycle import move, step
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import (
    Designate,
    GrantReturn,
    Recall,
    Redispatch,
    RefuseReturn,
    Return,
    ReturnCommand,
)
from shared.events import TicketReturned
from shared.joint_events import TicketReturnRefused, TicketReturnRequested
from shared.terms import AssignmentKind, PlaceLevel, ReturnReason, Urgency


def give_back(story: Story, command: ReturnCommand) -> None:
    """Apply a command about who has the work. Raises Refused or IllegalTransition."""
    if story.case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "only a ticket in hand can be given to another unit")
    match command:
        case Redispatch():
            _redispatch(story, command)
        case Designate():
            _designate(story, command)
        case Return():
            _ask(story, live_share(story, command.assignment_id), command)
        case GrantReturn():
            share = _asked(live_share(story, command.assignment_id))
            story.note("RETURN_GRANTED", command.decision, str(share.id))
            grant(story, share, command.unit)
        case RefuseReturn():
            _refuse(story, _asked(live_share(story, command.assignment_id)), command)
        case Recall():
            _recall(story, live_share(story, command.assignment_id), command)
        case _:
            assert_never(command)


def _ask(story: Story, share: Assignment, command: Return) -> None:
    """A return inside its window; the unit's own clock goes on while it is decided."""
    until = _check(story, share, command)
    row = window_row(story.case.size, story.case.urgency)
    requested = replace(
        step(share, AssignmentState.RETURN_REQUESTED, story.now), return_reason=command.reason,
        return_asked_at=story.now, signed_at=share.signed_at or story.now,
    )  # fmt: skip
    story.put(requested)
    story.note("RETURN_BASIS", command.basis, str(share.id))
    story.stop(Clock.SIGN, subject=str(share.id))
    if story.book.returns.auto_grant:
        story.why.append(f"RETURN_GRANTED reason={command.reason} until={until.isoformat()}")
        grant(story, requested, command.proposed_unit if share.kind is not AssignmentKind.LEAD else None)
        return
    limit = story.book.timers[TimerName.RETURN_DECISION][row]
    decide_by = story.start_once(Clock.RETURN_DECISION, limit, str(share.id))
    story.why.append(f"RETURN_TO_DECIDE reason={command.reason} until={until.isoformat()}")
    story.events.append(
        TicketReturnRequested(
            assignment_id=share.id, unit=share.unit, reason=command.reason, decide_by=decide_by
        )
    )  # fmt: skip


def _check(story: Story, share: Assignment, command: Return) -> datetime:
    """Until when returns are open. Raises Refused when this one may not be."""
    case, book = story.case, story.book
    if share.designated:
        raise Refused("DESIGNATED", "what the command centre designated cannot be returned")
    if not command.basis.strip():
        raise Refused("BASIS_NEEDED", "a return needs its basis")
    asked = [a for a in case.assignments if a.unit == share.unit and a.return_asked_at is not None]
    if len(asked) >= book.returns.returns_per_unit:
        raise Refused("RETURN_ASKED_BEFORE", "a unit may ask once for each ticket")
    if case.urgency is Urgency.U1 and not case.is_contained:
        raise Refused("FIRST_DISPOSAL_PENDING", "a critical matter is contained on site before duty is disputed")
    window = book.return_window[window_row(case.size, case.urgency)]
    since = _contained_at(case) if case.urgency is Urgency.U1 else share.assigned_at
    until = story.deadline(window, max(since, share.assigned_at))
    if not is_within(story.now, until):
        raise Refused("RETURN_TOO_LATE", f"returns were open until {until.isoformat()}")
    return until


def _contained_at(case: Case) -> datetime:
    times = [a.first_disposed_at for a in case.assignments if a.first_disposed_at is not None]
    times += [
        a.checked_in_at for a in case.assignments if a.kind is AssignmentKind.LEAD and a.checked_in_at is not None
    ]
    return min(times)


def _asked(share: Assignment) -> Assignment:
    if share.state is not AssignmentState.RETURN_REQUESTED:
        raise Refused("NO_RETURN_ASKED", "nobody asked to return this")
    return share


def grant(story: Story, share: Assignment, unit: str | None) -> None:
    """The unit is free of it; another one follows, or for a part none has to."""
    reason = share.return_reason or ReturnReason.NOT_OUR_DUTY
    story.put(step(share, AssignmentState.RETURNED, story.now))
    story.stop_subject(share.id)
    story.events.append(TicketReturned(assignment_id=share.id, unit=share.unit, reason=reason))
    if share.kind is not AssignmentKind.LEAD:
        call_supports(story)
        return
    verdict = admit(story, unit, AssignmentKind.LEAD) if unit is not None else None
    if unit is None or verdict is None:
        unit, verdict = next_unit(story, share, reason)
    story.case = replace(story.case, redispatches=story.case.redispatches + 1)
    _hand_over(story, share, unit, verdict, designated=unit == story.org.command_centre)


def _hand_over(story: Story, former: Assignment, unit: str, verdict: Verdict, *, designated: bool) -> None:
    case, book = story.case, story.book
    own = case.live_share(unit)
    if own is not None:  # who had a part leads now
        recall(story, own)
        case = story.case
    story.case = move(case, TicketState.DISPATCHED)
    due_at = redispatched_deadline(parse_limit(case.limit), case.due_at, story.now, book.calendar, book.roster)
    assign(story, unit, AssignmentKind.LEAD, due_at, verdict, replaces=former, designated=designated)
    call_supports(story)


def _refuse(story: Story, share: Assignment, command: RefuseReturn) -> None:
    back = AssignmentState.HANDLING if share.previous_state is AssignmentState.HANDLING else AssignmentState.SIGNED
    story.put(replace(step(share, back, story.now), return_refused=True))
    story.stop(Clock.RETURN_DECISION, subject=str(share.id))
    story.note("RETURN_REFUSED", command.decision, str(share.id))
    story.why.append(f"RETURN_REFUSED finding={command.finding}")
    story.events.append(TicketReturnRefused(assignment_id=share.id, unit=share.unit, finding=command.finding))


def _recall(story: Story, share: Assignment, command: Recall) -> None:
    if share.kind is AssignmentKind.LEAD:
        raise Refused("LEAD_NEEDS_SUCCESSOR", "a lead is redispatched or designated, never only recalled")
    story.note("RECALLED", command.reason, str(share.id))
    recall(story, share)
    require_support(story)


def _redispatch(story: Story, command: Redispatch) -> None:
    """The centre's own correction: at most as often as returns are followed, then only designation is left."""
    lead = _movable_lead(story, command.unit)
    if story.case.redispatches >= story.book.max_redispatches:
        raise Refused("DESIGNATE_ONLY", f"redispatched {story.case.redispatches} times: the command centre designates")
    verdict = admit(story, command.unit, AssignmentKind.LEAD, enforces=command.enforces)
    story.case = replace(story.case, forwards=count_forward(story, PlaceLevel.COUNTY))
    story.note("REDISPATCHED", command.reason)
    recall(story, lead)
    story.case = replace(story.case, redispatches=story.case.redispatches + 1)
    _hand_over(story, lead, command.unit, verdict, designated=False)


def _designate(story: Story, command: Designate) -> None:
    lead = _movable_lead(story, command.unit)
    verdict = admit(story, command.unit, AssignmentKind.LEAD)
    story.note("DESIGNATED", command.reason)
    recall(story, lead)
    _hand_over(story, lead, command.unit, verdict, designated=True)


def _movable_lead(story: Story, unit: str) -> Assignment:
    lead = story.case.lead
    if lead.unit == unit:
        raise Refused("SAME_UNIT", f"{unit} leads already")
    return lead
