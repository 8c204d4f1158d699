"""Telling: I-17 told once and to an end, I-18 no more often than doubt allows, I-19 signed, and only to who may hear."""

import base64
import hmac
from collections import Counter, defaultdict
from hashlib import sha256

from tests.chaos.checker.evidence import Delivery, Evidence, Message
from tests.chaos.checker.stories import Stories, message_id_of
from tests.chaos.checker.verdict import Finding, NotDecided

MOST_ATTEMPTS = 11
_ENDS = ("DELIVERED", "FAILED", "SUPPRESSED", "UNKNOWN")
_ON_THE_WAY = ("QUEUED", "LEASED", "CARRIED")


def check_i17(evidence: Evidence, stories: Stories) -> Finding:
    """Whatever must be told is one message, which ends delivered, failed for a reason, or suppressed for a reason."""
    finding = Finding("I-17")
    if not evidence.messages:
        raise NotDecided("notify planned nothing")
    kept = {message.id: message for message in evidence.messages}
    for event in stories.events("dispatch", "ticket.assigned.v1", "ticket.redispatched.v1", "ticket.escalated.v1"):
        finding.count("to be told")
        told = "escalated" if event.type == "ticket.escalated.v1" else "assigned"
        recipient = event.body["to"] if told == "escalated" else f"unit:{event.body['unit']}"
        if message_id_of(event.id, told, recipient) not in kept and not evidence.run.silent:
            finding.broken(event.ticket, f"nobody told {recipient} of version {event.version}")
    taken = {d.id: d.body for d in evidence.deliveries if 200 <= d.status < 300}
    ended = Counter(e.body["notification_id"] for e in stories.events(
        "notify", "notification.delivered.v1", "notification.failed.v1"))  # fmt: skip
    for message in evidence.messages:
        finding.count(message.state.lower())
        _ending(evidence, message, taken, ended, finding)
    return finding


def _ending(
    evidence: Evidence, message: Message, taken: dict[str, bytes], ended: Counter[str], finding: Finding
) -> None:
    if message.state not in (*_ENDS, *_ON_THE_WAY):
        finding.broken(message.id, f"is {message.state}")
    if message.state in ("FAILED", "SUPPRESSED", "UNKNOWN") and not message.error:
        finding.broken(message.id, f"is {message.state} and does not say why")
    body = taken.get(message.carrier or message.id, b"")
    if (
        message.state == "DELIVERED"
        and message.channel == "webhook"
        and evidence.deliveries
        and message.ticket.encode() not in body
    ):
        finding.broken(message.id, "counts as delivered, and its receiver never took it")
    gone = ("410" in message.error) or ("out of reach" in message.error) or ("address book" in message.error)
    if message.state == "FAILED" and message.attempts < MOST_ATTEMPTS and not gone and "gave up" not in message.error:
        finding.broken(
            message.id, f"was given up after {message.attempts} of {MOST_ATTEMPTS} attempts: {message.error}"
        )
    if message.state in ("DELIVERED", "FAILED", "UNKNOWN") and ended[message.id] != 1 and not evidence.run.silent:
        finding.broken(message.id, f"is {message.state} and {ended[message.id]} events say so")


def check_i18(evidence: Evidence, stories: Stories) -> Finding:
    """A receiver sees a message once more per doubtful attempt, always the same, never more than eleven times."""
    finding = Finding("I-18")
    if not evidence.deliveries:
        raise NotDecided("nothing reached the receiver")
    kept = {message.id: message for message in evidence.messages}
    seen: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in evidence.deliveries:
        seen[delivery.id].append(delivery)
    doubt = sum(fault.ambiguous for fault in evidence.faults)
    for identity, deliveries in seen.items():
        finding.count("messages")
        finding.count("requests", len(deliveries))
        message = kept.get(identity)
        if message is None:
            finding.broken(identity, "reached the receiver, and notify knows no such message")
            continue
        if len({d.body for d in deliveries}) > 1:
            finding.broken(identity, "was not the same at every attempt")
        if len(deliveries) > MOST_ATTEMPTS:
            finding.broken(identity, f"came {len(deliveries)} times")
        taken = sum(200 <= d.status < 300 for d in deliveries)
        if taken > 1 + message.ambiguous + doubt:
            finding.broken(identity, f"was taken {taken} times with {message.ambiguous + doubt} doubts about it")
        finding.count("taken again", max(0, taken - 1))
    return finding


def check_i19(evidence: Evidence, stories: Stories) -> Finding:
    """Every attempt carries a good signature of ours, and went to a place that may hear."""
    finding = Finding("I-19")
    if not evidence.deliveries:
        raise NotDecided("nothing reached the receiver")
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in evidence.run.secrets]
    for delivery in evidence.deliveries:
        finding.count("attempts")
        if delivery.place not in evidence.run.allowed:
            finding.broken(delivery.id, f"went to {delivery.place}")
        signed = f"{delivery.id}.{delivery.timestamp}.".encode() + delivery.body
        good = {"v1," + base64.b64encode(hmac.new(key, signed, sha256).digest()).decode() for key in keys}
        if not good & set(delivery.signature.split()):
            finding.broken(delivery.id, "carries no good signature")
        if not delivery.timestamp.isdigit() or abs(int(delivery.timestamp) - delivery.at) > 300:
            finding.broken(delivery.id, f"is stamped {delivery.timestamp}, and came at {delivery.at:.0f}")
    return finding
