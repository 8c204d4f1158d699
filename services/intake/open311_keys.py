"""Who may post by Open311: keys kept as hashes, one small question to whoever keeps them."""

import hmac
import ipaddress
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

_ENTRY = re.compile(
    r"(?P<jurisdiction>[A-Za-z0-9][A-Za-z0-9.-]{0,63}):(?P<client>[a-z0-9][a-z0-9_-]{0,31}):(?P<digest>[0-9a-f]{64})"
)
_MAX_KEY = 256


class KeyRing(Protocol):
    """Knows the clients of each jurisdiction."""

    def client_of(self, jurisdiction: str, api_key: str | None, peer: str | None) -> str | None:
        """The client's name (a-z, 0-9, `-`, `_`), or None when this key may not post; `peer` is who is connected."""


@dataclass(frozen=True, slots=True)
class HashedKey:
    """A client of a jurisdiction, with the SHA-256 of its key in hex. Keys must be random, so no salt is needed."""

    jurisdiction: str
    client: str
    digest: str


class HashedKeys:
    """Keys from the settings."""

    def __init__(self, keys: tuple[HashedKey, ...]) -> None:
        self._keys = keys

    def client_of(self, jurisdiction: str, api_key: str | None, peer: str | None) -> str | None:
        """Every key is compared, each in constant time: how long it takes says nothing about any of them."""
        if api_key is None or len(api_key) > _MAX_KEY:
            return None
        digest = sha256(api_key.encode()).hexdigest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest) and key.jurisdiction == jurisdiction:
                found = key.client
        return found


class OpenOnLoopback:
    """No keys at all, for the demo: whoever is on this machine may post, nobody else."""

    def client_of(self, jurisdiction: str, api_key: str | None, peer: str | None) -> str | None:
        """The one client there is, whatever key it brings."""
        return "demo" if _is_loopback(peer) else None


def read_key_ring(text: str) -> KeyRing:
    """Keys from `jurisdiction:client:sha256 hex`, with commas between; none means open on loopback.

    Raises ValueError, which never quotes a key's hash.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        return OpenOnLoopback()
    keys = []
    for place, entry in enumerate(entries, 1):
        if (form := _ENTRY.fullmatch(entry)) is None:
            raise ValueError(f"Open311 key {place} must be jurisdiction:client:64 hex digits of its SHA-256")
        keys.append(HashedKey(**form.groupdict()))
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError("an Open311 key stands twice")
    return HashedKeys(tuple(keys))


def _is_loopback(peer: str | None) -> bool:
    try:
        return peer is not None and ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False
