"""JSON Schemas as values: put words to them, lift shared definitions out, make an example that fits."""

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from shared.contract_labels import LABELS_BY_TITLE
from shared.contract_words import words_for

Json: TypeAlias = dict[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "array": (list, tuple),
    "object": (dict,),
}  # fmt: skip
_BY_FORMAT: Mapping[str, str] = {
    "date-time": "2026-03-10T01:15:00Z", "date": "2026-03-10", "uuid": "0198a1c2-7f00-7000-8000-000000000001",
}  # fmt: skip
_LONGEST: Mapping[str, int] = {"date": len("2026-03-10")}
_NOTHING = object()


def with_words(part: Any) -> Any:
    """`part` with the meaning of every field and the labels of every closed list, where the contract has words."""
    if isinstance(part, list):
        return [with_words(item) for item in part]
    if not isinstance(part, dict):
        return part
    told = {key: with_words(value) for key, value in part.items()}
    title = str(part.get("title", ""))
    if isinstance(told.get("properties"), dict):
        told["properties"] = {name: _field(title, name, schema) for name, schema in told["properties"].items()}
    if "enum" in told and title in LABELS_BY_TITLE:
        labels = LABELS_BY_TITLE[title]
        told["x-labels"] = {v: {"zh": labels[v].zh, "en": labels[v].en} for v in told["enum"] if v in labels}
    return told


def _field(model: str, name: str, schema: Any) -> Any:
    words = words_for(model, name)
    if words is None or not isinstance(schema, dict) or "description" in schema:
        return schema
    return {**schema, "description": words.meaning}


def lifted(part: Any, into: Json, prefix: str) -> Any:
    """`part` with its `$defs` moved to `into` and its references leading to `prefix + name` instead.

    Raises ValueError when a name already means something else there.
    """
    if isinstance(part, list):
        return [lifted(item, into, prefix) for item in part]
    if not isinstance(part, dict):
        return part
    for name, definition in part.get("$defs", {}).items():
        moved = lifted(definition, into, prefix)
        if into.setdefault(name, moved) != moved:
            raise ValueError(f"{name} means two things")
    kept = {key: lifted(value, into, prefix) for key, value in part.items() if key != "$defs"}
    if str(kept.get("$ref", "")).startswith("#/$defs/"):
        kept["$ref"] = prefix + kept["$ref"].rpartition("/")[2]
    return kept


def resolve(schema: Json, root: Json) -> Json:
    """The schema that a local reference leads to, with what stands beside the reference; else the schema itself.

    Raises LookupError when it leads nowhere.
    """
    while "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def example_of(schema: Json, root: Json | None = None, model: str = "", name: str = "") -> Any:
    """A value that fits: the contract's own examples by field name, else the first choice, the default, or the type's.

    `root` is the document that local references of the schema are looked up in.
    """
    root = schema if root is None else root
    schema = resolve(schema, root)
    choices = [s for s in (schema.get("anyOf") or schema.get("oneOf") or []) if s.get("type") != "null"]
    words = words_for(model, name)
    if choices:
        return None if words and words.example is None else example_of(choices[0], root, model, name)
    if "const" in schema:
        return schema["const"]
    if words is not None and _fits(words.example, schema):
        return list(words.example) if isinstance(words.example, tuple) else words.example
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("examples"):
        return schema["examples"][0]
    return _made(schema, root, name)


def _made(schema: Json, root: Json, name: str) -> Any:
    """An example from the schema alone."""
    model = str(schema.get("title", ""))
    kind = schema.get("type")
    if "properties" in schema:
        return {key: example_of(s, root, model, key) for key, s in schema["properties"].items()}
    if schema.get("default", _NOTHING) is not _NOTHING:
        return schema["default"]
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "array":
        return [example_of(schema["items"], root, model, name)] if schema.get("items") else []
    plain = {"string": _BY_FORMAT.get(schema.get("format", ""), "text"), "boolean": True, "object": {}}
    return schema.get("minimum", 1) if kind in ("integer", "number") else plain.get(str(kind))


def _fits(value: object, schema: Json) -> bool:
    """Whether an example of the words may stand here: its kind is right, it is one of the choices, and of the form."""
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, str) and not (
        re.search(schema.get("pattern", ""), value) and len(value) <= _LONGEST.get(schema.get("format", ""), len(value))
    ):
        return False
    kinds = schema.get("type")
    names = [kinds] if isinstance(kinds, str) else kinds or []
    right = any(isinstance(value, _TYPES.get(kind, ())) for kind in names)
    return right and (not isinstance(value, bool) or "boolean" in names)
