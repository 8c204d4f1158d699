"""How notify is put together: the only file that knows every other."""

import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files

from pydantic import SecretStr

from services.notify.api import router
from services.notify.channels.base import Channel
from services.notify.channels.console import ConsoleChannel
from services.notify.channels.webhook import KeyRefused, WebhookChannel, read_keys
from services.notify.core.contacts import AddressBook, ChannelKind, ContactsRefused, Endpoint, load_contacts
from services.notify.core.message import Message
from services.notify.core.render import make_renderer
from services.notify.core.rules import load_rules
from services.notify.courier import Courier
from services.notify.followups import FollowUpLoop, FollowUps
from services.notify.handlers import routes
from services.notify.settings import NotifySettings
from shared.assembly import Assembly
from shared.terms import Source
from shared.topics import NOTIFY

PARTS = ("api", "relay", "stream", "courier", "followups")
COURIER_POOL = 4


async def build(settings: NotifySettings, parts: frozenset[str]) -> Assembly:
    """Everything wired. Raises ValueError with what is wrong in pack, area or keys, Unavailable without a database."""
    rules = load_rules(tomllib.loads((settings.pack / "notify.toml").read_text(encoding="utf-8")))
    book = read_contacts(settings)
    renderer = make_renderer(read_templates(), rules.zone)
    channels = make_channels(book, settings.webhook_secrets, renderer.payload)
    assembly = Assembly(settings, "notify", Source.NOTIFY, parts)
    courier: Courier | None = None
    if "courier" in parts:
        database = await assembly.database("courier", min(len(channels) + 1, COURIER_POOL))
        courier = Courier(database, assembly.ledger, channels, settings.now)
        assembly.loop("courier", courier.run)
    follow_ups = FollowUps(assembly.ledger, rules, book, settings.now, courier.ring if courier else _nobody_to_wake)
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
        return load_contacts(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ContactsRefused(f"the address book cannot be read: {error}") from error


def read_templates() -> dict[tuple[str, str], str]:
    """The texts in `templates/`, by (template, language)."""
    folder = files("services.notify").joinpath("templates")
    names = [f.name for f in folder.iterdir() if f.name.endswith(".txt")]
    return {_parts(name): folder.joinpath(name).read_text(encoding="utf-8") for name in names}


def make_channels(
    book: AddressBook, secrets: Mapping[str, SecretStr], payload: Callable[[Message], str]
) -> dict[str, Channel]:
    """A channel for every endpoint. Raises KeyRefused naming every webhook whose key is missing or unfit."""
    problems: list[str] = []
    channels: dict[str, Channel] = {}
    for name, endpoint in book.endpoints.items():
        match endpoint.channel:
            case ChannelKind.CONSOLE:
                channels[name] = ConsoleChannel()
            case ChannelKind.WEBHOOK:
                try:
                    channels[name] = _webhook(endpoint, secrets, payload)
                except KeyRefused as refused:
                    problems.append(f"{name}: secret {endpoint.secret!r}: {refused}")
    if problems:
        raise KeyRefused("; ".join(problems))
    return channels


def _webhook(endpoint: Endpoint, secrets: Mapping[str, SecretStr], payload: Callable[[Message], str]) -> WebhookChannel:
    secret = secrets.get(endpoint.secret)
    if secret is None:
        raise KeyRefused("not among the settings' webhook secrets")
    return WebhookChannel(endpoint, read_keys(secret.get_secret_value()), payload)


def _parts(name: str) -> tuple[str, str]:
    template, language, _ = name.split(".")
    return template, language


def _nobody_to_wake() -> None:
    """Another process delivers; its poll finds what there is."""
