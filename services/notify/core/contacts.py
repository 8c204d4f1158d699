"""The address book: which recipient is told through which endpoint; whoever is not in it is shown on the console."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from services.notify.core.gateways import MAIL_ADDRESS, PHONE, Gateway, SmsGateway, SmtpGateway, read_gateway
from services.notify.core.table import Table
from services.notify.core.target import NOWHERE_SPECIAL, Place, TargetRefused, read_url

CONSOLE_NAME = "console"
LANGUAGES = ("zh", "en")
MOST_ADDRESSES = 50


class ChannelKind(StrEnum):
    """The ways out of the product that this release knows."""

    CONSOLE = "console"
    WEBHOOK = "webhook"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    EMAIL = "email"
    SMS = "sms"


ROBOT_URLS: Mapping[ChannelKind, str] = {
    ChannelKind.WECOM: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    ChannelKind.DINGTALK: "https://oapi.dingtalk.com/robot/send",
    ChannelKind.FEISHU: "https://open.feishu.cn/open-apis/bot/v2/hook",
}
"""Where robots are reached, unless the book says otherwise. Their tokens are secrets and stand in no address."""

_BY_GATEWAY: Mapping[ChannelKind, tuple[type[Gateway], str]] = {
    ChannelKind.EMAIL: (SmtpGateway, "smtp"),
    ChannelKind.SMS: (SmsGateway, "sms"),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where messages go. `secret` names the signing key or token, it is not the key.

    `to` are the addresses behind a gateway, `fallback` the endpoint that takes over what failed here, and `digest` how
    long assignments that are not urgent are collected for one recipient.
    """

    name: str
    channel: ChannelKind
    url: str = ""
    secret: str = ""
    gateway: str = ""
    to: tuple[str, ...] = ()
    language: str = LANGUAGES[0]
    fallback: str = ""
    digest: timedelta = timedelta()


CONSOLE = Endpoint(CONSOLE_NAME, ChannelKind.CONSOLE)


class ContactsRefused(ValueError):
    """The address book is wrong; the message names every fault."""


@dataclass(frozen=True)
class AddressBook:
    """Recipients by exact name, then by the longest beginning that fits, then the default."""

    endpoints: Mapping[str, Endpoint] = field(default_factory=lambda: {CONSOLE_NAME: CONSOLE})
    exact: Mapping[str, Endpoint] = field(default_factory=dict)
    beginnings: Sequence[tuple[str, Endpoint]] = ()
    default: Endpoint = CONSOLE
    gateways: Mapping[str, Gateway] = field(default_factory=dict)

    def find(self, recipient: str) -> Endpoint:
        """The endpoint for `unit:…`, `person:…`, `role:…` or `source:…`; never fails."""
        endpoint = self.exact.get(recipient)
        if endpoint is not None:
            return endpoint
        return next((e for beginning, e in self.beginnings if recipient.startswith(beginning)), self.default)

    def names(self, recipient: str) -> bool:
        """Whether the book itself says where this one is reached; `find` would take the default for anybody."""
        return recipient in self.exact or any(recipient.startswith(beginning) for beginning, _ in self.beginnings)

    @property
    def fallbacks(self) -> dict[str, Endpoint]:
        """The second endpoint of each that has one."""
        return {name: self.endpoints[e.fallback] for name, e in self.endpoints.items() if e.fallback}


def load_contacts(source: Mapping[str, object], loopback: Collection[Place] = NOWHERE_SPECIAL) -> AddressBook:
    """Read an address book from parsed TOML; raises ContactsRefused with every problem found.

    `loopback` names the places of this machine that endpoints may reach; nothing else of our own network is.
    """
    root = Table("", source, [])
    gateways: dict[str, Gateway] = {}
    described = root.table("gateways")
    for name in described.rows:
        gateway = read_gateway(name, described.table(name), loopback)
        if gateway is not None:
            gateways[name] = gateway
    endpoints = {CONSOLE_NAME: CONSOLE} | _read_endpoints(root.table("endpoints"), gateways, loopback)
    exact, beginnings = _read_recipients(root.table("contacts"), endpoints)
    default = root.text("default", CONSOLE_NAME)
    if default not in endpoints:
        root.note("default", f"no such endpoint: {default!r}")
    root.finish()
    if root.problems:
        raise ContactsRefused("; ".join(root.problems))
    longest_first = sorted(beginnings.items(), key=lambda pair: -len(pair[0]))
    return AddressBook(endpoints, exact, tuple(longest_first), endpoints[default], gateways)


def _read_recipients(
    table: Table, endpoints: Mapping[str, Endpoint]
) -> tuple[dict[str, Endpoint], dict[str, Endpoint]]:
    exact: dict[str, Endpoint] = {}
    beginnings: dict[str, Endpoint] = {}
    for recipient in table.rows:
        name = table.text(recipient)
        if name not in endpoints:
            table.note(recipient, f"no such endpoint: {name!r}")
        elif recipient.endswith("*"):
            beginnings[recipient[:-1]] = endpoints[name]
        else:
            exact[recipient] = endpoints[name]
        if "*" in recipient[:-1] or ":" not in recipient:
            table.note(recipient, "must be kind:name, with * at the end only")
    return exact, beginnings


def _read_endpoints(tables: Table, gateways: Mapping[str, Gateway], loopback: Collection[Place]) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for name in tables.rows:
        table = tables.table(name)
        channel = table.text("channel", None)
        if name == CONSOLE_NAME or channel not in list(ChannelKind):
            tables.note(name, f"console is built in; channel must be one of {', '.join(ChannelKind)}")
            continue
        endpoints[name] = _read_endpoint(name, ChannelKind(channel), table, gateways, loopback)
    for name, endpoint in endpoints.items():
        if endpoint.fallback and not _ends(endpoint, endpoints):
            tables.note(f"{name}.fallback", "must name another endpoint, and the chain must come to an end")
    return endpoints


def _read_endpoint(
    name: str, kind: ChannelKind, table: Table, gateways: Mapping[str, Gateway], loopback: Collection[Place]
) -> Endpoint:
    url, secret = table.text("url", ROBOT_URLS.get(kind, "")), table.text("secret")
    gateway, to = table.text("gateway"), table.texts("to")
    common = (
        table.one_of("language", LANGUAGES, LANGUAGES[0]), table.text("fallback"),
        timedelta(minutes=table.figure("digest_minutes", 0, 24 * 60, 0)),
    )  # fmt: skip
    if kind in _BY_GATEWAY:
        _check_gateway(kind, table, gateways.get(gateway), to)
    elif gateway or to:
        table.note("gateway, to", "only e-mail and SMS have them")
    if kind is ChannelKind.CONSOLE or kind in _BY_GATEWAY:
        if url or secret:
            table.note("url, secret", "only a webhook and a robot have them")
    else:
        if not secret:
            table.note("secret", "a webhook is always signed and a robot has a token: name it")
        try:
            read_url(url, loopback)
        except TargetRefused as refused:
            table.note("url", str(refused))
    table.finish()
    return Endpoint(name, kind, url, secret, gateway, to, *common)


def _check_gateway(kind: ChannelKind, table: Table, gateway: Gateway | None, to: Sequence[str]) -> None:
    wanted, word = _BY_GATEWAY[kind]
    if not isinstance(gateway, wanted):
        table.note("gateway", f"must name a gateway of kind {word} that is in order")
    mail = kind is ChannelKind.EMAIL
    pattern, most = (MAIL_ADDRESS, MOST_ADDRESSES) if mail else (PHONE, 1)
    if not 0 < len(to) <= most or not all(pattern.fullmatch(address) for address in to):
        things = (
            f"1 to {most} plain mail addresses, each a text of its own" if mail else "one phone number, digits only"
        )
        table.note("to", f"must be {things}")


def _ends(endpoint: Endpoint, endpoints: Mapping[str, Endpoint]) -> bool:
    """Following the fallbacks comes to an end."""
    seen = {endpoint.name}
    known = {CONSOLE_NAME: CONSOLE, **endpoints}
    while endpoint.fallback:
        if endpoint.fallback in seen or endpoint.fallback not in known:
            return False
        seen.add(endpoint.fallback)
        endpoint = known[endpoint.fallback]
    return True
