"""From an event to the messages it asks for: who is told what, when, and through which endpoint."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid5

from services.notify.core.contacts import AddressBook
from services.notify.core.followup import FollowUp
from services.notify.core.message import POLICIES, Facts, PlannedMessage, Template
from shared.events import NAMESPACE, Envelope, FollowUpAsked, TicketAssigned, TicketEscalated
from shared.terms import TicketId, Urgency

EXERCISE = "exercise"
"""Why a message of a drill is not sent."""


def plan(
    envelope: Envelope, book: AddressBook, now: datetime, exercises: Collection[TicketId] = ()
) -> list[PlannedMessage]:
    """The messages that `envelope` asks for; none for most events.

    `exercises` names the tickets known to be drills, for the events that do not say so themselves.
    """
    match envelope.event:
        case TicketAssigned() as e:  # a redispatch is an assignment too
            facts: Facts = {
                "ticket_no": e.ticket_no, "unit": e.unit, "kind": e.kind.value, "category": e.category,
                "urgency": e.urgency.value, "size": e.size.value, "grid": e.grid or "", "cycle": e.cycle,
                "due_at": e.due_at.isoformat(), "sign_by": e.sign_by.isoformat(),
            }  # fmt: skip
            told = _message(envelope, Template.ASSIGNED, f"unit:{e.unit}", book, now, facts, exercise=e.exercise)
            return [replace(told, urgency=e.urgency)]
        case TicketEscalated() as e:
            facts = {
                "ticket_no": e.ticket_no, "unit": e.unit, "clock": e.clock, "level": e.level, "cycle": e.cycle,
                "due_at": e.due_at.isoformat(),
            }  # fmt: skip
            exercise = envelope.ticket_id in exercises
            return [_message(envelope, Template.ESCALATED, e.to, book, e.notify_at or now, facts, exercise=exercise)]
        case _:
            return []


def with_urgency(planned: Sequence[PlannedMessage], known: Mapping[TicketId, Urgency]) -> list[PlannedMessage]:
    """`planned`, where supervision is as urgent as its ticket: as `known`, or as the assignments among `planned` say.

    A ticket nobody has heard of counts as normal. Asking a citizen is never urgent.
    """
    urgencies = {**known, **{m.ticket_id: m.urgency for m in planned if m.template is Template.ASSIGNED}}
    return [
        replace(m, urgency=urgencies.get(m.ticket_id, m.urgency)) if m.template is Template.ESCALATED else m
        for m in planned
    ]


def plan_ask(asked: Envelope, follow_up: FollowUp, book: AddressBook, now: datetime) -> PlannedMessage:
    """The message that has the hotline ask its citizen; `asked` carries the FollowUpAsked that states it."""
    assert isinstance(asked.event, FollowUpAsked)
    facts: Facts = {"ticket_no": follow_up.ticket_no, "cycle": asked.event.cycle, "attempt": asked.event.attempt}
    recipient = f"source:{follow_up.source}"
    return _message(asked, Template.FOLLOW_UP, recipient, book, now, facts, exercise=follow_up.exercise)


def _message(
    envelope: Envelope, template: Template, recipient: str, book: AddressBook, send_at: datetime, facts: Facts, *,
    exercise: bool,
) -> PlannedMessage:  # fmt: skip
    return PlannedMessage(
        uuid5(NAMESPACE, f"{envelope.id}/{template}/{recipient}"), envelope.ticket_id, template, recipient,
        book.find(recipient), send_at, POLICIES[template], facts, str(envelope.id), EXERCISE if exercise else "",
        traceparent=envelope.traceparent,
    )  # fmt: skip
