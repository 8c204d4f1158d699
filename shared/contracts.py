"""The contract as data, made from the models: a JSON Schema and an example for everything a topic carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson

from shared.codec import CONTENT_TYPE, encode
from shared.events import (
    EVENT_TYPES,
    Envelope,
    Event,
    FollowUpAsked,
    NotificationDelivered,
    NotificationFailed,
    TicketEvaluated,
    TicketReceived,
    TicketTriaged,
    event_id,
)
from shared.intake_events import INTAKE_EVENT_TYPES
from shared.json_schema import Json, example_of, with_words
from shared.notify_events import NOTIFY_EVENT_TYPES
from shared.snapshot import TicketSnapshot
from shared.terms import Source, TicketId
from shared.topics import DISPATCH, INTAKE, NOTIFY, Topic

CONTRACT_VERSION = "0.1.0"
"""Of the contract as a whole: a break needs a new major, before 1.0 a new minor. Additions need neither."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SNAPSHOT = "org.griddispatch.ticket.snapshot"
"""Name of the schema of `tickets-state`; its records carry no CloudEvents headers."""

_BY_INTAKE = INTAKE_EVENT_TYPES | {TicketReceived.type, TicketTriaged.type}
_BY_NOTIFY = NOTIFY_EVENT_TYPES | {
    FollowUpAsked.type, TicketEvaluated.type, NotificationDelivered.type, NotificationFailed.type,
}  # fmt: skip
_SOURCES = {INTAKE.name: Source.INTAKE, DISPATCH.name: Source.DISPATCH, NOTIFY.name: Source.NOTIFY}
_TICKET = TicketId(UUID("0198a1c2-7f00-7000-8000-000000000001"))
_TIME = datetime.fromisoformat("2026-03-10T09:15:00+08:00")
_VERSION = 3
_CAUSE = "command:resolve"
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True, slots=True)
class Example:
    """One whole record of a topic. `headers` is empty where the topic's records carry none."""

    topic: str
    key: str
    headers: Mapping[str, str]
    value: Json

    def as_json(self) -> Json:
        """The record as one object."""
        return {"topic": self.topic, "key": self.key, "headers": dict(self.headers), "value": self.value}


def topic_of(type_name: str) -> Topic:
    """The topic that carries an event type: its writer's."""
    if type_name in _BY_INTAKE:
        return INTAKE
    return NOTIFY if type_name in _BY_NOTIFY else DISPATCH


def event_types(topic: Topic) -> list[str]:
    """The event types of a topic, in the order of the models."""
    return [name for name in EVENT_TYPES if topic_of(name) == topic]


def schemas() -> dict[str, Json]:
    """A JSON Schema (2020-12) for every event type, and for the snapshot, by name."""
    models: Mapping[str, type[Event] | type[TicketSnapshot]] = {**EVENT_TYPES, SNAPSHOT: TicketSnapshot}
    return {name: _schema(name, model) for name, model in models.items()}


def _schema(name: str, model: type[Event] | type[TicketSnapshot]) -> Json:
    made = with_words(model.model_json_schema(mode="serialization"))
    return {"$schema": DIALECT, "$id": f"urn:griddispatch:schema:{name}", **made}


def examples() -> dict[str, Example]:
    """One whole record for every event type, as the codec writes it, and one of `tickets-state`, by name."""
    known = schemas()
    made = {name: _record(name, model, known[name]) for name, model in EVENT_TYPES.items()}
    state = example_of(known[SNAPSHOT])
    return {**made, SNAPSHOT: Example("tickets-state", state["ticket_id"], MappingProxyType({}), state)}


def _record(name: str, model: type[Event], schema: Json) -> Example:
    topic = topic_of(name)
    source = _SOURCES[topic.name]
    event = model.model_validate(example_of(schema))
    envelope = Envelope(event_id(source, _TICKET, _VERSION), source, _TICKET, _VERSION, _TIME, event, _CAUSE, _TRACE)
    key, value, headers = encode(envelope)
    written = {header: text.decode() for header, text in headers}
    return Example(topic.name, key.decode(), written, orjson.loads(value))


def header_schema(type_name: str | None = None) -> Json:
    """The record headers of an event (CloudEvents 1.0, binary mode): all texts in UTF-8."""
    said: dict[str, tuple[str, Json]] = {
        "content-type": ("Of the value.", {"const": CONTENT_TYPE}),
        "ce_specversion": ("CloudEvents version.", {"const": "1.0"}),
        "ce_id": ("The same for every repeat of this event: drop what you have seen.", {"format": "uuid"}),
        "ce_source": ("Who states the fact.", {"enum": [source.value for source in Source]}),
        "ce_type": ("The event type; its last part is its version.", {"enum": list(EVENT_TYPES)}),
        "ce_subject": ("The ticket's id; the same as the key.", {"format": "uuid"}),
        "ce_time": ("When it happened, RFC 3339 with zone.", {"format": "date-time"}),
        "ce_version": ("Its place in its ticket's story at this source, from 1.", {"pattern": "^[1-9][0-9]*$"}),
        "ce_causedby": ("The event id or command that led to it.", {}),
        "ce_epoch": (
            "Only after a restore of its source: order by (epoch, version); without it the epoch is 0.",
            {"pattern": "^[1-9][0-9]*$"},
        ),
        "traceparent": ("W3C trace context, where the cause had one.", {}),
    }  # fmt: skip
    if type_name is not None:
        said["ce_type"] = ("The event type.", {"const": type_name})
        said["ce_source"] = ("Who states the fact.", {"const": _SOURCES[topic_of(type_name).name].value})
    properties: dict[str, Any] = {n: {"type": "string", "description": d, **s} for n, (d, s) in said.items()}
    required = [name for name in said if name not in ("ce_causedby", "ce_epoch", "traceparent")]
    return {"title": "CloudEventHeaders", "type": "object", "required": required, "properties": properties}
