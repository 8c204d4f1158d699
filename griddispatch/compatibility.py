"""What would break those who rely on a contract: one JSON Schema against its successor, as sets of values.

What we read must go on being taken, so it may only widen; what others read may only narrow, but for fields that are
added; and an event is both: it is read by others now, and by us again when a topic is replayed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from shared.json_schema import Json, resolve


class Way(Enum):
    """Who reads what the schema describes: we, others, or both."""

    IN = "we read it"
    OUT = "others read it"
    BOTH = "both read it"


_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ANY = "anything"


def breaking_changes(old: Json, new: Json, way: Way = Way.BOTH) -> list[str]:
    """Every change from `old` to `new` that breaks a reader, as a sentence that begins with the place; empty if none.

    Local references are followed, each within its own document. Words, titles and examples do not count.
    """
    return breaking_between(old, old, new, new, way, "body")


def breaking_between(old: Json, old_root: Json, new: Json, new_root: Json, way: Way, place: str) -> list[str]:
    """The same for two parts of documents; `place` begins every sentence."""
    return list(dict.fromkeys(_Comparison(old_root, new_root, way).schemas(old, new, place, frozenset())))


@dataclass(frozen=True)
class _Comparison:
    old_root: Json
    new_root: Json
    way: Way

    def schemas(self, old: Json, new: Json, place: str, above: frozenset[tuple[str, str]]) -> Iterator[str]:
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if all(pair) and pair in above:
            return
        olds, news = _alternatives(old, self.old_root), _alternatives(new, self.new_root)
        yield from self._narrowed(
            place, [f"{k} is no longer taken" for k in olds if k not in news and _ANY not in news]
        )
        yield from self._widened(place, [f"may now be {k}" for k in news if k not in olds and _ANY not in olds])
        for kind in olds.keys() & news.keys():
            yield from self._same_kind(olds[kind], news[kind], place, above | {pair})
        if self.way is Way.BOTH and old.get("default", None) != new.get("default", None):
            yield f"{place}: the default was {old.get('default')!r} and is {new.get('default')!r}"

    def _same_kind(self, old: Json, new: Json, place: str, above: frozenset[tuple[str, str]]) -> Iterator[str]:
        yield from self._values(old, new, place)
        for key in ("format", "pattern"):
            yield from self._constraint(key, old.get(key), new.get(key), place)
        yield from self._bounds(old, new, place)
        if "items" in old and "items" in new:
            yield from self.schemas(old["items"], new["items"], f"{place}[]", above)
        if "properties" in old or "properties" in new:
            yield from self._fields(old, new, place, above)

    def _values(self, old: Json, new: Json, place: str) -> Iterator[str]:
        """Closed lists; an open text is every value."""
        before, after = _choices(old), _choices(new)
        if before is None and after is None:
            return
        gone = ["all but the listed values"] if before is None else [v for v in before if after and v not in after]
        more = ["values beyond the list"] if after is None else [v for v in after if before and v not in before]
        yield from self._narrowed(place, [f"{value} is no longer taken" for value in gone])
        yield from self._widened(place, [f"may now be {value}" for value in more])

    def _constraint(self, key: str, old: object, new: object, place: str) -> Iterator[str]:
        if old == new:
            return
        if old is None:
            yield from self._narrowed(place, [f"{key} {new} is demanded"])
        elif new is None:
            yield from self._widened(place, [f"{key} {old} no longer holds"])
        else:
            yield f"{place}: {key} was {old} and is {new}"

    def _bounds(self, old: Json, new: Json, place: str) -> Iterator[str]:
        for keys, tighter in ((_LOWER, _is_more), (_UPPER, _is_less)):
            for key in keys:
                if tighter(new.get(key), old.get(key)):
                    yield from self._narrowed(place, [f"{key} {new[key]} is demanded"])
                elif tighter(old.get(key), new.get(key)):
                    yield from self._widened(place, [f"{key} {old[key]} no longer holds"])

    def _fields(self, old: Json, new: Json, place: str, above: frozenset[tuple[str, str]]) -> Iterator[str]:
        before: Mapping[str, Json] = old.get("properties", {})
        after: Mapping[str, Json] = new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            if name not in after:
                yield f"{place}.{name}: the field is gone"
            else:
                yield from self.schemas(before[name], after[name], f"{place}.{name}", above)
        for name in [n for n in after if n in needed_after - needed_before]:
            why = "is now required" if name in before else "a required field is new"
            yield from self._narrowed(f"{place}.{name}", [why])
        for name in [n for n in before if n in needed_before - needed_after and n in after]:
            yield from self._widened(f"{place}.{name}", ["may now be absent"])
        if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
            yield from self._narrowed(place, ["unknown fields are no longer taken"])

    def _narrowed(self, place: str, what: list[str]) -> Iterator[str]:
        if self.way is not Way.OUT:
            yield from (f"{place}: {one}" for one in what)

    def _widened(self, place: str, what: list[str]) -> Iterator[str]:
        if self.way is not Way.IN:
            yield from (f"{place}: {one}" for one in what)


def _alternatives(schema: Json, root: Json) -> dict[str, Json]:
    """The kinds of value a schema lets through, each with its own schema. An integer is not told from a number below.

    Several objects (or texts) side by side are told apart by their titles.
    """
    whole = resolve(schema, root)
    parts = whole.get("anyOf") or whole.get("oneOf")
    found: dict[str, Json] = {}
    for part in parts or ():
        for kind, inner in _alternatives(part, root).items():
            found[f"{kind} {inner.get('title', '')}".strip() if kind in found else kind] = inner
    if parts:
        return found
    kinds = whole.get("type") or ("object" if "properties" in whole else _kind_of_choices(whole))
    return dict.fromkeys(kinds if isinstance(kinds, list) else [kinds], whole)


def _kind_of_choices(schema: Json) -> str:
    choices = _choices(schema)
    return "string" if choices and all(isinstance(c, str) for c in choices) else _ANY


def _choices(schema: Json) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _is_more(one: Any, other: Any) -> bool:
    return one is not None and (other is None or one > other)


def _is_less(one: Any, other: Any) -> bool:
    return one is not None and (other is None or one < other)
