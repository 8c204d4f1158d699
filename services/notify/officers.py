"""Who asks over HTTP: the one place that reads a caller's role, unit and person."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from services.notify.core.panel import Person
from shared.access import actor_of as asking_of


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
    """Who asks, as the guard found out; nobody in particular where no role is named."""
    asking = asking_of(request)
    return Actor(asking.role, asking.unit or "", asking.person or asking.client or "") if asking.role else Actor()


def somebody(request: Request, *roles: Role) -> tuple[Person, Role]:
    """The person who asks, who must be in one of the roles and say of which unit. Raises HTTPException 403."""
    actor = actor_of(request)
    if actor.role not in roles or not actor.unit or not actor.person:
        raise HTTPException(403, f"This takes a person of a unit in one of the roles: {', '.join(sorted(roles))}.")
    return Person(actor.person, actor.unit), Role(actor.role)
