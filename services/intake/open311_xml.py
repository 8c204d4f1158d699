"""Open311 documents as XML and as JSON. Only writing: no XML is ever read, so no entity can be resolved."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import orjson

Value: TypeAlias = "Mapping[str, object] | Sequence[object] | str | int | float | bool | None"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[^\t\n\x20-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ITEMS: Mapping[str, str] = MappingProxyType(
    {
        "services": "service",
        "attributes": "attribute",
        "values": "value",
        "service_requests": "request",
        "endpoints": "endpoint",
        "formats": "format",
        "errors": "error",
    }
)
"""How the items of each list are called."""


class Format(StrEnum):
    """The formats by the endings of their addresses."""

    XML = "xml"
    JSON = "json"


MEDIA_TYPES: Mapping[Format, str] = MappingProxyType(
    {Format.XML: "text/xml; charset=utf-8", Format.JSON: "application/json; charset=utf-8"}
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document: in XML `root` is the name of its only element, in JSON `body` stands alone."""

    root: str
    body: Value

    def encode(self, form: Format) -> bytes:
        """The document in UTF-8."""
        if form is Format.JSON:
            return orjson.dumps(self.body)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{_element(self.root, self.body)}\n'.encode()


def _element(name: str, value: object) -> str:
    # Most elements of a long list hold a plain text or nothing: they take the short way.
    if value is None:
        return f"<{name}/>"
    inner = value if type(value) is str and not _SPECIAL.search(value) else _inner(name, value)
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}/>"


def _inner(name: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _escaped(value)
        case int() | float():
            return str(value)
        case Mapping():
            return "".join(_element(key, part) for key, part in value.items())
        case Sequence():
            return "".join(_element(_ITEMS[name], item) for item in value)
        case _:
            raise TypeError(f"no XML for {type(value).__name__}")


def _escaped(text: str) -> str:
    """Characters that XML 1.0 cannot hold at all become the replacement character."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).translate(_ESCAPES)
