"""The OpenAPI documents of the services: each is put together as ever, only over a database that is never asked."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from griddispatch.data import data_root
from services.dispatch.app import build as build_dispatch
from services.dispatch.settings import DispatchSettings
from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.notify.app import build as build_notify
from services.notify.settings import NotifySettings
from shared.access_settings import Mode
from shared.assembly import Assembly
from shared.database import Database
from shared.failpoint import nowhere
from shared.json_schema import Json

_API = frozenset({"api"})
_KEY = SecretStr("described:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
"""No secret: a ring must hold a key, and describing routes seals nothing."""


class _Described(Assembly):
    """A service that is only to be described: its database is there and never asked."""

    async def database(self, part: str, size: int = 2, area: str = "") -> Database:
        """A database without a connection; asking it would fail at once."""
        return Database(cast(Any, None), part, nowhere)


def _common(data: Path) -> dict[str, Any]:
    return {
        "database_dsn": SecretStr("postgresql://nobody@127.0.0.1/nothing"),
        "kafka_bootstrap": "127.0.0.1:1",
        "pack": data / "packs" / "county-default",
        "area": data / "areas" / "sample-county",
        "host": "127.0.0.1",
        "access": Mode.OPEN,
        "roles": data / "access" / "roles.toml",
    }


SERVICES: Mapping[str, Callable[[Path], Coroutine[Any, Any, Assembly]]] = {
    "intake": lambda data: build_intake(IntakeSettings(**_common(data), vault_keys=_KEY), _API, _Described),
    "dispatch": lambda data: build_dispatch(DispatchSettings(**_common(data)), _API, _Described),
    "notify": lambda data: build_notify(NotifySettings(**_common(data)), _API, _Described),
}
"""The services, each with its `api` part only."""


def openapi(service: str) -> Json:
    """The document that the service serves at /openapi.json. Raises LookupError for another name."""

    return _put_together(SERVICES[service](data_root())).app.openapi()


def _put_together(building: Coroutine[Any, Any, Assembly]) -> Assembly:
    """Nothing here waits for anything, so that it can be run inside an event loop as well as without one."""
    try:
        building.send(None)
    except StopIteration as built:
        assembly: Assembly = built.value
        return assembly
    building.close()
    raise RuntimeError("describing a service waited for something")
