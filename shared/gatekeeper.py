"""The access of a running service, made from its settings."""

import zlib
from collections.abc import Mapping

import httpx

from shared.access import Access
from shared.access_settings import AccessSettings, Mode
from shared.api_keys import Pepper
from shared.audit import Trail
from shared.database import Database
from shared.identity import BearerIdentity, Identify, OpenIdentity
from shared.key_store import KeyRing
from shared.oidc import Provider
from shared.permissions import Locate, Permissions, read_permissions
from shared.rate_limit import Policy, RateLimits
from shared.tokens import ClaimNames, Issuer


class Gatekeeper:
    """Access with everything behind it; `close` it at the end, and let `trail.run` be one of the service's loops."""

    def __init__(
        self, service: str, settings: AccessSettings, database: Database, instance: str,
        places: Mapping[str, Locate] | None = None,
    ) -> None:  # fmt: skip
        """`places` finds the things that routes name.

        Raises Rejected for a wrong roles.toml, OSError for a missing one, ValueError for a wrong issuer.
        """
        permissions = read_permissions(settings.roles)
        self.trail = Trail(database, zlib.crc32(instance.encode()))
        self._client: httpx.AsyncClient | None = None
        pepper = settings.key_pepper.get_secret_value()
        self.keys = KeyRing(database, Pepper(pepper.encode())) if pepper else None
        self.access = Access(
            service, permissions, self._identify(settings, permissions), RateLimits(), self.trail.note,
            Policy("refused", settings.refused_quota), self.keys.freshen if self.keys is not None else None,
            places=places or {},
        )  # fmt: skip

    def _identify(self, settings: AccessSettings, permissions: Permissions) -> Identify:
        if settings.access is Mode.OPEN:
            return OpenIdentity(permissions)
        provider = None
        if settings.oidc_issuer:
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(5.0), trust_env=False)
            provider = Provider(Issuer(settings.oidc_issuer, settings.oidc_audience, settings.leeway), self._client)
        return BearerIdentity(permissions, self.keys, provider, claim_names(settings), settings.person_quota)

    async def close(self) -> None:
        """Close the connections to the login provider."""
        if self._client is not None:
            await self._client.aclose()


def claim_names(settings: AccessSettings) -> ClaimNames:
    """Where the provider's tokens say what."""
    return ClaimNames(
        settings.oidc_role_claim, settings.oidc_unit_claim, settings.oidc_person_claim,
        settings.oidc_jurisdiction_claim, settings.oidc_roles,
    )  # fmt: skip
