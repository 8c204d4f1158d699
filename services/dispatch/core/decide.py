"""The heart: what follows for a case from a trigger, as a pure function of values."""

from datetime import datetime
from typing import assert_never

from services.dispatch.core.case import Case
from services.dispatch.core.clocks import ring
from services.dispatch.core.handling import handle
from services.dispatch.core.judgement import judge
from services.dispatch.core.org import Org
from services.dispatch.core.rulebook import Rulebook
from services.dispatch.core.story import Decision, Story
from services.dispatch.core.triggers import CheckIn, Contact, Resolve, Return, Sign, TimerDue, Trigger
from shared.events import TicketEvaluated, TicketTriaged


def decide(case: Case, trigger: Trigger, book: Rulebook, org: Org, now: datetime) -> Decision:
    """The decision on an open case. Raises Refused or IllegalTransition when a command may not be.

    A first decision, on a ticket that has no case yet, is `opening.open_case`. The same values always decide the same.
    """
    story = Story(case, book, org, now)
    match trigger:
        case TicketEvaluated():
            judge(story, trigger)
        case TimerDue():
            ring(story, trigger)
        case Sign() | Contact() | CheckIn() | Resolve() | Return():
            handle(story, trigger)
        case TicketTriaged():
            story.why.append("TRIAGED_AGAIN ignored")
        case _:
            assert_never(trigger)
    return story.decision()
