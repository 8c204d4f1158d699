"""Who asks over HTTP: the one place that reads a caller's role."""

import re
from dataclasses import dataclass
from typing import Final

from fastapi import Request

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)


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
    """Who asks, by the headers that the gateway in front sets: `X-Actor-Role`, `X-Actor-Unit`, `X-Actor-Person`.

    They are believed as they are, so nothing but that gateway may reach the service. Anything odd makes a stranger.
    """
    values = [request.headers.getlist(f"x-actor-{name}") for name in ("role", "unit", "person")]
    if any(len(value) > 1 or (value and not _ID.fullmatch(value[0])) for value in values) or not values[0]:
        return STRANGER
    role, unit, person = (value[0] if value else None for value in values)
    return Actor(role or "", unit, person)
