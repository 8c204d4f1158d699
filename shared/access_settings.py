"""How a service lets people and programs in: open on this machine, or enforced, which does not start half locked."""

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, model_validator

from shared.api_keys import PEPPER_BYTES
from shared.from_files import FiledSettings
from shared.start_faults import StartRefused

DEMO_SECRETS: Final = frozenset(("demo", "changeme", "change-me", "secret", "password", "test"))
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_FEW_LETTERS: Final = 10
"""A secret of fewer different characters was typed, not drawn."""


class Mode(StrEnum):
    """Whether callers must say who they are."""

    OPEN = "open"
    ENFORCED = "enforced"


class AccessSettings(FiledSettings):
    """The settings of access. Each field is the environment variable GRIDDISPATCH_<NAME>."""

    host: str = "127.0.0.1"
    access: Mode = Mode.OPEN
    roles: Path = Path("deploy/access/roles.toml")
    key_pepper: SecretStr = SecretStr("")
    tls_terminated: bool = False
    private_network: bool = False
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_role_claim: str = Field(default="roles", min_length=1)
    oidc_unit_claim: str = Field(default="unit", min_length=1)
    oidc_person_claim: str = Field(default="sub", min_length=1)
    oidc_jurisdiction_claim: str = Field(default="jurisdiction", min_length=1)
    oidc_roles: dict[str, str] = Field(default_factory=dict)
    oidc_leeway_s: int = Field(default=30, ge=0, le=300)
    person_quota: int = Field(default=600, ge=1, le=1_000_000)
    refused_quota: int = Field(default=60, ge=1, le=1_000_000)

    @cached_property
    def leeway(self) -> timedelta:
        """How far the provider's clock and ours may be apart."""
        return timedelta(seconds=self.oidc_leeway_s)

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        faults = start_faults(self)
        if faults:
            raise StartRefused(faults)
        return self


def start_faults(settings: AccessSettings) -> list[str]:
    """Why the service must not start, all at once; empty when it may."""
    return list(_open_faults(settings) if settings.access is Mode.OPEN else _enforced_faults(settings))


def _open_faults(settings: AccessSettings) -> list[str]:
    if settings.host in LOOPBACK:
        return []
    return ["access=open lets everybody in and listens on this machine only: set host to 127.0.0.1, or access=enforced"]


def _enforced_faults(settings: AccessSettings) -> list[str]:
    faults = []
    pepper = settings.key_pepper.get_secret_value()
    if not pepper and not settings.oidc_issuer:
        faults.append("access=enforced needs key_pepper for API keys, oidc_issuer for people, or both")
    if pepper and is_weak(pepper):
        faults.append(f"key_pepper must be at least {PEPPER_BYTES} random bytes, not a word or a pattern")
    if bool(settings.oidc_issuer) != bool(settings.oidc_audience):
        faults.append("oidc_issuer and oidc_audience go together")
    plain = settings.oidc_issuer and not settings.oidc_issuer.startswith("https://")
    if plain and settings.host not in LOOPBACK:
        faults.append("oidc_issuer must be https")
    if not settings.tls_terminated:
        faults.append("say tls_terminated=true once something in front speaks TLS: keys and tokens travel in clear")
    return faults


def is_weak(secret: str) -> bool:
    """Whether a secret of 32 bytes and more was typed rather than drawn."""
    known = any(word in secret.casefold() for word in DEMO_SECRETS)
    return len(secret.encode()) < PEPPER_BYTES or len(set(secret)) < _FEW_LETTERS or (known and len(secret) < 64)
