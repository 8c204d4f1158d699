"""Envelope <-> Kafka record: CloudEvents 1.0 in binary content mode (`ce_*` headers, JSON value)."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from asyncpg.pgproto import pgproto
from msgspec import Struct
from pydantic import ValidationError

from shared.errors import Malformed
from shared.events import EVENT_TYPES, UNREAD, Envelope, Event, UnrecognisedEvent
from shared.strict_json import label
from shared.terms import Source, TicketId

Headers = Sequence[tuple[str, bytes | None]]

CONTENT_TYPE = "application/json; charset=utf-8"
MAX_VALUE_BYTES = 256 * 1024
MAX_VERSION = 2**31 - 1

_SOURCES = {source.value: source for source in Source}
_READ = frozenset(
    {
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_version",
        "ce_causedby",
        "ce_epoch",
        "traceparent",
    }
)
_KNOWN_NAMES = {name.rpartition(".")[0] for name in EVENT_TYPES}


class Record(Struct, frozen=True):
    """One Kafka record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def record_headers(
    event_id: UUID, source: Source, type_name: str, subject: str, time: datetime, version: int,
    caused_by: str | None, traceparent: str | None, epoch: int = 0,
) -> list[tuple[str, bytes]]:  # fmt: skip
    """The headers of an event's record; `time` is in UTC."""
    headers = [
        ("content-type", CONTENT_TYPE.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_id", str(event_id).encode()),
        ("ce_source", source.value.encode()),
        ("ce_type", type_name.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_version", str(version).encode()),
    ]
    if caused_by:
        headers.append(("ce_causedby", caused_by.encode()))
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    if epoch:
        headers.append(("ce_epoch", str(epoch).encode()))
    return headers


def encode(envelope: Envelope) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of the record that carries `envelope`."""
    subject = str(envelope.ticket_id)
    headers = record_headers(
        envelope.id, envelope.source, envelope.event.type, subject, envelope.time, envelope.version,
        envelope.caused_by, envelope.traceparent, envelope.epoch,
    )  # fmt: skip
    return subject.encode(), envelope.event.model_dump_json().encode(), headers


def decode(record: Record, wanted: Container[str] = EVENT_TYPES) -> Envelope:
    """Read a ticket event. Raises Malformed with a stable code for anything that breaks the contract.

    A known type that is not `wanted` comes back as UnreadEvent, its body untouched. A type this release does not know
    comes back as UnrecognisedEvent; an unknown version of a known type is Malformed.
    """
    attributes = _attributes(record.headers)
    try:
        if attributes["ce_specversion"] != "1.0":
            raise Malformed("specversion", "only CloudEvents 1.0 is read")
        ticket_id = TicketId(pgproto.UUID(attributes["ce_subject"]))  # a UUID too, ten times as quick
        envelope_id = pgproto.UUID(attributes["ce_id"])
        version = int(attributes["ce_version"])
        epoch = int(attributes.get("ce_epoch", "0"))
        time = datetime.fromisoformat(attributes["ce_time"])
        source = _SOURCES[attributes["ce_source"]]
        type_name = attributes["ce_type"]
    except KeyError as missing:
        raise Malformed("header", f"header missing or unknown: {missing}") from missing
    except ValueError as wrong:
        raise Malformed("header", f"header unreadable: {wrong}") from wrong
    if not 1 <= version <= MAX_VERSION:
        raise Malformed("version", f"version {version} is out of range")
    if not 0 <= epoch <= MAX_VERSION:
        raise Malformed("epoch", f"epoch {epoch} is out of range")
    if time.tzinfo is None:
        raise Malformed("time", "time has no zone")
    if record.key != str(ticket_id).encode():
        raise Malformed("key", "the record's key is not its subject")
    event = _read_event(type_name, record.value, wanted)
    return Envelope(
        envelope_id, source, ticket_id, version, time, event,
        attributes.get("ce_causedby"), attributes.get("traceparent"), epoch,
    )  # fmt: skip


def _read_event(type_name: str, value: bytes | None, wanted: Container[str]) -> Event:
    if value is None:
        raise Malformed("value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise Malformed("value", f"the value is larger than {MAX_VALUE_BYTES} bytes")
    model = EVENT_TYPES.get(type_name)
    if model is None:
        if type_name.rpartition(".")[0] in _KNOWN_NAMES:
            raise Malformed("type", f"unknown version: {type_name[:200]}")
        return UnrecognisedEvent(name=type_name[:200])
    if type_name not in wanted:
        return UNREAD
    try:
        return model.model_validate_json(value)
    except ValidationError as wrong:
        places = ", ".join(sorted({".".join(label(str(p)) for p in e["loc"]) or "body" for e in wrong.errors()})[:5])
        raise Malformed("value", f"{type_name} does not fit its model at: {places}") from wrong


def _attributes(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers if name in _READ and value is not None}
    except UnicodeDecodeError as wrong:
        raise Malformed("header", "a header is not UTF-8") from wrong
