"""A doubtful size: what its place could do, and no list calls small, is big unless a person soon says otherwise."""

from msgspec.structs import replace

from services.dispatch.core.assignment import assign, lead_in_place, recall
from services.dispatch.core.case import TicketState
from services.dispatch.core.deadline_moves import move_deadline
from services.dispatch.core.deadlines import earliest, is_within
from services.dispatch.core.dispatching import limits_of
from services.dispatch.core.guards import verdict_on
from services.dispatch.core.story import Clock, Refused, Story
from shared.terms import AssignmentKind, MatterSize

BASIC = "DUTY_BASIC"
"""The guards' rule by which a township's list lets it lead."""


def begin_review(story: Story) -> None:
    """Let a person look at it for a while, if by the duty list its place may lead; meanwhile it is at work as big."""
    case = story.case
    place = story.org.place_unit(case.grid, case.village, case.township)
    if place is None or case.is_complex or verdict_on(story, place, AssignmentKind.LEAD).rule != BASIC:
        return
    until = story.start_once(Clock.SIZE, story.book.sizing.review_within)
    story.why.append(f"SIZE_DOUBTFUL until={until.isoformat()}")


def end_review(story: Story) -> None:
    """Nobody made it small in time: it stays big."""
    story.stop(Clock.SIZE)
    story.why.append("SIZE_BIG_UNDECIDED")


def make_small(story: Story) -> None:
    """A person says that it is small: its place leads alone, with the limit of a small matter. Raises Refused."""
    case, book = story.case, story.book
    if case.state is not TicketState.DISPATCHED or not story.is_running(Clock.SIZE):
        raise Refused("NOT_IN_REVIEW", "only a doubtful matter can be made small, while it is looked at")
    story.case = replace(case, size=MatterSize.SMALL, waiver=None)
    due = earliest(limits_of(story.case, book), case.started_at, book.calendar, book.roster)
    if not is_within(story.now, due.at):
        raise Refused("AFTER_EXPIRY", "the deadline of a small matter has passed")
    chosen = lead_in_place(story)
    if chosen is None:
        raise Refused("NOT_FOR_ITS_PLACE", "its place may not lead it")
    story.stop(Clock.SIZE, Clock.PLAN)
    for part in story.case.parts:
        recall(story, part)
    former, (unit, verdict) = story.case.lead, chosen
    if unit != former.unit:
        recall(story, former)
    move_deadline(story, due.at, due.limit)
    if unit != former.unit:
        assign(story, unit, former.kind, due.at, verdict, replaces=former)
    story.why.append("SIZE_SMALL_BY_PERSON")
