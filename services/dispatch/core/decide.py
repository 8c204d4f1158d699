"""The heart: what follows for a case from a trigger, as a pure function of values."""

from datetime import datetime
from typing import assert_never

from services.dispatch.core.actors import Actor
from services.dispatch.core.answering import answer
from services.dispatch.core.archiving import archive
from services.dispatch.core.auditing import audit
from services.dispatch.core.call_back import call_back
from services.dispatch.core.case import Case, TicketState
from services.dispatch.core.clocks import ring
from services.dispatch.core.family_words import PutAside
from services.dispatch.core.handling import handle
from services.dispatch.core.hanging import hang
from services.dispatch.core.incidents import hear_family, put_aside
from services.dispatch.core.joint import act_jointly
from services.dispatch.core.judgement import judge
from services.dispatch.core.lifecycle import IllegalTransition
from services.dispatch.core.nature import redefine
from services.dispatch.core.org import Org
from services.dispatch.core.pauses import change_time
from services.dispatch.core.permissions import check_role, least_actor
from services.dispatch.core.recounting import recount, step_again
from services.dispatch.core.returns import give_back
from services.dispatch.core.rewatch import rewatch
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.standstill import stand_still, stand_still_again
from services.dispatch.core.step_clocks import is_step_clock, move_clock
from services.dispatch.core.story import ArchiveDue, ClockLost, Decision, NoticeCame, Refused, StandstillOrdered, Story
from services.dispatch.core.supervision import supervise
from services.dispatch.core.triggers import (
    Answer,
    AuditCommand,
    Command,
    HandlingCommand,
    HangCommand,
    JointCommand,
    NatureCommand,
    OnAssignment,
    OnTicket,
    Reopen,
    ReportCallBack,
    ReturnCommand,
    SupervisionCommand,
    TimeCommand,
    TimerDue,
    Trigger,
    Withdraw,
)
from services.dispatch.core.wish import WISHES, Wish
from services.dispatch.core.wishes import heed, pass_over
from shared.events import TicketEvaluated, TicketTriaged

# Asked in every decision, and before Python 3.12 the members of an enumeration are slow to find.
_IN_HAND, _MERGED = TicketState.DISPATCHED, TicketState.MERGED


def decide(
    case: Case, trigger: Trigger, book: Rulebook, org: Org, now: datetime, actor: Actor | None = None
) -> Decision:
    """The decision on an open case. Raises Refused or IllegalTransition when a command may not be.

    A first decision, on a ticket that has no case yet, is `opening.open_case`. The same values always decide the same.
    Where nobody says who gives a command, the least role that may is assumed.
    """
    story = Story(case, book, org, now)
    if isinstance(trigger, OnAssignment | OnTicket):  # first: of models of events it is slow to ask what something is
        _command(story, trigger, actor)
    elif isinstance(trigger, TimerDue):
        ring(story, trigger)
    elif isinstance(trigger, TicketEvaluated):
        judge(story, trigger)
    elif isinstance(trigger, ClockLost):
        rewatch(story)
    elif isinstance(trigger, ArchiveDue):
        archive(story)
    elif isinstance(trigger, NoticeCame):
        recount(story, trigger)
        for timer in filter(is_step_clock, trigger.running):
            move_clock(story, timer, step_again(timer, trigger.before, book, now))
    elif isinstance(trigger, StandstillOrdered):
        stand_still(story, trigger)
    elif isinstance(trigger, TicketTriaged):
        story.why.append("TRIAGED_AGAIN ignored")
    elif isinstance(trigger, WISHES):
        return _heeded(story, trigger, Story(case, book, org, now))
    elif isinstance(trigger, PutAside):
        return _put_aside(story, trigger, Story(case, book, org, now))
    else:
        hear_family(story, trigger)
    return _finished(story, case)


def _command(story: Story, command: Command, actor: Actor | None) -> None:
    story.actor = actor or least_actor(command)
    check_role(story, command)
    if story.case.state is _MERGED and not isinstance(command, Withdraw):
        raise Refused("MERGED", "it waits for another ticket")
    if not story.case.was_assigned and not isinstance(command, Withdraw | Reopen):
        raise Refused("NOT_OPEN", "no unit ever had it")
    _obey(story, command)


def _finished(story: Story, before: Case) -> Decision:
    if story.org.standstills and before.state is not _IN_HAND and story.case.state is _IN_HAND:
        stand_still_again(story, before)
    return story.decision()


def _heeded(story: Story, wish: Wish, untouched: Story) -> Decision:
    try:
        heed(story, wish)
    except (Refused, IllegalTransition) as refusal:
        pass_over(untouched, wish, refusal)
        return untouched.decision()
    return _finished(story, untouched.case)


def _put_aside(story: Story, told: PutAside, untouched: Story) -> Decision:
    try:
        put_aside(story, told)
    except (Refused, IllegalTransition) as refusal:
        pass_over(untouched, told.word, refusal)
        return untouched.decision()
    return story.decision()


def _obey(story: Story, command: Command) -> None:
    if isinstance(command, HandlingCommand):
        handle(story, command)
    elif isinstance(command, AuditCommand):
        audit(story, command)
    elif isinstance(command, ReturnCommand):
        give_back(story, command)
    elif isinstance(command, TimeCommand):
        change_time(story, command)
    elif isinstance(command, HangCommand):
        hang(story, command)
    elif isinstance(command, NatureCommand):
        redefine(story, command)
    elif isinstance(command, JointCommand):
        act_jointly(story, command)
    elif isinstance(command, SupervisionCommand):
        supervise(story, command)
    elif isinstance(command, Answer):
        answer(story, command)
    elif isinstance(command, ReportCallBack):
        call_back(story, command)
    else:
        assert_never(command)
