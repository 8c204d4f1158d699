"""Answering directly (直接答复): what is known ends a question before any unit works on it; and when it did not."""

from typing import Final

from msgspec.structs import replace

from services.dispatch.core.assignment import recall
from services.dispatch.core.case import Assignment, Case, TicketState
from services.dispatch.core.deadlines import earliest
from services.dispatch.core.dispatching import dispatch, limits_of
from services.dispatch.core.lifecycle import move
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.triggers import Answer
from shared.ending_events import TicketAnswered
from shared.events import TicketEvaluated, TicketReopened
from shared.terms import FollowUpOutcome, Light, Satisfaction, TicketType, Urgency

ANSWERABLE: Final = frozenset((TicketType.CONSULT, TicketType.SUGGESTION, TicketType.PRAISE))
"""What an answer can be the end of; a suggestion or praise is only written down."""


def answer(story: Story, command: Answer) -> None:
    """Apply the command. Raises Refused once a unit has begun, and for what an answer does not settle."""
    if story.case.state is not TicketState.DISPATCHED:
        raise Refused("NOT_DISPATCHED", "only a ticket in hand is answered")
    hindered = _hindrance(story.case)
    if hindered is not None:
        raise hindered
    story.note("ANSWER", command.reply)
    _end(story, command.knowledge)


def answered_at_the_door(story: Story, knowledge: str) -> bool:
    """Whether an accepted matter ends with what its citizen was told in the call; if not, it goes the usual way."""
    hindered = _hindrance(story.case)
    if hindered is not None:
        story.why.append(f"ANSWER_NOT_ENOUGH code={hindered.code} knowledge={knowledge}")
        return False
    _end(story, knowledge)
    return True


def judge_answer(story: Story, word: TicketEvaluated) -> None:
    """The citizen was asked about an answer: it stands, or the matter is taken on. Silence lets it stand."""
    is_content = word.solved and word.satisfaction is not Satisfaction.DISSATISFIED
    if is_content or word.outcome is FollowUpOutcome.UNREACHABLE:
        story.why.append(f"ANSWER_STANDS outcome={word.outcome}")
        return
    story.why.append(f"CITIZEN_SAID_NO solved={word.solved} satisfaction={word.satisfaction}")
    take_on(story)


def take_on(story: Story) -> None:
    """An answer that was none: the matter is dispatched for the first time, with its whole limit from now on."""
    case, book = story.case, story.book
    due = earliest(limits_of(case, book), story.now, book.calendar, book.roster)
    story.why.append(f"TAKEN_ON knowledge={case.knowledge}")
    story.case = replace(
        move(case, TicketState.ACCEPTED), closed_at=None, cycle=case.cycle + 1, limit=str(due.limit),
        started_at=story.now, due_at=due.at, light=Light.GREEN, level=0, escalated=(), plan=(),
        extension=None, waiver=None, moves=(), standstills=(),
    )  # fmt: skip
    story.events.append(TicketReopened(cycle=story.case.cycle, due_at=due.at))
    dispatch(story, due)


def _hindrance(case: Case) -> Refused | None:
    """Why an answer is not the end of it."""
    if case.ticket_type not in ANSWERABLE:
        return Refused("NOT_ANSWERABLE", "only a question, a suggestion or praise is answered directly")
    if case.urgency is not Urgency.U3:
        return Refused("TOO_URGENT_TO_ANSWER", "an urgent matter is seen to the end")
    if any(_has_begun(share) for share in case.assignments):
        return Refused("UNIT_HAS_BEGUN", "a unit has begun with it, and answers")
    return None


def _has_begun(share: Assignment) -> bool:
    return share.contacted_at is not None or share.checked_in_at is not None or share.submitted_at is not None


def _end(story: Story, knowledge: str) -> None:
    """Whoever has a part is recalled, no clock runs on, and that is stated in the place of a closing."""
    for share in [a for a in story.case.assignments if a.is_live]:
        recall(story, share)
    story.stop_all()
    case = story.case
    story.case = replace(move(case, TicketState.ANSWERED), closed_at=story.now, knowledge=knowledge)
    story.why.append(f"ANSWERED knowledge={knowledge}")
    story.events.append(
        TicketAnswered(
            ticket_no=case.ticket_no, source=case.source, unit=story.org.command_centre, knowledge=knowledge,
            ticket_type=case.ticket_type, category=case.category, township=case.township, cycle=case.cycle,
            exercise=case.exercise,
        )
    )  # fmt: skip
