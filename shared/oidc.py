"""The provider of people's logins (OpenID Connect): its keys, found by discovery, never where a token says."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc.jwk import Key

from shared.actors import Unauthenticated
from shared.clock import Clock, utc_now
from shared.errors import Unavailable
from shared.telemetry import log
from shared.tokens import Claims, Issuer, check_token, key_id_of, usable_keys

FETCH_S: Final = 5.0
KEYS_FRESH_S: Final = 600.0
"""How long keys are used before they are asked for again."""
KEYS_STALE_S: Final = 24 * 3600.0
"""How long they are used when the provider does not answer; then nobody gets in by a token."""
UNKNOWN_KEY_S: Final = 30.0
"""A token with a key nobody knows has them fetched anew, not more often than this: tokens are easily made up."""
FIRST_S: Final = 2.0
"""The same, while there are no keys at all."""
MAX_DOCUMENT: Final = 256 * 1024
DISCOVERY: Final = "/.well-known/openid-configuration"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Provider:
    """Verifies tokens of one issuer."""

    def __init__(
        self, issuer: Issuer, client: httpx.AsyncClient, *, now: Clock = utc_now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """`now` is real time, never the demo's. Raises ValueError when the issuer is not https, loopback apart."""
        _must_be_safe(issuer.issuer)
        self._issuer = issuer
        self._client = client
        self._now = now
        self._ticks = ticks
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def verify(self, token: str) -> Claims:
        """The token's claims. Raises Unauthenticated, or Unavailable when the keys cannot be had."""
        kid = key_id_of(token)
        key = await self._key(kid)
        if key is None:
            raise Unauthenticated("token-key-unknown")
        return check_token(token, key, self._issuer, int(self._now().timestamp()))

    async def _key(self, kid: str) -> Key | None:
        if self._age() > KEYS_FRESH_S or kid not in self._keys:
            await self._refresh(kid)
        if self._age() > KEYS_STALE_S:
            raise Unavailable("the login provider's keys cannot be had")
        return self._keys.get(kid)

    def _age(self) -> float:
        return self._ticks() - self._fetched_at

    async def _refresh(self, kid: str) -> None:
        async with self._fetching:
            known = kid in self._keys and self._age() <= KEYS_FRESH_S
            pause_s = UNKNOWN_KEY_S if self._keys else FIRST_S
            if known or self._ticks() - self._tried_at < pause_s:
                return
            self._tried_at = self._ticks()
            try:
                async with asyncio.timeout(FETCH_S):
                    self._keys = await self._fetch_keys()
            except (httpx.HTTPError, TimeoutError, ValueError) as error:
                log.warning("provider_keys_not_fetched", issuer=self._issuer.issuer, error=repr(error))
                return
            self._fetched_at = self._ticks()

    async def _fetch_keys(self) -> Mapping[str, Key]:
        said = await self._document(self._issuer.issuer.rstrip("/") + DISCOVERY)
        if not isinstance(said, dict) or said.get("issuer") != self._issuer.issuer:
            raise ValueError("the discovery document is another issuer's")
        place = said.get("jwks_uri")
        if not isinstance(place, str):
            raise ValueError("the discovery document names no jwks_uri")
        _must_be_safe(place, loopback=urlsplit(self._issuer.issuer).hostname in _LOOPBACK)
        keys = usable_keys(await self._document(place))
        if not keys:
            raise ValueError("the provider has no key that could be used")
        return keys

    async def _document(self, url: str) -> object:
        """A JSON document, never from where a redirect leads, and never a large one."""
        body = b""
        async with self._client.stream("GET", url, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"{url} answers {response.status_code}")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise ValueError(f"{url} is larger than {MAX_DOCUMENT} bytes")
        return orjson.loads(body)


def _must_be_safe(url: str, *, loopback: bool = True) -> None:
    """Raises ValueError unless the address is https; on this machine, where allowed, http will do."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and loopback and parts.hostname in _LOOPBACK
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username or parts.fragment:
        raise ValueError(f"{url} must be an https address")
