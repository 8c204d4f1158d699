"""The OpenAPI documents of the services, without a database: routers over parts that are never called."""

from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from fastapi import APIRouter

from services.dispatch.api import Commands
from services.dispatch.api import router as dispatch_router
from services.intake.api import router as intake_router
from services.intake.doors import Doors
from services.intake.receive import Receiver
from services.intake.vault import Vault
from services.notify.api import router as notify_router
from services.notify.followups import FollowUps
from shared.clock import utc_now
from shared.database import Database
from shared.json_schema import Json
from shared.openapi import ServiceApp

P = TypeVar("P")


def _absent(part: type[P]) -> P:
    """Stands where a router expects a live part: describing routes calls none, and a call would fail at once."""
    return cast(P, object())


def _intake() -> tuple[APIRouter, ...]:
    doors = Doors(_absent(Database), _absent(Receiver))
    return (intake_router(doors, _absent(Vault), utc_now),)


def _dispatch() -> tuple[APIRouter, ...]:
    return (dispatch_router(_absent(Database), _absent(Commands)),)


def _notify() -> tuple[APIRouter, ...]:
    return (notify_router(_absent(Database), _absent(FollowUps)),)


SERVICES: Mapping[str, Callable[[], tuple[APIRouter, ...]]] = {
    "intake": _intake,
    "dispatch": _dispatch,
    "notify": _notify,
}
"""The routers of each service's `api` part, as its app.py includes them."""


def openapi(service: str) -> Json:
    """The document that the service serves at /openapi.json. Raises LookupError for another name."""
    app = ServiceApp(service)
    for router in SERVICES[service]():
        app.include_router(router)
    return app.openapi()
