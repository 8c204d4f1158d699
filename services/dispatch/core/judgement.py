"""What the citizen's word does: it closes the ticket, or opens it again."""

from msgspec.structs import replace

from services.dispatch.core.answering import judge_answer
from services.dispatch.core.assignment import assign
from services.dispatch.core.case import TicketState
from services.dispatch.core.deadlines import half, parse_limit
from services.dispatch.core.escalation import escalate
from services.dispatch.core.guards import verdict_on
from services.dispatch.core.joint import begin
from services.dispatch.core.lifecycle import move
from services.dispatch.core.story import Clock, Story
from shared.events import TicketClosed, TicketEvaluated, TicketReopened
from shared.terms import AssignmentKind, CloseReason, FollowUpOutcome, Light, MatterSize, Satisfaction


def judge(story: Story, word: TicketEvaluated) -> None:
    """Close or reopen; an answer stands, or the matter is taken on. A word on a cycle that is over changes nothing."""
    if word.cycle == story.case.cycle and story.case.state is TicketState.ANSWERED:
        judge_answer(story, word)
        return
    if word.cycle != story.case.cycle or story.case.state is not TicketState.FOLLOWING_UP:
        story.why.append(f"JUDGEMENT_TOO_LATE cycle={word.cycle} state={story.case.state}")
        return
    if word.outcome is FollowUpOutcome.UNREACHABLE:
        _close(story, CloseReason.UNREACHABLE, None)
    elif word.solved and word.satisfaction is not Satisfaction.DISSATISFIED:
        _close(story, CloseReason.EVALUATED, word.solved)
    else:
        story.why.append(f"CITIZEN_SAID_NO solved={word.solved} satisfaction={word.satisfaction}")
        reopen(story)


def _close(story: Story, reason: CloseReason, solved: bool | None) -> None:
    story.stop_all()
    story.why.append(f"CLOSED reason={reason}")
    closed = move(story.case, TicketState.CLOSED)
    story.case = replace(closed, closed_at=story.now, close_reason=reason)
    story.events.append(TicketClosed(reason=reason, cycle=closed.cycle, solved=solved))


def reopen(story: Story) -> None:
    """A new round with half the limit: with the same lead at first, with the command centre from a given failure on."""
    rules, former = story.book.reopen, story.case.lead
    story.stop_all()
    reopens = story.case.reopens + 1
    original = story.case.first_limit or story.case.limit
    limit = half(parse_limit(original))
    due_at = story.deadline(limit)
    story.why.append(f"REOPENED count={reopens} limit={limit}")
    is_big = story.case.size is MatterSize.BIG
    story.case = replace(
        move(story.case, TicketState.DISPATCHED), cycle=story.case.cycle + 1, reopens=reopens, limit=str(limit),
        started_at=story.now, due_at=due_at, light=Light.GREEN, level=0, escalated=(), plan=(), extension=None,
        is_complex=story.case.is_complex or (is_big and reopens >= rules.complex_from),
        first_limit=original, waiver=None, moves=(), standstills=(),
    )  # fmt: skip
    story.events.append(TicketReopened(cycle=story.case.cycle, due_at=due_at))
    to_centre = reopens >= rules.to_command_centre_from or _may_not_lead(story, former.unit)
    unit = story.org.command_centre if to_centre else former.unit
    assign(story, unit, AssignmentKind.LEAD, due_at, verdict_on(story, unit, AssignmentKind.LEAD), designated=to_centre)
    story.start(Clock.RESOLVE, limit, story.now, due_at)
    begin(story)
    if reopens >= rules.supervise_2_from:
        level = 3 if reopens >= rules.complex_from else 2
        escalate(story, "REOPEN", level, story.now)


def _may_not_lead(story: Story, unit: str) -> bool:
    """The duty lists may have changed since."""
    refused = verdict_on(story, unit, AssignmentKind.LEAD).code
    if refused is not None:
        story.why.append(f"CANDIDATE_REFUSED unit={unit} code={refused}")
    return refused is not None
