"""The address book: which recipient is told through which endpoint; whoever is not in it is shown on the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

CONSOLE_NAME = "console"
_ENDPOINT_KEYS = {"channel", "url", "secret"}


class ChannelKind(StrEnum):
    """The ways out of the product that this release knows."""

    CONSOLE = "console"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One place where messages go. `secret` names the signing key, it is not the key."""

    name: str
    channel: ChannelKind
    url: str = ""
    secret: str = ""


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

    def find(self, recipient: str) -> Endpoint:
        """The endpoint for `unit:…`, `role:…` or `source:…`; never fails."""
        endpoint = self.exact.get(recipient)
        if endpoint is not None:
            return endpoint
        return next((e for beginning, e in self.beginnings if recipient.startswith(beginning)), self.default)


def load_contacts(source: Mapping[str, object]) -> AddressBook:
    """Read an address book from parsed TOML; raises ContactsRefused with every problem found."""
    problems = [f"{key}: unknown key" for key in source if key not in ("default", "endpoints", "contacts")]
    endpoints = {CONSOLE_NAME: CONSOLE} | _read_endpoints(source.get("endpoints", {}), problems)
    exact: dict[str, Endpoint] = {}
    beginnings: dict[str, Endpoint] = {}
    for recipient, name in _pairs(source.get("contacts", {}), "contacts", problems):
        if not isinstance(name, str) or name not in endpoints:
            problems.append(f"contacts.{recipient}: no such endpoint: {name!r}")
        elif recipient.endswith("*"):
            beginnings[recipient[:-1]] = endpoints[name]
        else:
            exact[recipient] = endpoints[name]
        if "*" in recipient[:-1] or ":" not in recipient:
            problems.append(f"contacts.{recipient}: must be kind:name, with * at the end only")
    default = source.get("default", CONSOLE_NAME)
    if not isinstance(default, str) or default not in endpoints:
        problems.append(f"default: no such endpoint: {default!r}")
        default = CONSOLE_NAME
    if problems:
        raise ContactsRefused("; ".join(problems))
    longest_first = sorted(beginnings.items(), key=lambda pair: -len(pair[0]))
    return AddressBook(endpoints, exact, tuple(longest_first), endpoints[default])


def _pairs(found: object, path: str, problems: list[str]) -> list[tuple[str, object]]:
    if not isinstance(found, Mapping):
        problems.append(f"{path}: must be a table")
        return []
    return [(str(key), item) for key, item in found.items()]


def _read_endpoints(found: object, problems: list[str]) -> dict[str, Endpoint]:
    endpoints: dict[str, Endpoint] = {}
    for name, item in _pairs(found, "endpoints", problems):
        row = dict(_pairs(item, f"endpoints.{name}", problems))
        problems += [f"endpoints.{name}.{key}: unknown key" for key in row if key not in _ENDPOINT_KEYS]
        fields = {key: row.get(key, "") for key in _ENDPOINT_KEYS}
        problems += [f"endpoints.{name}.{key}: must be text" for key, v in fields.items() if not isinstance(v, str)]
        texts = {key: str(v) for key, v in fields.items()}
        if name == CONSOLE_NAME or texts["channel"] not in list(ChannelKind):
            problems.append(f"endpoints.{name}: console is built in; channel must be one of {', '.join(ChannelKind)}")
            continue
        endpoint = Endpoint(name, ChannelKind(texts["channel"]), texts["url"], texts["secret"])
        problems += [f"endpoints.{name}.{fault}" for fault in _faults(endpoint)]
        endpoints[name] = endpoint
    return endpoints


def _faults(endpoint: Endpoint) -> list[str]:
    if endpoint.channel is not ChannelKind.WEBHOOK:
        return ["url, secret: only a webhook has them"] if endpoint.url or endpoint.secret else []
    faults = [] if endpoint.secret else ["secret: a webhook is always signed, name its key"]
    faults += [] if _is_plain_url(endpoint.url) else ["url: must be http(s)://host[:port]/path and nothing else"]
    return faults


def _is_plain_url(url: str) -> bool:
    """No credentials, no fragment, no odd spelling of a host: what stands in the book is what is connected to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    shown = f"{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
    spelt = url.isascii() and url.isprintable() and " " not in url and not parts.fragment
    return spelt and parts.scheme in ("http", "https") and bool(host) and parts.netloc == shown
