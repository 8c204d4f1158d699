"""The present contract against a released one: what breaks, and whether the versions allow it."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from griddispatch.compatibility import Way, breaking_between, breaking_changes
from shared.json_schema import Json

Files = Mapping[str, str]
"""Texts by path within the contract's folder."""


def breaking_since(released: Files, present: Files) -> list[str]:
    """Everything that breaks whoever relies on the released files; each sentence begins with the file."""
    found: list[str] = []
    for name in sorted(released):
        if name not in present:
            found.append(f"{name}: is gone")
            continue
        old, new = orjson.loads(released[name]), orjson.loads(present[name])
        found += [f"{name}: {change}" for change in _compare(name, old, new)]
    return found


def may_break(released: str, present: str) -> bool:
    """Whether a contract of the present version may break one of the released: a new major, before 1.0 a new minor.

    Raises ValueError for what is no version of three numbers.
    """
    return _line(present) > _line(released)


def _line(version: str) -> tuple[int, int]:
    major, minor, _ = (int(part) for part in version.split("."))
    return (major, 0 if major else minor)


def newest(versions: list[str]) -> str:
    """The highest version. Raises ValueError when there is none."""
    return max(versions, key=lambda version: tuple(int(part) for part in version.split(".")))


def _compare(name: str, old: Json, new: Json) -> list[str]:
    if name.startswith("openapi-"):
        return list(breaking_http(old, new))
    return list(breaking_topics(old, new)) if name == "asyncapi.json" else breaking_changes(old, new)


def breaking_topics(old: Json, new: Json) -> Iterator[str]:
    """What breaks a reader of topics: one that is gone, holds fewer types or days, or is cut or keyed anew."""
    for name, before in old["channels"].items():
        after = new["channels"].get(name)
        if after is None:
            yield f"{name}: the topic is gone"
            continue
        yield from (f"{name}: {m} is no longer in it" for m in before["messages"] if m not in after["messages"])
        yield from (
            f"{name}: {change}" for change in _settings(before["bindings"]["kafka"], after["bindings"]["kafka"])
        )
    for name, before in old["components"]["messages"].items():
        after = new["components"]["messages"].get(name, before)
        for part in ("headers", "payload"):
            if part in before and not before[part].get("$ref", "").endswith("/Report"):
                place = f"{name} {part}"
                yield from breaking_between(before[part], old, after.get(part, {}), new, Way.BOTH, place)
    report = (old["components"]["schemas"]["Report"], new["components"]["schemas"]["Report"])
    yield from breaking_between(report[0], old, report[1], new, Way.IN, "report")


def _settings(old: Json, new: Json) -> Iterator[str]:
    if old["partitions"] != new["partitions"]:
        yield f"had {old['partitions']} partitions and has {new['partitions']}: keys would move"
    before, after = old["topicConfiguration"], new["topicConfiguration"]
    if before["cleanup.policy"] != after["cleanup.policy"]:
        yield f"its cleanup policy was {before['cleanup.policy']} and is {after['cleanup.policy']}"
    elif after.get("retention.ms", 0) < before.get("retention.ms", 0):
        yield f"records are kept for {after['retention.ms']} ms instead of {before['retention.ms']}"


def breaking_http(old: Json, new: Json) -> Iterator[str]:
    """What breaks a client: an operation that is gone or renamed, asks for more, takes less, or answers otherwise."""
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            after = new["paths"].get(path, {}).get(method)
            place = f"{method.upper()} {path}"
            if after is None:
                yield f"{place}: is gone"
                continue
            if before["operationId"] != after["operationId"]:
                yield f"{place}: was called {before['operationId']} and is {after['operationId']}"
            yield from _parameters(before, old, after, new, place)
            yield from _bodies(before, old, after, new, place)
            yield from _answers(before, old, after, new, place)


def _parameters(old: Json, old_root: Json, new: Json, new_root: Json, place: str) -> Iterator[str]:
    before, after = _by_name(old), _by_name(new)
    for key, parameter in before.items():
        where = f"{place} {key}"
        if key not in after:
            yield f"{where}: is no longer read"
        else:
            yield from breaking_between(
                parameter.get("schema", {}), old_root, after[key].get("schema", {}), new_root, Way.IN, where
            )
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{place} {key}: is now required"


def _by_name(operation: Json) -> dict[str, Json]:
    return {f"{p['in']} {p['name']}": p for p in operation.get("parameters", [])}


def _bodies(old: Json, old_root: Json, new: Json, new_root: Json, place: str) -> Iterator[str]:
    before, after = old.get("requestBody", {}), new.get("requestBody", {})
    if after.get("required") and not before.get("required"):
        yield f"{place}: a body is now required"
    yield from _contents(before, old_root, after, new_root, Way.IN, f"{place} body")


def _answers(old: Json, old_root: Json, new: Json, new_root: Json, place: str) -> Iterator[str]:
    for status, before in old["responses"].items():
        if not status.startswith("2"):
            continue
        after: Any = new["responses"].get(status)
        if after is None:
            yield f"{place}: no longer answers {status}"
        else:
            yield from _contents(before, old_root, after, new_root, Way.OUT, f"{place} {status}")


def _contents(old: Json, old_root: Json, new: Json, new_root: Json, way: Way, place: str) -> Iterator[str]:
    for media, before in old.get("content", {}).items():
        after = new.get("content", {}).get(media)
        if after is None:
            yield f"{place}: {media} is gone"
        else:
            yield from breaking_between(
                before.get("schema", {}), old_root, after.get("schema", {}), new_root, way, place
            )
