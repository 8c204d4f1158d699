"""A channel for every endpoint of the address book, or every reason why not."""

from collections.abc import Mapping

from pydantic import SecretStr

from services.notify.channels.base import Channel
from services.notify.channels.console import ConsoleChannel
from services.notify.channels.guard import Guard
from services.notify.channels.mail import MailChannel
from services.notify.channels.robot import RobotChannel
from services.notify.channels.signing import KeyRefused, read_keys
from services.notify.channels.sms import SmsChannel
from services.notify.channels.webhook import WebhookChannel
from services.notify.core.contacts import AddressBook, ChannelKind, Endpoint
from services.notify.core.gateways import SmsGateway, SmtpGateway
from services.notify.core.render import Renderer


def make_channels(
    book: AddressBook, webhook_secrets: Mapping[str, SecretStr], channel_secrets: Mapping[str, SecretStr],
    renderer: Renderer, guard: Guard,
) -> dict[str, Channel]:  # fmt: skip
    """A channel for every endpoint. Raises KeyRefused naming every endpoint whose key or token is missing or unfit."""
    problems: list[str] = []
    channels: dict[str, Channel] = {}
    for name, endpoint in book.endpoints.items():
        gateway = book.gateways.get(endpoint.gateway)
        secret = gateway.secret if gateway else endpoint.secret
        webhook = endpoint.channel is ChannelKind.WEBHOOK
        setting, secrets = ("webhook", webhook_secrets) if webhook else ("channel", channel_secrets)
        try:
            if secret and secret not in secrets:
                raise KeyRefused(f"not among the settings' {setting} secrets")
            word = secrets[secret].get_secret_value() if secret else ""
            channels[name] = _make(endpoint, gateway, word, renderer, guard)
        except KeyRefused as refused:
            problems.append(f"{name}: secret {secret!r}: {refused}")
    if problems:
        raise KeyRefused("; ".join(problems))
    return channels


def _make(
    endpoint: Endpoint, gateway: SmtpGateway | SmsGateway | None, secret: str, renderer: Renderer, guard: Guard
) -> Channel:
    match endpoint.channel, gateway:
        case ChannelKind.CONSOLE, _:
            return ConsoleChannel()
        case ChannelKind.WEBHOOK, _:
            return WebhookChannel(endpoint, read_keys(secret), renderer.payload, guard)
        case ChannelKind.EMAIL, SmtpGateway():
            return MailChannel(endpoint, gateway, secret, renderer, guard)
        case ChannelKind.SMS, SmsGateway():
            return SmsChannel(endpoint, gateway, secret, renderer, guard)
        case _:
            return RobotChannel(endpoint, secret, renderer, guard)
