"""Roles, keys and actors with defaults, so that a test shows only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from shared.actors import Actor, Scope
from shared.api_keys import ApiKey, Pepper, lookup_of, new_key_text
from shared.permissions import Permissions, permissions_from

ROLES_FILE = Path(__file__).parent.parent.parent / "deploy" / "access" / "roles.toml"
NOW = datetime(2026, 3, 10, 1, 15, tzinfo=UTC)
PEPPER_TEXT = "Xq7vB2kLm9Tz4RwY8pNc3HdJ6fGs5AeU"
PEPPER = Pepper(PEPPER_TEXT.encode())
COUNTY = "990101"
OTHER_COUNTY = "990102"

ROLES: dict[str, Any] = {
    "scopes": {
        "tickets:write": {"zh": "登记", "en": "Write"}, "tickets:read": {"zh": "查看", "en": "Read"},
        "work:own": {"zh": "承办", "en": "Work"}, "desk:command": {"zh": "指挥", "en": "Command"},
    },
    "roles": {
        "hotline": {"zh": "热线", "en": "Hotline", "for_keys": True, "for_people": False,
                    "scopes": ["tickets:write", "tickets:read"]},
        "dispatcher": {"zh": "派单员", "en": "Dispatcher", "scopes": ["tickets:read"]},
        "command_centre": {"zh": "指挥中心", "en": "Centre", "scopes": ["tickets:read", "desk:command"]},
        "grid_worker": {"zh": "网格员", "en": "Worker", "for_unit": True, "scopes": ["tickets:read", "work:own"]},
    },
    "intake": {
        "post_ticket": {"scope": "tickets:write", "reach": "area"},
        "get_ticket": {"scope": "tickets:read", "reach": "area"},
        "list_tickets": {"scope": "tickets:read", "reach": "list"},
        "lines": {"scope": "tickets:read", "reach": "list"},
        "work": {"scope": "work:own", "reach": "unit"},
        "hang": {"scope": "desk:command", "reach": "area", "audited": True, "two_persons": True},
        "discovery": {"reach": "open", "why": "public"},
        "by_code": {"reach": "code", "why": "the citizen's code"},
    },
}  # fmt: skip


def permissions(**changes: Any) -> Permissions:
    """A small roles.toml, with tables replaced."""
    return permissions_from(ROLES | changes)


def key(text: str | None = None, **changes: Any) -> tuple[str, ApiKey]:
    """A hotline's key: its text, and what is kept of it."""
    text = text or new_key_text()
    kept = ApiKey(
        lookup_of(text), "hotline-a", PEPPER.digest(text), "hotline",
        frozenset({Scope("tickets:write"), Scope("tickets:read")}), COUNTY, frozenset({"hotline-12345"}), None, 600,
        NOW - timedelta(days=1), NOW + timedelta(days=30),
    )  # fmt: skip
    return text, replace(kept, **changes)


def person(name: str = "p-17", role: str = "command_centre", **changes: Any) -> Actor:
    """Somebody of the county."""
    actor = Actor(role, None, name, COUNTY, permissions().scopes_of(role), credential="token")
    return replace(actor, **changes)
