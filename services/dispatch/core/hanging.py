"""Matters that cannot be solved now (挂账): proposed by one person, approved by another, owned, and looked at again."""

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from services.dispatch.core.assignment import support_limit
from services.dispatch.core.case import AssignmentState, Hang, StoodStill, TicketState
from services.dispatch.core.deadline_moves import after_pause, move_deadline
from services.dispatch.core.deadlines import NaturalDays
from services.dispatch.core.guards import check_second_person
from services.dispatch.core.lifecycle import move
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.rulebook import window_row
from services.dispatch.core.story import DEEMED, TELL, Clock, Refused, Story, Timer
from services.dispatch.core.triggers import ApproveHang, HangCommand, ProposeHang, TimerDue, Unhang
from shared.joint_events import TicketHangProposed, TicketHangTold, TicketHung, TicketUnhung
from shared.terms import AssignmentKind

REVIEW = "review"


def hang(story: Story, command: HangCommand) -> None:
    """Apply a command about waiting. Raises Refused."""
    match command:
        case ProposeHang():
            _propose(story, command)
        case ApproveHang():
            _approve(story)
        case Unhang():
            if story.case.state is not TicketState.HUNG:
                raise Refused("NOT_HUNG", "the matter does not wait")
            unhang(story, automatic=False)
        case _:
            assert_never(command)


def _propose(story: Story, command: ProposeHang) -> None:
    case, rules, person = story.case, story.book.hang, story.actor.person
    if case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "only a ticket in hand can wait")
    if person is None:
        raise Refused("PERSON_NEEDED", "this step needs to know who takes it")
    if command.ground not in rules.grounds:
        raise Refused("NO_SUCH_GROUND", f"grounds are {', '.join(rules.grounds)}")
    if command.review_days > rules.review_days:
        raise Refused("REVIEW_TOO_LATE", f"a waiting matter is looked at within {rules.review_days} days")
    if case.hangs > rules.renewals:
        raise Refused("NO_MORE_RENEWALS", f"it waited {case.hangs} times")
    if story.org.unit(command.owner) is None:
        raise Refused("NO_SUCH_UNIT", f"{command.owner} is no unit")
    story.note("HANG_PLAN", command.plan)
    proposed = Hang(command.ground, command.owner, command.record, command.review_days, person)
    story.case = replace(case, hang=proposed)
    story.why.append(f"HANG_PROPOSED ground={command.ground} owner={command.owner}")
    story.events.append(TicketHangProposed(cycle=case.cycle, ground=command.ground, owner=command.owner))


def _approve(story: Story) -> None:
    case = story.case
    if case.hang is None or case.hang.approved_by is not None:
        raise Refused("NOTHING_PROPOSED", "no proposal waits for approval")
    second = check_second_person(story, case.hang.proposed_by)
    review_at = story.deadline(NaturalDays(case.hang.review_days))
    approved = replace(case.hang, approved_by=second, hung_at=story.now, review_at=review_at)
    story.stop_all()
    story.case = replace(move(case, TicketState.HUNG), hang=approved, hangs=case.hangs + 1, paused_at=story.now)
    _wait(story, approved, story.now)
    story.events.append(
        TicketHung(cycle=case.cycle, ground=approved.ground, owner=approved.owner, review_at=review_at)
    )  # fmt: skip


def _wait(story: Story, waiting: Hang, since: datetime) -> None:
    """Until the next word to the citizen, counted on from the one before, or the review if that comes first."""
    review_at = waiting.review_at or story.now
    every = timedelta(days=story.book.hang.citizen_told_every_days)
    told_at = since + every * ((story.now - since) // every + 1)
    limit = NaturalDays(waiting.review_days)
    step, until = (TELL, told_at) if told_at < review_at else (REVIEW, review_at)
    story.set(
        Timer(Clock.HANG, story.case.cycle, step, until, str(limit), waiting.hung_at or story.now, review_at)
    )  # fmt: skip


def look_again(story: Story, due: TimerDue) -> None:
    """The clock of a waiting matter: the citizen hears of it, and at the review it is handled again."""
    waiting = story.case.hang
    if due.step == TELL and waiting is not None and story.now < due.due_at:
        story.events.append(TicketHangTold(cycle=story.case.cycle, review_at=due.due_at))
        _wait(story, waiting, due.fire_at)
    else:
        unhang(story, automatic=True, at=due.due_at)


def unhang(story: Story, *, automatic: bool, at: datetime | None = None) -> None:
    """Handle it again, since `at` if that is earlier: the deadline moves by the wait, and some days are left at least.

    A review that nobody could hold, for the ticket waited for another one, was due all the same.
    """
    case = story.case
    story.stop(Clock.HANG)
    resumed_at = story.now if at is None else min(at, story.now)
    paused_at, least = min(case.paused_at or resumed_at, resumed_at), story.book.hang.resume_least
    moves = (*case.moves, StoodStill(paused_at, resumed_at, str(least)))
    story.case = replace(move(case, TicketState.DISPATCHED), paused_at=None, hang=None, moves=moves)
    due_at = after_pause(story, paused_at, least, until=resumed_at)
    move_deadline(story, due_at)
    _resume_shares(story, resumed_at)
    story.why.append(f"UNHUNG automatic={automatic} due_at={due_at.isoformat()}")
    story.events.append(TicketUnhung(cycle=case.cycle, due_at=due_at, automatic=automatic))


def _resume_shares(story: Story, since: datetime) -> None:
    """Open parts get their clock back, now due with the lead; so do decisions and receipts that were awaited."""
    row = window_row(story.case.size, story.case.urgency)
    for share in [a for a in story.case.assignments if a.is_open]:
        subject = str(share.id)
        if share.kind is AssignmentKind.SUPPORT:
            share = story.put(replace(share, due_at=story.case.due_at))
            story.start(Clock.PART, support_limit(story), since, share.due_at, subject, from_red=True)
        if share.signed_at is None:
            sign_limit = story.book.sign[row]
            story.start_once(Clock.SIGN, sign_limit, subject, since=since, step=DEEMED)
        if share.state is AssignmentState.RETURN_REQUESTED:
            limit = story.book.timers[TimerName.RETURN_DECISION][row]
            story.start_once(Clock.RETURN_DECISION, limit, subject, since=since)
        if story.case.lead.id == share.id and share.contacted_at is None:
            story.start_once(Clock.CONTACT, story.book.timers[TimerName.FIRST_CONTACT][row], subject, since=since)
