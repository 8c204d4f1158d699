"""Manners in telling people: quiet hours, one formal notice per ticket and day, and notices bundled by the hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from services.notify.core.contacts import Endpoint
from services.notify.core.message import AUDIENCES, NOTICES, Audience, Message, PlannedMessage, Policy, Template
from shared.terms import TicketId, Urgency

PATIENCE = timedelta(hours=96)
"""How long an endpoint without a second channel is tried: longer than the whole schedule of attempts."""

PATIENCE_WITH_FALLBACK: Mapping[Urgency, timedelta] = {
    Urgency.U1: timedelta(minutes=2),
    Urgency.U2: timedelta(minutes=15),
    Urgency.U3: timedelta(hours=3),
}
"""How long the first channel is tried where there is a second: what is urgent goes there soon."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of the local day, from `opens` until before `closes`."""

    opens: time
    closes: time


def _usual_hours() -> Mapping[Audience, Hours]:
    return {
        Audience.OFFICIAL: Hours(time(8), time(21)),
        Audience.CITIZEN: Hours(time(8, 30), time(20, 30)),
    }


@dataclass(frozen=True)
class Courtesy:
    """The rules. Nothing of U1 or U2 is ever held back, bundled or merged by them."""

    zone: ZoneInfo
    hours: Mapping[Audience, Hours] = field(default_factory=_usual_hours)
    notice_every: timedelta = timedelta(hours=24)
    """A person gets one formal notice of supervision 督办 about a ticket within this time, and one reminder."""
    bundle_every: timedelta = timedelta(hours=1)
    """Formal notices to one person come in bundles, one within this time."""

    def quiet(self, now: datetime) -> dict[Audience, datetime]:
        """Who is not to be disturbed at `now`, and until when."""
        local = now.astimezone(self.zone)
        until: dict[Audience, datetime] = {}
        for audience, hours in self.hours.items():
            if not hours.opens <= local.time() < hours.closes:
                day = local.date() + timedelta(days=local.time() >= hours.closes)
                until[audience] = datetime.combine(day, hours.opens, self.zone)
        return until


USUAL = Courtesy(ZoneInfo("Asia/Shanghai"))
"""The rules of the default pack."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A formal notice, or a reminder, that is planned or was sent."""

    id: UUID
    ticket_id: TicketId
    recipient: str
    due_at: datetime
    template: Template = Template.ESCALATED


@dataclass(frozen=True, slots=True)
class Handling:
    """How a message is kept: who is quiet when it comes, what it is bundled with, and when to give it up."""

    audience: Audience
    bundle: str
    window: timedelta
    give_up_at: datetime


def merge_notices(
    planned: Sequence[PlannedMessage], known: Sequence[Notice], courtesy: Courtesy
) -> list[PlannedMessage]:
    """`planned`, with notices suppressed that come too soon after another of their kind about the same ticket to the
    same recipient. `known` are those of these tickets that stand already."""
    standing: dict[tuple[Template, TicketId, str], dict[UUID, datetime]] = {}
    for n in known:
        standing.setdefault((n.template, n.ticket_id, n.recipient), {})[n.id] = n.due_at
    result = []
    for message in planned:
        if message.template in NOTICES and not message.suppressed and message.urgency is Urgency.U3:
            told = standing.setdefault((message.template, message.ticket_id, message.recipient), {})
            near = [
                identity
                for identity, due_at in told.items()
                if identity != message.id and abs(message.send_at - due_at) < courtesy.notice_every
            ]
            if near:
                message = replace(message, suppressed=f"merged into notice {near[0]}")
            else:
                told[message.id] = message.send_at
        result.append(message)
    return result


def handling(message: PlannedMessage, courtesy: Courtesy) -> Handling:
    """How `message` is to be kept. What is asked at most once is never bundled: its outcome is its own."""
    endpoint, window = message.endpoint, timedelta()
    if message.urgency is Urgency.U3 and message.policy is Policy.RESEND:
        window = courtesy.bundle_every if message.template in NOTICES else endpoint.digest
    bundle = f"{message.template}/{message.recipient}" if window else ""
    patience = PATIENCE_WITH_FALLBACK[message.urgency] if endpoint.fallback else PATIENCE
    return Handling(AUDIENCES[message.template], bundle, window, message.send_at + patience)


def next_bundles(left: Mapping[str, datetime], windows: Mapping[str, int], now: datetime) -> dict[str, datetime]:
    """When the next bundle of each name may leave, given when the last one left and its window in seconds."""
    return {name: max(now, at + timedelta(seconds=windows[name])) for name, at in left.items()}


def reroute(message: Message, fallback: Endpoint, now: datetime) -> PlannedMessage:
    """What failed on one channel, planned anew for the second. Its id follows from the first's, so it is one only."""
    return PlannedMessage(
        uuid5(message.id, fallback.name), message.ticket_id, message.template, message.recipient, fallback, now,
        message.policy, message.facts, message.caused_by, urgency=message.urgency,
        traceparent=message.traceparent,
    )  # fmt: skip
