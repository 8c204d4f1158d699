"""How notify is put together: the only file that knows every other."""

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from uuid import UUID

from fastapi import APIRouter
from pydantic import SecretStr

from services.notify import (
    callback_api,
    desk_api,
    gathering_store,
    panel_api,
    rates_api,
    rates_store,
    reply_page,
    samples,
    subscription_api,
)
from services.notify.api import router
from services.notify.channels.factory import make_channels
from services.notify.channels.guard import Guard
from services.notify.channels.signing import KeyRefused, Sign, read_keys
from services.notify.core.contacts import AddressBook, ContactsRefused, load_contacts
from services.notify.core.gateways import SmsGateway
from services.notify.core.links import Links
from services.notify.core.measures import MeasureRules, load_measures
from services.notify.core.render import TemplatesRefused, make_renderer
from services.notify.core.rules import load_notify_rules
from services.notify.core.warning import Neighbours, NeighboursRefused, touching
from services.notify.courier import Courier
from services.notify.desk import Desk
from services.notify.followups import FollowUpLoop, FollowUps
from services.notify.handlers import measure_and_draw, routes
from services.notify.keeping import Keeping
from services.notify.outcomes import Outcomes
from services.notify.panel import Panel, PanelLoop
from services.notify.rates import Rates
from services.notify.seals import Seals, read_ring
from services.notify.settings import NotifySettings
from services.notify.subscription_courier import SubscriptionCourier
from services.notify.subscriptions import Subscriptions
from services.notify.warnings import GrowthLoop, Warnings
from shared.assembly import Assembly
from shared.database import Database
from shared.edge import JSON, Bodies
from shared.packs import open_pack
from shared.permissions import Locate, Whereabouts
from shared.plain_pages import FORM
from shared.rounds import come_round
from shared.terms import Source
from shared.topics import NOTIFY
from shared.wake import Wake
from shared.workdays import load_workdays

PARTS = ("api", "relay", "stream", "courier", "followups")
COURIER_POOL = 4
LEAST_LINK_KEY = 32
PACK_FILES = ("notify.toml", "measures.toml", "calendar.toml")


async def build(settings: NotifySettings, parts: frozenset[str], make: type[Assembly] = Assembly) -> Assembly:
    """Everything wired. Raises ValueError with what is wrong in pack, area or keys, Unavailable without a database."""
    rules = open_pack(settings.pack, "notify.toml").read(load_notify_rules, "notify.toml")
    pack = open_pack(settings.pack, *PACK_FILES)
    measures = pack.read(load_measures, "notify.toml", "measures.toml")
    workdays = pack.read(load_workdays, "calendar.toml")
    book = read_contacts(settings)
    links = make_links(settings, measures)
    renderer = make_renderer(read_templates(settings.templates), rules.follow_up.zone, links)
    keys = read_callback_keys(settings.callback_secrets, book)
    guard = Guard(settings.loopback)
    channels = make_channels(book, settings.webhook_secrets, settings.channel_secrets, renderer, guard)
    assembly = make(settings, "notify", Source.NOTIFY, parts)
    assembly.page_origins = settings.console_origins
    courier: Courier | None = None
    if "courier" in parts:
        database = await assembly.database("courier", min(len(channels) + 1, COURIER_POOL))
        courier = Courier(
            database, assembly.ledger, channels, settings.now, fallbacks=book.fallbacks, courtesy=rules.courtesy,
            reach=assembly.reach,
        )  # fmt: skip
        assembly.loop("courier", courier.run)
    ring = courier.ring if courier else _nobody_to_wake
    neighbours = find_neighbours(settings)
    county = next(iter(neighbours), "")[:6]
    warnings = Warnings(assembly.ledger, measures, neighbours, settings.now, book, rules.courtesy, ring)
    rates = Rates(measures, warnings.gather)
    bell = Wake()
    seals = Seals(read_ring(settings.subscription_keys.get_secret_value()))
    subscriptions = Subscriptions(seals, guard, book, rules.courtesy, settings.now, bell.ring, ring, county)
    if "courier" in parts and seals.is_able:
        database = await assembly.database("subscriptions", COURIER_POOL)
        assembly.loop("subscriptions", SubscriptionCourier(database, subscriptions, bell).run)
    follow_ups = FollowUps(
        assembly.ledger, rules.follow_up.on(workdays), book, settings.now, ring, rates.note, rules.courtesy, links
    )
    desk = Desk(follow_ups, measures, seals)
    panel = Panel(assembly.ledger, measures, workdays, settings.now, rates.note)
    if "api" in parts:
        outcomes = Outcomes(assembly.ledger, settings.now, book.fallbacks, rules.courtesy, ring)
        callbacks = partial(_callbacks, desk=desk, outcomes=outcomes, keys=keys)
        parted = (
            partial(router, follow_ups=follow_ups), partial(desk_api.router, desk=desk),
            partial(panel_api.router, panel=panel), partial(rates_api.router, rules=measures, warnings=warnings),
            partial(subscription_api.router, subscriptions=subscriptions), partial(reply_page.router, desk=desk),
            callbacks,
        )  # fmt: skip
        await add_doors(assembly, settings.database_pool, parted, county)
    if "stream" in parts:
        told = subscriptions if seals.is_able else None
        await assembly.add_stream("stream", routes(follow_ups, measure_and_draw(rates, desk), told, desk.asks_about))
    if "followups" in parts:
        await _keep_up(assembly, settings, follow_ups, panel, warnings)
    if "relay" in parts:
        await assembly.add_relay(NOTIFY)
        sampled = await assembly.database("samples", 1)
        assembly.sample(samples.waiting(sampled, settings.now))
        assembly.sample(samples.three_rates(sampled, measures, settings.now))
    return assembly


async def _keep_up(
    assembly: Assembly, settings: NotifySettings, follow_ups: FollowUps, panel: Panel, warnings: Warnings
) -> None:
    """What works on by the clock: asking again, letting requests lapse, looking for growth, and forgetting."""
    database = await assembly.database("followups")
    assembly.loop("followups", FollowUpLoop(database, follow_ups).run)
    assembly.loop("panel", PanelLoop(database, panel).run)
    assembly.loop("warnings", GrowthLoop(database, warnings).run)
    keeping = Keeping(timedelta(settings.retention_message_days), timedelta(settings.retention_words_days))
    kept = await assembly.database("retention", 1)
    assembly.loop("retention", partial(come_round, "retention", keeping.forget_due, kept, settings.now))


async def add_doors(
    assembly: Assembly, pool: int, routers: Iterable[Callable[[Database], APIRouter]], county: str
) -> None:
    """What callers and citizens find here, guarded, over a pool of its own."""
    forms, signed = dict.fromkeys(reply_page.FORMS, FORM), dict.fromkeys(callback_api.PATHS, JSON)
    assembly.bodies = Bodies(unread=forms | signed)
    await assembly.add_gatekeeper(locators)
    database = await assembly.doors_database("api", pool)
    for make in routers:
        assembly.app.include_router(make(database))
    await assembly.add_reconciliation(county)


def locators(database: Database) -> Mapping[str, Locate]:
    """Where the things lie that routes name."""

    async def ticket(ticket_id: UUID | int) -> Whereabouts | None:
        return await rates_store.place_of_ticket(database, UUID(int=int(ticket_id)))

    async def alert(alert_id: UUID | int) -> Whereabouts | None:
        return await gathering_store.place_of_alert(database, UUID(int=int(alert_id)))

    return {"ticket_id": ticket, "alert_id": alert}


def read_contacts(settings: NotifySettings) -> AddressBook:
    """The address book that the settings name, or the area's; an area without one shows everything on the console."""
    path = settings.contacts or settings.area / "contacts.toml"
    if settings.contacts is None and not path.exists():
        return AddressBook()
    try:
        return load_contacts(tomllib.loads(path.read_text(encoding="utf-8")), settings.loopback)
    except OSError as error:
        raise ContactsRefused(f"the address book cannot be read: {error}") from error


def make_links(settings: NotifySettings, measures: MeasureRules) -> Links:
    """The maker of citizens' links; of none where page or key is missing. Raises ValueError for a key too short."""
    key, days = settings.link_key.get_secret_value().encode(), measures.practice.links
    if key and len(key) < LEAST_LINK_KEY:
        raise ValueError(f"the key of links has fewer than {LEAST_LINK_KEY} characters")
    return Links(settings.citizen_page, key, timedelta(days=days.answer_days), timedelta(days=days.reopen_days))


def _callbacks(
    database: Database, *, desk: Desk, outcomes: Outcomes, keys: Mapping[str, Sequence[Sign]]
) -> APIRouter:  # fmt: skip
    return callback_api.router(callback_api.Callbacks(database, desk, outcomes, keys))


def read_callback_keys(
    secrets: Mapping[str, SecretStr], book: AddressBook
) -> dict[str, tuple[Sign, ...]]:  # fmt: skip
    """With what each gateway signs. Raises KeyRefused, which names the gateway and never quotes a key, also for one of
    the address book that gives receipts and could not sign them."""
    for name, gateway in book.gateways.items():
        if isinstance(gateway, SmsGateway) and gateway.receipts and name not in secrets:
            raise KeyRefused(f"callback secret {name!r}: is missing, and this gateway gives receipts")
    keys: dict[str, tuple[Sign, ...]] = {}
    for name, secret in secrets.items():
        try:
            keys[name] = read_keys(secret.get_secret_value())
        except KeyRefused as refused:
            raise KeyRefused(f"callback secret {name!r}: {refused}") from refused
    return keys


def find_neighbours(settings: NotifySettings) -> Neighbours:
    """Which grids touch which, by the area's polygons; in an area without any nothing is known to spread."""
    path = settings.area / "grids.geojson"
    if not path.exists():
        return {}
    try:
        return touching(json.loads(path.read_text(encoding="utf-8-sig")))
    except ValueError as error:
        raise NeighboursRefused(f"{path}: {error}") from error


def read_templates(folder: Path | None = None) -> dict[str, str]:
    """The built-in texts by file name, each replaced by the one of the same name in `folder`."""
    built_in = files("services.notify").joinpath("templates")
    texts = {f.name: f.read_text(encoding="utf-8") for f in built_in.iterdir() if f.name.endswith(".txt")}
    if folder is None:
        return texts
    try:
        return texts | {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.name.endswith(".txt")}
    except (OSError, UnicodeDecodeError) as error:
        raise TemplatesRefused(f"the texts cannot be read: {error}") from error


def _nobody_to_wake() -> None:
    """Another process delivers; its poll finds what there is."""
