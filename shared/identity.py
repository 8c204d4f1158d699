"""Finding out who asks: by two headers on this machine, or by an API key or a person's token."""

import ipaddress
from typing import Final, Protocol
from urllib.parse import urlsplit

from shared.actors import EVERYWHERE, STRANGER, Actor, Asked, Forbidden, Unauthenticated, is_id
from shared.api_keys import actor_of_key, looks_like_key
from shared.key_store import KeyRing
from shared.oidc import Provider
from shared.permissions import Permissions
from shared.rate_limit import Policy
from shared.tokens import ClaimNames, actor_of_claims

ROLE_HEADER: Final = "griddispatch-role"
ACTOR_HEADER: Final = "griddispatch-actor"
ANYBODY: Final = ""
"""The role of who says none: in open mode they may what they like, and no service takes them for somebody."""
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1", "")


class Identify(Protocol):
    """Knows who asks."""

    async def actor_of(self, asked: Asked) -> tuple[Actor, Policy | None]:
        """Who asks, and what quota is theirs alone; STRANGER when no credentials came.

        Raises Unauthenticated for credentials that are no good, Forbidden, Unavailable.
        """


class OpenIdentity:
    """No identity: whoever is on this machine is who they say, in the role and for the unit and person they name.

    `Griddispatch-Role` is the role, `Griddispatch-Actor` is `unit/person`; without a role there are all rights.
    """

    def __init__(self, permissions: Permissions) -> None:
        self._permissions = permissions

    async def actor_of(self, asked: Asked) -> tuple[Actor, Policy | None]:
        """Raises Forbidden for anybody who is not on this machine, or comes by another machine's name.

        The name matters: a page from elsewhere can have a browser here ask, under the page's own host.
        """
        if not _is_loopback(asked.peer) or _host_of(asked.host) not in _LOCAL_NAMES:
            raise Forbidden("open-not-local", "Without access control only this machine is served.")
        role = asked.chosen(ROLE_HEADER)
        unit, person = _named(asked)
        if role is None:
            return Actor(
                ANYBODY, unit, person, EVERYWHERE, frozenset(self._permissions.scopes), credential="open"
            ), None
        if role not in self._permissions.roles:
            raise Forbidden("unknown-role", "There is no such role.")
        return Actor(role, unit, person, EVERYWHERE, self._permissions.scopes_of(role), credential="open"), None


class BearerIdentity:
    """API keys and people's tokens, in the one header for both: `Authorization: Bearer …`."""

    def __init__(
        self, permissions: Permissions, keys: KeyRing | None, provider: Provider | None, names: ClaimNames,
        person_quota: int,
    ) -> None:  # fmt: skip
        """`keys` and `provider` are None where there are none; `person_quota` is in requests per minute."""
        self._permissions = permissions
        self._keys = keys
        self._provider = provider
        self._names = names
        self._person_policy = Policy("person", person_quota)

    async def actor_of(self, asked: Asked) -> tuple[Actor, Policy | None]:
        """Headers name a role to act in, never a unit or a person: those are the credentials' to say."""
        if not asked.authorization:
            return STRANGER, None
        text = _bearer(asked.authorization)
        if looks_like_key(text) or text.count(".") != 2:
            return await self._by_key(text, asked.chosen(ROLE_HEADER))
        if self._provider is None:
            raise Unauthenticated("no-provider")
        claims = await self._provider.verify(text)
        actor = actor_of_claims(claims, self._names, self._permissions, asked.chosen(ROLE_HEADER))
        return actor, self._person_policy

    async def _by_key(self, text: str, chosen: str | None) -> tuple[Actor, Policy | None]:
        if self._keys is None:
            raise Unauthenticated("no-keys")
        key = await self._keys.find(text)
        if chosen is not None and chosen != key.role:
            raise Forbidden("role-not-held", "This key has another role.")
        return actor_of_key(key, self._permissions.scopes_of(key.role)), Policy("key", key.quota_per_minute)


def _bearer(values: tuple[str, ...]) -> str:
    scheme, _, text = values[0].partition(" ")
    text = text.strip(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not text or not text.isascii() or " " in text:
        raise Unauthenticated("authorization-form")
    return text


def _named(asked: Asked) -> tuple[str | None, str | None]:
    values = asked.headers.get(ACTOR_HEADER, ())
    unit, _, person = values[0].partition("/") if values else ("", "", "")
    if len(values) > 1 or any(part and not is_id(part) for part in (unit, person)):
        raise Forbidden("odd-header", "Griddispatch-Actor must be given once, as unit/person.")
    return unit or None, person or None


def _is_loopback(peer: str | None) -> bool:
    try:
        return peer is not None and ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def _host_of(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return "?"
