"""What citizens and incidents ask through the other services: heeded where the rules allow, and never a fault."""

from typing import Final

from services.dispatch.core.actors import Actor, Role
from services.dispatch.core.escalation import escalate
from services.dispatch.core.lifecycle import OPEN_TICKET_STATES, IllegalTransition
from services.dispatch.core.nature import redefine
from services.dispatch.core.pauses import change_time
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.supervision import supervise
from services.dispatch.core.triggers import ChangeUrgency, Hasten, Reopen, SupplyInfo, Withdraw
from services.dispatch.core.wish import Wish
from shared.intake_events import (
    IncidentRecounted,
    ReopenRequested,
    TicketHastened,
    TicketSupplemented,
    WithdrawalRequested,
)
from shared.notify_events import ReopenAsked

CITIZEN: Final = Actor(Role.CITIZEN)
CAME_BACK: Final = "诉求人要求重办 / the citizen came back"


def heed(story: Story, wish: Wish) -> None:
    """Do what is asked. Raises Refused or IllegalTransition where the rules do not allow it; then `pass_over` it."""
    story.actor = CITIZEN
    match wish:
        case TicketHastened() if story.case.closed_at is None:
            supervise(story, Hasten())
        case TicketHastened() | ReopenRequested() | ReopenAsked():
            supervise(story, Reopen(CAME_BACK))
        case TicketSupplemented():
            change_time(story, SupplyInfo())
        case WithdrawalRequested():
            supervise(story, Withdraw())
        case IncidentRecounted():
            _recount(story, wish)


def pass_over(story: Story, refusal: Refused | IllegalTransition) -> None:
    """A wish that cannot be granted leaves the ticket as it is; the decision says why, and the log keeps it."""
    code = refusal.code if isinstance(refusal, Refused) else "ILLEGAL_TRANSITION"
    story.why.append(f"WISH_PASSED_OVER code={code}")


def _recount(story: Story, word: IncidentRecounted) -> None:
    """Many reporters make the matter more urgent and bring it before a higher level; fewer take nothing back."""
    if story.case.state not in OPEN_TICKET_STATES:
        raise Refused("NOT_OPEN", "the ticket is closed")
    story.why.append(f"INCIDENT_RECOUNTED reporters={word.reporters}")
    if word.urgency < story.case.urgency:  # U1 is the most
        redefine(story, ChangeUrgency(word.urgency, f"{word.reporters} reporters of one incident"))
    if word.supervise > story.case.level:
        escalate(story, "INCIDENT", word.supervise, story.case.due_at)
