"""Settings that every service has; one frozen object, read once in __main__ from `GRIDDISPATCH_…`, files, `.env`."""

import os
import socket
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from shared.access_settings import DEMO_SECRETS, LOOPBACK, AccessSettings, Mode, start_faults
from shared.clock import Clock, read_clock
from shared.failpoint import failpoint
from shared.kafka_security import KafkaSettings, kafka_faults
from shared.start_faults import StartRefused
from shared.steadiness import SteadyClock

_VERIFIED: Final = ("require", "verify-ca", "verify-full")
SHORTEST_PASSWORD: Final = 12
_ORIGIN: Final = r"https?://[A-Za-z0-9.:\[\]-]+"
ORIGIN: Final = rf"^({_ORIGIN})?$"
"""An origin as browsers write it, or nothing: it stands in headers as it is."""
ORIGINS: Final = rf"^({_ORIGIN}(,{_ORIGIN})*)?$"
"""Several, with commas between, or none."""


def _readable_clock(text: str) -> str:
    read_clock(text)
    return text


def _readable_failpoint(text: str) -> str:
    failpoint(text)
    return text


class ServiceSettings(AccessSettings, KafkaSettings):
    """What every service needs to know. Each field is the environment variable GRIDDISPATCH_<NAME>."""

    database_dsn: SecretStr = Field(examples=["postgresql://ROLE:PASSWORD@localhost/griddispatch"])
    database_pool: int = Field(default=10, ge=2, le=200)
    kafka_bootstrap: str = Field(min_length=1, examples=["localhost:9092"])
    kafka_static_member: str = ""
    kafka_idle_pause_ms: int = Field(default=0, ge=0, le=1000)
    kafka_poll_records: int = Field(default=500, ge=1, le=10_000)
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()[:60]}-{os.getpid()}", min_length=1)
    port: int = Field(ge=0, le=65535)
    http_per_address: int = Field(default=100, ge=1, le=100_000)
    http_connections: int = Field(default=2_000, ge=10, le=100_000)
    http_requests: int = Field(default=512, ge=10, le=100_000)
    sample_every_s: float = Field(default=15.0, ge=0.1, le=300)
    tracing_endpoint: str = Field(default="", pattern=r"^(https?://[^\s<>]+)?$")
    tracing_ratio: float = Field(default=1.0, ge=0, le=1)
    clock: Annotated[str, AfterValidator(_readable_clock)] = "real"
    pack: Path = Field(examples=["deploy/packs/county-default"])
    area: Path = Field(examples=["deploy/areas/sample-county"])
    failpoint: Annotated[str, AfterValidator(_readable_failpoint)] = ""

    @cached_property
    def steady(self) -> SteadyClock:
        """This machine's clock, as far as it may be believed."""
        return SteadyClock()

    @cached_property
    def now(self) -> Clock:
        """The injected clock."""
        return read_clock(self.clock, self.steady)

    @model_validator(mode="after")
    def _refuse(self) -> Self:
        # One check for all three: the first to refuse would hide what the others have to say.
        faults = start_faults(self) + kafka_faults(self)
        faults += production_faults(self) if self.access is Mode.ENFORCED else []
        if faults:
            raise StartRefused(faults)
        return self


def production_faults(settings: ServiceSettings) -> list[str]:
    """What is for demonstrations and tests only, and must not be so where callers are asked who they are."""
    faults = list(_plain_ways(settings)) + list(_demo_secrets(settings))
    if settings.clock != "real":
        faults.append("clock must be real: deadlines are promises to citizens")
    if settings.failpoint:
        faults.append("failpoint ends the service on purpose: it is for tests")
    if (given := getattr(settings, "open311_keys", None)) and given.get_secret_value():
        faults.append("open311_keys is for access=open: take them over with `griddispatch keys import`")
    if getattr(settings, "loopback_targets", ""):
        faults.append("loopback_targets lets messages reach this machine: it is for demonstrations")
    return faults


def _plain_ways(settings: ServiceSettings) -> Iterator[str]:
    """Ways to other machines on which anybody could read along."""
    if settings.private_network:
        return
    brokers = [one.strip().rpartition(":")[0].strip("[]") for one in settings.kafka_bootstrap.split(",")]
    if not settings.kafka_security.is_encrypted and not all(one in LOOPBACK for one in brokers):
        yield "kafka_security must be SSL or SASL_SSL, or say private_network=true if nobody else is on the way"
    dsn = urlsplit(settings.database_dsn.get_secret_value())
    is_near = (dsn.hostname or "") in ("", *LOOPBACK)
    if not is_near and parse_qs(dsn.query).get("sslmode", [""])[-1] not in _VERIFIED:
        yield "database_dsn needs ?sslmode=verify-full, or say private_network=true if nobody else is on the way"


def _demo_secrets(settings: ServiceSettings) -> Iterator[str]:
    """Passwords and keys that stand in an example or were thought up; a secret itself is never quoted."""
    password = urlsplit(settings.database_dsn.get_secret_value()).password
    if password is not None and _is_demo(password):
        yield f"database_dsn has a password for demonstrations: take {SHORTEST_PASSWORD} random characters or more"
    for name in sorted(type(settings).model_fields):
        value = getattr(settings, name)
        held = list(value.values()) if isinstance(value, dict) else [value]
        secrets = [one.get_secret_value() for one in held if isinstance(one, SecretStr)]
        if name not in ("database_dsn", "key_pepper") and any(one and _is_demo(one) for one in secrets):
            yield f"{name} holds a secret for demonstrations"


def _is_demo(secret: str) -> bool:
    """Whether a secret is too short, one letter again and again, or one of the words everybody tries first."""
    plain = secret.casefold()
    return len(secret) < SHORTEST_PASSWORD or len(set(secret)) < 6 or any(
        plain.startswith(word) for word in DEMO_SECRETS
    )  # fmt: skip
