"""The settings of the intake service."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.intake.open311_keys import read_key_ring
from services.intake.vault import read_keys
from shared.settings import ORIGINS, ServiceSettings


def _readable_keys(keys: SecretStr) -> SecretStr:
    read_keys(keys.get_secret_value())
    return keys


def _readable_key_ring(keys: SecretStr) -> SecretStr:
    read_key_ring(keys.get_secret_value())
    return keys


class IntakeSettings(ServiceSettings):
    """What intake needs beside the common settings.

    `vault_keys` is `id:base64 of 32 bytes`, the active key first, older ones after it behind commas. Losing a key
    means losing every citizen's words that were sealed while it was active.
    """

    port: int = Field(default=8001, ge=0, le=65535)
    vault_keys: Annotated[SecretStr, AfterValidator(_readable_keys)] = Field(
        examples=["k1:… where … is the output of: head -c 32 /dev/urandom | base64"]
    )
    body_limit: int = Field(default=64 * 1024, ge=1024, le=256 * 1024)
    bulk_batch: int = Field(default=500, ge=1, le=5000)
    triage_batch: int = Field(default=500, ge=1, le=5000)
    open311_keys: Annotated[SecretStr, AfterValidator(_readable_key_ring)] = SecretStr("")
    relay_call_url: str = Field(default="", pattern=r"^(https?://[^\s<>]+)?$")
    relay_call_key: SecretStr = SecretStr("")
    retention_identity_days: int = Field(default=3 * 365, ge=1, le=36500)
    retention_lead_days: int = Field(default=3 * 365, ge=1, le=36500)
    retention_talk_days: int = Field(default=3 * 365, ge=1, le=36500)
    notify_url: str = Field(default="", pattern=r"^(https?://[^\s<>]+)?$")
    notify_key: SecretStr = SecretStr("")
    open311_url: str = Field(default="", pattern=r"^(https?://[^\s<>]+)?$")
    console_origins: str = Field(default="", pattern=ORIGINS)
