"""What citizens ask and intake decides, through the other services: heeded where the rules allow, never a fault."""

from typing import Final, assert_never

from services.dispatch.core.actors import Actor, Role
from services.dispatch.core.call_back import begin_call_back
from services.dispatch.core.case import TicketState
from services.dispatch.core.escalation import escalate
from services.dispatch.core.family_words import PutAside
from services.dispatch.core.incidents import hear_supplement, put_aside, take_up
from services.dispatch.core.lifecycle import OPEN_TICKET_STATES, IllegalTransition
from services.dispatch.core.nature import redefine
from services.dispatch.core.pauses import change_time
from services.dispatch.core.story import Refused, Story
from services.dispatch.core.supervision import end, supervise
from services.dispatch.core.triggers import ChangeUrgency, Hasten, Reopen, SupplyInfo, Withdraw
from services.dispatch.core.wish import Wish
from shared.intake_events import (
    IncidentRecounted,
    ReopenRequested,
    TicketHastened,
    TicketMerged,
    TicketNotAccepted,
    TicketRouted,
    TicketSplit,
    TicketSupplemented,
    TicketTransferred,
    WithdrawalRequested,
)
from shared.joint_events import WishPassedOver
from shared.notify_events import ReopenAsked
from shared.terms import CloseReason, SplitReason, TakeUpReason

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
        case TicketSupplemented() if story.case.state is TicketState.NEED_INFO:
            change_time(story, SupplyInfo())
        case TicketSupplemented():
            hear_supplement(story)
            story.why.append("SUPPLEMENTED")  # nobody waits for it; the words are with the ticket
        case WithdrawalRequested():
            supervise(story, Withdraw())
        case IncidentRecounted():
            _recount(story, wish)
        case TicketMerged():
            put_aside(story, PutAside(wish))
        case TicketSplit(reason=SplitReason.WITHDRAWN) if story.case.state is TicketState.WITHDRAWN:
            story.why.append("WAITS_NO_LONGER")
        case TicketSplit():
            take_up(story, TakeUpReason.SPLIT)
        case TicketNotAccepted() | TicketTransferred() | TicketRouted():
            _end(story, wish)
        case _:
            assert_never(wish)


def pass_over(story: Story, wish: Wish, refusal: Refused | IllegalTransition) -> None:
    """A wish that cannot be granted leaves the ticket as it is; that is stated, with its code, and explained."""
    code = refusal.code if isinstance(refusal, Refused) else "ILLEGAL_TRANSITION"
    name = wish.type.removeprefix("org.griddispatch.").rpartition(".")[0]
    story.why.append(f"WISH_PASSED_OVER code={code} wish={name}")
    story.events.append(WishPassedOver(wish=name, code=code))


def _end(story: Story, word: TicketNotAccepted | TicketTransferred | TicketRouted) -> None:
    """What intake refused, handed on or routed apart is not worked on any further."""
    if story.case.closed_at is not None:
        raise Refused("NOT_OPEN", "the ticket is closed")
    match word:
        case TicketNotAccepted():
            story.why.append(f"NOT_ACCEPTED reason={word.reason} rule={word.rule or 'DESK'}")
            end(story, TicketState.NOT_ACCEPTED, CloseReason.NOT_ACCEPTED)
        case TicketTransferred():
            story.why.append(f"TRANSFERRED target={word.target}")
            end(story, TicketState.TRANSFERRED, CloseReason.TRANSFERRED)
            begin_call_back(story, word.target)
        case TicketRouted():
            story.why.append("ROUTED_APART")
            end(story, TicketState.ROUTED, CloseReason.ROUTED)


def _recount(story: Story, word: IncidentRecounted) -> None:
    """Many reporters make the matter more urgent and bring it before a higher level; fewer take nothing back."""
    if story.case.state not in OPEN_TICKET_STATES:
        return  # nobody asked for anything: the number changes nothing about what is closed, or waits itself
    story.why.append(f"INCIDENT_RECOUNTED reporters={word.reporters}")
    if word.urgency < story.case.urgency:  # U1 is the most
        redefine(story, ChangeUrgency(word.urgency, f"{word.reporters} reporters of one incident"))
    if word.supervise > story.case.level:
        escalate(story, "INCIDENT", word.supervise, story.case.due_at)
