"""What follows when a clock reaches its next step: reminders, lights, escalations, what its silence decides."""

from typing import Final

from msgspec.structs import replace

from services.dispatch.core.call_back import ask_back
from services.dispatch.core.case import AssignmentState, Case
from services.dispatch.core.deadline_moves import CONVERTED
from services.dispatch.core.escalation import escalate_clock, remind, show_light, target
from services.dispatch.core.handling import sign
from services.dispatch.core.hanging import look_again
from services.dispatch.core.ladder import Rung, Step
from services.dispatch.core.nature import convert_at_breach
from services.dispatch.core.pauses import refuse_extension, resume
from services.dispatch.core.rulebook import LEVELS
from services.dispatch.core.size_review import end_review
from services.dispatch.core.story import BREACH, OVERDUE, Clock, ClockKey, Story, Timer, spelled
from services.dispatch.core.triggers import TimerDue
from shared.terms import Light, MatterSize

LEVEL_OF_BREACH: Final = {Clock.MEETING: 2, Clock.CATEGORY: 2, Clock.RETURN_DECISION: 2}
"""Level 1 for every other clock that only speaks once."""


def ring(story: Story, due: TimerDue) -> None:
    """Do what the clock's step asks, and every further step it has reached meanwhile; set its next one.

    A clock that no longer runs says nothing and ends; one that the case wants to ring at another instant is set to it.
    """
    if not is_in_step(story.case, due):
        _mend(story, due)
        return
    match due.clock:
        case Clock.SIGN:
            _deem_signed(story, due)
        case Clock.SUPPLEMENT:
            resume(story, answered=False, at=due.due_at)
        case Clock.SIZE:
            end_review(story)
        case Clock.EXTENSION_DECISION:
            refuse_extension(story, expired=True)
        case Clock.HANG:
            look_again(story, due)
        case _ if due.step == BREACH:
            _breach(story, due)
        case _:
            _climb(story, due)


def is_in_step(case: Case, due: TimerDue) -> bool:
    """Whether the case knows of this clock and of this instant; if not, one of the two was written wrongly."""
    return case.clocks.get(spelled(due.clock, due.subject)) == due.fire_at


def _mend(story: Story, due: TimerDue) -> None:
    """Let the case have its way, or the clock would stay due for ever and do nothing."""
    key = ClockKey(due.clock, due.subject)
    fire_at = story.clocks.get(key.text)
    story.timers[key] = None if fire_at is None else replace(_timer(due), fire_at=fire_at)


def _timer(due: TimerDue) -> Timer:
    return Timer(due.clock, due.cycle, due.step, due.fire_at, due.limit, due.started_at, due.due_at, due.subject)


def _deem_signed(story: Story, due: TimerDue) -> None:
    story.why.append(f"DEEMED_SIGNED sign_by={due.due_at.isoformat()}")
    share = target(story, due)
    story.stop(Clock.SIGN, subject=due.subject)
    if share.state is AssignmentState.PENDING_SIGN:
        sign(story, share, None, deemed=True)


def _breach(story: Story, due: TimerDue) -> None:
    """A clock that speaks once: its unit hears of it, and the resolve clock goes on."""
    story.stop(due.clock, subject=due.subject)
    if due.subject and due.clock not in LEVEL_OF_BREACH:
        story.put(replace(target(story, due), light=Light.RED))
    story.why.append(f"BREACHED clock={due.clock} due_at={due.due_at.isoformat()}")
    escalate_clock(story, due, LEVEL_OF_BREACH.get(due.clock, 1))


def _climb(story: Story, due: TimerDue) -> None:
    timer = _timer(due)
    rungs = timer.rungs(story.book, story.case.urgency)
    names = [rung.step.value for rung in rungs]
    ahead = rungs[names.index(due.step) :] if due.step in names else ()
    if due.step == OVERDUE:
        _remind(story, due)
    for rung in ahead:
        if not rung.is_reached(story.now):
            story.set(replace(timer, step=rung.step.value, fire_at=rung.due_at))
            return
        _reach(story, due, rung)
    if due.clock is Clock.RESOLVE and CONVERTED in story.case.escalated:
        story.stop(due.clock)  # turned big: the other clock goes on
    else:
        story.set(replace(timer, step=OVERDUE, fire_at=story.next_morning()))


def _remind(story: Story, due: TimerDue) -> None:
    if due.clock is Clock.CALL_BACK:
        ask_back(story)
    else:
        remind(story, due)


def _reach(story: Story, due: TimerDue, rung: Rung) -> None:
    match rung.step:
        case Step.REMINDER:
            _remind(story, due)
        case Step.YELLOW | Step.RED if due.clock is Clock.CALL_BACK:
            return  # what went to another line shows no light here
        case Step.YELLOW:
            show_light(story, due, Light.YELLOW)
        case Step.RED:
            show_light(story, due, Light.RED)
            if due.clock is Clock.RESOLVE and story.case.size is MatterSize.SMALL:
                convert_at_breach(story)
        case Step.LEVEL_2 if due.clock is Clock.RESOLVE and CONVERTED in story.case.escalated and story.case.plan:
            story.why.append("LEVEL_2_SPARED a joint plan is made")
        case _:
            escalate_clock(story, due, LEVELS[rung.step], rung.notify_at)
