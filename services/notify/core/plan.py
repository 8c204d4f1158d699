"""From an event to the messages it asks for: who is told what, when, and through which endpoint."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from services.notify.core.contacts import AddressBook
from services.notify.core.followup import FollowUp
from services.notify.core.links import Purpose, code_of
from services.notify.core.measures import Plan
from services.notify.core.message import POLICIES, Facts, PlannedMessage, Template
from services.notify.core.subscription import Subscription
from shared.ending_events import TicketAnswered, TicketCallBackAsked
from shared.events import (
    NAMESPACE,
    Envelope,
    FollowUpAsked,
    TicketAssigned,
    TicketEscalated,
    TicketReminded,
    TicketSigned,
)
from shared.notify_events import SurgeAlert
from shared.terms import AlertKind, TicketId, Urgency

REPEAT = "REPEAT"
"""The mark of a matter that its caller had come with before."""
EXERCISE = "exercise"
"""Why a message of a drill is not sent."""


def plan_unreachable(evaluated: Envelope, follow_up: FollowUp, book: AddressBook, now: datetime) -> PlannedMessage:
    """The message with the free way back, for a citizen whom nobody reached; `evaluated` is what states that."""
    link = code_of(Purpose.REOPEN, evaluated.ticket_id, follow_up.cycle)
    facts: Facts = {"ticket_no": follow_up.ticket_no, "cycle": follow_up.cycle, "link": link}
    recipient = f"source:{follow_up.source}"
    return _message(evaluated, Template.UNREACHABLE, recipient, book, now, facts, exercise=follow_up.exercise)


_ALERTS = {AlertKind.CRITICAL: Urgency.U1, AlertKind.GROWTH: Urgency.U3}


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
                "urgency": e.urgency.value, "size": e.size.value, "mark": REPEAT if e.repeat else "",
                "grid": e.grid or "", "cycle": e.cycle,
                "due_at": e.due_at.isoformat(), "sign_by": e.sign_by.isoformat(),
            }  # fmt: skip
            told = _message(envelope, Template.ASSIGNED, f"unit:{e.unit}", book, now, facts, exercise=e.exercise)
            return [replace(told, urgency=e.urgency)]
        case TicketEscalated() as e:
            facts = {
                "ticket_no": e.ticket_no, "unit": e.unit, "clock": e.clock, "level": e.level, "cycle": e.cycle,
                "due_at": e.due_at.isoformat(), "urgency": e.urgency.value if e.urgency else "",
            }  # fmt: skip
            exercise = e.exercise or envelope.ticket_id in exercises
            told = _message(envelope, Template.ESCALATED, e.to, book, e.notify_at or now, facts, exercise=exercise)
            return [replace(told, urgency=e.urgency or told.urgency)]
        case TicketReminded() as e if e.ticket_no:  # older ones did not say of which ticket
            facts = {
                "ticket_no": e.ticket_no, "unit": e.unit, "clock": e.clock, "cycle": e.cycle,
                "due_at": e.due_at.isoformat(), "urgency": e.urgency.value if e.urgency else "",
            }  # fmt: skip
            return [_to_work(envelope, e, Template.REMINDED, facts, book, now, e.person)]
        case TicketSigned(deemed=True) as e if e.sign_by is not None:
            facts = {
                "ticket_no": e.ticket_no, "unit": e.unit, "sign_by": e.sign_by.isoformat(),
                "urgency": e.urgency.value if e.urgency else "",
            }  # fmt: skip
            return [_to_work(envelope, e, Template.DEEMED_SIGNED, facts, book, now)]
        case TicketCallBackAsked() as e:
            facts = {
                "ticket_no": e.ticket_no, "target": e.target.value, "due_at": e.due_at.isoformat(),
                "urgency": e.urgency.value,
            }  # fmt: skip
            recipient = f"source:{e.source}"
            told = _message(envelope, Template.CALL_BACK, recipient, book, now, facts, exercise=e.exercise)
            return [replace(told, urgency=e.urgency)]
        case TicketAnswered() as e:
            facts = {"ticket_no": e.ticket_no, "knowledge": e.knowledge}
            recipient = f"source:{e.source}"
            return [_message(envelope, Template.ANSWERED, recipient, book, now, facts, exercise=e.exercise)]
        case _:
            return []


def _to_work(
    envelope: Envelope, e: TicketReminded | TicketSigned, template: Template, facts: Facts, book: AddressBook,
    now: datetime, person: str | None = None,
) -> PlannedMessage:  # fmt: skip
    """Level 0: whoever handles it hears of it before anybody above does; the unit, where nobody has an address."""
    own = f"person:{person}" if person else ""
    recipient = own if own and book.names(own) else f"unit:{e.unit}"
    told = _message(envelope, template, recipient, book, now, facts, exercise=e.exercise)
    return replace(told, urgency=e.urgency or told.urgency)


def with_urgency(planned: Sequence[PlannedMessage], known: Mapping[TicketId, Urgency]) -> list[PlannedMessage]:
    """`planned`, where supervision that does not say how urgent it is, is so as its ticket: as `known`, or as the
    assignments among `planned` say.

    A ticket nobody has heard of counts as normal. Asking a citizen is never urgent.
    """
    urgencies = {**known, **{m.ticket_id: m.urgency for m in planned if m.template is Template.ASSIGNED}}
    return [
        replace(m, urgency=urgencies.get(m.ticket_id, m.urgency))
        if m.template is Template.ESCALATED and not m.facts["urgency"]
        else m
        for m in planned
    ]


def plan_ask(asked: Envelope, follow_up: FollowUp, book: AddressBook, now: datetime) -> PlannedMessage:
    """The message that has the hotline ask its citizen; `asked` carries the FollowUpAsked that states it."""
    assert isinstance(asked.event, FollowUpAsked)
    facts: Facts = {
        "ticket_no": follow_up.ticket_no, "cycle": asked.event.cycle, "attempt": asked.event.attempt,
        "link": code_of(Purpose.ANSWER, asked.ticket_id, follow_up.cycle),
    }  # fmt: skip
    recipient = f"source:{follow_up.source}"
    return _message(asked, Template.FOLLOW_UP, recipient, book, now, facts, exercise=follow_up.exercise)


def plan_alert(alert: UUID, event: SurgeAlert, book: AddressBook, now: datetime, plan: Plan) -> PlannedMessage:
    """The message that calls up whoever an alert is for, by `plan`; only slow growth may wait for office hours."""
    place = str(event.concerns or ", ".join(event.grids) or event.township or "")
    facts: Facts = {
        "kind": event.kind.value, "category": event.category, "place": place, "count": event.count,
        "threshold": event.threshold, "playbook": event.playbook, "plan_zh": plan.zh, "plan_en": plan.en,
        "since": event.window_start.isoformat(),
    }  # fmt: skip
    recipient = f"role:{event.to}"
    urgency = _ALERTS.get(event.kind, Urgency.U2)
    return PlannedMessage(
        uuid5(alert, f"{Template.SURGE}/{recipient}"), TicketId(alert), Template.SURGE, recipient, book.find(recipient),
        now, POLICIES[Template.SURGE], facts, str(alert), urgency=urgency,
    )  # fmt: skip


def plan_stopped(stopped: Subscription, place: str, book: AddressBook, now: datetime) -> PlannedMessage:
    """The message that tells an owner, by another channel, that a subscription was disabled; its story is its own."""
    identity = uuid5(stopped.id, f"stopped/{stopped.version}")
    facts: Facts = {"name": stopped.name, "place": place, "reason": str(stopped.stopped_for)}
    recipient, template = f"owner:{stopped.owner or 'nobody'}", Template.SUBSCRIPTION_STOPPED
    return PlannedMessage(
        identity, TicketId(stopped.id), template, recipient, book.find(recipient), now, POLICIES[template], facts,
        str(stopped.id),
    )  # fmt: skip


def _message(
    envelope: Envelope, template: Template, recipient: str, book: AddressBook, send_at: datetime, facts: Facts, *,
    exercise: bool,
) -> PlannedMessage:  # fmt: skip
    return PlannedMessage(
        uuid5(NAMESPACE, f"{envelope.id}/{template}/{recipient}"), envelope.ticket_id, template, recipient,
        book.find(recipient), send_at, POLICIES[template], facts, str(envelope.id), EXERCISE if exercise else "",
        traceparent=envelope.traceparent,
    )  # fmt: skip
