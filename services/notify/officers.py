"""Who asks over HTTP: the one place that reads a caller's role, unit and person."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from services.notify.core.panel import Person

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)


class Role(StrEnum):
    """The roles that notify knows: who follows up, who asks for an exclusion, who decides, who looks again."""

    FOLLOW_UP_AGENT = "follow_up_agent"
    DEDICATED_AGENT = "dedicated_agent"
    """Follows up reports of wrongs, and nothing else."""
    LIAISON = "liaison"
    PANEL_MEMBER = "panel_member"
    SUPERVISOR = "supervisor"


AGENTS: Final = frozenset({Role.FOLLOW_UP_AGENT, Role.DEDICATED_AGENT})


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a role. `role` is empty for a stranger; `unit` and `person` are ids, "" where not said."""

    role: str = ""
    unit: str = ""
    person: str = ""


def actor_of(request: Request) -> Actor:
    """Who asks, by the headers that the gateway in front sets: `X-Actor-Role`, `X-Actor-Unit`, `X-Actor-Person`.

    They are believed as they are, so nothing but that gateway may reach the service. Anything odd makes a stranger.
    """
    values = [request.headers.getlist(f"x-actor-{name}") for name in ("role", "unit", "person")]
    if any(len(value) > 1 or (value and not _ID.fullmatch(value[0])) for value in values) or not values[0]:
        return Actor()
    role, unit, person = (value[0] if value else "" for value in values)
    return Actor(role, unit, person)


def somebody(request: Request, *roles: Role) -> tuple[Person, Role]:
    """The person who asks, who must be in one of the roles and say of which unit. Raises HTTPException 403."""
    actor = actor_of(request)
    if actor.role not in roles or not actor.unit or not actor.person:
        raise HTTPException(403, f"This takes a person of a unit in one of the roles: {', '.join(sorted(roles))}.")
    return Person(actor.person, actor.unit), Role(actor.role)
