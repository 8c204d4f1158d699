"""Reads a JSON body as a border must: strictly, within limits, and naming everything that is wrong with it."""

import json
import re
import unicodedata
from dataclasses import dataclass, field
from math import isfinite
from typing import TypeAlias

from shared.errors import Malformed, Problem, Rejected

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"

MAX_INT = 2**53
"""Beyond it two JSON readers may disagree about the number."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_BOM = b"\xef\xbb\xbf"
_MAX_INT_DIGITS = 17
_MAX_PROBLEMS = 100
"""A hostile body could earn thousands of complaints; nobody reads more than these."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a body may be: bytes, nesting of objects and arrays, keys altogether."""

    max_bytes: int = 64 * 1024
    max_depth: int = 32
    max_keys: int = 1_000


@dataclass(frozen=True, slots=True)
class Document:
    """A body that is JSON: its value with texts (not keys) in NFC, and what is wrong inside it.

    While `problems` is not empty the value must not be used, except to look for further problems.
    """

    value: JsonValue
    problems: tuple[Problem, ...]


DEFAULT_LIMITS = Limits()


def cleaned(body: bytes, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The body as other readers may have it: the same bytes as a rule, written anew where its texts were not in NFC.

    Raises Malformed for what is no JSON, Rejected with every problem inside it.
    """
    text = _text(body, limits.max_bytes)
    audit = _Audit(limits, _is_clean(text))
    value = audit.clean(_parse(text), "", 1)
    if audit.problems:
        raise Rejected(*audit.problems)
    return body if audit.strings_are_clean else json.dumps(value, ensure_ascii=False).encode()


def read_json(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Parse `body`; raise `Malformed` when it is not one UTF-8 JSON document within `max_bytes`.

    Everything else (duplicate keys, NaN, numbers beyond ±2^53, control characters, lone surrogates, depth, number
    of keys) is listed in the document with the path of the field it stands in.
    """
    text = _text(body, limits.max_bytes)
    audit = _Audit(limits, _is_clean(text))
    value = _parse(text)
    return Document(audit.clean(value, "", 1), tuple(audit.problems))


def label(key: str) -> str:
    """A key as it may be shown in a problem: short and printable ASCII, whatever was sent."""
    return (key if key.isascii() and key.isprintable() else ascii(key)[1:-1])[:64]


def _text(body: bytes, max_bytes: int) -> str:
    if len(body) > max_bytes:
        raise Malformed("body_too_large", f"the body is larger than {max_bytes} bytes")
    if body.startswith(_BOM):
        raise Malformed("byte_order_mark", "the body starts with a byte order mark")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed("not_utf8", f"byte {error.start} is not UTF-8") from error


def _is_clean(text: str) -> bool:
    """Whether no string of the document can need attention: asked once of the whole, for most bodies that is all.

    Without escapes every string is a piece of the document, and a piece of NFC text is in NFC.
    """
    return "\\" not in text and not _has_forbidden(text) and unicodedata.is_normalized("NFC", text)


def _has_forbidden(text: str) -> bool:
    # isprintable is much faster than the search, and true of most texts.
    return not text.isprintable() and _FORBIDDEN.search(text) is not None


def _parse(text: str) -> JsonValue:
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise Malformed("not_json", f"not JSON at character {error.pos}") from error
    except RecursionError as error:
        raise Malformed("too_deep", "objects and arrays are nested too deep to be read") from error
    return value


class _Duplicated(dict[str, JsonValue]):
    """An object that named a key twice, kept so that the audit can say where."""

    __slots__ = ("twice",)
    twice: list[str]


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    keys = [key for key, _ in pairs]
    duplicated = _Duplicated(plain)
    duplicated.twice = sorted({key for key in keys if keys.count(key) > 1})
    return duplicated


def _int(digits: str) -> int:
    # Longer ones are out of range anyway; reading thousands of digits would cost time or raise.
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else MAX_INT + 1


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_int)


@dataclass(slots=True)
class _Audit:
    """One walk over a parsed document; lives only as long as the walk."""

    limits: Limits
    strings_are_clean: bool
    problems: list[Problem] = field(default_factory=list)
    keys: int = 0

    def clean(self, value: JsonValue, path: str, depth: int) -> JsonValue:
        if isinstance(value, str):
            return value if self.strings_are_clean else self._string(value, path)
        if isinstance(value, dict):
            self._members(value, path, depth)
        elif isinstance(value, list):
            self._items(value, path, depth)
        elif isinstance(value, float) and not isfinite(value):
            self._report(path, "not_finite", "must be a finite number")
        elif isinstance(value, int) and not -MAX_INT <= value <= MAX_INT:
            self._report(path, "integer_range", "must be an integer between -2^53 and 2^53")
        return value

    def _members(self, members: dict[str, JsonValue], path: str, depth: int) -> None:
        self._count(members, path)
        if self._is_too_deep(path, depth):
            return
        prefix = f"{path}." if path else ""
        for key, value in members.items():
            # The usual member is a text in a clean document: leave at once, this loop is the hot path.
            if type(value) is not str or not self.strings_are_clean:
                members[key] = self.clean(value, prefix + label(key), depth + 1)
            if not self.strings_are_clean and _has_forbidden(key):
                self._report(prefix + label(key), "forbidden_character", "has a control character in its name")

    def _items(self, items: list[JsonValue], path: str, depth: int) -> None:
        if not self._is_too_deep(path, depth):
            items[:] = [self.clean(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(items)]

    def _is_too_deep(self, path: str, depth: int) -> bool:
        if depth > self.limits.max_depth:
            self._report(path, "too_deep", f"is nested deeper than {self.limits.max_depth} levels")
        return depth > self.limits.max_depth

    def _count(self, members: dict[str, JsonValue], path: str) -> None:
        self.keys += len(members)
        if self.keys > self.limits.max_keys >= self.keys - len(members):
            self._report(path, "too_many_keys", f"the body has more than {self.limits.max_keys} keys")
        if type(members) is _Duplicated:
            for key in members.twice:
                self._report(f"{path}.{label(key)}".lstrip("."), "duplicate_key", "is given more than once")

    def _string(self, text: str, path: str) -> str:
        if _has_forbidden(text) and (found := _FORBIDDEN.search(text)):
            self._report(path, "forbidden_character", f"contains U+{ord(found[0]):04X}")
        return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)

    def _report(self, path: str, code: str, message: str) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(path, code, message))
