"""What intake does with records: raw reports from `tickets-inbound`, and how its tickets fare elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.intake import store
from services.intake.core.progress import TELLING_EVENTS, PublicState, public_state_after
from services.intake.core.report import read_report
from services.intake.core.shares import SHARING_EVENTS, shares_after
from services.intake.learning import keep_lessons
from services.intake.receive import Accepted, Incoming, Receiver, Refused
from services.intake.share_store import save_shares
from services.intake.vault import Vault
from shared import telemetry
from shared.clock import Clock
from shared.codec import Record
from shared.database import Transaction
from shared.deadletters import bury
from shared.errors import Malformed, Rejected
from shared.events import Envelope
from shared.joint_events import TicketCategoryConfirmed
from shared.stream import Route, ticket_route
from shared.terms import TicketId
from shared.topics import DISPATCH, INBOUND

MAX_ATTRIBUTE = 500


@dataclass(frozen=True, slots=True)
class Inbound:
    """A report together with the record it came in."""

    incoming: Incoming
    record: Record


def read_inbound(record: Record) -> Inbound:
    """Read plain JSON, or a CloudEvent in binary mode. Raises Malformed; strangers write here, so nothing is trusted.

    The record's key says nothing. A report without an external id is known by the CloudEvent's source and id.
    """
    if record.value is None:
        raise Malformed("value", "the record has no value")
    headers = {name.lower(): value for name, value in record.headers if value is not None}
    if headers.get("content-type", b"").lower().startswith(b"application/cloudevents"):
        raise Malformed("mode", "CloudEvents are read in binary mode only")
    if headers.get("ce_specversion", b"1.0") != b"1.0":
        raise Malformed("specversion", "only CloudEvents 1.0 is read")
    try:
        ticket = read_report(record.value)
    except Malformed:
        raise
    except Rejected as error:
        raise Malformed("invalid_report", str(error)) from error
    key = None
    if ticket.external_id is None:
        # The space keeps it apart from every key that HTTP may bring.
        key = f"{_attribute(headers, 'ce_source')} {_attribute(headers, 'ce_id')}"
    return Inbound(Incoming(ticket, key), record)


def _attribute(headers: dict[str, bytes], name: str) -> str:
    if name not in headers:
        raise Malformed("idempotency_missing", f"neither external_id nor the header {name} is given")
    try:
        text = headers[name].decode()
    except UnicodeDecodeError as error:
        raise Malformed("header", f"{name} is not UTF-8") from error
    if not 1 <= len(text) <= MAX_ATTRIBUTE or not text.isprintable() or " " in text:
        raise Malformed("header", f"{name} must be 1 to {MAX_ATTRIBUTE} printable characters without blanks")
    return text


def inbound_route(receiver: Receiver, release: str) -> Route[Inbound]:
    """Reports by Kafka. A refused one is buried in the batch's own transaction: the others need no second try."""

    async def on_inbound(tx: Transaction, inbound: Sequence[Inbound]) -> int:
        answers = await receiver.receive(tx, [i.incoming for i in inbound], door="kafka")
        refused = [
            (i.record, "; ".join(f"{p.code}: {p.message}" for p in answer.problems), 1)
            for i, answer in zip(inbound, answers, strict=True)
            if isinstance(answer, Refused)
        ]
        if refused:
            await bury(tx, refused, release)
            tx.on_commit(partial(telemetry.RECORDS_DEAD.labels(topic=INBOUND.name).inc, len(refused)))
        return sum(isinstance(answer, Accepted) for answer in answers)

    return Route(INBOUND, read_inbound, on_inbound, trusted=False)


def routes(receiver: Receiver, vault: Vault, now: Clock, release: str) -> tuple[Route[Any], ...]:
    """The topics intake reads; `vault` opens the words of what people teach."""

    async def on_progress(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
        states: dict[TicketId, PublicState] = {}
        for envelope in envelopes:
            if (state := public_state_after(envelope.event)) is not None:
                states[envelope.ticket_id] = state
        await store.set_public_states(tx, states, now())
        await save_shares(tx, shares_after(envelopes))
        await keep_lessons(tx, vault, envelopes)

    return (
        inbound_route(receiver, release),
        ticket_route(DISPATCH, on_progress, tuple({*TELLING_EVENTS, *SHARING_EVENTS, TicketCategoryConfirmed})),
    )
