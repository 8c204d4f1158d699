"""The contract as pages that an integrator can read: the topics, every event with its fields, terms, HTTP routes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson

from shared.asyncapi import EVENT_TOPICS, message_names, what_for
from shared.contract_labels import LABELS
from shared.contracts import SNAPSHOT, Example, event_types, examples, header_schema, schemas
from shared.json_schema import Json, resolve
from shared.openapi import operations
from shared.topics import STATE, TOPICS, Topic

MADE = "<!-- Generated from the models: change those, then run `griddispatch contract write`. -->\n"


def pages(http: Mapping[str, Json]) -> dict[str, str]:
    """Every generated page by its path; `http` holds the OpenAPI document of each service."""
    known, shown = schemas(), examples()
    made = {
        "topics.md": _topics(),
        "headers.md": _headers(),
        "terms.md": _terms(),
        "http.md": _http(http),
        f"topics/{STATE.name}.md": _page(STATE, [SNAPSHOT], known, shown),
    }
    for topic in EVENT_TOPICS:
        made[f"topics/{topic.name}.md"] = _page(topic, event_types(topic), known, shown)
    return {path: f"{MADE}\n{text.rstrip()}\n" for path, text in made.items()}


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _topics() -> str:
    head = ("topic", "key", "partitions", "kept", "written by", "read by", "types")
    return "# Topics\n\n" + _table(head, map(_topic_row, TOPICS))


def _topic_row(topic: Topic) -> Sequence[object]:
    kept = "latest per key" if topic.retention is None else f"{topic.retention.days} days"
    has_page = topic in (*EVENT_TOPICS, STATE)
    name = f"[`{topic.name}`](topics/{topic.name}.md)" if has_page else f"`{topic.name}`"
    readers = ", ".join(topic.readers) or "—"
    return (name, topic.key, topic.partitions, kept, topic.writer, readers, len(message_names(topic)))


def _headers() -> str:
    schema = header_schema()
    rows = [
        (f"`{name}`", _kind(part, schema), "yes" if name in schema["required"] else "no", part["description"])
        for name, part in schema["properties"].items()
        if name != "ce_type"
    ]
    rows.insert(4, ("`ce_type`", "text", "yes", "The event type; its last part is its version."))
    return "# Record headers\n\nOf every event record; all are UTF-8 texts.\n\n" + _table(
        ("header", "form", "always", "meaning"), rows
    )


def _page(topic: Topic, names: Sequence[str], known: Mapping[str, Json], shown: Mapping[str, Example]) -> str:
    parts = [f"# {topic.name}\n\n{what_for(topic)} Key: {topic.key}. Written by {topic.writer}.\n"]
    for name in names:
        schema = known[name]
        value = orjson.dumps(shown[name].value, option=orjson.OPT_INDENT_2).decode()
        links = f"[schema](../schemas/{name}.json) · [whole record](../examples/{name}.json)"
        fields = _table(("field", "form", "always", "meaning"), _field_rows(schema))
        parts.append(f"## {name}\n\n{schema['description']} {links}\n\n{fields}\n```json\n{value}\n```\n")
    return "\n".join(parts)


def _field_rows(schema: Json) -> Iterator[Sequence[object]]:
    required = schema.get("required", ())
    for name, part in schema["properties"].items():
        yield f"`{name}`", _kind(part, schema), "yes" if name in required else "no", part.get("description", "")


def _kind(part: Json, root: Json) -> str:
    """A schema in a word or two."""
    whole = resolve(part, root)
    if "anyOf" in whole:
        return " or ".join(_kind(one, root) for one in whole["anyOf"])
    if "const" in whole:
        return f"`{whole['const']}`"
    if "enum" in whole:
        title = whole.get("title", "")
        known = {labelled.__name__ for labelled in LABELS}
        return f"[{title}](../terms.md#{title.lower()})" if title in known else " or ".join(map(str, whole["enum"]))
    if whole.get("type") == "array":
        return f"list of {_kind(whole.get('items', {}), root)}"
    plain = str(whole.get("type", "any"))
    words = {"date-time": "instant", "uuid": "uuid", "string": "text"}
    return words.get(whole.get("format", ""), words.get(plain, plain))


def _terms() -> str:
    parts = ["# Terms\n\nEvery closed list of the events, with the words for people.\n"]
    for listed, labels in LABELS.items():
        rows = [(f"`{member.value}`", labels[member].zh, labels[member].en) for member in listed if member in labels]
        about = (listed.__doc__ or "").strip()
        parts.append(f"## {listed.__name__}\n\n{about}\n\n" + _table(("code", "中文", "English"), rows))
    return "\n".join(parts)


def _http(http: Mapping[str, Json]) -> str:
    parts = ["# HTTP\n\nEvery refusal is `application/problem+json` (RFC 9457).\n"]
    for service, document in http.items():
        ids = {id(operation): operation for operation in operations(document)}
        rows = [
            (f"`{method.upper()} {path}`", f"`{o['operationId']}`", _first_line(o), ", ".join(o["responses"]))
            for path, methods in document["paths"].items()
            for method, o in methods.items()
            if id(o) in ids
        ]
        head = ("route", "operation", "what it does", "answers")
        parts.append(f"## {service}\n\n[openapi-{service}.json](openapi-{service}.json)\n\n" + _table(head, rows))
    return "\n".join(parts)


def _first_line(operation: Json) -> str:
    return str(operation.get("description", "")).strip().partition("\n")[0]
