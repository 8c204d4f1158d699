"""What the citizen's word does: it closes the ticket, or opens it again."""

from msgspec.structs import replace

from services.dispatch.core.case import TicketState
from services.dispatch.core.clocks import escalate
from services.dispatch.core.deadlines import deadline, half, parse_limit
from services.dispatch.core.lifecycle import move
from services.dispatch.core.story import Clock, Story
from shared.events import TicketClosed, TicketEvaluated, TicketReopened
from shared.terms import CloseReason, FollowUpOutcome, Light, Satisfaction

LEVEL_OF_REOPENING = {1: 0, 2: 2}
"""The second failure is supervised at level 2, any later one at level 3."""


def judge(story: Story, word: TicketEvaluated) -> None:
    """Close or reopen. A word on a cycle that is over changes nothing."""
    if word.cycle != story.case.cycle or story.case.state is not TicketState.FOLLOWING_UP:
        story.why.append(f"JUDGEMENT_TOO_LATE cycle={word.cycle} state={story.case.state}")
        return
    story.stop(Clock.FOLLOW_UP)
    if word.outcome is FollowUpOutcome.UNREACHABLE:
        _close(story, CloseReason.UNREACHABLE, None)
    elif word.solved and word.satisfaction is not Satisfaction.DISSATISFIED:
        _close(story, CloseReason.EVALUATED, word.solved)
    else:
        _reopen(story, word)


def _close(story: Story, reason: CloseReason, solved: bool | None) -> None:
    story.why.append(f"CLOSED reason={reason}")
    closed = move(story.case, TicketState.CLOSED)
    story.case = replace(closed, closed_at=story.now, close_reason=reason)
    story.events.append(TicketClosed(reason=reason, cycle=closed.cycle, solved=solved))


def _reopen(story: Story, word: TicketEvaluated) -> None:
    book, reopens = story.book, story.case.reopens + 1
    limit = half(parse_limit(story.case.limit))
    due_at = deadline(limit, story.now, book.calendar, book.roster)
    former = story.case.lead
    story.why.append(f"REOPENED solved={word.solved} satisfaction={word.satisfaction} count={reopens} limit={limit}")
    story.case = replace(
        move(story.case, TicketState.DISPATCHED), cycle=story.case.cycle + 1, reopens=reopens, limit=str(limit),
        started_at=story.now, due_at=due_at, light=Light.GREEN, level=0,
    )  # fmt: skip
    story.events.append(TicketReopened(cycle=story.case.cycle, due_at=due_at))
    to_centre = reopens >= book.to_command_centre_from
    unit = story.org.command_centre if to_centre else former.unit
    story.assign_lead(unit, due_at, designated=to_centre)
    story.start(Clock.RESOLVE, limit, story.now, due_at)
    level = LEVEL_OF_REOPENING.get(reopens, 3)
    if level:
        escalate(story, "REOPEN", story.case.cycle, level, story.now, None)
