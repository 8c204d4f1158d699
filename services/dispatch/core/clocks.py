"""What follows when a clock reaches its next step: reminders, lights, escalations, a small matter turning big."""

from datetime import datetime

from msgspec.structs import replace

from services.dispatch.core.case import AssignmentState, TicketState
from services.dispatch.core.deadlines import deadline
from services.dispatch.core.handling import sign
from services.dispatch.core.ladder import Rung, Step
from services.dispatch.core.rulebook import LEVELS
from services.dispatch.core.story import OVERDUE, RESOLVE_CLOCKS, Clock, Story, Timer
from services.dispatch.core.triggers import TimerDue
from shared.events import TicketConverted, TicketEscalated, TicketLightChanged, TicketReminded
from shared.terms import Light, MatterSize


def ring(story: Story, due: TimerDue) -> None:
    """Do what the clock's step asks, and every further step it has reached meanwhile; set its next one.

    A clock that no longer matters (the case moved on) is stopped and nothing is said.
    """
    if due.cycle != story.case.cycle or not _matters(story, due.clock):
        story.stop(due.clock)
    elif due.clock is Clock.SIGN:
        story.why.append(f"DEEMED_SIGNED sign_by={due.due_at.isoformat()}")
        sign(story, story.case.lead, None, deemed=True)
    else:
        _climb(story, due)


def _matters(story: Story, clock: Clock) -> bool:
    case = story.case
    if clock is Clock.SIGN:
        return case.state is TicketState.DISPATCHED and case.lead.state is AssignmentState.PENDING_SIGN
    return case.state is (TicketState.DISPATCHED if clock in RESOLVE_CLOCKS else TicketState.FOLLOWING_UP)


def _climb(story: Story, due: TimerDue) -> None:
    timer = Timer(due.clock, due.cycle, due.step, due.due_at, due.limit, due.started_at, due.due_at)
    rungs = timer.rungs(story.book)
    names = [rung.step.value for rung in rungs]
    ahead = rungs[names.index(due.step) :] if due.step in names else ()
    if due.step == OVERDUE:
        _remind(story, due)
    for place, rung in enumerate(ahead):
        if not rung.is_reached(story.now):
            story.timers[due.clock] = replace(timer, step=rung.step.value, fire_at=rung.due_at)
            return
        _reach(story, due, rung, ahead[place + 1 :])
    if due.clock is Clock.RESOLVE and due.limit != story.case.limit:
        story.stop(due.clock)  # turned big: the other clock goes on
    else:
        story.timers[due.clock] = replace(timer, step=OVERDUE, fire_at=story.next_morning())


def _reach(story: Story, due: TimerDue, rung: Rung, above: tuple[Rung, ...]) -> None:
    match rung.step:
        case Step.REMINDER:
            _remind(story, due)
        case Step.YELLOW:
            _light(story, due, Light.YELLOW)
        case Step.RED:
            _light(story, due, Light.RED)
            if due.clock is Clock.RESOLVE and story.case.size is MatterSize.SMALL:
                _convert(story)
        case _:
            _escalate(story, due, LEVELS[rung.step], rung.notify_at)


def _remind(story: Story, due: TimerDue) -> None:
    lead = story.case.lead
    story.why.append(f"REMINDED clock={due.clock} step={due.step} due_at={due.due_at.isoformat()}")
    story.events.append(
        TicketReminded(
            assignment_id=lead.id, unit=lead.unit, clock=due.clock.value, cycle=due.cycle, due_at=due.due_at
        )
    )  # fmt: skip


def _light(story: Story, due: TimerDue, light: Light) -> None:
    lead = story.case.lead
    story.why.append(f"LIGHT_{light} clock={due.clock} due_at={due.due_at.isoformat()}")
    if story.case.light is Light.RED and light is Light.YELLOW:
        return
    story.case = replace(story.case, light=light)
    story.events.append(
        TicketLightChanged(
            assignment_id=lead.id, unit=lead.unit, light=light, clock=due.clock.value, cycle=due.cycle,
            due_at=due.due_at,
        )
    )  # fmt: skip


def _escalate(story: Story, due: TimerDue, level: int, notify_at: datetime) -> None:
    escalate(story, due.clock.value, due.cycle, level, due.due_at, notify_at)


def escalate(story: Story, clock: str, cycle: int, level: int, due_at: datetime, notify_at: datetime | None) -> None:
    """State one escalation; the case keeps the highest level it has reached."""
    lead = story.case.lead
    to = story.book.escalate_to[level].format(unit=lead.unit)
    story.why.append(f"ESCALATED clock={clock} level={level} to={to}")
    story.case = replace(story.case, level=max(level, story.case.level))
    story.events.append(
        TicketEscalated(
            ticket_no=story.case.ticket_no, assignment_id=lead.id, unit=lead.unit, clock=clock, cycle=cycle,
            level=level, to=to, due_at=due_at, notify_at=notify_at,
        )
    )  # fmt: skip


def _convert(story: Story) -> None:
    """A small matter that missed its day becomes big: the limit of a big one from acceptance, the breach is kept."""
    case, book = story.case, story.book
    limit = book.limits[MatterSize.BIG.value, None]
    due_at = deadline(limit, case.started_at, book.calendar, book.roster)
    lead = replace(case.lead, due_at=due_at)
    story.why.append(f"CONVERTED_AT_BREACH limit={limit} due_at={due_at.isoformat()}")
    story.case = replace(case, size=MatterSize.BIG, limit=str(limit), due_at=due_at).with_assignment(lead)
    story.start(Clock.RESOLVE_BIG, limit, case.started_at, due_at)
    story.events.append(TicketConverted(assignment_id=lead.id, unit=lead.unit, cycle=case.cycle, due_at=due_at))
