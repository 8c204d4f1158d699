"""What breaks a contract is found, by its place; what does not break it is let pass."""

from copy import deepcopy
from typing import Any

import pytest

from griddispatch.compatibility import Way, breaking_changes
from griddispatch.releases import breaking_http, breaking_since, breaking_topics, may_break, newest
from shared.asyncapi import asyncapi

Json = dict[str, Any]


def body(*required: str, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(required)}


PRESENT = asyncapi()
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer"}
OLD = body("unit", unit=TEXT, cycle=COUNT)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (OLD, body("unit", unit=TEXT), ["body.cycle: the field is gone"]),
        (OLD, body("unit", unit=TEXT, round=COUNT), ["body.cycle: the field is gone"]),
        (OLD, body("unit", unit=COUNT, cycle=COUNT), ["body.unit: string is no longer taken", "body.unit: may now be integer"]),
        (OLD, body("unit", "cycle", unit=TEXT, cycle=COUNT), ["body.cycle: is now required"]),
        (OLD, body(unit=TEXT, cycle=COUNT), ["body.unit: may now be absent"]),
        (OLD, body("unit", "level", unit=TEXT, cycle=COUNT, level=COUNT), ["body.level: a required field is new"]),
        (OLD, OLD | {"additionalProperties": False}, ["body: unknown fields are no longer taken"]),
        (body(a={"enum": ["X", "Y"]}), body(a={"enum": ["X"]}), ["body.a: Y is no longer taken"]),
        (body(a={"enum": ["X"]}), body(a={"enum": ["X", "Y"]}), ["body.a: may now be Y"]),
        (body(a=TEXT), body(a={"type": "string", "enum": ["X"]}), ["body.a: all but the listed values is no longer taken"]),
        (body(a={"type": "string", "enum": ["X"]}), body(a=TEXT), ["body.a: may now be values beyond the list"]),
        (body(a={"const": "X"}), body(a={"const": "Z"}), ["body.a: X is no longer taken", "body.a: may now be Z"]),
        (body(a=TEXT), body(a={"anyOf": [TEXT, {"type": "null"}]}), ["body.a: may now be null"]),
        (body(a={"anyOf": [TEXT, {"type": "null"}]}), body(a=TEXT), ["body.a: null is no longer taken"]),
        (body(a={"type": ["string", "null"]}), body(a=TEXT), ["body.a: null is no longer taken"]),
        (body(a=TEXT), body(a=TEXT | {"format": "uuid"}), ["body.a: format uuid is demanded"]),
        (body(a=TEXT | {"format": "uuid"}), body(a=TEXT), ["body.a: format uuid no longer holds"]),
        (body(a=TEXT | {"pattern": "^a"}), body(a=TEXT | {"pattern": "^b"}), ["body.a: pattern was ^a and is ^b"]),
        (body(a=TEXT | {"maxLength": 9}), body(a=TEXT | {"maxLength": 8}), ["body.a: maxLength 8 is demanded"]),
        (body(a=COUNT), body(a=COUNT | {"minimum": 1}), ["body.a: minimum 1 is demanded"]),
        (body(a=COUNT | {"minimum": 1}), body(a=COUNT | {"minimum": 0}), ["body.a: minimum 1 no longer holds"]),
        (body(a={"type": "array", "items": TEXT}), body(a={"type": "array", "items": COUNT}),
         ["body.a[]: string is no longer taken", "body.a[]: may now be integer"]),
        (body(a=COUNT | {"default": 0}), body(a=COUNT | {"default": 1}), ["body.a: the default was 0 and is 1"]),
        (body(a={}), body(a=TEXT), ["body.a: anything is no longer taken"]),
        (body(a=TEXT), body(a={}), ["body.a: may now be anything"]),
        (body(a=body(b=TEXT)), body(a=body()), ["body.a.b: the field is gone"]),
    ],
)  # fmt: skip
def test_a_change_that_breaks_readers_is_found(old: Json, new: Json, found: list[str]) -> None:
    assert breaking_changes(old, new) == found


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        body("unit", unit=TEXT, cycle=COUNT, level=COUNT | {"default": 0}),
        body("unit", cycle=COUNT, unit=TEXT),
        OLD | {"title": "Another", "description": "New words."},
        body("unit", unit=TEXT | {"description": "Whose.", "x-labels": {}}, cycle=COUNT | {"examples": [1]}),
        {"$defs": {"Unit": TEXT}} | body("unit", unit={"$ref": "#/$defs/Unit"}, cycle=COUNT),
        body("unit", unit={"anyOf": [TEXT]}, cycle=COUNT),
    ],
)
def test_what_breaks_nobody_is_let_pass(new: Json) -> None:
    assert breaking_changes(OLD, new) == []


def test_a_reference_is_followed_in_its_own_document() -> None:
    old = {"$defs": {"Light": {"enum": ["GREEN", "RED"]}}} | body(light={"$ref": "#/$defs/Light"})
    new = {"$defs": {"Light": {"enum": ["GREEN"]}}} | body(light={"$ref": "#/$defs/Light"})
    assert breaking_changes(old, new) == ["body.light: RED is no longer taken"]


def test_a_schema_that_holds_itself_is_compared_once() -> None:
    tree: Json = {"$defs": {"Node": body(value=TEXT, next={"$ref": "#/$defs/Node"})}, "$ref": "#/$defs/Node"}
    other = deepcopy(tree)
    other["$defs"]["Node"]["properties"]["value"] = COUNT
    assert breaking_changes(tree, tree) == []
    assert breaking_changes(tree, other)[:2] == [
        "body.value: string is no longer taken",
        "body.value: may now be integer",
    ]


@pytest.mark.parametrize(
    ("way", "wider", "narrower"),
    [(Way.IN, [], ["body.a: Y is no longer taken"]), (Way.OUT, ["body.a: may now be Y"], [])],
)
def test_what_we_read_may_widen_and_what_others_read_may_narrow(
    way: Way, wider: list[str], narrower: list[str]
) -> None:
    few, many = body(a={"enum": ["X"]}), body(a={"enum": ["X", "Y"]})
    assert breaking_changes(few, many, way) == wider
    assert breaking_changes(many, few, way) == narrower


def test_a_new_required_field_breaks_those_who_send_and_not_those_who_read() -> None:
    new = body("unit", "level", unit=TEXT, cycle=COUNT, level=COUNT)
    assert breaking_changes(OLD, new, Way.IN) == ["body.level: a required field is new"]
    assert breaking_changes(OLD, new, Way.OUT) == []


def document(**operation: Any) -> Json:
    answer = {"200": {"content": {"application/json": {"schema": body("unit", unit=TEXT)}}}}
    whole = {"operationId": "get_unit", "parameters": [], "responses": answer} | operation
    return {"paths": {"/v1/units": {"get": whole}}}


def parameter(name: str, required: bool = False, **schema: Any) -> Json:
    return {"in": "query", "name": name, "required": required, "schema": {"type": "string"} | schema}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (document(), {"paths": {}}, ["GET /v1/units: is gone"]),
        (document(), document(operationId="read"), ["GET /v1/units: was called get_unit and is read"]),
        (document(parameters=[parameter("after")]), document(), ["GET /v1/units query after: is no longer read"]),
        (document(), document(parameters=[parameter("unit", True)]), ["GET /v1/units query unit: is now required"]),
        (document(parameters=[parameter("a")]), document(parameters=[parameter("a", maxLength=5)]),
         ["GET /v1/units query a: maxLength 5 is demanded"]),
        (document(), document(requestBody={"required": True}), ["GET /v1/units: a body is now required"]),
        (document(), document(responses={}), ["GET /v1/units: no longer answers 200"]),
        (document(), document(responses={"200": {}}), ["GET /v1/units 200: application/json is gone"]),
        (document(), document(responses={"200": {"content": {"application/json": {"schema": body(unit=TEXT)}}}}),
         ["GET /v1/units 200.unit: may now be absent"]),
        (document(), document(parameters=[parameter("new")]), []),
        (document(responses={"200": {}, "404": {}}), document(responses={"200": {}}), []),
    ],
)  # fmt: skip
def test_a_change_that_breaks_http_clients_is_found(old: Json, new: Json, found: list[str]) -> None:
    assert list(breaking_http(old, new)) == found


def changed(*path: str, to: Any) -> Json:
    """The AsyncAPI document with one thing changed; None takes it out."""
    whole = deepcopy(PRESENT)
    place = whole
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return whole


KAFKA = ("bindings", "kafka")
CLOSED = "org.griddispatch.ticket.closed.v1"


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (changed("channels", "tickets-state", to=None), ["tickets-state: the topic is gone"]),
        (changed("channels", "tickets-dispatch", "messages", CLOSED, to=None), [f"tickets-dispatch: {CLOSED} is no longer in it"]),
        (changed("channels", "tickets-intake", *KAFKA, "partitions", to=24),
         ["tickets-intake: had 12 partitions and has 24: keys would move"]),
        (changed("channels", "tickets-intake", *KAFKA, "topicConfiguration", "retention.ms", to=1000),
         ["tickets-intake: records are kept for 1000 ms instead of 1209600000"]),
        (changed("channels", "tickets-state", *KAFKA, "topicConfiguration", to={"cleanup.policy": ["delete"], "retention.ms": 1}),
         ["tickets-state: its cleanup policy was ['compact'] and is ['delete']"]),
        (changed("components", "schemas", "TicketReopened", "properties", "cycle", to=None),
         ["org.griddispatch.ticket.reopened.v1 payload.cycle: the field is gone"]),
        (changed("components", "messages", CLOSED, "headers", "properties", "ce_id", to=None),
         [f"{CLOSED} headers.ce_id: the field is gone"]),
        (changed("components", "schemas", "Report", "required", to=["source", "channel", "text", "title"]), []),
        (changed("channels", "tickets-later", to={}), []),
    ],
)  # fmt: skip
def test_a_change_that_breaks_readers_of_topics_is_found(new: Json, found: list[str]) -> None:
    assert list(breaking_topics(PRESENT, new)) == found


def test_a_file_of_the_released_contract_must_not_go() -> None:
    assert breaking_since({"schemas/a.v1.json": "{}"}, {"schemas/a.v2.json": "{}"}) == ["schemas/a.v1.json: is gone"]


@pytest.mark.parametrize(
    ("released", "present", "allowed"),
    [
        ("0.1.0", "0.1.0", False), ("0.1.0", "0.1.7", False), ("0.1.0", "0.2.0", True), ("0.2.0", "0.1.0", False),
        ("1.4.0", "1.5.0", False), ("1.4.0", "2.0.0", True), ("0.9.0", "1.0.0", True), ("9.0.0", "10.0.0", True),
    ],
)  # fmt: skip
def test_only_a_new_line_of_versions_may_break(released: str, present: str, allowed: bool) -> None:
    assert may_break(released, present) is allowed


def test_the_newest_version_is_found_by_number_not_by_letter() -> None:
    assert newest(["0.9.0", "0.10.0", "0.2.1"]) == "0.10.0"
