"""Who asks: an actor in one role, for one area; and the ways in which one is turned away."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NewType

Scope = NewType("Scope", str)
"""A right, such as `tickets:read`; which there are is said in roles.toml."""

EVERYWHERE: Final = "*"
"""The jurisdiction of the services themselves, and of everybody in demo mode. Nobody is given it from outside."""
NO_SCOPES: Final = frozenset[Scope]()

_AREA: Final = re.compile(r"[0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@|:._-]{0,127}", re.ASCII)


class Unauthenticated(Exception):
    """Who asks is not known (401). `reason` is for the audit log; the caller is never told which check failed."""

    def __init__(self, reason: str, *, presented: bool = True) -> None:
        """`presented`: there were credentials, and they were no good."""
        super().__init__(reason)
        self.reason = reason
        self.presented = presented


class Forbidden(Exception):
    """Known, and may not (403): the role lacks the scope, or no role was chosen. Says nothing about any object."""

    def __init__(self, reason: str, message: str, scope: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.scope = scope


class TooMany(Exception):
    """More than the quota allows (429); more may be asked after `retry_after_s` seconds."""

    def __init__(self, policy: str, retry_after_s: int) -> None:
        super().__init__(policy)
        self.policy = policy
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in one role.

    `unit` and `person` are ids, None where not known; `jurisdiction` is the division code of the area they act for;
    `sources` are the names they may post as; `credential` tells the key or the kind of login, never a secret.
    """

    role: str
    unit: str | None = None
    person: str | None = None
    jurisdiction: str = ""
    scopes: frozenset[Scope] = NO_SCOPES
    sources: frozenset[str] = frozenset()
    credential: str = ""
    client: str | None = None

    @property
    def name(self) -> str:
        """How logs call them."""
        return f"{self.role or 'anybody'}:{self.person or self.client or self.unit or ''}"

    def may(self, scope: str) -> bool:
        """Whether the role, and the key if it is one, has the right."""
        return scope in self.scopes

    def may_post_as(self, source: str) -> bool:
        """Whether matters may be handed in under this source's name; people post under any, keys under their own."""
        return self.client is None or source in self.sources


STRANGER: Final = Actor("")
"""Nobody known, where a route is open or a citizen shows a ticket's code."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came with a request: the choice of a role, and where it came from. Header values as they stood."""

    authorization: tuple[str, ...] = ()
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    peer: str | None = None
    host: str = ""

    def chosen(self, name: str) -> str | None:
        """The one value of a header that names something; None if absent. Raises Forbidden for anything odd."""
        values = self.headers.get(name, ())
        if not values:
            return None
        if len(values) > 1 or not _ID.fullmatch(values[0]):
            raise Forbidden("odd-header", f"{name} must be given once, as an id.")
        return values[0]


def is_id(text: object) -> bool:
    """Whether this can be the id of a person, a unit or a role."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def is_area(text: object) -> bool:
    """Whether this is the code of a division: province 2 digits, city 4, county 6, township 9, village 12."""
    return isinstance(text, str) and _AREA.fullmatch(text) is not None


def covers(jurisdiction: str, code: str) -> bool:
    """Whether a division or a grid with this code lies in the jurisdiction. No jurisdiction covers nothing."""
    return jurisdiction == EVERYWHERE or (is_area(jurisdiction) and code.startswith(jurisdiction))
