"""Reads CloudEvents 1.0 from JSON or HTTP headers: strictly, naming all that is wrong, and inventing nothing."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import orjson

from shared.errors import Problem, Rejected
from shared.strict_json import JsonValue, label

PREFIX = "ce-"
MAX_ATTRIBUTE = 500
"""Characters that an attribute may have."""

_REQUIRED = ("specversion", "id", "source", "type")
_OPTIONAL = ("datacontenttype", "dataschema", "subject", "time")
_NAME = re.compile(r"[a-z0-9]+", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;.*)?", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_MAX_INTEGER = 2**31


class InvalidEvent(Rejected):
    """It is no CloudEvent: `problems` names every reason."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event. `data` is the bytes of its body, None when it has none; extensions keep their kind."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    datacontenttype: str | None
    dataschema: str | None
    extensions: Mapping[str, str | int | bool]
    data: bytes | None

    @property
    def key(self) -> str | None:
        """By which an event is known again: its source and id; None where one could be taken for another's."""
        parts = (self.source, self.id)
        usable = all(len(part) <= MAX_ATTRIBUTE and part.isprintable() and " " not in part for part in parts)
        return " ".join(parts) if usable else None

    @property
    def is_json(self) -> bool:
        """Whether the data says that it is JSON; without a word it is, as in the JSON format."""
        media_type = (self.datacontenttype or "application/json").partition(";")[0].strip().lower()
        return media_type == "application/json" or media_type.endswith("+json")


def read_structured(value: JsonValue) -> CloudEvent:
    """Read one event of the JSON format, already parsed. Raises `InvalidEvent`."""
    if not isinstance(value, dict):
        raise InvalidEvent(Problem("", "not_an_object", "must be an object"))
    members = {name: member for name, member in value.items() if member is not None}
    data, problems = _data(members)
    attributes = {name: member for name, member in members.items() if name not in ("data", "data_base64")}
    return _event(attributes, data, problems)


def read_binary(headers: Iterable[tuple[str, str]], body: bytes) -> CloudEvent:
    """Read an event from its headers (names in lower case) and its body. Raises `InvalidEvent`."""
    attributes: dict[str, JsonValue] = {}
    problems: list[Problem] = []
    for header, value in headers:
        name = header.removeprefix(PREFIX) if header.startswith(PREFIX) else None
        name = "datacontenttype" if header == "content-type" else name
        if name is None:
            continue
        if name in attributes or header == f"{PREFIX}datacontenttype":
            problems.append(Problem(label(name), "duplicate_key", "is given more than once, or in the wrong header"))
        attributes[name] = _decoded(name, value, problems)
    return _event(attributes, body or None, problems)


def _decoded(name: str, value: str, problems: list[Problem]) -> str:
    """Header values are percent-encoded UTF-8; nothing but visible ASCII stands in them."""
    try:
        text = unquote(value, errors="strict")
    except UnicodeDecodeError:
        text = "\ufffd"
    if not value.isascii() or not text.isprintable() or text == "\ufffd":
        problems.append(
            Problem(label(name), "bad_form", "must be printable text, percent-encoded where it is not ASCII")
        )
    return text


def _data(members: Mapping[str, JsonValue]) -> tuple[bytes | None, list[Problem]]:
    if "data" in members and "data_base64" in members:
        return None, [Problem("data_base64", "contradiction", "must not stand beside data")]
    if "data" in members:
        return orjson.dumps(members["data"]), []
    encoded = members.get("data_base64")
    if encoded is None:
        return None, []
    try:
        return b64decode(encoded, validate=True) if isinstance(encoded, str) else b64decode("?", validate=True), []
    except (NotBase64, ValueError):
        return None, [Problem("data_base64", "bad_form", "must be a text in Base64")]


def _event(attributes: Mapping[str, JsonValue], data: bytes | None, problems: list[Problem]) -> CloudEvent:
    problems = [*problems, *_attribute_problems(attributes)]
    extensions: dict[str, str | int | bool] = {}
    for name, value in attributes.items():
        if name in _REQUIRED or name in _OPTIONAL:
            continue
        if not _NAME.fullmatch(name):
            problems.append(Problem(label(name), "bad_form", "must have a name of a-z and 0-9"))
        elif isinstance(value, str | int) and (isinstance(value, str) or -_MAX_INTEGER <= value < _MAX_INTEGER):
            extensions[name] = value
        else:
            problems.append(Problem(name, "not_a_scalar", "must be a text, a boolean or an integer of 32 bits"))
    if problems:
        raise InvalidEvent(*problems)
    texts = {name: value for name, value in attributes.items() if isinstance(value, str)}
    time = texts.get("time")
    return CloudEvent(
        id=texts["id"],
        source=texts["source"],
        type=texts["type"],
        subject=texts.get("subject"),
        time=_instant(time) if time is not None else None,
        datacontenttype=texts.get("datacontenttype"),
        dataschema=texts.get("dataschema"),
        extensions=extensions,
        data=data,
    )


def _attribute_problems(attributes: Mapping[str, JsonValue]) -> Iterable[Problem]:
    for name in (*_REQUIRED, *_OPTIONAL):
        value = attributes.get(name)
        if value is None:
            if name in _REQUIRED:
                yield Problem(name, "missing", "is required")
        elif not isinstance(value, str):
            yield Problem(name, "not_a_text", "must be a text")
        elif not value:
            yield Problem(name, "blank", "must not be empty")
        elif sentence := _wrong(name, value):
            yield Problem(name, "bad_form", sentence)


def _wrong(name: str, value: str) -> str:
    """What a text may not be as this attribute, or nothing."""
    match name:
        case "specversion" if value != "1.0":
            return "must be 1.0"
        case "source" | "dataschema" if not value.isprintable() or " " in value:
            return "must be a URI without blanks"
        case "datacontenttype" if not _MEDIA_TYPE.fullmatch(value):
            return "must be a media type"
        case "time" if _instant(value) is None:
            return "must be an RFC 3339 instant that exists"
        case _:
            return ""


def _instant(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
