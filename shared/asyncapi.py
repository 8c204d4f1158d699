"""The AsyncAPI 3.0 document: every topic with its keys and retention, every message, who sends and who receives."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import CONTRACT_VERSION, SNAPSHOT, Example, event_types, examples, header_schema, schemas
from shared.json_schema import Json, lifted
from shared.topics import DISPATCH, INBOUND, INTAKE, NOTIFY, STATE, TOPICS, Topic

SCHEMA_PREFIX = "#/components/schemas/"
BINDING = "0.5.0"
EVENT_TOPICS = (INTAKE, DISPATCH, NOTIFY)
REPORT_ELSEWHERE: Json = {
    "title": "Report",
    "type": "object",
    "description": "A report, as `POST /v1/tickets` of intake takes it: its OpenAPI document has every field.",
    "required": ["source", "channel", "text"],
}
"""What a service says of a report that does not know its model."""

_ABOUT = """The facts of Grid Dispatch on Kafka: CloudEvents 1.0 in binary mode, JSON values, no personal data.

Delivery is at least once: drop an event whose `ce_id` you have seen. Within a ticket (the key) and a source,
`ce_version` counts from 1 without gaps, and records come in that order; where `ce_epoch` rises, its source was restored
to an earlier point, and goes on from there. Ignore fields and event types that you do
not know."""

_WHAT: Mapping[str, str] = {
    INBOUND.name: "Raw matters from hotlines: plain JSON, or CloudEvents in binary mode; read like the HTTP door.",
    INTAKE.name: "What was received, and what it is.",
    DISPATCH.name: "Who must do what by when, and how it went.",
    NOTIFY.name: "Who was told, and the citizen's judgement.",
    STATE.name: "The latest public state of every ticket, for those who want a table and not a history.",
}
_DEAD_HEADERS: Mapping[str, str] = {
    "dlq-original-topic": "Where it came from.",
    "dlq-original-partition": "Its partition there.",
    "dlq-original-offset": "Its offset there.",
    "dlq-reason": "Why it could not be applied.",
    "dlq-tries": "How often it was tried.",
    "dlq-code": "The release that gave it up.",
    "dlq-failed-at": "When, RFC 3339.",
}


def asyncapi(report: Json = REPORT_ELSEWHERE) -> Json:
    """The whole document; `report` is the schema of what `tickets-inbound` takes."""
    parts: dict[str, Json] = {}
    for schema in schemas().values():
        parts[schema["title"]] = lifted(_embedded(schema), parts, SCHEMA_PREFIX)
    parts["Report"] = lifted(_embedded(report), parts, SCHEMA_PREFIX)
    parts["CloudEventHeaders"] = header_schema()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:griddispatch:asyncapi",
        "info": {
            "title": "Grid Dispatch: topics",
            "version": CONTRACT_VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrap}",
                "protocol": "kafka",
                "description": "The installation's own brokers.",
                "variables": {"bootstrap": {"default": "localhost:9092", "description": "host:port of a broker"}},
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(*who) for topic in TOPICS for who in _parties(topic)),
        "components": {"messages": _messages(), "schemas": dict(sorted(parts.items()))},
    }


def message_names(topic: Topic) -> list[str]:
    """The messages of a topic, by their names in the document."""
    if topic in EVENT_TOPICS:
        return event_types(topic)
    return {INBOUND.name: ["report"], STATE.name: [SNAPSHOT]}.get(topic.name, ["dead-letter"])


def retention_ms(topic: Topic) -> int | None:
    """How long records are kept, in milliseconds; None where the latest of every key stays."""
    return None if topic.retention is None else int(topic.retention.total_seconds() * 1000)


def what_for(topic: Topic) -> str:
    """One sentence on a topic."""
    return _WHAT.get(topic.name, "Copies of the service's dead letters, with where they came from and why they died.")


def _channel(topic: Topic) -> Json:
    kept = retention_ms(topic)
    policy: Json = (
        {"cleanup.policy": ["compact"]} if kept is None else {"cleanup.policy": ["delete"], "retention.ms": kept}
    )
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{what_for(topic)} Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in message_names(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": policy,
                "bindingVersion": BINDING,
            }
        },
    }  # fmt: skip


def _parties(topic: Topic) -> list[tuple[Topic, str, str]]:
    return [(topic, topic.writer, "send"), *((topic, reader, "receive") for reader in topic.readers)]


def _operation(topic: Topic, who: str, action: str) -> tuple[str, Json]:
    channel = f"#/channels/{topic.name}"
    return f"{who}-{action}-{topic.name}", {
        "action": action,
        "channel": {"$ref": channel},
        "summary": f"{who} {'writes' if action == 'send' else 'reads'} {topic.name}.",
        "tags": [{"name": who}],
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in message_names(topic)],
    }


def _messages() -> Json:
    all_schemas, all_examples = schemas(), examples()
    state = all_examples[SNAPSHOT]
    made = {
        name: _event_message(name, schema, all_examples[name])
        for name, schema in all_schemas.items()
        if name != SNAPSHOT
    }
    made[SNAPSHOT] = {
        "name": SNAPSHOT,
        "title": "TicketSnapshot",
        "summary": "The latest public state of one ticket. The record carries no CloudEvents headers.",
        "contentType": "application/json",
        "payload": {"$ref": SCHEMA_PREFIX + "TicketSnapshot"},
        "bindings": _key({"type": "string", "format": "uuid", "description": "The ticket's id."}),
        "examples": [{"name": "example", "payload": state.value}],
    }
    made["report"] = {
        "name": "report",
        "title": "Report",
        "summary": "A matter from a hotline. Known again by `external_id`, else by `ce_source` and `ce_id`.",
        "contentType": "application/json",
        "payload": {"$ref": SCHEMA_PREFIX + "Report"},
        "bindings": _key({"type": "string", "description": "Anything; source and external id spread well."}),
    }
    made["dead-letter"] = {
        "name": "dead-letter",
        "title": "Dead letter",
        "summary": "The original key, value and headers byte for byte, and headers that say why it died.",
        "contentType": "application/octet-stream",
        "headers": _texts(_DEAD_HEADERS),
        "payload": {"description": "The original value; it may be no JSON at all."},
        "bindings": _key({"type": "string", "description": "The original key."}),
    }
    return made


def _event_message(name: str, schema: Json, example: Example) -> Json:
    return {
        "name": name,
        "title": schema["title"],
        "summary": schema["description"],
        "contentType": "application/json",
        "headers": header_schema(name),
        "payload": {"$ref": SCHEMA_PREFIX + schema["title"]},
        "bindings": _key({"type": "string", "format": "uuid", "description": "The ticket's id."}),
        "examples": [{"name": "example", "headers": dict(example.headers), "payload": example.value}],
    }


def _key(schema: Json) -> Json:
    return {"kafka": {"key": schema, "bindingVersion": BINDING}}


def _texts(names: Mapping[str, str]) -> Json:
    properties = {name: {"type": "string", "description": text} for name, text in names.items()}
    return {"type": "object", "required": list(names), "properties": properties}


def _embedded(schema: Json) -> dict[str, Any]:
    """Inside the document a schema has no dialect and no name of its own."""
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
