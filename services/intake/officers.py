"""Who asks over HTTP, in the terms of intake."""

from dataclasses import dataclass
from typing import Final

from fastapi import Request

from shared.access import actor_of as asking_of


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a role. `role` is empty for a stranger; `unit` and `person` are ids, None where not said."""

    role: str
    unit: str | None = None
    person: str | None = None

    @property
    def name(self) -> str:
        """How the logs call them."""
        return f"{self.role}:{self.person or self.unit or ''}"


STRANGER: Final = Actor("")


def actor_of(request: Request) -> Actor:
    """Who asks, as the guard found out; a program counts as the person who has its key."""
    asking = asking_of(request)
    return Actor(asking.role, asking.unit, asking.person or asking.client) if asking.role else STRANGER
