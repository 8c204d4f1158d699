"""How notify is put together: the only file that knows every other."""

import tomllib
from importlib.resources import files
from pathlib import Path

from services.notify.api import router
from services.notify.channels.factory import make_channels
from services.notify.channels.guard import Guard
from services.notify.core.contacts import AddressBook, ContactsRefused, load_contacts
from services.notify.core.render import TemplatesRefused, make_renderer
from services.notify.core.rules import load_notify_rules
from services.notify.courier import Courier
from services.notify.followups import FollowUpLoop, FollowUps
from services.notify.handlers import routes
from services.notify.settings import NotifySettings
from shared.assembly import Assembly
from shared.packs import open_pack
from shared.terms import Source
from shared.topics import NOTIFY

PARTS = ("api", "relay", "stream", "courier", "followups")
COURIER_POOL = 4


async def build(settings: NotifySettings, parts: frozenset[str]) -> Assembly:
    """Everything wired. Raises ValueError with what is wrong in pack, area or keys, Unavailable without a database."""
    rules = open_pack(settings.pack, "notify.toml").read(load_notify_rules, "notify.toml")
    book = read_contacts(settings)
    renderer = make_renderer(read_templates(settings.templates), rules.follow_up.zone)
    guard = Guard(settings.loopback)
    channels = make_channels(book, settings.webhook_secrets, settings.channel_secrets, renderer, guard)
    assembly = Assembly(settings, "notify", Source.NOTIFY, parts)
    courier: Courier | None = None
    if "courier" in parts:
        database = await assembly.database("courier", min(len(channels) + 1, COURIER_POOL))
        courier = Courier(
            database, assembly.ledger, channels, settings.now, fallbacks=book.fallbacks, courtesy=rules.courtesy
        )
        assembly.loop("courier", courier.run)
    follow_ups = FollowUps(
        assembly.ledger, rules.follow_up, book, settings.now, courier.ring if courier else _nobody_to_wake
    )
    if "api" in parts:
        database = await assembly.database("api", settings.database_pool)
        assembly.app.include_router(router(database, follow_ups))
    if "stream" in parts:
        await assembly.add_stream("stream", routes(follow_ups))
    if "followups" in parts:
        assembly.loop("followups", FollowUpLoop(await assembly.database("followups"), follow_ups).run)
    if "relay" in parts:
        await assembly.add_relay(NOTIFY)
    return assembly


def read_contacts(settings: NotifySettings) -> AddressBook:
    """The address book that the settings name, or the area's; an area without one shows everything on the console."""
    path = settings.contacts or settings.area / "contacts.toml"
    if settings.contacts is None and not path.exists():
        return AddressBook()
    try:
        return load_contacts(tomllib.loads(path.read_text(encoding="utf-8")), settings.loopback)
    except OSError as error:
        raise ContactsRefused(f"the address book cannot be read: {error}") from error


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
