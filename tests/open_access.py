"""A service whose callers are whoever they say, as on a developer's machine; and how they say it."""

from fastapi import FastAPI

from shared import problems
from shared.access import Access
from shared.audit import Entry
from shared.identity import OpenIdentity
from shared.openapi import ServiceApp
from shared.permissions import read_permissions
from shared.rate_limit import RateLimits
from tests.builders import ROOT

ROLES = ROOT / "deploy" / "access" / "roles.toml"
ADDRESS = "http://localhost"
"""By this name only; a page of another name is refused."""


def open_app(service: str) -> FastAPI:
    """The service's app without its routes: guarded, and everybody let in."""
    app, permissions = ServiceApp(service), read_permissions(ROLES)
    Access(service, permissions, OpenIdentity(permissions), RateLimits(), _unnoted).install(app)
    problems.install(app)
    return app


def _unnoted(entry: Entry) -> None:
    """Nothing is written down."""


def acting_as(role: str, unit: str = "", person: str = "") -> dict[str, str]:
    """The headers of somebody in a role, of a unit."""
    return {"Griddispatch-Role": role, "Griddispatch-Actor": f"{unit}/{person}"}
