"""Envelope <-> Kafka record: what goes out comes back, and what breaks the contract is named."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from shared.codec import Record, decode, encode
from shared.errors import Malformed
from shared.events import EVENT_TYPES, UNREAD, Envelope, UnrecognisedEvent, event_id
from shared.terms import Source
from tests.builders import TUESDAY_MORNING, ticket, triaged


def envelope() -> Envelope:
    return Envelope(
        event_id(Source.INTAKE, ticket(7), 2), Source.INTAKE, ticket(7), 2, TUESDAY_MORNING, triaged(), "cause", "00-ab-cd-01"
    )  # fmt: skip


def record(**changes: Any) -> Record:
    key, value, headers = encode(envelope())
    fields: dict[str, Any] = {"topic": "tickets-intake", "partition": 0, "offset": 0, "key": key, "value": value}
    return Record(**(fields | {"headers": headers} | changes))


def with_header(name: str, value: bytes | None) -> Record:
    _, _, headers = encode(envelope())
    kept = [(n, v) for n, v in headers if n != name]
    return record(headers=kept if value is None else [*kept, (name, value)])


def test_an_envelope_survives_the_round_trip() -> None:
    assert decode(record()) == envelope()


def test_chinese_text_is_utf_8_and_not_escaped() -> None:
    _, value, _ = encode(envelope())
    assert b"\\u" not in value


def test_the_official_sdk_reads_our_records() -> None:
    key, value, headers = encode(envelope())
    event = from_binary(KafkaMessage(headers=dict(headers), key=key, value=value), JSONFormat())
    assert event.get_id() == str(envelope().id)
    assert event.get_type() == "org.griddispatch.ticket.triaged.v1"
    assert event.get_subject() == str(ticket(7))
    assert event.get_extension("version") == "2"


def test_an_unknown_type_is_kept_for_order_and_otherwise_left_alone() -> None:
    read = decode(with_header("ce_type", b"org.griddispatch.ticket.sung.v1"))
    assert read.event == UnrecognisedEvent(name="org.griddispatch.ticket.sung.v1")


def test_a_body_nobody_wants_is_not_looked_into_but_counts_for_order() -> None:
    read = decode(record(value=b"whatever"), wanted=())
    assert (read.event, read.version) == (UNREAD, 2)


def test_an_optional_field_of_a_newer_writer_is_ignored() -> None:
    _, value, _ = encode(envelope())
    assert decode(record(value=value[:-1] + b',"mood":"good"}')) == envelope()


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (record(headers=[]), "header"),
        (record(value=None), "value"),
        (record(value=b"\xff\xfe\x00"), "value"),
        (record(value=b"{}"), "value"),
        (record(value=b"[" * 100_000), "value"),
        (record(value=b" " * 300_000), "value"),
        (record(key=None), "key"),
        (record(key=b"another"), "key"),
        (with_header("ce_id", None), "header"),
        (with_header("ce_id", b"not-a-uuid"), "header"),
        (with_header("ce_source", b"/somebody/else"), "header"),
        (with_header("ce_specversion", b"0.3"), "specversion"),
        (with_header("ce_version", b"0"), "version"),
        (with_header("ce_version", b"-1"), "version"),
        (with_header("ce_version", b"9223372036854775808"), "version"),
        (with_header("ce_version", b"9" * 5000), "header"),
        (with_header("ce_time", b"2026-03-10T09:15:00"), "time"),
        (with_header("ce_time", b"yesterday"), "header"),
        (with_header("ce_type", b"org.griddispatch.ticket.triaged.v2"), "type"),
        (with_header("ce_subject", b"\xff"), "header"),
    ],
)
def test_a_record_that_breaks_the_contract_is_malformed(bad: Record, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        decode(bad)
    assert refusal.value.code == code


def test_every_event_type_ends_in_its_version() -> None:
    assert all(name.startswith("org.griddispatch.") and name.endswith(".v1") for name in EVENT_TYPES)


def test_time_keeps_its_microseconds() -> None:
    late = Envelope(
        envelope().id, Source.INTAKE, ticket(7), 2, datetime(2026, 3, 10, 16, 0, 0, 1, tzinfo=UTC), triaged()
    )
    key, value, headers = encode(late)
    assert decode(Record("t", 0, 0, key, value, headers)).time == late.time
