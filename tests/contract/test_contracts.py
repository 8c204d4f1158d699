"""Schemas, examples and the AsyncAPI document say what the models, the topics and the codec do."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from shared import events
from shared.asyncapi import asyncapi
from shared.codec import Record, decode
from shared.contract_labels import LABELS, LABELS_BY_TITLE
from shared.contract_words import words_for
from shared.contracts import SNAPSHOT, event_types, examples, header_schema, schemas, topic_of
from shared.events import EVENT_TYPES
from shared.json_schema import example_of, lifted
from shared.snapshot import TicketSnapshot
from shared.topics import DISPATCH, INTAKE, NOTIFY, STATE, TOPICS

SERVICES = Path(__file__).parent.parent.parent / "services"
SCHEMAS, EXAMPLES, DOCUMENT = schemas(), examples(), asyncapi()


def faults(schema: Any, value: Any) -> list[str]:
    checker = Draft202012Validator.FORMAT_CHECKER
    return [fault.message for fault in Draft202012Validator(schema, format_checker=checker).iter_errors(value)]


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from ([part["$ref"]] if isinstance(part.get("$ref"), str) else [])
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def look_up(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_there_is_a_schema_and_an_example_for_every_event_and_the_snapshot() -> None:
    assert set(SCHEMAS) == set(EXAMPLES) == {*EVENT_TYPES, SNAPSHOT}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one_of_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["$id"] == f"urn:griddispatch:schema:{name}"
    assert SCHEMAS[name]["description"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_schema(name: str) -> None:
    assert faults(SCHEMAS[name], EXAMPLES[name].value) == []


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_example_is_read_by_the_codec(name: str) -> None:
    example = EXAMPLES[name]
    headers = [(header, text.encode()) for header, text in example.headers.items()]
    read = decode(Record(example.topic, 0, 0, example.key.encode(), orjson.dumps(example.value), headers))
    assert type(read.event) is EVENT_TYPES[name]
    assert read.event.model_dump(mode="json") == example.value


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_goes_through_the_official_sdk_and_comes_back_as_it_was(name: str) -> None:
    example, value = EXAMPLES[name], orjson.dumps(EXAMPLES[name].value)
    # The trace belongs to the record and not to the event: the SDK leaves it there.
    headers = [(header, text.encode()) for header, text in example.headers.items() if header != "traceparent"]
    sent = Record(example.topic, 0, 0, example.key.encode(), value, headers)
    event = from_binary(KafkaMessage(dict(headers), example.key, value), JSONFormat())
    assert (event.get_type(), event.get_subject()) == (name, example.key)
    written = to_binary(event, JSONFormat(), key_mapper=lambda told: str(told.get_subject()))
    key = written.key.encode() if isinstance(written.key, str) else written.key
    back = Record(example.topic, 0, 0, key, written.value, list(written.headers.items()))
    assert decode(back) == decode(sent)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_an_examples_headers_fit_what_is_said_of_them(name: str) -> None:
    assert faults(header_schema(name), dict(EXAMPLES[name].headers)) == []


@pytest.mark.parametrize("missing", ["ce_id", "ce_type", "ce_subject", "ce_version", "ce_time", "ce_source"])
def test_headers_without_what_every_record_has_do_not_fit(missing: str) -> None:
    name = "org.griddispatch.ticket.closed.v1"
    headers = {key: value for key, value in EXAMPLES[name].headers.items() if key != missing}
    assert faults(header_schema(name), headers) == [f"'{missing}' is a required property"]


def test_the_snapshots_example_is_read_by_its_model() -> None:
    assert TicketSnapshot.model_validate(EXAMPLES[SNAPSHOT].value).public_state == "办理中"
    assert EXAMPLES[SNAPSHOT].topic == STATE.name


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"urgency": "U4"}, "'U4' is not one of ['U1', 'U2', 'U3']"),
        ({"cycle": "one"}, "'one' is not of type 'integer'"),
        ({"assignment_id": "A-1"}, "'A-1' is not a 'uuid'"),
        ({"unit": None}, "None is not of type 'string'"),
    ],
)
def test_a_value_that_breaks_the_contract_does_not_fit(changes: dict[str, Any], complaint: str) -> None:
    name = "org.griddispatch.ticket.assigned.v1"
    assert faults(SCHEMAS[name], EXAMPLES[name].value | changes) == [complaint]


@pytest.mark.parametrize("model", [*EVENT_TYPES.values(), TicketSnapshot], ids=lambda model: model.__name__)
def test_every_field_is_explained(model: type[events.Event]) -> None:
    silent = [n for n, f in model.model_fields.items() if not f.description and words_for(model.__name__, n) is None]
    assert not silent, "say in shared/contract_words.py what these mean"


def test_every_value_of_a_closed_list_has_a_chinese_and_an_english_label() -> None:
    lists = {title: part for schema in SCHEMAS.values() for title, part in schema.get("$defs", {}).items()}
    silent = [f"{t}.{v}" for t, p in lists.items() for v in p["enum"] if v not in LABELS_BY_TITLE.get(t, {})]
    assert not silent, "say in shared/contract_labels.py what people call these"
    assert not [(listed, value) for listed, labels in LABELS.items() for value in labels if value not in set(listed)]
    assert lists["MatterSize"]["x-labels"]["SMALL"] == {"zh": "小事", "en": "small"}


def stated_by(service: str) -> set[str]:
    """The event types that a service's code makes; reading what another one stated is not making."""
    names = {model.__name__: name for name, model in EVENT_TYPES.items()}
    made: set[str] = set()
    for path in (SERVICES / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                reads = isinstance(node.func, ast.Attribute) and node.func.attr.startswith("model_validate")
                called = node.func.value if isinstance(node.func, ast.Attribute) and not reads else node.func
                made |= {names[called.id]} if isinstance(called, ast.Name) and called.id in names else set()
    return made


@pytest.mark.parametrize("topic", [INTAKE, DISPATCH, NOTIFY], ids=lambda topic: topic.name)
def test_an_event_stands_under_the_topic_of_the_service_that_states_it(topic: Any) -> None:
    strangers = stated_by(topic.writer) - set(event_types(topic))
    assert not strangers, "say in shared/contracts.py topic_of which topic carries these"


def test_every_event_is_in_exactly_one_topic() -> None:
    assert sorted(n for topic in (INTAKE, DISPATCH, NOTIFY) for n in event_types(topic)) == sorted(EVENT_TYPES)
    assert topic_of("org.griddispatch.ticket.evaluated.v1") == NOTIFY


def test_every_topic_is_a_channel_with_its_partitions_and_retention() -> None:
    assert set(DOCUMENT["channels"]) == {topic.name for topic in TOPICS}
    kafka = {name: channel["bindings"]["kafka"] for name, channel in DOCUMENT["channels"].items()}
    assert {name: binding["partitions"] for name, binding in kafka.items()} == {t.name: t.partitions for t in TOPICS}
    assert kafka["tickets-intake"]["topicConfiguration"] == {
        "cleanup.policy": ["delete"],
        "retention.ms": 1_209_600_000,
    }
    assert kafka["tickets-state"]["topicConfiguration"] == {"cleanup.policy": ["compact"]}


def test_who_sends_and_who_receives_stands_in_the_document() -> None:
    said = {(name, operation["action"]) for name, operation in DOCUMENT["operations"].items()}
    assert ("intake-send-tickets-intake", "send") in said
    assert ("dispatch-receive-tickets-intake", "receive") in said
    assert ("hotlines-send-tickets-inbound", "send") in said
    assert ("notify-receive-tickets-intake", "receive") in said
    assert not any(name.startswith("intake-receive-tickets-notify") for name, _ in said)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    assert all(look_up(DOCUMENT, reference) for reference in references(DOCUMENT))


def test_a_messages_example_fits_its_headers_and_payload() -> None:
    for message in DOCUMENT["components"]["messages"].values():
        for example in message.get("examples", []):
            payload = {**message["payload"], "components": DOCUMENT["components"]}
            assert faults(payload, example["payload"]) == []
            assert faults(message.get("headers", {}), example.get("headers", {})) == []


def test_one_name_cannot_mean_two_things_in_a_document() -> None:
    first, second = ({"$defs": {"Light": {"enum": [value]}}} for value in ("RED", "GREEN"))
    found: dict[str, Any] = {}
    lifted(first, found, "#/components/schemas/")
    with pytest.raises(ValueError, match="Light means two things"):
        lifted(second, found, "#/components/schemas/")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "format": "uuid"}, "0198a1c2-7f00-7000-8000-000000000001"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"anyOf": [{"type": "null"}, {"enum": ["A", "B"]}]}, "A"),
        ({"type": "array", "items": {"type": "boolean"}}, [True]),
        ({"type": ["string", "null"]}, "text"),
        ({"const": "RECEIVED"}, "RECEIVED"),
        ({"properties": {"urgency": {"enum": ["U1"]}, "cycle": {"type": "integer"}}}, {"urgency": "U1", "cycle": 1}),
    ],
)
def test_an_example_is_made_from_a_schema_alone(schema: dict[str, Any], value: object) -> None:
    assert example_of(schema) == value


def test_no_example_carries_a_citizens_words_or_name() -> None:
    personal = {"name", "phone", "text", "address", "note", "reply", "title"}
    assert not [n for n, e in EXAMPLES.items() if personal & e.value.keys()]
