"""Asking back (回访核实, T06): whether help came where a critical matter was handed on; until it did a clock runs."""

from msgspec.structs import replace

from services.dispatch.core.case import CallBack, TicketState
from services.dispatch.core.deadlines import is_within
from services.dispatch.core.escalation import CENTRE_LEVEL, escalate, of_the_centre
from services.dispatch.core.lifecycle import move
from services.dispatch.core.rule_sections import Timer as TimerName
from services.dispatch.core.story import Clock, Refused, Story
from services.dispatch.core.triggers import ReportCallBack
from shared.ending_events import TicketCallBackAsked, TicketCalledBack
from shared.terms import TransferTarget

NO_HELP = "NO_HELP"
"""What somebody found, and what is then escalated in the place of a clock: none has to run out first."""


def begin_call_back(story: Story, target: TransferTarget) -> None:
    """A matter was handed on: where the pack says so, its hotline is to find out in time whether help came.

    What never had a unit waited for another ticket; that one is handed on, and asked about.
    """
    limit = story.limit_of(TimerName.CALL_BACK)
    if limit is None or not story.case.was_assigned:
        return
    due_at = story.deadline(limit)
    story.case = replace(story.case, call_back=CallBack(target, due_at))
    story.start(Clock.CALL_BACK, limit, story.now, due_at)
    ask_back(story)


def ask_back(story: Story) -> None:
    """State that somebody is to find out; said again while nobody has."""
    case = story.case
    assert case.call_back is not None, "its clock runs"
    story.why.append(f"CALL_BACK_ASKED target={case.call_back.target} due_at={case.call_back.due_at.isoformat()}")
    story.events.append(
        TicketCallBackAsked(
            ticket_no=case.ticket_no, source=case.source, target=case.call_back.target, cycle=case.cycle,
            due_at=case.call_back.due_at, urgency=case.urgency, exercise=case.exercise,
        )
    )  # fmt: skip


def call_back(story: Story, command: ReportCallBack) -> None:
    """Somebody asked: help came, which is the end of it; or it did not, and the command centre hears that at once.

    Raises Refused before a ticket is handed on, where nothing is to be found out, and once it was.
    """
    case, asked = story.case, story.case.call_back
    if case.state is not TicketState.TRANSFERRED:
        raise Refused("NOT_TRANSFERRED", "it was not handed on")
    if asked is None:
        raise Refused("NO_CALL_BACK_DUE", "it was not critical: nobody is to ask back")
    if asked.helped_at is not None:
        raise Refused("CALLED_BACK", "help came, as somebody found out already")
    story.note("CALL_BACK", command.note)
    on_time = is_within(story.now, asked.due_at)
    story.why.append(f"{'HELP_CAME' if command.helped else NO_HELP} target={asked.target}")
    story.events.append(TicketCalledBack(target=asked.target, helped=command.helped, on_time=on_time, cycle=case.cycle))
    if command.helped:
        story.stop(Clock.CALL_BACK)
        story.case = replace(move(case, TicketState.TRANSFERRED), call_back=replace(asked, helped_at=story.now))
    else:
        escalate(story, NO_HELP, CENTRE_LEVEL, asked.due_at, whose=of_the_centre(story, case.lead), raises_ticket=False)
