"""Where messages may go: addresses of the public internet in their plain spelling, and nothing of our own network."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Place = tuple[str, int]
"""A host as it is written, and a port."""

NOWHERE_SPECIAL: frozenset[Place] = frozenset()
HTTPS_PORTS = frozenset({443, 8443})
LONGEST_URL = 2000

_FORBIDDEN = tuple(
    (ip_network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's own services"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::/96", "IPv4-compatible or unspecified"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
_GLOBAL_IPV6 = ip_network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LOCAL_ENDINGS = ("localhost", "local", "internal", "localdomain", "home.arpa")


class TargetRefused(ValueError):
    """Nothing is sent there. The message says why, and quotes no path: a path may hold a token."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address to post to. `path` begins with a slash and holds the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def read_url(url: str, loopback: Collection[Place] = NOWHERE_SPECIAL) -> Target:
    """Read an address to post to; raises TargetRefused for anything but a plain https address of the public internet.

    `loopback` names the places on this machine that are allowed nevertheless, also over http and on any port.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > LONGEST_URL:
        raise TargetRefused("an address is short, of ASCII letters, and without blanks or backslashes")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise TargetRefused("this is no address") from None
    shown = f"{f'[{host}]' if ':' in host else host}{'' if port is None else f':{port}'}"
    if parts.scheme not in ("http", "https") or not host or parts.netloc != shown or "#" in url:
        raise TargetRefused("must be https://host[:port]/path and nothing else: no name, no fragment, no odd spelling")
    port = port if port is not None else {"https": 443, "http": 80}[parts.scheme]
    if (host, port) not in loopback and parts.scheme != "https":
        raise TargetRefused("must be https")
    check_place(host, port, HTTPS_PORTS, loopback)
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def check_place(host: str, port: int, ports: Collection[int], loopback: Collection[Place] = NOWHERE_SPECIAL) -> None:
    """Raises TargetRefused unless `host` is plainly spelt and public, and `port` is one of `ports`."""
    if (host, port) in loopback:
        return
    if port not in ports:
        raise TargetRefused(f"port {port} is not one of {', '.join(map(str, sorted(ports)))}")
    try:
        address = ip_address(host)
    except ValueError:
        fault = _fault_of_name(host)
    else:
        fault = "an odd spelling of an address" if str(address) != host else refuse(address)
    if fault:
        raise TargetRefused(f"the host is not allowed: {fault}")


def judge_found(host: str, port: int, found: Sequence[str], loopback: Collection[Place] = NOWHERE_SPECIAL) -> None:
    """Judge the addresses that `host` resolved to; raises TargetRefused when there is none, or any is forbidden.

    One forbidden address among good ones is the mark of a name that changes its mind, so all are refused.
    """
    if not found:
        raise TargetRefused("the host has no address")
    own = (host, port) in loopback
    for text in found:
        try:
            address = ip_address(text)
        except ValueError:
            raise TargetRefused("the host resolves to something that is no address") from None
        fault = ("" if address.is_loopback else "allowed on loopback only") if own else refuse(address)
        if fault:
            raise TargetRefused(f"the host resolves to a forbidden address: {fault}")


def refuse(address: Address) -> str:
    """Why nothing may be sent to `address`; empty when it may."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "bound to an interface"
    for network, reason in _FORBIDDEN:
        if address.version == network.version and address in network:
            return reason
    if isinstance(address, IPv6Address):
        if address not in _GLOBAL_IPV6:
            return "not of the global internet"
        if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
            return "ISATAP"
    return ""


def read_loopback(text: str) -> frozenset[Place]:
    """Read places like `127.0.0.1:8080,[::1]:8081`; raises TargetRefused unless each is an address of this machine."""
    places = set()
    for item in filter(None, (part.strip() for part in text.split(","))):
        host, _, port = item.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            is_own = host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            is_own = False
        if not is_own or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise TargetRefused(f"{item!r} is not host:port with an address of this machine")
        places.add((host, int(port)))
    return frozenset(places)


def _fault_of_name(host: str) -> str:
    """What is wrong with a name, before anybody looks it up; empty when nothing is."""
    labels = host.split(".")
    if len(host) > 253 or len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return "not a full name in its plain spelling"
    if _NUMBER_LIKE.fullmatch(labels[-1]):
        return "an odd spelling of an address"
    if any(host == ending or host.endswith(f".{ending}") for ending in _LOCAL_ENDINGS):
        return "a name of this machine or network"
    if any(label[2:4] == "--" and not _is_honest_punycode(label) for label in labels):
        return "an odd spelling of a name"
    return ""


def _is_honest_punycode(label: str) -> bool:
    """It stands for letters beyond ASCII, and they are written in no other way."""
    try:
        letters = label.encode("ascii").decode("idna")
        return not letters.isascii() and letters.encode("idna") == label.encode("ascii")
    except UnicodeError:
        return False
