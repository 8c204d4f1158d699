"""How dispatch is put together: the only file that knows every other."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from services.dispatch import board_api, pages, samples, store, stream_api
from services.dispatch.api import Commands, router
from services.dispatch.archiver import Archiver
from services.dispatch.auditor import Auditor
from services.dispatch.board_api import Drawn
from services.dispatch.core.naming import Naming, category_names
from services.dispatch.core.org import Org
from services.dispatch.core.org_files import ORG_FILES, leaf_codes, load_org_files
from services.dispatch.core.rulebook import Rulebook, load_pack_rules
from services.dispatch.core.views import snapshot
from services.dispatch.decisions import Decider
from services.dispatch.handlers import routes
from services.dispatch.live import PLACES, TOPICS, Live
from services.dispatch.places import Places
from services.dispatch.recounting import Recounting
from services.dispatch.settings import DispatchSettings
from services.dispatch.timers import Timers
from services.dispatch.watchers import Watchers
from shared.assembly import Assembly
from shared.contract_labels import LABELS
from shared.database import Database
from shared.kafka import Outgoing
from shared.packs import open_pack
from shared.permissions import Locate, Whereabouts
from shared.relay import Companion
from shared.tail import Tail
from shared.terms import Source, TicketId
from shared.topics import DISPATCH, STATE

PARTS = ("api", "relay", "stream", "timers")
PACK_FILES = ("dispatch.toml", "categories.toml", "calendar.toml")


async def build(settings: DispatchSettings, parts: frozenset[str], make: type[Assembly] = Assembly) -> Assembly:
    """Everything wired. Raises ValueError with every problem of pack or area, Unavailable without a database."""
    book = open_pack(settings.pack, *PACK_FILES).read(load_pack_rules, *PACK_FILES)
    org, grids = read_area(settings)
    assembly = make(settings, "dispatch", Source.DISPATCH, parts)
    decider = Decider(assembly.ledger, book, org, settings.now)
    if "api" in parts:
        await assembly.add_gatekeeper(partial(locators, org=org))
        commands = Commands(await assembly.doors_database("api", settings.database_pool), decider, Places(grids))
        views = await assembly.doors_database("views", settings.database_pool)  # reading must not keep commands waiting
        assembly.app.include_router(router(views, commands))
        await assembly.add_reconciliation(org.county)
        base_map = settings.base_map
        assembly.app.include_router(pages.router(settings.elsewhere, base_map.origin))
        live, naming = add_live(assembly, settings), read_naming(settings, book, org)
        drawn = Drawn(grids, base_map)
        assembly.app.include_router(board_api.router(views, commands, naming, drawn, live, settings.elsewhere))
    if "stream" in parts:
        await assembly.add_stream("stream", routes(decider))
    if "timers" in parts:
        timers = Timers(await assembly.database("timers"), decider, settings.timer_batch, settings.steady)
        assembly.loop("timers", timers.run)
        second_look = await assembly.database("auditor", 1)
        assembly.loop("auditor", Auditor(second_look, decider).run)
        assembly.loop("recounting", Recounting(second_look, decider).run)
        assembly.loop("archiver", Archiver(second_look, decider, timers.clock_is_off).run)
    if "relay" in parts:
        await assembly.add_relay(DISPATCH, snapshots(await assembly.database("snapshots")))
        sampled = await assembly.database("samples", 1)
        assembly.sample(samples.late_timers(sampled, settings.now))
        assembly.sample(samples.open_work(sampled, settings.now))
        assembly.sample(samples.whistle_alarms(sampled, book, settings.now))
        assembly.sample(samples.calendar_horizon(book.calendar))
    return assembly


def locators(database: Database, org: Org) -> Mapping[str, Locate]:
    """Where the things lie that routes name; a unit above one that has a thing answers for it too."""

    async def ticket(ticket_id: UUID | int) -> Whereabouts | None:
        return _upwards(await store.place_of_ticket(database, UUID(int=int(ticket_id))), org)

    async def assignment(assignment_id: UUID | int) -> Whereabouts | None:
        return _upwards(await store.place_of_assignment(database, UUID(int=int(assignment_id))), org)

    return {"ticket_id": ticket, "assignment_id": assignment}


def _upwards(place: Whereabouts | None, org: Org) -> Whereabouts | None:
    if place is None:
        return None
    above = (unit for own in place.units for unit in (own, *org.ancestors(own)))
    return Whereabouts(place.code, tuple(dict.fromkeys(above)))


def add_live(assembly: Assembly, settings: DispatchSettings) -> Live:
    """The live stream and the loop that feeds it."""
    name, pause_s = f"dispatch-{settings.instance}-live", settings.kafka_idle_pause_ms / 1000
    watchers, security = Watchers(PLACES), settings.security()
    live = Live(
        lambda: Tail(settings.kafka_bootstrap, TOPICS, client_id=name, idle_pause_s=pause_s, security=security),
        watchers,
    )
    assembly.loop("live", live.run)
    assembly.on_stop(watchers.close)
    assembly.app.include_router(stream_api.router(watchers, settings.now))
    return live


def read_naming(settings: DispatchSettings, book: Rulebook, org: Org) -> Naming:
    """What everything is called."""
    categories = open_pack(settings.pack, "categories.toml").read(category_names, "categories.toml")
    labels = {value: (label.zh, label.en) for kind in LABELS.values() for value, label in kind.items()}
    return Naming(org, categories, labels, book.calendar.zone)


def read_area(settings: DispatchSettings) -> tuple[Org, dict[str, Any]]:
    """The organisation and the grids. Raises OrgRefused with every fault of the area's files."""
    categories = open_pack(settings.pack, "categories.toml").read(leaf_codes, "categories.toml")
    files = {name: (settings.area / name).read_bytes() for name in ORG_FILES if (settings.area / name).is_file()}
    return load_org_files(files, categories), json.loads(files["grids.geojson"])


def snapshots(database: Database) -> Companion:
    """The latest public state of every ticket that has news, for `tickets-state`."""

    async def read(ticket_ids: Sequence[TicketId]) -> list[Outgoing]:
        return [
            Outgoing(STATE.name, str(case.ticket_id).encode(), snapshot(case).model_dump_json().encode())
            for case in await store.find_cases(database, ticket_ids)
        ]

    return read
