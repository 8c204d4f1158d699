"""How dispatch is put together: the only file that knows every other."""

import json
import tomllib
from collections.abc import Sequence

from services.dispatch import store
from services.dispatch.api import Commands, router
from services.dispatch.core.calendar import load_calendar
from services.dispatch.core.org import load_org
from services.dispatch.core.rulebook import load_rulebook
from services.dispatch.core.views import snapshot
from services.dispatch.decisions import Decider
from services.dispatch.handlers import routes
from services.dispatch.places import Places
from services.dispatch.settings import DispatchSettings
from services.dispatch.timers import Timers
from shared.assembly import Assembly
from shared.database import Database
from shared.kafka import Outgoing
from shared.relay import Companion
from shared.terms import Source, TicketId
from shared.topics import DISPATCH, STATE

PARTS = ("api", "relay", "stream", "timers")


async def build(settings: DispatchSettings, parts: frozenset[str]) -> Assembly:
    """Everything wired. Raises ValueError with every problem of pack or area, Unavailable without a database."""
    calendar = load_calendar(tomllib.loads((settings.pack / "calendar.toml").read_text(encoding="utf-8")))
    categories = tomllib.loads((settings.pack / "categories.toml").read_text(encoding="utf-8"))
    pack = tomllib.loads((settings.pack / "dispatch.toml").read_text(encoding="utf-8"))
    units = tomllib.loads((settings.area / "units.toml").read_text(encoding="utf-8"))
    grids = json.loads((settings.area / "grids.geojson").read_text(encoding="utf-8"))
    assembly = Assembly(settings, "dispatch", Source.DISPATCH, parts)
    book, org = load_rulebook(pack, categories, calendar), load_org(units, grids)
    decider = Decider(assembly.ledger, book, org, settings.now)
    if "api" in parts:
        commands = Commands(await assembly.database("api", settings.database_pool), decider, Places(grids))
        views = await assembly.database("views", settings.database_pool)  # reading must not keep commands waiting
        assembly.app.include_router(router(views, commands))
    if "stream" in parts:
        await assembly.add_stream("stream", routes(decider))
    if "timers" in parts:
        assembly.loop("timers", Timers(await assembly.database("timers"), decider, settings.timer_batch).run)
    if "relay" in parts:
        await assembly.add_relay(DISPATCH, snapshots(await assembly.database("snapshots")))
    return assembly


def snapshots(database: Database) -> Companion:
    """The latest public state of every ticket that has news, for `tickets-state`."""

    async def read(ticket_ids: Sequence[TicketId]) -> list[Outgoing]:
        return [
            Outgoing(STATE.name, str(case.ticket_id).encode(), snapshot(case).model_dump_json().encode())
            for case in await store.find_cases(database, ticket_ids)
        ]

    return read
