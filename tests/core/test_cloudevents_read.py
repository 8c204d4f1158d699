"""CloudEvents as values: what is read of one, in both modes, and every way in which it is none."""

from typing import Any

import pytest

from services.intake.core.cloudevents import CloudEvent, InvalidEvent, read_binary, read_structured

WHOLE: dict[str, Any] = {
    "specversion": "1.0", "id": "e-1", "source": "/hotline", "type": "matter.reported", "subject": "s-1",
    "time": "2026-03-10T09:15:00.5+08:00", "datacontenttype": "application/json", "dataschema": "urn:s", "urgent": True,
    "line": 7, "note": None, "data": {"text": "路灯不亮"},
}  # fmt: skip


def found(**changes: Any) -> set[tuple[str, str]]:
    """What is wrong with an event that differs so from a good one; `...` leaves an attribute out."""
    changed = {name: value for name, value in (WHOLE | changes).items() if value is not ...}
    with pytest.raises(InvalidEvent) as refused:
        read_structured(changed)
    return {(problem.field, problem.code) for problem in refused.value.problems}


def test_an_event_of_the_json_format_is_read_whole() -> None:
    event = read_structured(WHOLE)
    assert (event.id, event.source, event.type, event.subject) == ("e-1", "/hotline", "matter.reported", "s-1")
    assert event.time is not None and event.time.isoformat() == "2026-03-10T09:15:00.500000+08:00"
    assert (event.extensions, event.data) == ({"urgent": True, "line": 7}, '{"text":"路灯不亮"}'.encode())
    assert (event.key, event.is_json) == ("/hotline e-1", True)


def test_what_is_not_said_is_not_invented() -> None:
    bare = {name: WHOLE[name] for name in ("specversion", "id", "source", "type")}
    event = read_structured(bare)
    assert (event.subject, event.time, event.datacontenttype, event.extensions, event.data) == (
        None,
        None,
        None,
        {},
        None,
    )
    assert event.is_json


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [("application/json; charset=utf-8", True), ("application/geo+json", True), ("text/plain", False)],
)
def test_data_is_json_only_when_it_says_so(media_type: str, is_json: bool) -> None:
    assert read_structured(WHOLE | {"datacontenttype": media_type}).is_json is is_json


@pytest.mark.parametrize("changes", [{"id": "a b"}, {"id": "a" * 501}, {"id": "a\x07"}])
def test_an_event_that_could_be_taken_for_another_has_no_key(changes: dict[str, str]) -> None:
    assert read_structured(WHOLE | changes).key is None


def test_base64_data_is_bytes() -> None:
    event = read_structured({name: value for name, value in WHOLE.items() if name != "data"} | {"data_base64": "AAH/"})
    assert event.data == b"\x00\x01\xff"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"id": ...}, ("id", "missing")),
        ({"id": 7}, ("id", "not_a_text")),
        ({"type": ""}, ("type", "blank")),
        ({"specversion": "0.3"}, ("specversion", "bad_form")),
        ({"source": "a b"}, ("source", "bad_form")),
        ({"dataschema": "a\x00"}, ("dataschema", "bad_form")),
        ({"datacontenttype": "json"}, ("datacontenttype", "bad_form")),
        ({"time": "yesterday"}, ("time", "bad_form")),
        ({"time": "2026-02-30T00:00:00Z"}, ("time", "bad_form")),
        ({"Upper": "x"}, ("Upper", "bad_form")),
        ({"line": 2**31}, ("line", "not_a_scalar")),
        ({"line": [1]}, ("line", "not_a_scalar")),
        ({"data_base64": "AAH/"}, ("data_base64", "contradiction")),
        ({"data": ..., "data_base64": "?"}, ("data_base64", "bad_form")),
        ({"data": ..., "data_base64": 7}, ("data_base64", "bad_form")),
    ],
)
def test_every_fault_is_named(changes: dict[str, Any], problem: tuple[str, str]) -> None:
    assert problem in found(**changes)


def test_all_faults_are_told_at_once_and_no_other_value_is_an_event() -> None:
    assert found(id=..., type=7, time="x") == {("id", "missing"), ("type", "not_a_text"), ("time", "bad_form")}
    with pytest.raises(InvalidEvent, match="must be an object"):
        read_structured([WHOLE])


HEADERS = [
    ("ce-specversion", "1.0"), ("ce-id", "e-1"), ("ce-source", "/hotline"), ("ce-type", "t"), ("ce-town", "%E5%9F%8E"),
    ("content-type", "application/json"), ("host", "localhost"),
]  # fmt: skip


def test_an_event_in_headers_is_read_with_its_body() -> None:
    event = read_binary(HEADERS, b"{}")
    assert isinstance(event, CloudEvent)
    assert (event.extensions, event.datacontenttype, event.data) == ({"town": "城"}, "application/json", b"{}")
    assert read_binary(HEADERS, b"").data is None


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (("ce-id", "e-2"), "duplicate_key"),
        (("ce-datacontenttype", "text/plain"), "duplicate_key"),
        (("ce-more", "%ff"), "bad_form"),
        (("ce-more", "城"), "bad_form"),
        (("ce-more", "%00"), "bad_form"),
    ],
)
def test_a_header_that_has_two_meanings_or_none_is_refused(header: tuple[str, str], code: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read_binary([*HEADERS, header], b"{}")
    assert code in {problem.code for problem in refused.value.problems}
