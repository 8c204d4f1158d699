"""Which role may do what, as data: roles with scopes, and a rule for every route; what has no rule is refused."""

import tomllib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from shared.actors import EVERYWHERE, Actor, Forbidden, Scope, covers, is_area
from shared.errors import NotFound, Problem, Rejected

SERVICES = ("intake", "dispatch", "notify")


class Reach(StrEnum):
    """Over which objects a right goes."""

    OPEN = "open"
    """Nobody need say who they are: nothing in it belongs to anybody."""
    CODE = "code"
    """The service asks for a proof of its own: a ticket's code, a signed link, an Open311 key."""
    ANY = "any"
    """The answer concerns no one area."""
    AREA = "area"
    """What lies in the actor's jurisdiction; elsewhere there is nothing (404)."""
    LIST = "list"
    """A list of what lies in the jurisdiction; of elsewhere it is empty."""
    UNIT = "unit"
    """As `area`, and those who act for a unit only what their unit answers for."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a thing lies, by the code of its division or grid, and which units answer for it."""

    code: str
    units: tuple[str, ...] = ()


Locate = Callable[[UUID | int], Awaitable[Whereabouts | None]]
"""Where the thing of that id lies; None when there is none. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may call a route. `audited`: a call that was allowed is written down too, not only one refused."""

    service: str
    operation: str
    scope: Scope
    reach: Reach
    audited: bool = False
    two_persons: bool = False
    why: str = ""
    judged: str = ""
    """How the service itself looks at the area, where no parameter of the route says which thing it is about."""

    @property
    def needs_actor(self) -> bool:
        """Whether the caller must say who they are."""
        return self.reach not in (Reach.OPEN, Reach.CODE)


@dataclass(frozen=True, slots=True)
class RoleSheet:
    """A role with its scopes; `for_unit`: it acts for a unit; `for_keys`: an API key may have it."""

    name: str
    zh: str
    en: str
    scopes: frozenset[Scope]
    for_unit: bool = False
    for_keys: bool = False
    for_people: bool = True


@dataclass(frozen=True, slots=True)
class Permissions:
    """The whole of roles.toml."""

    scopes: Mapping[Scope, tuple[str, str]]
    roles: Mapping[str, RoleSheet]
    rules: Mapping[tuple[str, str], Rule]

    def rule(self, service: str, operation: str) -> Rule | None:
        """The rule of a route by its operation id; None means refuse."""
        return self.rules.get((service, operation))

    def scopes_of(self, role: str) -> frozenset[Scope]:
        """The rights of a role; an unknown one has none."""
        sheet = self.roles.get(role)
        return sheet.scopes if sheet is not None else frozenset()

    def is_for_unit(self, role: str) -> bool:
        """Whether the role acts for a unit only."""
        return role in self.roles and self.roles[role].for_unit


def check_scope(rule: Rule, actor: Actor) -> None:
    """Raises Forbidden unless the actor has the rule's scope, and an area and a unit where the rule is about such."""
    if not rule.needs_actor:
        return
    if not actor.may(rule.scope):
        raise Forbidden("scope", f"The role {actor.role!r} may not do this.", rule.scope)
    if rule.reach is not Reach.ANY and not actor.jurisdiction:
        raise Forbidden("no-jurisdiction", "You act for no area.", rule.scope)
    if rule.two_persons and actor.client is not None:
        raise Forbidden("no-person", "This takes a person, not a key.", rule.scope)


def must_see(actor: Actor, code: str) -> None:
    """Raises NotFound when what has this division or grid code lies outside the actor's jurisdiction."""
    if not covers(actor.jurisdiction, code):
        raise NotFound(code)


def within(asked: Iterable[str], area: str) -> frozenset[str]:
    """The beginnings of codes that were asked for, none for all, cut down to what lies in the area.

    Empty means everything, and so only where the area is everywhere. Raises NotFound when nothing is left.
    """
    wanted = frozenset(asked)
    if area == EVERYWHERE:
        return wanted
    if not wanted:
        wanted = frozenset((area,))
    inside = frozenset(code for code in wanted if covers(area, code))
    around = any(area.startswith(code) for code in wanted)
    if not is_area(area) or not (inside or around):
        raise NotFound("no such place")
    return inside | {area} if around else inside


def must_be_near(actor: Actor, county: str) -> None:
    """Raises NotFound unless the actor's jurisdiction lies in the county, or the county in it."""
    if not (covers(actor.jurisdiction, county) or covers(county, actor.jurisdiction)):
        raise NotFound(county)


def must_answer_for(actor: Actor, permissions: Permissions, units: Sequence[str]) -> None:
    """Raises NotFound when the actor's role is a unit's, and theirs is none of `units`.

    `units` are those who answer for the object, and the units above them.
    """
    bound = permissions.is_for_unit(actor.role) and actor.jurisdiction != EVERYWHERE
    if bound and (actor.unit is None or actor.unit not in units):
        raise NotFound("no such assignment")


def read_permissions(path: Path) -> Permissions:
    """Read roles.toml. Raises Rejected with every fault found, OSError when it is not there."""
    text = path.read_text(encoding="utf-8")
    try:
        return permissions_from(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Rejected(Problem(path.name, "toml", str(error))) from error


def permissions_from(table: Mapping[str, Any]) -> Permissions:
    """Permissions of a parsed roles.toml. Raises Rejected with every fault found."""
    faults: list[Problem] = []
    scopes = {
        Scope(name): (str(said.get("zh", "")), str(said.get("en", ""))) for name, said in _tables(table, "scopes")
    }
    roles = {name: _role(name, said, faults) for name, said in _tables(table, "roles")}
    rules = {(s, name): _rule(s, name, said, faults) for s in SERVICES for name, said in _tables(table, s)}
    faults += [Problem(key, "unknown", "unknown table") for key in table if key not in ("scopes", "roles", *SERVICES)]
    faults += _loose_ends(scopes, roles, rules)
    if faults:
        raise Rejected(*faults)
    return Permissions(scopes, roles, rules)


def _tables(table: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from table.get(name, {}).items()


def _role(name: str, said: Mapping[str, Any], faults: list[Problem]) -> RoleSheet:
    known = {"zh", "en", "scopes", "for_unit", "for_keys", "for_people"}
    faults += [Problem(f"roles.{name}.{key}", "unknown", "unknown key") for key in said if key not in known]
    if not said.get("zh") or not said.get("en"):
        faults.append(Problem(f"roles.{name}", "unnamed", "needs a name in zh and en"))
    scopes = frozenset(Scope(scope) for scope in said.get("scopes", ()))
    return RoleSheet(
        name, str(said.get("zh", "")), str(said.get("en", "")), scopes, bool(said.get("for_unit")),
        bool(said.get("for_keys")), bool(said.get("for_people", True)),
    )  # fmt: skip


def _rule(service: str, name: str, said: Mapping[str, Any], faults: list[Problem]) -> Rule:
    where = f"{service}.{name}"
    known = {"scope", "reach", "audited", "two_persons", "why", "judged"}
    faults += [Problem(f"{where}.{key}", "unknown", "unknown key") for key in said if key not in known]
    reach = said.get("reach")
    if reach not in tuple(Reach):
        faults.append(Problem(f"{where}.reach", "unknown", f"must be one of {', '.join(Reach)}"))
        reach = Reach.AREA
    rule = Rule(
        service, name, Scope(said.get("scope", "")), Reach(reach), bool(said.get("audited")),
        bool(said.get("two_persons")), str(said.get("why", "")), str(said.get("judged", "")),
    )  # fmt: skip
    if rule.needs_actor != bool(rule.scope):
        faults.append(Problem(where, "scope", "needs a scope, unless it is open or asks for a code"))
    if not rule.needs_actor and not rule.why:
        faults.append(Problem(where, "why", "says why nobody need say who they are"))
    return rule


def _loose_ends(
    scopes: Mapping[Scope, object], roles: Mapping[str, RoleSheet], rules: Mapping[tuple[str, str], Rule]
) -> Iterator[Problem]:
    for role in roles.values():
        for scope in sorted(role.scopes - scopes.keys()):
            yield Problem(f"roles.{role.name}", "scope", f"{scope} is no scope")
    for rule in rules.values():
        if rule.scope and rule.scope not in scopes:
            yield Problem(f"{rule.service}.{rule.operation}", "scope", f"{rule.scope} is no scope")
    held = {scope for role in roles.values() for scope in role.scopes}
    asked = {rule.scope for rule in rules.values()}
    for scope in scopes:
        if scope not in held:
            yield Problem(f"scopes.{scope}", "unheld", "no role has it")
        if scope not in asked and not scope.startswith("act:"):
            yield Problem(f"scopes.{scope}", "unused", "no route asks for it")
