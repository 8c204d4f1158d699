"""Dispatch's events and notify's values with defaults, so that a test shows only what it is about."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.notify.core.followup import Answer, FollowUp, RecordedBy, open_follow_up
from services.notify.core.rules import FollowUpRules, load_rules
from shared.ending_events import TicketAnswered, TicketCallBackAsked
from shared.events import (
    Envelope,
    Event,
    TicketAssigned,
    TicketAudited,
    TicketClosed,
    TicketEscalated,
    TicketRedispatched,
    TicketReminded,
    TicketReopened,
    TicketSigned,
    event_id,
)
from shared.terms import (
    AssignmentId,
    AssignmentKind,
    CloseReason,
    MatterSize,
    Satisfaction,
    Source,
    TicketId,
    TicketType,
    Urgency,
)

ROOT = Path(__file__).parents[3]
PACK = ROOT / "deploy" / "packs" / "county-default"
AREA = ROOT / "deploy" / "areas" / "sample-county"

NO = "99010126031010000010"
HOTLINE = "hotline-12345"
MORNING = datetime.fromisoformat("2026-03-10T09:15:00+08:00")
"""A Tuesday in Shanghai, a quarter of an hour into the morning band."""
DUE = MORNING + timedelta(hours=8)
_ASSIGNMENT = AssignmentId(UUID(int=77))

SATISFIED = Answer(True, True, Satisfaction.SATISFIED, RecordedBy.CITIZEN)
UNSOLVED = Answer(True, False, Satisfaction.DISSATISFIED, RecordedBy.FOLLOW_UP_AGENT)


def ticket(n: int) -> TicketId:
    """The n-th ticket of a test."""
    return TicketId(UUID(int=n))


def local(text: str) -> datetime:
    """An instant on Shanghai's clock: `10 09:15` is 10 March 2026."""
    return datetime.fromisoformat(f"2026-03-{text.replace(' ', 'T')}:00+08:00")


def envelope(event: Event, n: int = 1, version: int = 1) -> Envelope:
    """`event` as dispatch's `version`-th statement about the n-th ticket."""
    identity = event_id(Source.DISPATCH, ticket(n), version)
    return Envelope(identity, Source.DISPATCH, ticket(n), version, MORNING, event)


def assigned(**changes: Any) -> TicketAssigned:
    """The water company leads a small matter."""
    return TicketAssigned(**(_assignment() | changes))


def redispatched(**changes: Any) -> TicketRedispatched:
    """The same after a return."""
    return TicketRedispatched(**(_assignment() | {"replaces": _ASSIGNMENT} | changes))


def _assignment() -> dict[str, Any]:
    return {
        "ticket_no": NO, "assignment_id": _ASSIGNMENT, "kind": AssignmentKind.LEAD, "unit": "water",
        "ticket_type": TicketType.COMPLAINT, "category": "050101", "urgency": Urgency.U3, "size": MatterSize.SMALL,
        "cycle": 1, "accepted_at": MORNING, "due_at": DUE, "sign_by": MORNING + timedelta(hours=1),
    }  # fmt: skip


def escalated(**changes: Any) -> TicketEscalated:
    """The deadline was missed; the unit's head hears of it."""
    facts: dict[str, Any] = {
        "ticket_no": NO, "assignment_id": _ASSIGNMENT, "unit": "water", "clock": "RESOLVE", "cycle": 1, "level": 1,
        "to": "unit:water", "due_at": DUE,
    }  # fmt: skip
    return TicketEscalated(**(facts | changes))


def reminded(**changes: Any) -> TicketReminded:
    """The deadline comes near."""
    facts: dict[str, Any] = {
        "assignment_id": _ASSIGNMENT, "unit": "water", "clock": "RESOLVE", "cycle": 1, "due_at": DUE, "ticket_no": NO,
        "urgency": Urgency.U3,
    }  # fmt: skip
    return TicketReminded(**(facts | changes))


def deemed_signed(**changes: Any) -> TicketSigned:
    """Nobody signed in time, so the clock did."""
    facts: dict[str, Any] = {
        "assignment_id": _ASSIGNMENT, "unit": "water", "deemed": True, "ticket_no": NO,
        "sign_by": MORNING + timedelta(hours=1), "urgency": Urgency.U3,
    }  # fmt: skip
    return TicketSigned(**(facts | changes))


def answered(**changes: Any) -> TicketAnswered:
    """The hotline answered in the call; the command centre stands for it."""
    facts: dict[str, Any] = {
        "ticket_no": NO, "source": HOTLINE, "unit": "command-centre", "knowledge": "K-7",
        "ticket_type": TicketType.CONSULT, "category": "200101", "township": "990101001", "cycle": 1,
    }  # fmt: skip
    return TicketAnswered(**(facts | changes))


def call_back_asked(**changes: Any) -> TicketCallBackAsked:
    """A critical matter went to the fire brigade."""
    facts: dict[str, Any] = {
        "ticket_no": NO, "source": HOTLINE, "target": "FIRE_119", "cycle": 1, "due_at": DUE, "urgency": Urgency.U1,
    }  # fmt: skip
    return TicketCallBackAsked(**(facts | changes))


def audited(**changes: Any) -> TicketAudited:
    """The result passed its audit, and the citizen is to be asked."""
    facts: dict[str, Any] = {
        "ticket_no": NO, "source": HOTLINE, "assignment_id": _ASSIGNMENT, "unit": "water", "cycle": 1,
        "follow_up": True,
    }  # fmt: skip
    return TicketAudited(**(facts | changes))


def closed(cycle: int = 1) -> TicketClosed:
    """The loop was closed by somebody else."""
    return TicketClosed(reason=CloseReason.NO_FOLLOW_UP_DUE, cycle=cycle)


def reopened() -> TicketReopened:
    """The citizen said no."""
    return TicketReopened(cycle=2, due_at=DUE)


def rules() -> FollowUpRules:
    """The default pack's rules of asking."""
    return load_rules(rules_source())


def rules_source() -> dict[str, Any]:
    """The default pack's notify.toml, parsed; a fresh copy each time."""
    return tomllib.loads((PACK / "notify.toml").read_text(encoding="utf-8"))


def follow_up(opened_at: datetime = MORNING, **changes: Any) -> FollowUp:
    """A follow-up just opened."""
    opened = open_follow_up(envelope(audited(**changes)), rules(), opened_at)
    assert opened is not None
    return opened
