"""What strangers write to topics, and what a spreadsheet would take for a formula."""

import json
from typing import Any

from tests.corpus.cases import Cases, encoded
from tests.corpus.tables_input import PAYLOADS
from tests.corpus.tables_json import AMBIGUOUS, MALFORMED, REPORT, WRONG_FORM

TICKET = "00000000-0000-4000-8000-000000000007"
GOOD: dict[str, str] = {
    "ce_specversion": "1.0", "ce_id": "11111111-1111-4111-8111-111111111111", "ce_source": "/griddispatch/intake",
    "ce_type": "org.griddispatch.ticket.received.v1", "ce_subject": TICKET, "ce_time": "2026-03-10T01:15:00+00:00", "ce_version": "1",
}  # fmt: skip
RECEIVED: dict[str, Any] = {"ticket_no": "99010126031010000010", "source": "hotline-12345", "channel": "PHONE"}


def inbound() -> Cases:
    """Records on `tickets-inbound`: a ticket, or dead with a reason, and the next one is read."""
    cases = Cases("inbound")

    def record(
        why: str, expect: str, value: bytes | None, headers: dict[str, str] | None = None, key: str = "k"
    ) -> None:
        cases.add(
            why,
            expect,
            value=None if value is None else encoded(value),
            headers=headers or {},
            key=encoded(key.encode()),
        )

    def said(**changes: Any) -> bytes:
        return json.dumps(REPORT | changes).encode()

    for n, (why, value) in enumerate((*MALFORMED, *AMBIGUOUS, *WRONG_FORM)):
        record(why, "dead", value, key=f"k{n}")
    record("no value", "dead", None)
    record("an empty value", "dead", b"")
    for magic in (
        b"\x00\x00\x00\x00\x01{}",
        b"Obj\x01\x04",
        b"\x0a\x03abc",
        b"PAR1",
        b"\x1f\x8b\x08\x00",
        b"\x89PNG\r\n",
        b"PK\x03\x04",
        b"\xca\xfe\xba\xbe",
        b"\x00" * 100,
        b"\xff" * 100,
    ):
        record("another format", "dead", magic)
    for size in (65_537, 70_000, 262_145, 900_000):
        cases.add("too large", "dead", parts=[('{"text":"', 1), ("a", size), ('"}', 1)], headers={}, key=encoded(b"k"))
    for n in range(10):
        record("a report", "ticket", said(external_id=f"kafka-{n}"))
    for n in range(10):
        record("a report again", "nothing", said(external_id=f"kafka-{n}"))
    for n in range(10):
        record("the same id with other words", "dead", said(external_id=f"kafka-{n}", text="别的"))
    for n in range(10):
        record("a cloud event", "ticket", said(), {"ce_specversion": "1.0", "ce_source": "/hotline", "ce_id": f"e{n}"})
        record(
            "a cloud event again",
            "nothing",
            said(),
            {"ce_specversion": "1.0", "ce_source": "/hotline", "ce_id": f"e{n}"},
        )
    for version in ("0.3", "1.1", "2.0", "", "1", " 1.0", "１.０"):
        record("another version", "dead", said(external_id="v"), {"ce_specversion": version})
    for mode in ("application/cloudevents+json", "application/cloudevents-batch+json", "APPLICATION/CLOUDEVENTS+JSON"):
        record("another mode", "dead", said(external_id="m"), {"content-type": mode})
    for name in ("", "a b", "a\tb", "a\u0000b", "a\u2028b", "x" * 501):
        record("no id", "dead", said(), {"ce_source": "/hotline", "ce_id": name})
        record("no source", "dead", said(), {"ce_source": name, "ce_id": "1"})
    record("no key of any kind", "dead", said())
    record("an id without a source", "dead", said(), {"ce_id": "1"})
    record("a source without an id", "dead", said(), {"ce_source": "/hotline"})
    for field in ("ticket_id", "version", "state", "due_at", "tenant_id", "role", "received_at", "id"):
        record("a field that is not the sender's", "dead", said(external_id=f"f-{field}", **{field: "1"}))
    channels: tuple[Any, ...] = ("PIGEON", "phone", "", None, 1, [], "PHONE\n")
    for channel in channels:
        record("no channel", "dead", said(external_id="c", channel=channel))
    for n, headers in enumerate(
        (
            {f"h{i}": "x" for i in range(500)},
            {"": "x"},
            {"ce_type": "org.griddispatch.ticket.closed.v1"},
            {"traceparent": "junk"},
            {"a\nb": "c"},
        )
    ):
        record("odd headers", "ticket", said(external_id=f"odd-{n}"), headers)
    return cases


def ticket_events() -> Cases:
    """Records on the topics between services: read, or refused with a code, or of no concern."""
    cases = Cases("event")

    def record(
        why: str,
        expect: str,
        *,
        value: bytes | None = json.dumps(RECEIVED).encode(),
        key: str | None = TICKET,
        without: str = "",
        **headers: str,
    ) -> None:
        shown = {name: text for name, text in (GOOD | headers).items() if name != without}
        cases.add(
            why,
            expect,
            value=None if value is None else encoded(value),
            key=None if key is None else encoded(key.encode()),
            headers=shown,
        )

    record("an event", "read")
    for name in GOOD:
        record(f"without {name}", "header", without=name)
        for text in ("", "\u0000", "x y", "键"):
            expect = {"ce_specversion": "specversion", "ce_type": "unknown"}.get(name, "header")
            changed: dict[str, Any] = {name: text}
            record(f"a wrong {name}", expect, **changed)
    for version in ("0", "-1", "2147483648", "9223372036854775808", "99999999999999999999999999"):
        record("a version out of range", "version", ce_version=version)
    for version in ("1.0", "1e3", "0x1", "one", "NaN", "", " ", "1,000", "9" * 5000):
        record("no version", "header", ce_version=version)
    for time in ("2026-03-10T01:15:00", "2026-03-10", "20260310T011500"):
        record("a time without a zone", "time", ce_time=time)
    for time in (
        "now",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "1773105300",
        "2026-03-10T25:00:00Z",
        "0000-01-01T00:00:00Z",
        "infinity",
    ):
        record("no time", "header", ce_time=time)
    for source in (
        "/griddispatch/dispatch/",
        "/griddispatch/Intake",
        "intake",
        "/griddispatch/unknown",
        "//griddispatch/intake",
        "/griddispatch/intake\n",
        "*",
    ):
        record("a source nobody has", "header", ce_source=source)
    for subject in ("1", "x", TICKET[:-1], TICKET + "0", "../" + TICKET):
        record("no subject", "header", ce_subject=subject, key=subject)
    for key in (
        None,
        "",
        "x",
        TICKET.upper().replace("0000-4", "0001-4"),
        TICKET + " ",
        "{" + TICKET + "}",
        TICKET.replace("-", ""),
    ):
        record("a key that is not the subject", "key", key=key)
    for kind in (
        "org.griddispatch.ticket.received.v2",
        "org.griddispatch.ticket.received.v0",
        "org.griddispatch.ticket.received.v99",
        "org.griddispatch.ticket.received.x",
        "org.griddispatch.ticket.assigned.v9",
    ):
        record("a version of a known type", "type", ce_type=kind)
    for kind in (
        "org.griddispatch.ticket.unheard-of.v1",
        "com.example.thing",
        "received",
        "ticket.received.v1",
        "x" * 500,
        "'; DROP TABLE event; --",
        "<script>",
        "org.griddispatch.ticket.Received.v1",
    ):
        record("an unknown type", "unknown", ce_type=kind)
    record("no value", "value", value=None)
    record("an empty value", "value", value=b"")
    cases.add(
        "a value too large",
        "value",
        parts=[('{"ticket_no":"', 1), ("a", 270_000), ('"}', 1)],
        key=encoded(TICKET.encode()),
        headers=GOOD,
    )
    for why, value in MALFORMED:
        record(why, "value", value=value)
    for why, value in WRONG_FORM:
        record(why, "value", value=value)
    for field in RECEIVED:
        record(
            f"without {field}", "value", value=json.dumps({n: v for n, v in RECEIVED.items() if n != field}).encode()
        )
        for wrong in WRONG_VALUES:
            record(f"another kind of {field}", "value", value=json.dumps(RECEIVED | {field: wrong}).encode())
    record("a field of a later release", "read", value=json.dumps(RECEIVED | {"from_a_later_release": 1}).encode())
    return cases


WRONG_VALUES: tuple[Any, ...] = (None, 1, [], {})
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00", "＝", "＋", "－", "＠")


def cells() -> Cases:
    """Cells of an exported table: with an apostrophe before what a spreadsheet would calculate."""
    cases = Cases("cell")
    for start in STARTS:
        for rest in ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x")', ""):
            cases.add("a formula", f"'{start}{rest}", given=f"{start}{rest}")
    for plain in (
        "",
        " ",
        "a",
        "路灯",
        "1",
        "1=1",
        "a=1",
        "'=1",
        '"=1"',
        " =1",
        "(=1)",
        "–",
        "“=1”",
        "a;b",
        "a,b",
        "a\nb",
        "0012",
        "1e9",
    ):
        cases.add("a word", plain, given=plain)
    for payload in PAYLOADS:
        if payload[0] not in STARTS:
            cases.add("other words", payload, given=payload)
    return cases


TABLES = {"inbound_records": inbound(), "ticket_events": ticket_events(), "cells": cells()}
