"""The table of who may call what: every route, every role, at home and elsewhere; made from data, with no blank."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.actors import STRANGER, Actor, Forbidden
from shared.json_schema import Json
from shared.openapi import operations
from shared.permissions import Permissions, Reach, Rule, check_scope

NOBODY: Final = "(nobody)"


class Answer(StrEnum):
    """What a caller gets."""

    YES = "yes"
    OWN_UNIT = "own unit"
    EMPTY = "empty"
    PROOF = "proof"
    JUDGED = "judged"
    """The route names no one thing: the service itself looks, as `judged` says in roles.toml."""
    NOT_FOUND = "404"
    FORBIDDEN = "403"
    UNAUTHENTICATED = "401"


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer of the table; `here`: the object lies in the caller's jurisdiction."""

    service: str
    operation: str
    role: str
    here: bool
    answer: Answer


def cells(permissions: Permissions, documents: Mapping[str, Json]) -> Iterator[Cell]:
    """Every cell for the routes of the services' OpenAPI documents that have a rule."""
    for service, document in documents.items():
        for operation in dict.fromkeys(_names(document)):
            rule = permissions.rule(service, operation)
            if rule is None:
                continue
            for role in (NOBODY, *permissions.roles):
                for here in (True, False):
                    yield Cell(service, operation, role, here, _answer(rule, permissions, role, here))


def faults(permissions: Permissions, documents: Mapping[str, Json]) -> list[str]:
    """What must not be: a route without a rule, and two routes of one name, which would share a rule by accident."""
    found = []
    for service, document in documents.items():
        times = Counter(_names(document))
        found += [f"{service}.{name}: no rule" for name in times if permissions.rule(service, name) is None]
        found += [f"{service}.{name}: stands for {n} routes" for name, n in times.items() if n > 1]
    return found


def unused(permissions: Permissions, documents: Mapping[str, Json]) -> list[str]:
    """Rules without a route: harmless, and a sign that something was renamed."""
    return [
        f"{service}.{name}" for service, name in permissions.rules
        if service in documents and name not in set(_names(documents[service]))
    ]  # fmt: skip


def _names(document: Json) -> list[str]:
    return [operation["operationId"] for operation in operations(document)]


def _answer(rule: Rule, permissions: Permissions, role: str, here: bool) -> Answer:
    """By the very functions that decide on requests."""
    actor = STRANGER
    if role != NOBODY:
        actor = Actor(role, "u1", "p1", "990101", permissions.scopes_of(role))
    if rule.reach is Reach.CODE:
        return Answer.PROOF
    if rule.needs_actor and actor is STRANGER:
        return Answer.UNAUTHENTICATED
    try:
        check_scope(rule, actor)
    except Forbidden:
        return Answer.FORBIDDEN
    if rule.judged and not here:
        return Answer.JUDGED
    match rule.reach:
        case Reach.OPEN | Reach.ANY:
            return Answer.YES
        case Reach.LIST:
            return Answer.YES if here else Answer.EMPTY
        case Reach.UNIT if here and permissions.is_for_unit(role):
            return Answer.OWN_UNIT
        case _:
            return Answer.YES if here else Answer.NOT_FOUND
